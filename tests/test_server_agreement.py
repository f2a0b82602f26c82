"""One result, many renderings: JSON, page, batch file and command line say the same after rounding."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import assume, given
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from model.artefact import Artefact
from model.rounding import percent, percent_of_the_rest
from rps_prognosis import main
from server.entering.tables import Table, TableRow
from server.interface.batch import answer_rows, columns_of, flat_row
from server.interface.schema import Answer
from server.served import prepare
from server.wording.language import english
from server.wording.refusing import of_json
from tests.invented import small_model, valid_inputs
from tests.web import ONE_OF_EACH, Page, ask, client_of, send_form

ARTEFACT = Artefact(model=small_model(), card={"validation": {"sentence": "None."}}, manifest={})


@cache
def client() -> TestClient:
    return client_of(ARTEFACT)


def as_text(value: object) -> str:
    """A value as somebody would type it: digits, without an exponent."""
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def in_months(months: float | None) -> str | None:
    """Months as the page tells them."""
    shown = None if months is None else int(months + 0.5)
    return {None: None, 0: "less than 1 month", 1: "1 month"}.get(shown, f"{shown} months")


def interval_of(limits: list[float | None]) -> str:
    """The interval of a span as the page tells it."""
    lower, upper = (in_months(limit) for limit in limits)
    beyond = "beyond the 60 months that the data support"
    return f"(95 % interval {beyond if lower is None else f'{lower} to {upper or beyond}'})"


def both(inputs: dict[str, Any]) -> tuple[dict[str, Any], Page]:
    """The answer of the interface and the page for the same patient, whose numbers people can type."""
    features = {name: as_text(value) for name, value in inputs["features"].items()}
    exact = {
        name: float(features[name]) if isinstance(value, float) else value for name, value in inputs["features"].items()
    }
    assume(all(value != 0 for value in exact.values()))
    answer = ask(client(), exact, alive_months=inputs["alive_months"])
    page = send_form(client(), features, alive_months=inputs["alive_months"])
    assert page.status == 200
    return answer, page


@given(valid_inputs())
def test_figures_sentences_and_table_agree(inputs: dict[str, Any]) -> None:
    """E3, E4, E5, E22: the page shows the interface's numbers, rounded, and says the same sentences."""
    answer, page = both(inputs)
    figures = page.table("figures")
    assert len(figures) == len(answer["survival"])
    for row, at in zip(figures, answer["survival"], strict=True):
        assert row[1] == percent(at["estimate"])
        assert row[2] == ("no interval" if at["lower"] is None else f"{percent(at['lower'])} to {percent(at['upper'])}")
        assert row[3] == percent_of_the_rest(at["estimate"])
    assert page.texts("p", class_="said") == answer["explanation"]["sentences"]
    rows = {int(row[0]): row for row in page.table("rows")}
    for i, month in enumerate(answer["curve"]["months"]):
        if month in rows:
            lower, upper = (answer["curve"][name][i] for name in ("lower", "upper"))
            assert rows[month][1] == percent(answer["curve"]["estimate"][i])
            assert rows[month][2] == ("no interval" if lower is None else f"{percent(lower)} to {percent(upper)}")
            assert rows[month][3] == percent_of_the_rest(answer["curve"]["estimate"][i])
            assert rows[month][4] == percent(answer["reference"]["estimate"][i])
    assert {at["months"] for at in answer["survival"]} <= set(rows)
    steps = [int(row[1].replace("−", "-")) for row in page.table("way")[1:-1]]
    for whole, contribution in zip(steps, answer["explanation"]["contributions"], strict=True):
        assert abs(whole - contribution["points"]) < 1.5


@given(valid_inputs())
def test_the_answer_is_what_the_schema_declares(inputs: dict[str, Any]) -> None:
    """DESIGN §6: every member of its type and none besides; what openapi.json says is what is sent."""
    answer = ask(client(), inputs["features"], alive_months=inputs["alive_months"])
    assert TypeAdapter(Answer).validate_python(answer, strict=True) == answer


@given(valid_inputs())
def test_the_curve_is_drawn_where_the_numbers_are(inputs: dict[str, Any]) -> None:
    """E4, E6, E7: read off the curve, the figures are the interface's; it starts at (s, 1) and ends where data end."""
    answer, page = both(inputs)
    (plot,) = page.all("svg", within="chart")
    left, top, width, height = (int(number) for number in plot.attributes["viewbox"].split())
    assert (left, top) == (0, 0)
    numbers = [int(number) for number in page.one("polyline", class_="patient").attributes["points"].split(", ")]
    drawn = [(60 * across / width, 1 - down / height) for across, down in zip(numbers[::2], numbers[1::2], strict=True)]
    assert [month for month, _ in drawn] == pytest.approx(answer["curve"]["months"], abs=60 / width)
    assert drawn[0][1] == 1
    for (_, share), estimate in zip(drawn, answer["curve"]["estimate"], strict=True):
        assert abs(share - estimate) <= 0.00051
    ends = [tspan.text for tspan in page.all("tspan", class_="figure")]
    assert ends[0] == percent(answer["curve"]["estimate"][-1])


@given(valid_inputs())
def test_spans_on_the_page_are_the_interfaces(inputs: dict[str, Any]) -> None:
    """E9, E4, E10: worst tenth, middle half, best tenth and the median, in whole months, each with its interval."""
    answer, page = both(inputs)
    spans, limits = answer["spans"], answer["span_limits"]
    worst, middle, best, median = page.texts("li", within="spans")
    begin, end = spans["middle_half_months"]
    at_begin, at_end = (interval_of(of) for of in limits["middle_half_months"])
    at_worst, at_best, at_median = (
        interval_of(limits[f"{name}_months"]) for name in ("worst_tenth", "best_tenth", "median")
    )
    assert (f"within {in_months(spans['worst_tenth_months'])} after" in worst) == (
        spans["worst_tenth_months"] is not None
    )
    assert (f"beyond {in_months(spans['best_tenth_months'])} after" in best) == (spans["best_tenth_months"] is not None)
    assert (f"alive {in_months(spans['median_months'])} after" in median) == (spans["median_months"] is not None)
    assert ("The median is not reached" in median) == (spans["median_months"] is None)
    for text, interval in ((worst, at_worst), (best, at_best), (median, at_median), (middle, at_begin)):
        assert text.count(interval) >= 1
    if begin is None:
        assert "so the span of the middle 50 is not reached" in middle
    elif end is None:
        assert f"about 25 are predicted to die within {in_months(begin)} after" in middle
        assert at_end in middle.partition("middle 50 ends is not reached")[2]
    else:
        assert f"for {in_months(begin)} {at_begin} to {in_months(end)} {at_end} after" in middle


@given(valid_inputs())
def test_a_row_of_a_batch_file_holds_the_same(inputs: dict[str, Any]) -> None:
    """E4, S6: batch columns come from the features and horizons and carry the interface's numbers unrounded."""
    served = prepare(ARTEFACT, english())
    cells = {**inputs["features"], "alive_months": inputs["alive_months"]}
    table = Table(tuple(cells), (TableRow(cells),))
    (row,) = answer_rows(served, table, of_json(english()))
    flat = flat_row(row, columns_of(served.model, table))
    answer = ask(client(), inputs["features"], alive_months=inputs["alive_months"])
    for at in answer["survival"]:
        assert flat[f"survival_{at['months']}"] == pytest.approx(at["estimate"], rel=1e-12)
        assert flat[f"survival_{at['months']}_lower"] == at["lower"] or at["lower"] == pytest.approx(
            flat[f"survival_{at['months']}_lower"], rel=1e-12
        )
    for contribution in answer["explanation"]["contributions"]:
        assert flat[f"points_{contribution['feature']}"] == pytest.approx(contribution["points"], rel=1e-9, abs=1e-12)
    for sentence in answer["explanation"]["sentences"]:
        assert sentence in str(flat["sentences"])


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_the_command_line_says_what_the_interface_says(
    artefact: Artefact, artefact_folder: Path, tmp_path: Path, features: dict[str, Any]
) -> None:
    """E4, DESIGN §5: the same words as the page, the same JSON as the interface, but for the receipt's id and time."""
    file = tmp_path / "patient.json"
    file.write_text(json.dumps({"features": dict(features)}), encoding="utf-8")
    done = CliRunner().invoke(main, ["predict", "--model", str(artefact_folder), str(file)])
    assert done.exit_code == 0, done.output
    said, asked = json.loads(done.stdout), ask(client_of(artefact), features)
    assert re.fullmatch(r"[0-9a-f-]{36}", said["receipt"].pop("id"))
    asked["receipt"].pop("id")
    said["receipt"].pop("time")
    asked["receipt"].pop("time")
    assert said == asked
