"""What a QuestionnaireResponse says about a patient: read by the form that it answers, every problem in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from starlette.testclient import TestClient

from model.artefact import Artefact
from model.patient import Patient
from server.fhir.response import read_response
from server.served import Served, prepare
from server.wording.language import english
from tests.invented import valid_inputs
from tests.responses import LONG_AGO, at, evaluated, issues, item, response_of, with_items
from tests.web import LOCAL, another_artefact, client_of

ANOTHER: Mapping[str, Any] = {"size": 3, "grade": "g2", "site": "here"}
HEAD = "QuestionnaireResponse"


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact, another_artefact())


@pytest.fixture(scope="module")
def served(artefact: Artefact) -> Served:
    return prepare(artefact, english())


@pytest.fixture(scope="module")
def local(artefact: Artefact) -> Mapping[str, Any]:
    """A response that can be answered."""
    return response_of(artefact.model.features, LOCAL)


def test_the_form_that_is_answered_says_which_model(client: TestClient, artefact: Artefact) -> None:
    """The address of the form, whoever's host it names; with none, the default model. Other questions need no code."""
    other = response_of(another_artefact().model.features, ANOTHER, 3)
    for form in ("https://rps.example/fhir/Questionnaire/another", "Questionnaire/another|1.0.0"):
        assessed = evaluated(client, {**other, "questionnaire": form}).json()
        assert [version["value"] for version in assessed["contained"][0]["version"]] == ["1.0.0", "1" * 64]
        assert len(assessed["prediction"]) == 1
    assert set(issues(evaluated(client, other))) >= {at("pattern"), f"{HEAD}.item.linkId"}
    named = response_of(artefact.model.features, LOCAL, questionnaire="x/Questionnaire/rps-recurrence")
    assert evaluated(client, named).status_code == 200


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("https://rps.example/fhir/Questionnaire/nobody", "There is no form “https://rps.example/fhir/Questi"),
        ("https://rps.example/another", "those that there are: rps-recurrence, another."),
        ("Questionnaire/another|0.9", "version “0.9” of the form, and the form that is here is of version 1.0.0"),
        (3, "There is no form 3 here"),
        ("", "There is no form “” here"),
    ],
)
def test_a_form_that_is_not_here_is_named_with_whatever_else_the_response_lacks(
    client: TestClient, local: Mapping[str, Any], form: object, says: str
) -> None:
    """To another form no answer can be read; what the response says of itself can."""
    found = issues(evaluated(client, {**local, "questionnaire": form, "status": "stopped"}))
    assert set(found) == {f"{HEAD}.questionnaire", f"{HEAD}.status"}
    assert says in found[f"{HEAD}.questionnaire"]


def test_a_number_that_is_not_known_is_said_so_beside_it(client: TestClient) -> None:
    """E17: a decimal cannot say it; both at once contradict each other, and "false" says nothing."""
    features = another_artefact().model.features
    values = {**ANOTHER, "size": "unknown"}
    response = response_of(features, values, questionnaire="/Questionnaire/another")
    assessed = evaluated(client, response).json()
    assert any("Not known: Size." in note["text"] for note in assessed["note"])
    known = with_items(response, item("size", valueDecimal=3))
    assert issues(evaluated(client, known)) == {
        at("size"): "“size” was given more than once, with different values: 3; unknown. Give one of them."
    }
    unsaid = with_items(response, item("size.unknown", valueBoolean=False), without="size.unknown")
    assert "has no answer" in issues(evaluated(client, unsaid))[at("size")]
    wrong = with_items(response, item("size.unknown", valueBoolean="yes"), without="size.unknown")
    assert issues(evaluated(client, wrong))[at("size.unknown")].endswith("is neither true nor false.")


def test_months_may_be_given_as_dates(client: TestClient, local: Mapping[str, Any]) -> None:
    """As at the form: the day of time zero, given once, counts for all; the months are computed in the same way."""
    begin, end = item("interval_months.begin", valueDate="2013-01-31"), item("interval_months.end", valueDate=LONG_AGO)
    bare = with_items(local, without="interval_months")
    given = with_items(bare, begin, end, item("alive_months.end", valueDate="2015-08-30"))
    given["item"] = [one for one in given["item"] if one["linkId"] not in {"alive_months", "time.zero"}]
    response = evaluated(client, given)
    assert response.status_code == 200, response.text
    assert response.json()["prediction"][0]["whenPeriod"] == {"start": "2015-07-31", "end": "2016-01-31"}
    inputs = next(note["text"] for note in response.json()["note"] if note["text"].startswith("The answers"))
    assert "Interval to recurrence: 24 months" in inputs
    assert "Known to be alive: 6 months" in inputs
    assert evaluated(client, with_items(bare, begin)).status_code == 200


@pytest.mark.parametrize(
    ("items", "without", "place", "says"),
    [
        ([], "time.zero", "time.zero", "Give the date: the day on which the first recurrence was diagnosed."),
        ([item("time.zero", valueDate="2015-01")], "time.zero", "time.zero", "is not a date"),
        ([item("time.zero", valueDate="2015-02-30")], "time.zero", "time.zero", "is not a date"),
        ([item("time.zero", valueDate=20150130)], "time.zero", "time.zero", "is not a date"),
        ([item("time.zero", valueDate="9015-01-31")], "time.zero", "time.zero", "is still to come"),
        ([], "alive_months", "alive_months", "has no answer, and by the dates given"),
        ([item("interval_months.end", valueDate=LONG_AGO)], "", "interval_months", "as a number and as dates"),
        (
            [item("interval_months.end", valueDate=LONG_AGO)],
            "interval_months",
            "interval_months",
            "“primary resection” is empty",
        ),
        ([item("alive_months.end", valueDate="2014-01-31")], "alive_months", "alive_months", "is before 2015-01-31"),
        ([item("alive_months.begin", valueDate="2015-01-30")], "alive_months", "alive_months", "needs two dates"),
    ],
)
def test_dates_that_cannot_be_used_are_named(
    client: TestClient, local: Mapping[str, Any], items: list[object], without: str, place: str, says: str
) -> None:
    """Each with what would be right; and nothing else is found wrong because of it."""
    found = issues(evaluated(client, with_items(local, *items, without=without)))
    assert set(found) == {at(place)}
    assert says in found[at(place)]


def test_two_days_of_time_zero_are_refused(client: TestClient, local: Mapping[str, Any]) -> None:
    """It is one day."""
    dates = (item("interval_months.begin", valueDate="2013-01-31"), item("interval_months.end", valueDate="2015-01-30"))
    found = issues(evaluated(client, with_items(local, *dates, without="interval_months")))
    assert list(found) == [at("time.zero")]
    assert "two different dates" in found[at("time.zero")]


@pytest.mark.parametrize(
    ("alive", "today", "says"),
    [
        (None, "2015-02-27", None),
        (None, "2015-02-28", "1 month has passed"),
        (None, "2015-12-31", "11 months have passed"),
        (0, "2015-12-31", None),
        (11, "2015-12-31", None),
        (11, "2015-12-30", "11 months after 2015-01-31 are still to come"),
        (1, "2015-02-28", None),
        (1, "2015-01-31", "1 months after 2015-01-31 are still to come"),
    ],
)
def test_time_that_has_passed_is_asked_for_and_none_to_come_is_taken(
    served: Served, local: Mapping[str, Any], alive: int | None, today: str, says: str | None
) -> None:
    """A patient is predicted for as they are; nobody can have lived until a day to come."""
    lived = [] if alive is None else [item("alive_months", valueInteger=alive)]
    response = read_response(served, with_items(local, *lived, without="alive_months"), date.fromisoformat(today))
    assert response.time_zero == date.fromisoformat(LONG_AGO)
    assert set(response.entry.problems) == ({"alive_months"} if says else set())
    if says:
        problem = response.entry.problems["alive_months"]
        told = english().refusals.say_from(problem.code, {"name": "x", "given": problem.given, **problem.allowed})
        assert says in told


def test_every_problem_is_named_at_once(client: TestClient, local: Mapping[str, Any]) -> None:
    """E18, S4: answers, names, members and what the response says of itself; each where it lies."""
    bad = {
        **local,
        "status": "in-progress",
        "subject": {"reference": "Group/1"},
        "modifierExtension": [],
        "item": [
            item("pattern", valueString="local"),
            item("interval_months", valueDecimal="24"),
            item("resection", valueCoding={"code": "perhaps"}),
            item("subtype", valueCoding={"code": "lms", "system": "http://snomed.info/sct"}),
            {"linkId": "alive_months", "answer": [{"valueInteger": 1}, {"valueInteger": 2}]},
            item("time.zero", valueDate="2015"),
            item("age", valueInteger=60),
            item("pattern.where", valueString="here"),
            {"linkId": "interval_months", "answer": [{"valueDecimal": 1}], "prefix": "1"},
            "text",
        ],
    }
    found = issues(evaluated(client, bad))
    says = {
        at("pattern"): "“pattern”: “valueString” is not how this question is answered. Answer it by valueCoding.",
        at("interval_months"): "“interval_months” is answered more than once. Give one answer.",
        at("resection"): "“resection”: “perhaps” is not an answer to this question. Choose one of: yes; no; unknown.",
        at("subtype"): "answers to this question are of …/Questionnaire/rps-recurrence#subtype.",
        at("alive_months"): "“alive_months” is answered more than once.",
        at("time.zero"): "“time.zero”: “2015” is not a date.",
        f"{HEAD}.status": "The status of the response is “in-progress”.",
        f"{HEAD}.subject": "The subject of the response is “Group/1”.",
        f"{HEAD}.children()": "has members that cannot be read here: modifierExtension.",
        f"{HEAD}.item": "“QuestionnaireResponse.item” is not written as FHIR writes it.",
        f"{HEAD}.item.linkId": "The form asks nothing of these names: age, pattern.where.",
        f"{HEAD}.item.children()": "has members that cannot be read here: prefix.",
    }
    assert set(found) == set(says)
    for place, said in says.items():
        assert said in found[place]


@pytest.mark.parametrize(
    "subject",
    [None, {}, "Patient/1", {"reference": "Patient/"}, {"reference": "Patient/a b"}, {"reference": ["Patient/1"]}],
)
def test_a_response_must_say_whose_it_is(client: TestClient, local: Mapping[str, Any], subject: object) -> None:
    """RA7: a risk of nobody is none."""
    assert set(issues(evaluated(client, {**local, "subject": subject}))) == {f"{HEAD}.subject"}
    elsewhere = {"reference": "https://ehr.example/fhir/Patient/1.a-B"}
    assert evaluated(client, {**local, "subject": elsewhere}).json()["subject"] == elsewhere


@pytest.mark.parametrize("status", ["in-progress", "stopped", "entered-in-error", None, 3, ["completed"]])
def test_a_response_that_nobody_has_finished_is_not_answered(
    client: TestClient, local: Mapping[str, Any], status: object
) -> None:
    """Nothing is predicted from what nobody stands by; a correction is as good as the first."""
    assert set(issues(evaluated(client, {**local, "status": status}))) == {f"{HEAD}.status"}
    assert evaluated(client, {**local, "status": "amended"}).status_code == 200


@pytest.mark.parametrize(
    "answer",
    [
        *([], None, {}, [3], [{}], [{"valueCoding": None}], [{"valueCoding": {"code": "local"}, "valueString": "x"}]),
        *([{"valueCoding": "local"}], [{"valueCoding": {"code": 1}}], [{"valueCoding": {"display": "Local"}}]),
        [{"valueCoding": {"code": "LOCAL"}}],
    ],
)
def test_an_answer_counts_by_its_code_alone(client: TestClient, local: Mapping[str, Any], answer: object) -> None:
    """E19: whatever is not one coding with a code of the question is refused, under its name."""
    wrong = with_items(local, {"linkId": "pattern", "answer": answer}, without="pattern")
    assert set(issues(evaluated(client, wrong))) == {at("pattern")}


def test_what_stands_beside_an_answer_changes_nothing(client: TestClient, local: Mapping[str, Any]) -> None:
    """Texts, identifiers, items within others and items without an answer are FHIR, and no answers."""
    coding = {"code": "local", "system": "https://x/fhir/Questionnaire/rps-recurrence#pattern", "display": "Distant"}
    inside = [{"linkId": "pattern.where", "text": "Where"}, item("interval_months", valueDecimal=24)]
    answer = {"id": "a", "valueCoding": coding, "_valueCoding": {"id": "b"}, "item": inside}
    kept = [one for one in local["item"] if one["linkId"] not in {"pattern", "interval_months"}]
    items = [{"linkId": "pattern", "text": "Which?", "answer": [answer]}, {"linkId": "subtype"}, *kept]
    written = {**local, "item": items, "text": {"status": "empty"}, "authored": "2020", "_status": {"id": "c"}}
    plain, beside = (evaluated(client, one).json() for one in (local, written))
    assert beside["prediction"] == plain["prediction"]


def test_a_response_that_is_called_something_is_the_basis(client: TestClient, local: Mapping[str, Any]) -> None:
    """RA6: what was sent is a resource where it has a name; otherwise its answers are named one by one."""
    named, bare = (evaluated(client, one).json() for one in ({**local, "id": "a-1"}, {**local, "id": "a/1"}))
    assert named["basis"] == [{"reference": "QuestionnaireResponse/a-1"}]
    assert "basis" not in bare
    by_hand = [any("Entered by hand" in note["text"] for note in one["note"]) for one in (named, bare)]
    assert by_hand == [False, True]


@settings(max_examples=100)
@given(inputs=valid_inputs())
def test_every_patient_who_may_be_asked_about_is_read_as_they_are(served: Served, inputs: dict[str, Any]) -> None:
    """Issue: one parser; what a response says is what the JSON interface would have been told."""
    features = served.model.features
    document = response_of(features, inputs["features"], inputs["alive_months"])
    entry = read_response(served, json.loads(json.dumps(document)), date(2030, 1, 1)).entry
    assert entry.problems == {}
    expected = Patient.parse(features, inputs["features"], alive_months=inputs["alive_months"])
    assert Patient.parse(features, entry.values, alive_months=entry.alive_months) == expected
