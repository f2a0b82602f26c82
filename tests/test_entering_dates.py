"""Dates in place of months: computed and shown, never guessed; and every way of getting them wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from model.artefact import Artefact
from model.patient import Problem
from server.entering.dates import END, Dated, read_dates
from server.entering.documents import entry_of_form
from tests.invented import small_model
from tests.web import BOTH, PREDICTIONS, Page, client_of, send_form

FEATURES = small_model().features
TODAY = date(2026, 6, 15)
INTERVAL, ALIVE = "interval_months", "alive_months"
ANSWERS: Mapping[str, Any] = {"pattern": "local", "resection": "yes"}
DIAGNOSIS = "the day on which the first recurrence was diagnosed"
DAYS = st.dates(date(1950, 1, 1), TODAY)


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


def fields(**dates: str) -> dict[str, str]:
    """Fields by short names; ``since`` is the day of ``diagnosed``, asked again, and ``lived`` a number of months."""
    names = {
        "lived": ALIVE,
        "operated": f"{INTERVAL}.begin",
        "diagnosed": f"{INTERVAL}.end",
        "since": f"{ALIVE}.begin",
        "seen": f"{ALIVE}.end",
    }
    return {names[name]: value for name, value in dates.items()}


def read(dates: Mapping[str, str], today: date = TODAY) -> tuple[dict[str, float], dict[str, str]]:
    """The months that come out, and the codes of what is wrong."""
    months, problems = read_dates(FEATURES, fields(**dates), today)
    return {name: dated.months for name, dated in months.items()}, {name: p.code for name, p in problems.items()}


def problems_on(page: Page) -> list[str]:
    """What the page says is wrong, at the fields and in the summary alike."""
    assert page.status == 422
    assert not page.all("table")
    at_fields = [text.removeprefix("Error: ") for text in page.texts("p", class_="problem")]
    summary = page.texts("li", within="summary")
    assert summary == at_fields
    return summary


@given(DAYS, DAYS)
def test_months_are_days_over_the_mean_month_to_one_decimal(first: date, second: date) -> None:
    """E21: 30.4375 days, a twelfth of the mean year of 365.25; the two dates are kept beside the number."""
    begin, end = sorted((first, second))
    months, problems = read_dates(FEATURES, fields(operated=str(begin), diagnosed=str(end), lived="0"), TODAY)
    assert not problems
    dated = months[INTERVAL]
    assert (dated.begin, dated.end) == (begin, end)
    assert abs(dated.months * 30.4375 - (end - begin).days) <= 0.05 * 30.4375 + 1e-9
    assert dated.months == float(f"{dated.months:.1f}")


@pytest.mark.parametrize(
    ("begin", "end", "months"),
    [
        ("2020-01-01", "2022-01-01", 24.0),
        ("2020-01-01", "2020-01-31", 1.0),
        ("2020-02-29", "2021-02-28", 12.0),
        ("2021-03-01", "2021-03-02", 0.0),
        ("2021-03-01", "2021-03-03", 0.1),
        ("2000-01-01", "2020-01-01", 240.0),
    ],
)
def test_intervals_worked_out_by_hand(begin: str, end: str, months: float) -> None:
    """E4: 731 days are 24.0 months, 30 days 1.0, 7305 days 240.0."""
    assert read({"operated": begin, "diagnosed": end, "lived": "0"}) == ({INTERVAL: months}, {})


@pytest.mark.parametrize(
    ("begin", "end", "months"),
    [
        ("2024-01-15", "2024-01-15", 0),
        ("2024-01-15", "2024-02-14", 0),
        ("2024-01-15", "2024-02-15", 1),
        ("2024-01-31", "2024-02-29", 0),
        ("2024-01-31", "2024-03-01", 1),
        ("2024-01-31", "2024-03-30", 1),
        ("2024-01-31", "2024-03-31", 2),
        ("2024-02-29", "2025-02-28", 11),
        ("2024-02-29", "2025-03-01", 12),
        ("2023-02-28", "2024-02-28", 12),
        ("2023-12-31", "2024-01-30", 0),
        ("2023-12-31", "2024-01-31", 1),
    ],
)
def test_time_alive_counts_whole_months_that_are_complete(begin: str, end: str, months: int) -> None:
    """E18: never a month more than somebody has lived; month ends and leap days included."""
    assert read({"since": begin, "seen": end}) == ({ALIVE: float(months)}, {})


@given(DAYS, st.integers(0, 20_000), st.integers(0, 400))
def test_time_alive_obeys_the_laws_of_counting(begin: date, days: int, more: int) -> None:
    """E18: never negative, never falling as time passes, a month is 28 to 31 days, and a year is twelve."""
    end, later = begin + timedelta(days), begin + timedelta(days + more)
    months = read({"since": str(begin), "seen": str(end)}, date(2200, 1, 1))[0][ALIVE]
    then = read({"since": str(begin), "seen": str(later)}, date(2200, 1, 1))[0][ALIVE]
    assert months.is_integer()
    assert 28 * months <= days < 31 * (months + 1)
    assert 0 <= months <= then
    if (begin.month, begin.day) != (2, 29):
        year = str(begin.replace(year=begin.year + 1))
        assert read({"since": str(begin), "seen": year}, date(2200, 1, 1)) == ({ALIVE: 12.0}, {})


@pytest.mark.parametrize("given_at", [("diagnosed",), ("since",), ("diagnosed", "since")])
def test_the_day_of_diagnosis_given_once_counts_for_both(given_at: tuple[str, ...]) -> None:
    """E21: it is one day, asked in two places; in either it serves both."""
    once = dict.fromkeys(given_at, "2022-01-01")
    months, problems = read(dict(operated="2020-01-01", seen="2022-06-01", **once))
    assert (months, problems) == ({INTERVAL: 24.0, ALIVE: 5.0}, {})


@pytest.mark.parametrize(
    ("today", "passed"),
    [("2022-01-01", 0), ("2022-01-31", 0), ("2022-02-01", 1), ("2022-12-31", 11)],
)
def test_a_day_of_diagnosis_in_the_past_asks_how_long_the_patient_has_lived(today: str, passed: int) -> None:
    """E16, E21: what a date shows is neither dropped nor guessed at: it asks, and takes a number, 0 too, or a date."""
    dates, then = {"operated": "2020-01-01", "diagnosed": "2022-01-01"}, date.fromisoformat(today)
    months, problems = read_dates(FEATURES, fields(**dates), then)
    assert {name: dated.months for name, dated in months.items()} == {INTERVAL: 24.0}
    asked = {ALIVE: Problem("time_has_passed", allowed={"months": passed})}
    assert problems == (asked if passed else {})
    assert read({**dates, "lived": "0"}, then) == ({INTERVAL: 24.0}, {})
    assert read({**dates, "seen": "2022-01-01"}, then) == ({INTERVAL: 24.0, ALIVE: 0.0}, {})


def test_a_day_of_diagnosis_beyond_the_support_gets_no_estimate_for_today() -> None:
    """E6: 0 months is not offered as a way out; typed on purpose, it is the estimate as it was on that day."""
    dates, last = {"operated": "2020-01-01", "diagnosed": "2022-01-01"}, max(FEATURES.support_months.values())
    then = date(2062, 1, 1)
    _, problems = read_dates(FEATURES, fields(**dates), then)
    assert problems == {ALIVE: Problem("too_long_ago", allowed={"months": 480, "last": last})}
    assert read({**dates, "lived": "0"}, then) == ({INTERVAL: 24.0}, {})


@pytest.mark.parametrize(("lived", "wrong"), [("5", False), ("6", True), ("36", True)])
def test_nobody_has_lived_longer_than_has_passed(lived: str, wrong: bool) -> None:
    """Mistake 6: a number that the dates contradict is refused, and named beside what they say."""
    dates = {"operated": "2020-01-01", "diagnosed": "2022-01-01", "lived": lived}
    _, problems = read_dates(FEATURES, fields(**dates), date(2022, 6, 30))
    assert problems == ({ALIVE: Problem("more_than_has_passed", lived, {"months": 5})} if wrong else {})


def test_the_page_asks_how_long_the_patient_has_lived(client: TestClient) -> None:
    """E16: on the field that has no answer, with the months that have passed; 0 is an answer."""
    dates = fields(operated="2020-01-01", diagnosed="2022-01-01")
    (problem,) = problems_on(send_form(client, ANSWERS, **dates))
    assert re.search(
        rf"“Months since {DIAGNOSIS}.*” has no answer, and by the dates given \d+ months have pass", problem
    )
    assert "or 0 months for the estimate as it was on that day" in problem
    page = send_form(client, ANSWERS, **dates, **fields(lived="0"))
    assert page.status == 200
    assert "Known to be alive" not in page.one("dl", class_="inputs").text


def test_differing_days_of_diagnosis_are_refused(client: TestClient) -> None:
    """E21: conflicting values are never chosen from silently."""
    dates = {"operated": "2020-01-01", "diagnosed": "2022-01-01", "since": "2022-01-02", "seen": "2022-06-01"}
    assert read(dates)[1] == {ALIVE: "dates_differ"}
    (problem,) = problems_on(send_form(client, ANSWERS, **fields(**dates)))
    assert f"two different dates were given for “{DIAGNOSIS}”" in problem
    assert "correct one of them" in problem


WRONG = [
    ({"operated": "2022-01-02", "diagnosed": "2022-01-01"}, INTERVAL, "dates_reversed", "2022-01-01 is before"),
    ({"operated": "2020-01-01", "diagnosed": "9999-12-31"}, INTERVAL, "date_to_come", "still to come"),
    ({"operated": "2020-01-01"}, INTERVAL, "one_date", f"“{DIAGNOSIS}” is empty"),
    ({"diagnosed": "2020-01-01"}, INTERVAL, "one_date", "“primary resection” is empty"),
    ({"since": "2020-01-01"}, ALIVE, "one_date", "“last known to be alive” is empty"),
    ({"seen": "2020-01-01"}, ALIVE, "one_date", f"“{DIAGNOSIS}” is empty"),
    ({"since": "2022-01-02", "seen": "2022-01-01"}, ALIVE, "dates_reversed", "2022-01-01 is before"),
    ({"since": "2020-01-01", "seen": "9999-12-31"}, ALIVE, "date_to_come", "still to come"),
]
MALFORMED = [
    "2021-2-3",
    "03/04/2021",
    "20210304",
    "2021-W05-1",
    "2021-02-30",
    "2021-13-01",
    "0000-01-01",
    "2021-03-04T00:00",
    "+021-03-04",
    "٢٠٢١-٠٣-٠٤",
    "yesterday",
    "<b>",
]
WRONG += [
    ({"operated": text, "diagnosed": "2022-01-01"}, INTERVAL, "not_a_date", "is not a date. Give year, month and day")
    for text in MALFORMED
]


@pytest.mark.parametrize(("dates", "name", "code", "says"), WRONG)
def test_dates_that_cannot_be_used_are_refused_with_a_sentence_of_their_own(
    client: TestClient, dates: dict[str, str], name: str, code: str, says: str
) -> None:
    """E18: reversed, to come, half given, malformed; which field, what was given, and what would be right."""
    assert read(dates)[1] == {name: code}
    number = {ALIVE: "0"} if name == INTERVAL else {INTERVAL: "24"}
    page = send_form(client, {**ANSWERS, **number}, **fields(**dates))
    (problem,) = problems_on(page)
    labels = {INTERVAL: "Interval to recurrence", ALIVE: f"Months since {DIAGNOSIS}"}
    assert problem.startswith(f"“{labels[name]}")
    assert says in problem
    assert "…" not in problem
    if code == "not_a_date":
        assert f"“{dates['operated']}”" in problem


@pytest.mark.parametrize("name", [INTERVAL, ALIVE])
def test_a_number_and_dates_together_are_refused(client: TestClient, name: str) -> None:
    """E21: even where both say the same: which of the two was meant cannot be known."""
    dates = fields(operated="2020-01-01", diagnosed="2022-01-01", seen="2022-06-01")
    number = {INTERVAL: "24", ALIVE: "5"}[name]
    (problem,) = problems_on(send_form(client, ANSWERS, **dates, **{name: number}))
    assert "was given as a number and as dates. Give one of the two." in problem


def test_nothing_is_lost_when_dates_are_refused(client: TestClient) -> None:
    """E18, S4: every field comes back as it was typed, the dates opened, and the message tied to each of them."""
    dates = fields(operated="2022-01-02", diagnosed="2022-01-01", seen="2021-2-3")
    page = send_form(client, ANSWERS, **dates)
    problems = problems_on(page)
    assert len(problems) == 2
    for name, value in dates.items():
        field = page.one("input", name=name)
        assert field.attributes["value"] == value
        assert field.attributes["aria-invalid"] == "true"
        tied = field.attributes["aria-describedby"].split()
        assert any(element.attributes.get("id") in tied for element in page.all("p", class_="problem"))
    assert {field.attributes["value"] for field in page.all("input", checked="")} == {"local", "yes"}
    assert len([details for details in page.all("details", class_="dates") if "open" in details.attributes]) == 2


def test_dates_are_shown_with_the_months_that_they_gave(client: TestClient) -> None:
    """E21, E35: a computed value shows where it is from, in the list of inputs and in the note, month in letters."""
    page = send_form(client, ANSWERS, **fields(operated="2020-03-04", diagnosed="2022-03-04", seen="2022-09-03"))
    assert page.status == 200
    note = page.one("textarea").text
    for shown in (page.one("dl", class_="inputs").text, note):
        assert "24 months, computed from 4 March 2020 to 4 March 2022" in shown
        assert "5 months" in shown
        assert "4 March 2022 to 3 September 2022" in shown


def test_a_result_sends_dates_on_as_they_were_typed(client: TestClient) -> None:
    """E4: what a file or the page for the patient is made from is what the result was made from."""
    dates = fields(operated="2020-01-01", diagnosed="2022-01-01", seen="2022-06-01")
    page = send_form(client, ANSWERS, **dates)
    sent = {e.attributes["name"]: e.attributes["value"] for e in page.all("input", type="hidden", within="record")}
    assert dates.items() <= sent.items()
    assert not {INTERVAL, ALIVE} & set(sent)
    inputs = client.post("/download/result.json", data=sent).json()["receipt"]["inputs"]
    assert (inputs[INTERVAL], inputs[ALIVE]) == (24.0, 5)
    typed = send_form(client, {**ANSWERS, INTERVAL: 24, ALIVE: 5})
    assert page.table("figures") == typed.table("figures")


def test_months_from_dates_are_held_to_the_same_limits(client: TestClient) -> None:
    """E18: hard limits refuse and name the range, soft limits warn; nothing is clamped."""
    (far,) = problems_on(send_form(client, ANSWERS, **fields(operated="1950-01-01", diagnosed="2020-01-01", lived="0")))
    assert "840 is too high" in far
    assert "240" in far
    (none,) = problems_on(
        send_form(client, ANSWERS, **fields(operated="2020-01-01", diagnosed="2020-01-01", lived="0"))
    )
    assert "0 is too low" in none
    (long,) = problems_on(send_form(client, {**ANSWERS, INTERVAL: 24}, **fields(since="2010-01-01", seen="2015-01-01")))
    assert "60 is too high" in long
    unusual = send_form(client, ANSWERS, **fields(operated="2020-01-01", diagnosed="2020-02-01", seen="2020-05-01"))
    assert "outside 3 to 140" in " ".join(unusual.texts("p", class_="warning"))


def test_dates_where_no_interval_is_asked_are_refused(client: TestClient) -> None:
    """S4, E18: the pattern does not use the interval, so dates that give one are named and not dropped."""
    dates = fields(operated="2020-01-01", diagnosed="2022-01-01", lived="0")
    (problem,) = problems_on(send_form(client, BOTH, **dates))
    assert "“Interval to recurrence” is not used for “Local and distant together”" in problem
    assert send_form(client, BOTH, **fields(since="2020-01-01", seen="2022-01-01")).status == 200


def test_today_is_no_date_to_come_and_tomorrow_is() -> None:
    """E18: today is given to whoever reads dates, so the law needs no clock."""
    assert read({"operated": "2020-06-15", "diagnosed": str(TODAY)}) == ({INTERVAL: 72.0}, {})
    assert read({"operated": "2020-06-15", "diagnosed": str(TODAY + timedelta(1))})[1] == {INTERVAL: "date_to_come"}


def test_a_date_given_twice_with_different_values_is_refused(client: TestClient) -> None:
    """E21: of two values of one field none is chosen."""
    sent = {**ANSWERS, f"{INTERVAL}.begin": ["2020-01-01", "2020-02-01"], f"{INTERVAL}.end": "2022-01-01"}
    response = client.post("/", data=sent)
    assert response.status_code == 422
    assert "2020-01-01; 2020-02-01" in response.text


@pytest.mark.parametrize("name", [f"{INTERVAL}.begin", f"{INTERVAL}.end", f"{ALIVE}.end"])
def test_the_interface_takes_months_alone(client: TestClient, name: str) -> None:
    """S4: a date is an unknown field of the JSON interface, inside the features and beside them."""
    features = {**ANSWERS, INTERVAL: 24}
    for document in ({"features": {**features, name: "2020-01-01"}}, {"features": features, name: "2020-01-01"}):
        response = client.post(PREDICTIONS, json=document)
        assert response.status_code == 422
        assert set(response.json()["problems"]) == {name}
        assert "is not a field" in response.json()["problems"][name]


def test_an_entry_carries_its_dates_and_no_date_fields() -> None:
    """E21: what is parsed is months; the dates stand beside them, so that they can be shown."""
    sent = {name: [value] for name, value in fields(operated="2020-01-01", diagnosed="2022-01-01").items()}
    entry = entry_of_form(FEATURES, {**sent, "pattern": ["local"]}, TODAY)
    assert entry.values == {"pattern": "local", INTERVAL: 24.0, "resection": None, "subtype": None}
    assert entry.dated == {INTERVAL: Dated(24.0, date(2020, 1, 1), date(2022, 1, 1))}
    assert entry.problems == {ALIVE: Problem("time_has_passed", allowed={"months": 53})}
    assert entry_of_form(FEATURES, {f"{INTERVAL}.begin": ["x"]}, TODAY).problems == {
        INTERVAL: Problem("one_date", allowed={"which": END})
    }
