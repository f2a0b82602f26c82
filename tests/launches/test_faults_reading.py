"""Whatever goes wrong while a record is read: the page says which part, and why; what is not read fills nothing in."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from server.fhir import asking
from tests import records
from tests.ehr_peer import Kind
from tests.hospitals import ANNA, BERT, BORN, FILLED, MINUTES, NAMES, Hospital
from tests.visits import NEVER, REFUSED, SLOW, UNREACHABLE, UNREADABLE, Visitor, asked, boxes, changed

PATIENT, CONDITION = "/fhir/R4/Patient", "/fhir/R4/Condition"
PROCEDURE, OBSERVATION = "/fhir/R4/Procedure", "/fhir/R4/Observation"

UNREAD = {
    PATIENT: "Who the patient is could not be read.",
    CONDITION: "Diagnoses could not be read, and nothing that rests on them is filled in.",
    PROCEDURE: "Operations could not be read, and nothing that rests on them is filled in.",
    OBSERVATION: "Findings such as histology could not be read, and nothing that rests on them is filled in.",
}
LEFT: Mapping[str, Mapping[str, str]] = {
    PATIENT: FILLED[ANNA],
    CONDITION: {},
    PROCEDURE: {name: value for name, value in FILLED[ANNA].items() if name != "interval_months.begin"},
    OBSERVATION: {name: value for name, value in FILLED[ANNA].items() if name != "subtype"},
}
"""What is filled in of Anna's record where one part of it cannot be read."""
TOO_MANY = "The record holds more of them than are read, so none was used."
ELSEWHERE = "The EHR led to another server for the rest, which was not asked, so none was used."
OTHER_PATIENT = "The EHR sent data of another patient, so nothing of what it sent was used."
OVER = "The right to read this patient’s record has ended."  # noqa: RUF001 - as it is written


def be_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for ten seconds."""
    monkeypatch.setattr(asking, "SECONDS", 1.5)


def check_answers_by_hand(visit: Visitor, **answers: str) -> None:
    """What could not be filled in is typed, the rest confirmed, and the result is there."""
    typed = {"pattern": "distant", "interval_months": "24", "subtype": "lms", "alive_months": "31", **answers}
    dates = {name: "" for name, _ in visit.fields() if name.startswith("interval_months.")}
    page = visit.send("", changed(visit.confirmed(), {**dates, **typed}))
    assert page.status == 200
    assert page.one("h1").text == "Predicted survival"


WRONG: Mapping[str, tuple[Kind, Any, str]] = {
    "403": ("status", 403, REFUSED.format(403)),
    "404": ("status", 404, REFUSED.format(404)),
    "429": ("status", 429, REFUSED.format(429)),
    "500": ("status", 500, REFUSED.format(500)),
    "no JSON": ("garbage", None, UNREADABLE),
    "breaks off": ("truncated", None, UNREACHABLE),
    "closes": ("close", None, UNREACHABLE),
    "never answers": ("delay", NEVER, SLOW),
    "another type": ("merge", {"resourceType": "Basic"}, UNREADABLE),
}


@pytest.mark.parametrize("part", UNREAD)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_part_that_cannot_be_read(
    clinic: Hospital, visit: Visitor, monkeypatch: pytest.MonkeyPatch, part: str, wrong: str
) -> None:
    """E21: each way in which each part fails has its sentence; the other parts are there, and nothing is made up."""
    kind, value, why = WRONG[wrong]
    clinic.peer.fault(kind, part, value=value)
    if kind == "delay":
        be_impatient(monkeypatch)
    page = visit.open(ANNA)
    assert page.status == 200
    assert page.texts("li", within="unread") == [f"{UNREAD[part]} {why}"]
    assert visit.held() == LEFT[part]
    (opened,) = page.texts("p", class_="opened")
    if part == PATIENT:
        assert "The patient’s name could not be read: make sure in the EHR whom" in opened  # noqa: RUF001
    else:
        assert f"Patient: {NAMES[ANNA]}, born {BORN[ANNA]}." in opened
    check_answers_by_hand(visit)
    assert page.texts("li", within="unread") == [f"{UNREAD[part]} {why}"]


def test_nothing_that_can_be_read(clinic: Hospital, visit: Visitor) -> None:
    """SM8: every part refused: each is named, and the form is empty, for the patient of the launch still."""
    clinic.peer.fault("status", "/fhir/R4/(?!\\.well-known)", value=503, times=None)
    page = visit.open(ANNA)
    assert page.texts("li", within="unread") == [f"{text} {REFUSED.format(503)}" for text in UNREAD.values()]
    assert visit.held() == {}
    assert boxes(page) == []
    check_answers_by_hand(visit)


def test_less_granted_than_asked_for(clinic: Hospital, visit: Visitor) -> None:
    """SM8: what the EHR did not grant is not asked for, is named, and fills nothing in; and nothing can be written."""
    page = visit.open(ANNA, granted_scope="launch openid fhirUser patient/Patient.r patient/Condition.rs")
    assert page.texts("li", within="unread") == [
        f"{UNREAD[part]} The EHR does not allow it to be read." for part in (PROCEDURE, OBSERVATION)
    ]
    assert asked(clinic, PROCEDURE) == asked(clinic, OBSERVATION) == []
    assert visit.held() == {name: FILLED[ANNA][name] for name in ("pattern", "interval_months.end")}
    check_answers_by_hand(visit)
    assert visit.page.all("form", class_="save") == []


def test_ten_thousand_findings(clinic: Hospital, visit: Visitor) -> None:
    """More than are read: reading stops soon after that many, and none counts; a thousand are read to the end."""
    clinic.peer.fault("many", OBSERVATION, value=10_000)
    page = visit.open(ANNA)
    assert page.texts("li", within="unread") == [f"{UNREAD[OBSERVATION]} {TOO_MANY}"]
    assert visit.held() == LEFT[OBSERVATION]
    assert len(asked(clinic, "/fhir/")) == 5 + 10
    check_answers_by_hand(visit)
    clinic.peer.fault("many", OBSERVATION, value=1000)
    page = visit.open(ANNA)
    assert page.all("ul", class_="unread") == []
    assert visit.held() == FILLED[ANNA]
    assert "and 992 more entries" in page.text


@contextmanager
def stranger() -> Iterator[tuple[str, socket.socket]]:
    """Another server: where it would answer, and where it would hear of it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield f"https://localhost:{listening.getsockname()[1]}", listening


def test_a_next_page_elsewhere(clinic: Hospital, visit: Visitor) -> None:
    """SM13: a link to another origin is not followed: nobody connects there, and the token goes to the EHR alone."""
    with stranger() as (address, listening):
        clinic.peer.fault("next_link", CONDITION, value=f"{address}/fhir/R4?_getpages=1")
        page = visit.open(ANNA)
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert page.texts("li", within="unread") == [f"{UNREAD[CONDITION]} {ELSEWHERE}"]
    assert visit.held() == {}
    (token,) = {
        str(one["headers"]["authorization"]) for one in clinic.peer.requests() if "authorization" in one["headers"]
    }
    assert token.startswith("Bearer ")
    assert [one["path"] for one in clinic.peer.requests() if "authorization" in one["headers"]] == [
        one["path"] for one in asked(clinic, "/fhir/R4/") if "smart-configuration" not in str(one["path"])
    ]
    check_answers_by_hand(visit)


@pytest.mark.parametrize("part", UNREAD)
def test_data_of_another_patient(clinic: Hospital, visit: Visitor, part: str) -> None:
    """SM10, RA7: one part is another patient's: nothing of any part is used, nobody is named, nothing is written."""
    clinic.peer.put([records.histology("bert-histology", about=["bert-primary"], of=BERT)])
    clinic.peer.fault("wrong_patient", part, value=BERT)
    page = visit.open(ANNA)
    assert page.texts("li", within="unread") == [f"{text} {OTHER_PATIENT}" for text in UNREAD.values()]
    assert visit.held() == {}
    for name in (*NAMES.values(), "1957", "1961", "2015", "2018", "/anna-", "/bert-"):
        assert name not in page.html
    check_answers_by_hand(visit)
    assert visit.page.all("form", class_="save") == []
    refused = visit.post("save", [*visit.fields(), ("save.as", "RiskAssessment"), ("save.time_zero", "2020-06-05")])
    assert refused.status_code == 403
    assert clinic.peer.created() == []


@pytest.mark.parametrize("part", UNREAD)
def test_a_token_that_no_longer_counts(clinic: Hospital, visit: Visitor, part: str) -> None:
    """SM12: a 401 for any part ends the launch: the page says so, and nothing of the record is on it."""
    clinic.peer.fault("status", part, value=401)
    page = visit.open(ANNA)
    assert page.status == 401
    assert OVER in page.text
    assert "Example" not in page.html
    assert visit.held() == {}
    assert len(clinic.connected.sessions) == 0
    check_answers_by_hand(visit)
    assert visit.page.all("form", class_="save") == []


@pytest.mark.parametrize("why", ["revoked", "expired", "the session's time"])
def test_a_launch_that_ends_while_the_form_is_filled_in(clinic: Hospital, visit: Visitor, why: str) -> None:
    """SM12, E21: what was typed or confirmed is kept, what was not confirmed is taken out; on it goes by hand."""
    visit.open(ANNA)
    sent = changed(
        visit.fields(), {"confirmed.pattern": "yes", "confirmed.interval_months": "yes", "alive_months": "31"}
    )
    if why == "the session's time":
        clinic.clock.now += 60 * MINUTES
        page = visit.send("", sent)
    else:
        (clinic.peer.revoke if why == "revoked" else clinic.peer.expire)()
        assert visit.send("", sent).status == 422  # nothing is asked of the EHR for that
        assert visit.go(visit.place).status == 401
        visit.pages.pop()
        page = visit.send("", sent)
    assert page.status == 401
    assert f"{OVER} Open the form from the EHR again. What you typed or confirmed is kept below" in page.text
    assert "What was filled in and not confirmed has been taken out. Nothing was written." in page.text
    kept = {**FILLED[ANNA], "alive_months": "31"}
    del kept["subtype"]
    assert visit.held() == kept
    assert boxes(page) == []
    assert "Example" not in page.html
    result = visit.send("", changed(visit.fields(), {"subtype": "ddlps"}))
    assert result.status == 200
    assert "from the record" not in result.text
    assert result.all("form", class_="save") == []
