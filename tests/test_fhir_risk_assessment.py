"""A prediction as a RiskAssessment: percent, times, words, sources; the list of EHR.md, each by its id."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from model.artefact import Artefact
from model.prediction import Horizon
from server.entering.dates import day_after
from server.fhir.checking import checked
from server.fhir.risk_assessment import risk_assessment
from server.fhir.saying import percent_at_risk
from server.served import Served, prepare
from server.wording.language import english
from tests.pseudo import pseudo_language, untold
from tests.responses import SUBJECT, evaluated, issues, response_of, said_of
from tests.validators import problems_of
from tests.web import BOTH, DISTANT, LOCAL, ONE_OF_EACH, UNKNOWN, another_artefact, client_of

ANOTHER: Mapping[str, Any] = {"size": 3, "grade": "g2", "site": "here"}
BASIS = ("Condition/1", "Procedure/a.b-2")


@pytest.fixture(scope="module")
def served(artefact: Artefact) -> Served:
    return prepare(artefact, english())


def texts_of(resource: Mapping[str, Any]) -> list[str]:
    """Everything that a reader of a resource may be shown."""
    predictions = resource["prediction"]
    return [
        resource["method"]["text"],
        *(text for one in predictions for text in (one["outcome"]["text"], one["rationale"])),
        *(note["text"] for note in resource["note"]),
    ]


def notes_of(resource: Mapping[str, Any]) -> str:
    return "\n".join(note["text"] for note in resource["note"])


def without_interval(served: Served, survival: float = 0.5) -> dict[str, Any]:
    """The assessment of a patient of whom too little is known for an interval."""
    return risk_assessment(said_of(served, BOTH, survival=[Horizon(36, survival, None, None)]))


def test_ra1_every_assessment_passes_every_validator(served: Served) -> None:
    """RA1: of every stratum, before and after time has passed, of another disease, and without an interval."""
    another = prepare(another_artefact(), english())
    assessments = [
        *(risk_assessment(said_of(served, asked, alive)) for asked in ONE_OF_EACH for alive in (0, 40, 59)),
        *(risk_assessment(said_of(another, {**ANOTHER, "size": size}, 12)) for size in (0.5, "unknown")),
        risk_assessment(said_of(served, LOCAL, basis=BASIS, by_hand=("Label: value",))),
        without_interval(served),
    ]
    assert problems_of(assessments) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonsense": 1},
        {"note": [{"text": 1}]},
        {"contained": [{"resourceType": "Device", "nonsense": 1}]},
        {"prediction": [{"whenPeriod": {"start": "2024-01-01"}, "whenRange": {"low": {"value": 1}}}]},
    ],
)
def test_ra1_what_is_wrong_does_not_leave(served: Served, wrong: dict[str, Any]) -> None:
    """RA1: the last thing that happens to a resource is a check that can fail."""
    resource = risk_assessment(said_of(served, LOCAL))
    assert checked(resource) is resource
    with pytest.raises(ValueError, match="validation error"):
        checked(resource | wrong)
    del resource["subject"]
    with pytest.raises(ValueError, match="validation error"):
        checked(resource)


@pytest.mark.parametrize(
    ("survival", "risk"),
    [(0.575, 42.5), (0.93, 7.0), (0.7, 30.0), (0.999, 0.1), (1.0, 0.0), (0.0, 100.0), (1e-9, 99.9999999)],
)
def test_ra2_a_probability_is_a_percentage(served: Served, survival: float, risk: float) -> None:
    """RA2: a risk of 0.425 is 42.5, to the digit; no validator can tell 0.425 from it."""
    assert percent_at_risk(survival) == risk
    resource = risk_assessment(said_of(served, BOTH, survival=[Horizon(36, survival, None, None)]))
    assert [one["probabilityDecimal"] for one in resource["prediction"]] == [risk]


@given(st.floats(0, 1))
def test_ra2_every_percentage_is_what_is_left_of_100(survival: float) -> None:
    """RA2: for whatever survival."""
    assert abs(percent_at_risk(survival) - (100 - 100 * survival)) < 1e-9
    assert 0 <= percent_at_risk(survival) <= 100


@pytest.mark.parametrize(
    ("alive", "start", "ends"),
    [
        (0, "2015-01-31", ["2016-01-31", "2017-01-31", "2018-01-31", "2020-01-31"]),
        (13, "2016-02-29", ["2017-01-31", "2018-01-31", "2020-01-31"]),
        (36, "2018-01-31", ["2020-01-31"]),
    ],
)
def test_ra3_each_time_has_its_period(served: Served, alive: int, start: str, ends: Sequence[str]) -> None:
    """RA3: from the landmark to time zero and the horizon; a range would be one of ages."""
    resource = risk_assessment(said_of(served, LOCAL, alive))
    assert [one["whenPeriod"] for one in resource["prediction"]] == [{"start": start, "end": end} for end in ends]
    assert all("whenRange" not in one for one in resource["prediction"])


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2024-01-31", 1, "2024-02-29"),
        ("2023-01-31", 1, "2023-02-28"),
        ("2024-01-31", 0, "2024-01-31"),
        ("2024-12-15", 1, "2025-01-15"),
        ("2024-11-30", 3, "2025-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-01-01", 59, "2028-12-01"),
    ],
)
def test_ra3_months_are_counted_by_the_calendar(day: str, months: int, later: str) -> None:
    """RA3: as FHIRPath adds months to a date."""
    assert day_after(date.fromisoformat(day), months) == date.fromisoformat(later)


@pytest.mark.parametrize("alive", [0, 13])
def test_ra4_the_outcome_names_the_event_and_the_time(served: Served, alive: int) -> None:
    """RA4, E1: the event is the model's, with its time, its origin and its condition; every sentence is whole."""
    about = served.model.about
    resource = risk_assessment(said_of(served, LOCAL, alive))
    times = ["1 year", "2 years", "3 years", "5 years"][alive > 0 :]
    condition = f", given that the patient is alive 13 months {about.origin}" if alive else ""
    outcomes = [one["outcome"]["text"] for one in resource["prediction"]]
    assert outcomes == [f"death from any cause by {time} {about.origin}{condition}" for time in times]
    assert about.outcome == "death from any cause"
    for one, outcome in zip(resource["prediction"], outcomes, strict=True):
        told = re.escape(f" of 100 people like this patient: {outcome} (")
        assert re.fullmatch(rf"Predicted for \d+{told}95 % interval \d+ to \d+\)\.", one["rationale"])


def test_ra5_method_and_performer_are_the_model(served: Served) -> None:
    """RA5: name, version and hash; the performer is a Device that the resource contains."""
    resource, model = risk_assessment(said_of(served, LOCAL)), served.model
    assert resource["method"] == {
        "text": f"{model.about.title}: model {model.name} {model.version}, SHA-256 {model.digest}"
    }
    (device,) = resource["contained"]
    assert resource["performer"]["reference"] == f"#{device['id']}"
    assert device["resourceType"] == "Device"
    assert [name["name"] for name in device["deviceName"]] == [model.about.title, model.name]
    assert [version["value"] for version in device["version"]] == [model.version, model.digest]


def test_ra6_the_basis_lists_every_resource_and_a_note_every_answer_by_hand(served: Served) -> None:
    """RA6: in their order, none without; what was typed is named, and nothing is where nothing was."""
    by_hand = ("Where it came back: Local recurrence only", "Interval to recurrence: 24 months")
    resource = risk_assessment(said_of(served, LOCAL, basis=BASIS, by_hand=by_hand))
    assert resource["basis"] == [{"reference": "Condition/1"}, {"reference": "Procedure/a.b-2"}]
    (line,) = [note["text"] for note in resource["note"] if "Entered by hand" in note["text"]]
    assert line.endswith(f": {'; '.join(by_hand)}.")
    without = risk_assessment(said_of(served, LOCAL))
    assert "basis" not in without
    assert "Entered by hand" not in notes_of(without)


def test_ra7_the_subject_is_the_patient(served: Served) -> None:
    """RA7: exactly as it was given."""
    said = said_of(served, LOCAL)
    assert risk_assessment(said)["subject"] == {"reference": SUBJECT}
    elsewhere = "https://ehr.hospital.example/fhir/Patient/9"
    assert risk_assessment(replace(said, subject=elsewhere))["subject"] == {"reference": elsewhere}


def test_ra8_the_status_is_preliminary(served: Served) -> None:
    """RA8: until somebody makes it final, who is none of ours; and its receipt and time are those of the result."""
    said = said_of(served, LOCAL)
    resource = risk_assessment(said)
    assert resource["status"] == "preliminary"
    assert resource["identifier"] == [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{said.receipt.id}"}]
    assert resource["occurrenceDateTime"] == said.receipt.time
    assert f"Receipt {said.receipt.id}, " in notes_of(resource)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("interval_months", 0, "too low"),
        ("interval_months", -3, "too low"),
        ("interval_months", 240.1, "too high"),
        ("interval_months", 1e9, "too high"),
        ("alive_months", 60, "too high"),
        ("alive_months", -1, "too low"),
    ],
)
def test_ra9_out_of_range_gives_no_prediction(artefact: Artefact, name: str, given: float, says: str) -> None:
    """RA9: none, and never a clipped one."""
    values, alive = {**LOCAL}, 0
    if name in values:
        values[name] = given
    else:
        alive = int(given)
    response = evaluated(client_of(artefact), response_of(artefact.model.features, values, alive))
    assert set(issues(response)) == {f"QuestionnaireResponse.item.where(linkId = '{name}')"}
    assert says in response.text
    assert "RiskAssessment" not in response.text
    assert "probability" not in response.text


@pytest.mark.parametrize(
    ("survival", "lower", "upper", "told"),
    [
        (0.425, 0.3, 0.575, "57 of 100 people like this patient: … (95 % interval 43 to 70)."),
        (0.995, 0.985, 0.999, "fewer than 1 of 100 people like this patient: … (95 % interval fewer than 1 to 1)."),
        (0.004, 0.0, 0.015, "more than 99 of 100 people like this patient: … (95 % interval 98 to 100)."),
    ],
)
def test_an_interval_is_rounded_as_on_the_page(
    served: Served, survival: float, lower: float, upper: float, told: str
) -> None:
    """E4, E5, E10: whole percent, which with those of the page sum to 100; the ends claim no certainty."""
    (one,) = risk_assessment(said_of(served, BOTH, survival=[Horizon(36, survival, lower, upper)]))["prediction"]
    assert one["rationale"].replace(one["outcome"]["text"], "…") == f"Predicted for {told}"


def test_no_interval_is_said_to_be_none(served: Served) -> None:
    """E10: where too little is known for one, the sentence says so."""
    (one,) = without_interval(served)["prediction"]
    assert one["rationale"].endswith(" (no 95 % interval, because too little is known for one).")


def test_a_note_says_what_stands_on_every_result(served: Served) -> None:
    """E14, E15, E27, E38, E17, E18, E23: status, sources, validation, not for, unknown, cautions, warnings, answers."""
    statements = served.statements["local"]
    resource = risk_assessment(said_of(served, {**UNKNOWN, "interval_months": 200}))
    noted = notes_of(resource)
    for text in (
        statements.status,
        statements.made_from,
        statements.validation,
        statements.not_causes,
        statements.support,
        statements.how_sure,
        *statements.not_for,
        *statements.cautions,
        "Not known: Resection of the recurrence.",
        "selected for it",
        "200 months lies outside 3 to 140",
        "The answers: Where it came back: Local recurrence only; Interval to recurrence: 200 months",
    ):
        assert text in noted, text
    assert "has lived so long" not in noted
    later = notes_of(risk_assessment(said_of(served, LOCAL, 40)))
    assert "1 year, 2 years, 3 years: not shown" in later
    assert "the patient has lived so long" in later


def test_follow_up_that_ends_too_soon_is_said(artefact: Artefact) -> None:
    """E8: a time that the data do not reach has no figure, and the note says so."""
    resource = risk_assessment(said_of(prepare(another_artefact(), english()), ANOTHER))
    assert len(resource["prediction"]) == 1
    assert "not enough follow-up" in notes_of(resource)
    assert "not enough follow-up" not in notes_of(risk_assessment(said_of(prepare(artefact, english()), LOCAL)))


def test_a_withdrawn_model_says_so_first(artefact: Artefact, served: Served) -> None:
    """S7: in the note, before anything else."""
    one = prepare(Artefact(artefact.model, {**artefact.card, "withdrawn": True}, artefact.manifest), english())
    withdrawn = "This model has been withdrawn, as its card says"
    assert risk_assessment(said_of(one, LOCAL, 5))["note"][0]["text"].startswith(withdrawn)
    assert withdrawn not in notes_of(risk_assessment(said_of(served, LOCAL, 5)))


def test_the_text_says_all_that_the_members_say(served: Served) -> None:
    """Many records show no more of a resource than its text."""
    resource = risk_assessment(said_of(served, UNKNOWN, by_hand=("Size & <side>: 3",)))
    for text in texts_of(resource)[1:]:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
        assert escaped in resource["text"]["div"]
    assert "Size &amp; &lt;side&gt;: 3" in resource["text"]["div"]


@pytest.mark.parametrize("code", ["de", "fa"])
def test_nothing_is_said_outside_the_catalogue(artefact: Artefact, code: str) -> None:
    """E33: in another language every word is that language's, and the resource says which it is."""
    artefacts = [artefact, another_artefact()]
    language = pseudo_language(code, artefacts)
    for one, asked in (
        (artefacts[0], LOCAL),
        (artefacts[0], UNKNOWN),
        (artefacts[0], DISTANT),
        (artefacts[1], ANOTHER),
    ):
        for alive in (0, 12):
            said = said_of(prepare(one, language), asked, alive, basis=BASIS, by_hand=("1: 2",))
            resource = risk_assessment(said)
            assert resource["language"] == code
            names = [one.model.name, one.model.digest, said.receipt.id, language.moment(said.receipt.time)]
            assert [words for text in texts_of(resource) if (words := untold(text, names))] == []


def test_a_client_is_told_by_the_operation_what_is_told_here(artefact: Artefact, client: TestClient) -> None:
    """The operation gives the very resource, but for its receipt."""
    response = evaluated(client, response_of(artefact.model.features, LOCAL, 12, id="answers-1"))
    said = said_of(prepare(artefact, english()), LOCAL, 12, basis=("QuestionnaireResponse/answers-1",))
    mine, theirs = risk_assessment(said), response.json()
    assert theirs["prediction"] == mine["prediction"]
    assert {name for name in mine if mine[name] != theirs[name]} <= {"identifier", "occurrenceDateTime", "note", "text"}
    first, *others = (note["text"] for note in theirs["note"][:-1])
    assert first.startswith("Every time shown here is past")
    assert [first.partition("from today. ")[2], *others] == [note["text"] for note in mine["note"][:-1]]


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)
