"""Whose record it is that is read: of one patient alone, as far as it may be read, and nothing of anybody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
import pytest
from httpx2 import MockTransport, Request, Response

from server.fhir.asking import RecordServer, client_for
from server.fhir.found import Banner
from server.fhir.reading import KINDS, banner_of
from server.fhir.unanswered import Unanswered
from tests.record_server import EHR, ELSEWHERE, RECORD, TOKEN, Server, as_answered, ok, pages, read, why
from tests.records import (
    BASE,
    PATIENT,
    Resource,
    bundle,
    condition,
    histology,
    operation,
    patient,
    primary,
    recurrence,
    reference,
)

OTHER = reference("Patient", "bert")


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("Condition", recurrence(subject=OTHER)),
        ("Procedure", operation(subject=OTHER)),
        ("Observation", histology(subject=OTHER)),
        ("Condition", condition("x", subject=None)),
        ("Condition", condition("x", subject={"display": "Anna Example"})),
        ("Condition", condition("x", subject={"reference": f"https://elsewhere.example/fhir/R4/Patient/{PATIENT}"})),
        ("Condition", condition("x", subject=reference("Group", PATIENT))),
        ("Condition", condition("x", subject=reference("Patient", PATIENT.upper()))),
        ("Condition", condition("x", subject=reference("Patient", f"{PATIENT}2"))),
        ("Condition", condition("x", subject=[reference("Patient", PATIENT)])),
        ("Observation", histology(status="entered-in-error", subject=OTHER)),
    ],
)
def test_something_of_another_patient_makes_the_whole_record_doubtful(kind: str, resource: Resource) -> None:
    """Wherever it stands, first or on the last page, nothing of anything that was sent is used."""
    own = RECORD[kind]
    for answer in (
        pages(None, resources=[[*own, resource]]),
        pages(None, resources=[[resource]]),
        pages(f"{BASE}/{kind}?page=2", None, resources=[own, [resource]]),
    ):
        record = read(Server(**{kind: answer}))
        assert record.resources == {}
        assert record.patient is None
        assert why(record) == dict.fromkeys(KINDS, ("ehr_other_patient", 0))


def test_another_patient_is_not_this_one() -> None:
    """The patient that a server gives is the one that was asked for, or nothing is used."""
    for other in (patient("bert"), patient(PATIENT.upper()), patient(id=None)):
        record = read(Server(Patient=as_answered(200, json.dumps(other))))
        assert (record.resources, record.patient) == ({}, None)
        assert why(record) == dict.fromkeys(KINDS, ("ehr_other_patient", 0))


def test_a_subject_may_be_a_whole_address_of_this_server() -> None:
    """An absolute reference to the same server is the same patient."""
    own = primary(subject={"reference": f"{BASE}/Patient/{PATIENT}"})
    assert read(Server(Condition=pages(None, resources=[[own]]))).resources["Condition"] == [own]


@pytest.mark.parametrize("allowed", [(), ("Patient",), ("Condition", "Procedure"), KINDS[1:]])
def test_what_may_not_be_read_is_not_asked_for(allowed: Sequence[str]) -> None:
    """SM8: without a scope there is no request; the form is filled in by hand."""
    server = Server()
    record = read(server, allowed)
    assert set(record.resources) == set(allowed)
    assert why(record) == {kind: ("ehr_not_allowed", 0) for kind in KINDS if kind not in allowed}
    assert len(server.asked) == len(allowed)
    assert not [one for one in server.asked if not any(kind in one.url.path for kind in allowed)]


def test_what_was_not_asked_for_is_not_taken() -> None:
    """Outcomes, resources of other types and entries that are none are passed over; what else there is, is read."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
    odd: Sequence[Mapping[str, Any]] = [outcome, operation(), patient("bert"), {"resourceType": None}, primary()]
    document = bundle(*(dict(one) for one in odd))
    document["entry"] += [None, 7, {}, {"resource": "Condition"}, {"fullUrl": f"{BASE}/Condition/gone"}]
    assert read(Server(Condition=lambda _: ok(document))).resources["Condition"] == [primary()]
    to_itself = {"link": [{"relation": "self", "url": ELSEWHERE}]}
    empty: Sequence[Mapping[str, Any]] = [{}, {"entry": None}, {"entry": {}}, {"link": None}, to_itself]
    for more in empty:
        record = read(Server(Condition=as_answered(200, json.dumps({"resourceType": "Bundle", **more}))))
        assert (record.resources["Condition"], record.unread) == ([], ())


def test_the_token_stands_in_no_text() -> None:
    """SM9: nor in what Python shows of the objects that hold it."""

    async def shown() -> str:
        async with client_for(EHR, lambda _: MockTransport(Server())) as client:
            return repr(RecordServer(client, BASE, TOKEN))

    assert TOKEN not in asyncio.run(shown())
    assert BASE in asyncio.run(shown())


@pytest.mark.parametrize("failure", [None, httpx2.ReadTimeout("late")])
def test_a_resource_is_written_once(failure: Exception | None) -> None:
    """It carries the receipt, so that a server that has it takes it no second time; no redirect is followed."""
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        if failure is not None:
            raise failure
        return Response(307, headers={"location": ELSEWHERE})

    async def writing() -> tuple[int, str]:
        async with client_for(EHR, lambda _: MockTransport(answer)) as client:
            return await RecordServer(client, BASE, TOKEN).create(histology(), "urn:ietf:rfc:3986|urn:uuid:1")

    if failure is None:
        assert asyncio.run(writing()) == (307, ELSEWHERE)
    else:
        with pytest.raises(Unanswered, match="ehr_too_slow"):
            asyncio.run(writing())
    (request,) = asked
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/Observation")
    assert request.headers["if-none-exist"] == "identifier=urn:ietf:rfc:3986|urn:uuid:1"
    assert json.loads(request.content) == histology()


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([{"use": "official", "family": "Example", "given": ["Anna", "Maria"]}], "Anna Maria Example"),
        ([{"use": "old", "family": "Before"}, {"use": "usual", "family": "Now"}], "Now"),
        ([{"use": "maiden", "family": "Before"}, {"family": "Now"}], "Now"),
        ([{"use": "usual", "text": "Annie"}, {"use": "official", "text": " Anna \n Example "}], "Anna Example"),
        ([{"use": "old", "family": "Before"}], "Before"),
        ([{"family": "\ud800", "given": ["Anna", 7, None, "\udfff", ""]}], "Anna"),
        ([], ""),
        (None, ""),
        ("Anna", ""),
    ],
)
def test_the_banner_shows_the_name_in_use(names: object, shown: str) -> None:
    """SM11: the name that is in use, not one from before a marriage, and only text that can be written."""
    assert banner_of(patient(name=names)) == Banner(shown, "1957-02-03")
    assert banner_of(patient(birthDate=19570203)).born == ""
