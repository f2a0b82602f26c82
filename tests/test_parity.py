"""One result, every rendering: for 500 random patients each states the interface's figures, rounded once."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from model.artefact import Artefact
from model.features import UNKNOWN
from model.rounding import percent, percent_of_the_rest
from server.interface.receipts import answer_again
from server.served import Served, prepare
from server.wording.language import english
from server.wording.telling import SAYS_NOTHING
from tests.invented import small_model
from tests.renderings import (
    ANNOUNCED,
    COMPARED,
    ENDING,
    NOT_TOLD,
    NOTED,
    PEOPLE,
    PLAIN,
    READING,
    SENTENCE,
    Shown,
    at_time,
    cell_limits,
    expected,
    hidden,
    in_digits,
    in_table,
    limits_of,
    line_of,
    months_told,
    note_in,
    pictured,
    span_interval_told,
    told,
    told_as_risks,
)
from tests.responses import evaluated, response_of
from tests.web import Page, ask, client_of, read_page

ARTEFACT = Artefact(model=small_model(), card={"validation": {"sentence": "None."}}, manifest={})
FEATURES = ARTEFACT.model.features


@dataclass(frozen=True)
class Asked:
    """A patient, and the answers in which a different one differs."""

    features: dict[str, Any]
    alive: int
    other: dict[str, Any]


@st.composite
def patients(draw: st.DrawFn) -> Asked:
    """Over the whole hard range of every number, in steps that can be typed, and all levels, "unknown" included."""
    stratum = draw(st.sampled_from([level.code for level in FEATURES.stratum.levels]))
    answers: dict[str, st.SearchStrategy[Any]] = {}
    for feature in FEATURES.used_in(stratum):
        codes = [level.code for level in feature.levels] + [UNKNOWN] * (feature.unknown is not None)
        answers[feature.name] = st.sampled_from(codes)
        if feature.hard is not None:
            usual, high = feature.soft[stratum], int(10 * feature.hard.high)
            tenths = st.one_of(st.integers(int(10 * usual.low), int(10 * usual.high)), st.integers(1, high))
            answers[feature.name] = tenths.map(lambda tenth: tenth / 10)
    features = {FEATURES.stratum.name: stratum, **draw(st.fixed_dictionaries(answers))}
    alive = draw(st.one_of(st.just(0), st.integers(0, FEATURES.support_months[stratum] - 1)))
    return Asked(features, alive, draw(st.fixed_dictionaries({}, optional=answers)))


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(ARTEFACT) as opened:
        yield opened


@pytest.fixture(scope="module")
def served() -> Served:
    return prepare(ARTEFACT, english())


@settings(max_examples=500)
@given(patients())
def test_every_rendering_states_the_same_figures(client: TestClient, served: Served, asked: Asked) -> None:
    """E3, E4, E5, E8, E9, E10, E24, S6: words, tables, icons, curve, spans, note, comparison, files, FHIR, words."""
    fields = {**asked.features, "alive_months": asked.alive}
    compared = {f"other.{name}": value for name, value in asked.other.items()}
    html = client.post("/", data=fields | compared).text
    page = read_page(re.findall(r"<article.*</article>", html, re.DOTALL)[0])
    answer = ask(client, asked.features, alive_months=asked.alive)
    figures = expected(answer)
    check_words_tables_and_icons(page, html, answer, figures)
    check_curve(page, answer, figures)
    check_spans(page, answer)
    check_way(page, answer)
    check_comparison(client, page, asked, figures)
    receipt = hidden(page)
    assert note_in(html).splitlines()[-1].startswith(f"Receipt {receipt['receipt.id']}, ")
    assert note_in(html).endswith(f" {receipt['receipt.digest']}")
    assert receipt["receipt.id"] in page.one("p", class_="receipt").text
    check_files(client, fields | receipt, answer, receipt)
    check_risks(evaluated(client, response_of(FEATURES, asked.features, asked.alive)).json(), answer, figures)
    plain = client.post("/patient", data=fields | {"clinician": "seen"}).text
    check_plain_words(read_page(plain), answer, figures)
    again = answer_again(served, answer)
    assert (again.answer, again.other_model, again.differs) == (answer, None, ())


def check_words_tables_and_icons(page: Page, html: str, answer: Mapping[str, Any], figures: list[Shown]) -> None:
    months = [at["months"] for at in answer["survival"]]
    assert in_table(page.table("figures")) == figures
    left = [months_told(month - answer["curve"]["months"][0]) for month in months]
    from_then = [at_time(row[0])[1] for row in page.table("figures")]
    assert from_then == (left if answer["curve"]["months"][0] else [None] * len(months))
    bars = bars_of(page, "figures")
    for shown in figures:
        assert bars.pop(0) == (0, people_drawn(shown.alive))
        if shown.limits is not None:
            lower, upper = map(people_drawn, shown.limits)
            assert bars.pop(0) == (lower, upper - lower)
    assert not bars
    rows = {int(row[0]): row for row in page.table("rows")}
    assert [in_table([rows[month]])[0].alive for month in months] == [shown.alive for shown in figures]
    for month, row in rows.items():
        at = answer["curve"]["months"].index(month)
        estimate, lower, upper = (answer["curve"][name][at] for name in ("estimate", "lower", "upper"))
        assert row[1] == percent(estimate)
        assert cell_limits(row[2]) == (None if lower is None else (percent(lower), percent(upper)))
        assert (row[3], row[4]) == (percent_of_the_rest(estimate), percent(answer["reference"]["estimate"][at]))
    assert told(SENTENCE, page.texts("li", within="words")) == figures
    assert told(PEOPLE, page.texts("p", within="hundreds")) == figures
    (line,) = [line for line in note_in(html).splitlines() if ", predicted to be alive at these times" in line]
    assert [told(NOTED, [part])[0] for part in line.split("; ")] == figures
    announced = page.one("article").attributes["data-said"]
    assert announced == answer["explanation"]["sentences"][0]
    assert page.texts("p", class_="said") == answer["explanation"]["sentences"]
    (headline,) = told(ANNOUNCED, [announced])
    assert headline == figures[months.index(answer["explanation"]["horizon_months"])]
    (found,) = ANNOUNCED.finditer(in_digits(announced))
    assert found["reference"] == percent(answer["explanation"]["reference_survival"])
    check_icons(page, figures)


def check_icons(page: Page, figures: list[Shown]) -> None:
    """E5: "<1" draws no icon of the living, ">99" none of the dead."""
    alive = [people_drawn(shown.alive) for shown in figures]
    assert list(pictured(page)) == [(count, 100 - count) for count in alive]


def people_drawn(shown: str) -> int:
    return int({"<1": "0", ">99": "100"}.get(shown, shown))


def bars_of(page: Page, table: str) -> list[tuple[int, int]]:
    """Where each bar of a table starts and how long it is, of 100."""
    bars = [bar.attributes for bar in page.all("rect", within=table)]
    return [(int(bar.get("x", 0)), int(bar["width"])) for bar in bars if bar["class"] != "all"]


def check_curve(page: Page, answer: Mapping[str, Any], figures: list[Shown]) -> None:
    curve, horizons = answer["curve"], answer["survival"]
    lines = {"patient": curve["estimate"], "everybody": answer["reference"]["estimate"]}
    ends = [tspan.text for tspan in page.all("tspan", class_="figure")]
    drawn = {class_: line_of(page, class_) for class_ in lines if page.all("polyline", class_=class_)}
    assert list(drawn) == list(lines)[: len(ends)]
    for (class_, line), end in zip(drawn.items(), ends, strict=True):
        assert [month for month, _ in line] == curve["months"]
        assert all(abs(share - exact) <= 0.00051 for (_, share), exact in zip(line, lines[class_], strict=True))
        assert end == percent(lines[class_][-1])
    shares = dict(drawn["patient"])
    for at, shown in zip(horizons, figures, strict=True):
        assert shown.alive in {percent(shares[at["months"]] + off) for off in (-0.0005, 0, 0.0005)}
    read = min(1, len(horizons) - 1)
    assert told(READING, [text for text in page.texts("p", within="figcaption") if "line is at" in text]) == [
        figures[read]
    ]
    mark = page.one("circle", class_="read").attributes
    assert mark["cx"] == f"{100 * horizons[read]['months'] / 60:.1f}%"
    assert mark["cy"] == f"{100 * (1 - horizons[read]['estimate']):.1f}%"
    endings = told(ENDING, [text for text in page.texts("p", within="figcaption") if "line ends at" in text])
    assert endings == (figures[-1:] if read < len(figures) - 1 else [])


def check_spans(page: Page, answer: Mapping[str, Any]) -> None:
    spans, limits, last = answer["spans"], answer["span_limits"], answer["curve"]["months"][-1]
    worst, middle, best, median = page.texts("li", within="spans")
    begin, end = spans["middle_half_months"]
    for text, months, own in (
        (worst, spans["worst_tenth_months"], limits["worst_tenth_months"]),
        (middle, begin, limits["middle_half_months"][0]),
        (best, spans["best_tenth_months"], limits["best_tenth_months"]),
        (median, spans["median_months"], limits["median_months"]),
    ):
        assert f" {months_told(months) or f'{last} months'} " in text
        assert f"({span_interval_told(own, last)})" in text
    assert (middle.count("95 % interval") == 1) == (begin is None)
    if begin is not None:
        assert f"({span_interval_told(limits['middle_half_months'][1], last)})" in middle
        assert (f" to {months_told(end)} (" in middle) == (end is not None)


def check_way(page: Page, answer: Mapping[str, Any]) -> None:
    """E22: the whole points lead from the figure of all to the figure of this patient."""
    explanation = answer["explanation"]
    rows = page.table("way")
    assert bool(rows) == bool(explanation["contributions"])
    if not rows:
        return
    assert rows[0][1] == percent(explanation["reference_survival"])
    assert rows[-1][1] == percent(explanation["survival"])
    steps = [int(row[1].replace("−", "-")) for row in rows[1:-1]]
    exact = [contribution["points"] for contribution in explanation["contributions"]]
    assert all(abs(step - points) < 1 for step, points in zip(steps, exact, strict=True))
    start, end = (int(100 * explanation[name] + 0.5) for name in ("reference_survival", "survival"))
    assert start + sum(steps) == end
    bars, at = bars_of(page, "way"), people_drawn(rows[0][1])
    assert bars[0] == (0, at)
    assert bars[-1] == (0, people_drawn(rows[-1][1]))
    for bar, step in zip(bars[1:-1], steps, strict=True):
        assert bar == (min(at, at + step), abs(step))
        at += step
    assert abs(100 * explanation["reference_survival"] + sum(exact) - 100 * explanation["survival"]) < 1e-6


def check_comparison(client: TestClient, page: Page, asked: Asked, figures: list[Shown]) -> None:
    """E24: this side is the headline, the other side is that patient asked alone."""
    other = {**asked.features, **asked.other}
    assert bool(page.all("div", class_="compared")) == (other != asked.features)
    if other == asked.features:
        assert not asked.other or "no answer differs" in page.one("div", class_="problem").text
        return
    alone = expected(ask(client, other, alive_months=asked.alive))
    rows = page.table("both")
    assert [(row[0], row[1], cell_limits(row[2])) for row in rows] == [(s.time, s.alive, s.limits) for s in figures]
    assert [(row[0], row[3], cell_limits(row[4])) for row in rows] == [(s.time, s.alive, s.limits) for s in alone]
    (found,) = COMPARED.finditer(in_digits(page.one("div", class_="compared").attributes["data-said"]))
    this = Shown(found["time"], found["alive"], limits_of(found.groupdict()), found["rest"])
    that = Shown(found["time"], found["other"], limits_of(found.groupdict(), "other_"), found["other_rest"])
    assert (this, that) in list(zip(figures, alone, strict=True))


def check_files(
    client: TestClient, fields: Mapping[str, Any], answer: dict[str, Any], receipt: Mapping[str, str]
) -> None:
    downloaded = client.post("/download/result.json", data=dict(fields)).json()
    issued = downloaded.pop("receipt")
    assert downloaded == {name: member for name, member in answer.items() if name != "receipt"}
    assert (issued["id"], issued["time"]) == (receipt["receipt.id"], receipt["receipt.time"])
    assert (issued["model"], issued["inputs"]) == (answer["receipt"]["model"], answer["receipt"]["inputs"])
    rows = list(csv.DictReader(io.StringIO(client.post("/download/curve.csv", data=dict(fields)).text)))
    columns = {"months": "months", "survival": "estimate", "lower": "lower", "upper": "upper"}
    for column, name in columns.items():
        assert [None if not row[column] else float(row[column]) for row in rows] == answer["curve"][name]
    assert [float(row["reference_survival"]) for row in rows] == answer["reference"]["estimate"]
    assert {(row["receipt_id"], row["time"], row["model_digest"]) for row in rows} == {tuple(receipt_of(receipt))}


def check_risks(assessment: Mapping[str, Any], answer: Mapping[str, Any], figures: list[Shown]) -> None:
    """RA2: a record is told risks, in percent and in words; with those alive they are 100 of 100."""
    predictions = assessment["prediction"]
    risks = [one["probabilityDecimal"] for one in predictions]
    assert risks == [pytest.approx(100 - 100 * at["estimate"], abs=1e-9) for at in answer["survival"]]
    assert told_as_risks([one["rationale"] for one in predictions]) == figures


def receipt_of(fields: Mapping[str, str]) -> list[str]:
    return [fields[f"receipt.{name}"] for name in ("id", "time", "digest")]


def check_plain_words(page: Page, answer: Mapping[str, Any], figures: list[Shown]) -> None:
    """The same figures where they say something; no figure and no picture from the first time on where they do not."""
    horizons, last = answer["survival"], answer["curve"]["months"][-1]
    widths = [math.inf if at["lower"] is None else at["upper"] - at["lower"] for at in horizons]
    known = next((i for i, width in enumerate(widths) if width > SAYS_NOTHING), len(widths))
    texts = [text for text in page.texts("p", within="numbers") if "like you" in text]
    assert told(PLAIN, texts[:known]) == figures[:known]
    assert [found["time"] for text in texts[known:] for found in NOT_TOLD.finditer(text)] == [
        shown.time for shown in figures[known:]
    ]
    check_icons(page, figures[:known])
    start = answer["curve"]["months"][0]
    for text, at in zip(texts[:known], horizons, strict=False):
        assert (f"That is {months_told(at['months'] - start)} later." in text) == (start > 0)
    spans = page.texts("li", within="spans")
    assert len(spans) == (3 if known else 0)
    names = ("worst_tenth_months", "median_months", "best_tenth_months")
    for text, name in zip(spans, names, strict=False):
        limits = [months_told(limit) for limit in answer["span_limits"][name]]
        assert f" {months_told(answer['spans'][name]) or f'{last} months'} after" in text
        if answer["spans"][name] is not None:
            assert all(f" {limit}" in text for limit in limits if limit is not None)
