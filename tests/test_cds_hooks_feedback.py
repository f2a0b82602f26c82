"""What became of cards (CH11): checked, counted by its outcome, and forgotten."""

from __future__ import annotations

import logging

import pytest

from model.artefact import Artefact
from server.entering.bodies import LARGEST_BODY
from tests.hook_client import ADDRESS, INSTANCE, PATH, PORTAL, SERVICE, STRANGER, Asking, Document, asking

FEEDBACK = f"{PATH}/feedback"
SECRET = "Mrs Example of ward 7 is too ill"  # noqa: S105 - what somebody may type into a reason


@pytest.fixture(scope="module")
def ehr(artefact: Artefact) -> Asking:
    """An EHR that tells what became of cards."""
    return asking(artefact)


def overridden(**changes: object) -> Document:
    """A card that was put aside, but for these changes; None leaves a member out."""
    told = {"card": INSTANCE, "outcome": "overridden", "outcomeTimestamp": "2026-03-01T10:11:12Z", **changes}
    return {name: value for name, value in told.items() if value is not None}


def problems(ehr: Asking, document: object) -> set[str]:
    """The places of what is wrong."""
    return set(ehr.refused(document, path=FEEDBACK))


@pytest.mark.parametrize(
    "told",
    [
        overridden(),
        overridden(outcomeTimestamp="2026-03-01T10:11:12.123+01:00"),
        overridden(overrideReason={"userComment": SECRET}),
        overridden(overrideReason={"reason": {"code": "1", "system": "https://ehr.example/reasons"}}),
        overridden(outcome="accepted", acceptedSuggestions=[{"id": INSTANCE}]),
        overridden(extension={"com.example": 1}),
    ],
)
def test_ch11_what_is_right_is_taken(ehr: Asking, told: Document) -> None:
    """CH11: 200, for one card and for several."""
    for feedback in ([told], [told, overridden()]):
        answer = ehr.post({"feedback": feedback}, path=FEEDBACK)
        assert (answer.status_code, answer.content) == (200, b"")


def test_ch11_every_problem_is_named_at_once(ehr: Asking) -> None:
    """CH11: card, outcome and outcomeTimestamp are required, of each card."""
    assert problems(
        ehr, {"feedback": [{}, overridden(), {"card": "x", "outcome": "ignored", "outcomeTimestamp": "x"}]}
    ) == {f"feedback[{position}].{name}" for position in (0, 2) for name in ("card", "outcome", "outcomeTimestamp")}
    wrong: tuple[Document, ...] = ({}, {"feedback": []}, {"feedback": {}}, {"feedback": None})
    for nothing in wrong:
        assert problems(ehr, nothing) == {"feedback"}
    assert problems(ehr, {"feedback": [7]}) == {"feedback[0]"}


@pytest.mark.parametrize(
    ("suggestions", "wrong"),
    [
        (None, "acceptedSuggestions"),
        ([], "acceptedSuggestions"),
        ("one", "acceptedSuggestions"),
        (["one"], "acceptedSuggestions[0]"),
        ([{}], "acceptedSuggestions[0].id"),
        ([{"id": ""}], "acceptedSuggestions[0].id"),
    ],
)
def test_ch11_accepted_needs_what_was_accepted(ehr: Asking, suggestions: object, wrong: str) -> None:
    """CH11: our cards suggest nothing; an EHR that says otherwise must say what."""
    told = overridden(outcome="accepted", acceptedSuggestions=suggestions)
    assert problems(ehr, {"feedback": [told]}) == {f"feedback[0].{wrong}"}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"outcomeTimestamp": "2026-03-01T10:11:12"}, "outcomeTimestamp"),
        ({"outcomeTimestamp": 1772359872}, "outcomeTimestamp"),
        ({"card": SERVICE}, "card"),
        ({"outcome": "Accepted"}, "outcome"),
        ({"overrideReason": SECRET}, "overrideReason"),
        ({"overrideReason": {"reason": "1"}}, "overrideReason.reason"),
        ({"overrideReason": {"reason": {"display": SECRET}}}, "overrideReason.reason.code"),
        ({"overrideReason": {"userComment": 7}}, "overrideReason.userComment"),
    ],
)
def test_ch11_what_has_another_form_is_refused(ehr: Asking, changes: Document, wrong: str) -> None:
    """CH11, S4."""
    found = problems(ehr, {"feedback": [overridden(**changes)]})
    assert f"feedback[0].{wrong}" in found
    assert all(place.startswith(f"feedback[0].{wrong.partition('.')[0]}") for place in found)


def test_ch11_who_tells_is_checked_as_who_asks(ehr: Asking) -> None:
    """CH11, CH12: a token for the service or for this very address; a forged one, none, or one that was used is not."""
    told = {"feedback": [overridden()]}
    for address in (f"{ADDRESS}{PATH}", f"{ADDRESS}{FEEDBACK}", [f"{ADDRESS}{FEEDBACK}"]):
        signed = ehr.token(claims={"aud": address})
        assert [ehr.post(told, path=FEEDBACK, signed=signed).status_code for _ in range(2)] == [200, 401]
    for wrong in (
        "x",
        ehr.token(key=STRANGER),
        ehr.token(claims={"aud": ADDRESS}),
        ehr.token(claims={"aud": f"{ADDRESS}/cds-services/feedback"}),
    ):
        assert ehr.post(told, path=FEEDBACK, signed=wrong).status_code == 401
    assert ehr.post(path=PATH, signed=ehr.token(path=FEEDBACK)).status_code == 401


def test_ch11_only_the_outcome_is_kept(ehr: Asking, caplog: pytest.LogCaptureFixture) -> None:
    """CH11, S2: a line with the service and the outcome; people write names into reasons."""
    reason = {"reason": {"code": "secret-code", "display": SECRET}, "userComment": SECRET}
    told = [overridden(overrideReason=reason), overridden(outcome="accepted", acceptedSuggestions=[{"id": SECRET}])]
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "uvicorn.error"):
        assert ehr.post({"feedback": told}, path=FEEDBACK).status_code == 200
        assert ehr.post({"feedback": [overridden(outcome=SECRET)]}, path=FEEDBACK).status_code == 400
    lines = [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"]
    assert lines == [f"CDS Hooks: a card of {SERVICE} was {outcome}" for outcome in ("overridden", "accepted")]
    assert not [text for text in (SECRET, "secret-code", INSTANCE) if text in caplog.text]


def test_ch11_a_refusal_repeats_nothing(ehr: Asking) -> None:
    """S2: what somebody typed does not come back."""
    wrong = overridden(outcome=SECRET, card=SECRET, outcomeTimestamp=SECRET, overrideReason=[SECRET])
    answer = ehr.post({"feedback": [wrong]}, path=FEEDBACK, origin=PORTAL)
    assert answer.status_code == 400
    assert SECRET not in answer.text
    assert answer.headers["access-control-allow-origin"] == PORTAL


def test_ch11_it_is_small(ehr: Asking) -> None:
    """S4: nobody sends a record here."""
    answer = ehr.post({"feedback": [overridden(overrideReason={"userComment": "x" * LARGEST_BODY})]}, path=FEEDBACK)
    assert answer.status_code == 413
    assert str(LARGEST_BODY) in answer.json()["detail"]


def test_ch11_of_a_service_that_is_there(ehr: Asking) -> None:
    """CH11."""
    assert ehr.post({"feedback": [overridden()]}, path="/cds-services/other/feedback").status_code == 404
