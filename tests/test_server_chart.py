"""The drawing: fixed axes, a band around the line, labels that can be read, a reading that is right."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.artefact import Artefact
from model.fitted import Model
from model.patient import Patient
from model.prediction import predict
from server.pages.chart import ACROSS, DOWN, LABEL_GAP, Chart, _apart, axes_of, chart_of
from server.served import Served, prepare
from server.wording.language import english
from tests.invented import small_model, valid_inputs
from tests.web import BOTH, LOCAL, another_artefact, client_of, send_form

MODEL = small_model()


@cache
def served_of(model: Model) -> Served:
    return prepare(Artefact(model, {}, {}), english())


def drawn(inputs: dict[str, Any], model: Model = MODEL) -> Chart:
    patient = Patient.parse(model.features, inputs["features"], alive_months=inputs["alive_months"])
    return chart_of(served_of(model), predict(model, patient))


def points(text: str) -> list[tuple[float, int]]:
    """A line's points: months across, thousandths down."""
    assert DOWN == 1000
    numbers = [int(number) for number in text.split(", ")]
    return [(60 * across / ACROSS, down) for across, down in zip(numbers[::2], numbers[1::2], strict=True)]


@given(valid_inputs())
def test_the_axes_are_the_same_whoever_the_patient_is(inputs: dict[str, Any]) -> None:
    """E7: 0–100 % and 0–60 months; the line stays on them and never rises."""
    chart, axes = drawn(inputs), axes_of(MODEL)
    assert axes.months == 60
    assert [tick.label for tick in axes.across] == ["0", "12", "24", "36", "48", "60"]
    assert [tick.label for tick in axes.down] == ["0", "25", "50", "75", "100"]
    line = points(chart.line)
    assert all(0 <= month <= 60 and 0 <= depth <= 1000 for month, depth in line)
    assert all(after[1] >= before[1] for before, after in pairwise(line))


@given(valid_inputs())
def test_the_band_holds_the_line(inputs: dict[str, Any]) -> None:
    """E10: there along the upper limit, back along the lower one, around the estimate at every month."""
    chart = drawn(inputs)
    line, band = points(chart.line), points(chart.band)
    top, bottom = band[: len(line)], band[len(line) :][::-1]
    assert [month for month, _ in top] == [month for month, _ in line] == [month for month, _ in bottom]
    for (_, up), (_, at), (_, down) in zip(top, line, bottom, strict=True):
        assert up <= at <= down


@given(valid_inputs())
def test_the_worked_reading_is_the_lines(inputs: dict[str, Any]) -> None:
    """E8: "At 2 years the line is at 61: of 100 people like this patient, 61 …"."""
    patient = Patient.parse(MODEL.features, inputs["features"], alive_months=inputs["alive_months"])
    prediction = predict(MODEL, patient)
    chart = chart_of(served_of(MODEL), prediction)
    horizon = prediction.survival[min(1, len(prediction.survival) - 1)]
    assert f"{100 * horizon.months / 60:.1f}%" == chart.read_across
    assert f"{100 * (1 - horizon.estimate):.1f}%" == chart.read_down
    assert re.search(r"the solid line is at [<>]?\d+: of 100 people", chart.reading)


def test_the_reference_curve_is_on_the_same_chart(artefact: Artefact) -> None:
    """E26, and not by colour alone: dashed, and labelled at its end and in the key."""
    page = send_form(client_of(artefact), LOCAL)
    for line in (page.one("polyline", class_="everybody"), page.one("polyline", class_="patient")):
        assert [month for month, _ in points(line.attributes["points"])] == list(range(61))
    assert len(page.all("text", class_="end")) == 2
    assert "All patients with a first local recurrence" in page.one("ul", class_="key").text


def test_a_pattern_without_predictors_has_one_line_and_says_so(artefact: Artefact) -> None:
    """Two lines on top of each other would look like one of them had been lost."""
    page = send_form(client_of(artefact), BOTH)
    assert not page.all("polyline", class_="everybody")
    said = "There is one line, because everybody with a first recurrence that is both local and distant has the same"
    assert said in page.one("figcaption").text


def test_past_the_support_there_is_no_line(artefact: Artefact) -> None:
    """E6: past the last supported time, "not enough follow-up"."""
    page = send_form(client_of(artefact), LOCAL)
    assert "Past 5 years after this recurrence was diagnosed: not enough follow-up" in page.text
    other = send_form(client_of(another_artefact()), {"kind": "invented", "size": 3, "grade": "g1", "site": "here"})
    assert "Past 13 months" in other.text


def test_the_chart_has_a_title_a_description_and_a_table(artefact: Artefact) -> None:
    """Access: SVG with title and description, and a data table."""
    page = send_form(client_of(artefact), LOCAL)
    chart = page.one("svg", class_="chart")
    assert chart.attributes["role"] == "img"
    assert set(chart.attributes["aria-labelledby"].split()) == {"chart-title", "chart-description"}
    assert "dashed line" in page.one("desc").text
    months = [int(row[0]) for row in page.table("rows")]
    assert months == sorted({*range(0, 61, 6), 12, 24, 36, 60})


@given(st.floats(0, 1), st.floats(0, 1))
def test_labels_at_the_ends_of_lines_never_touch(first: float, second: float) -> None:
    """Two figures on top of each other cannot be read; they keep their order and stay in the plot."""
    a, b = _apart(first, second)
    assert abs(a - b) >= LABEL_GAP / 100 - 1e-12
    assert (a <= b) == (first <= second)
    assert min(a, b) >= -1e-12
    assert max(a, b) <= 1 + 1e-12


@pytest.mark.parametrize("alive", [0, 1, 59])
def test_the_line_starts_where_the_patient_is(alive: int) -> None:
    """DESIGN §6: at (s, 1)."""
    chart = drawn({"features": dict(LOCAL), "alive_months": alive})
    assert points(chart.line)[0] == (alive, 0)
    assert points(chart.reference_line)[0] == (alive, 0)
    assert (chart.starts is None) == (alive == 0)


def test_the_description_speaks_of_the_lines_that_are_drawn() -> None:
    """Access: who hears the chart hears of no dashed line where there is none."""
    assert "dashed" not in drawn({"features": BOTH, "alive_months": 0}).description
    assert "dashed" in drawn({"features": LOCAL, "alive_months": 0}).description
