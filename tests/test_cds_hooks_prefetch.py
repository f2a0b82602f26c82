"""The record of a CDS Hooks request (CH4, CH10): what is brought along, in whatever form, and what is read for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import ConnectError, MockTransport, Request, Response

from model.artefact import Artefact
from server.fhir.asking import MOST_RESOURCES
from server.hooks.prefetch import KEYS, PATIENCE, gather
from server.hooks.request import Asked
from tests.hook_client import (
    ANNA,
    ISSUER,
    OUTCOME,
    Asking,
    Document,
    about,
    asking,
    body,
    bundle,
    come_back,
    connections_of,
    histology,
    operation,
    primary,
    right,
    whole,
)

KINDS = ("Patient", "Condition", "Procedure", "Observation")
NOTHING_READ = "Parts of the record could not be read"


class Server:
    """The EHR's FHIR server, with Anna's record in it."""

    def __init__(self, **changes: Document | int) -> None:
        self.answers: dict[str, Document | int] = {
            "Patient": ANNA,
            "Condition": bundle(primary(), come_back()),
            "Procedure": bundle(operation("taken-out", "2021-06-07")),
            "Observation": bundle(histology("seen", "8890/3")),
            **changes,
        }

    def __call__(self, request: Request) -> Response:
        """Answer as FHIR does, and see that the right is shown."""
        assert request.headers["authorization"] == "Bearer the-secret-right"
        assert str(request.url).startswith(f"{ISSUER}/")
        kind = request.url.path.removeprefix("/fhir/").partition("/")[0]
        answer = self.answers[kind + ("-more" if b"page=2" in request.url.query else "")]
        if answer == 0:
            message = "unreachable"
            raise ConnectError(message)
        return Response(answer, json=OUTCOME) if isinstance(answer, int) else Response(200, json=answer)


@pytest.fixture(scope="module")
def ehr(artefact: Artefact) -> Asking:
    """An EHR whose own server must not be asked."""
    return asking(artefact)


def with_right(prefetch: Mapping[str, object] | None) -> Document:
    """A request that lets us read what it does not bring."""
    return body(prefetch=prefetch, fhirServer=ISSUER, fhirAuthorization=right())


def without(name: str) -> Document:
    """A prefetch that lacks one thing."""
    return {key: value for key, value in whole().items() if key != name}


def kinds_asked(ehr: Asking) -> list[str]:
    """What the EHR was asked for."""
    return sorted(request.url.path.removeprefix("/fhir/").partition("/")[0] for request in ehr.asked)


NOT_THERE = {
    "absent": None,
    "an error": OUTCOME,
    "a bundle with an error": bundle(OUTCOME),
    "another resource": {"resourceType": "Basic", "id": "1"},
    "a text": "Condition?patient=anna",
    "a list": [primary()],
    "a further page": bundle(primary(), come_back(), following=f"{ISSUER}/Condition?page=2"),
    "a further page elsewhere": bundle(primary(), come_back(), following="https://evil.example/Condition?page=2"),
}


MANY = [about("Condition", f"other-{number}", code={"text": "Cold"}) for number in range(MOST_RESOURCES - 2)]


def test_ch10_more_than_are_read_of_a_record_are_not_there(artefact: Artefact) -> None:
    """CH10: a part of them could say otherwise than all; the EHR's own server has the same limit, and is asked."""
    asked = asking(artefact, handler=Server())
    most = whole() | {"conditions": bundle(*MANY, primary(), come_back())}
    assert len(asked.cards(body(prefetch=most))) == 1
    more = whole() | {
        "conditions": bundle(*MANY, primary(), come_back(), about("Condition", "one", code={"text": "1"}))
    }
    assert asked.post(body(prefetch=more)).status_code == 412
    assert asked.asked == []
    assert len(asked.cards(with_right(more))) == 1
    assert kinds_asked(asked) == ["Condition"]
    other = whole() | {"conditions": bundle(*MANY, primary(), come_back(), {"resourceType": "Basic"})}
    assert len(asked.cards(body(prefetch=other))) == 1


@pytest.mark.parametrize("value", NOT_THERE.values(), ids=NOT_THERE.keys())
def test_ch04_missing_conditions_are_a_failed_precondition(ehr: Asking, value: object) -> None:
    """CH4, CH10: 412 with an OperationOutcome, where nothing lets us read them."""
    prefetch = without("conditions") if value is None else whole() | {"conditions": value}
    answer = ehr.post(body(prefetch=prefetch))
    assert answer.status_code == 412
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert (issue["severity"], issue["code"]) == ("error", "incomplete")
    assert "conditions" in issue["diagnostics"]
    assert ehr.post(body(prefetch=None)).status_code == 412


@pytest.mark.parametrize("value", NOT_THERE.values(), ids=NOT_THERE.keys())
def test_ch10_what_is_not_there_is_read(artefact: Artefact, value: object) -> None:
    """CH10: with a right to read, from the server that was agreed, at its own addresses, and only what is missing."""
    asked = asking(artefact, handler=Server())
    prefetch = without("conditions") if value is None else whole() | {"conditions": value}
    assert len(asked.cards(with_right(prefetch))) == 1
    (request,) = asked.asked
    assert str(request.url).startswith(f"{ISSUER}/Condition?")
    assert parse_qs(urlsplit(str(request.url)).query) == {"patient": ["anna"], "_count": ["100"]}


def test_ch10_nothing_brought_along_is_all_read(artefact: Artefact) -> None:
    """CH10: without any prefetch."""
    asked = asking(artefact, handler=Server())
    for prefetch in (None, {}, {"other": ANNA}):
        asked.asked.clear()
        (card,) = asked.cards(with_right(prefetch))
        assert kinds_asked(asked) == sorted(KINDS)
        assert NOTHING_READ not in card["detail"]
    (same,) = asked.cards()
    assert {**same, "uuid": ""} == {**card, "uuid": ""}


def test_ch10_what_is_there_is_not_read_again(artefact: Artefact) -> None:
    """CH10: a right to read is no reason to use it."""
    asked = asking(artefact)
    assert len(asked.cards(with_right(whole()))) == 1
    assert not asked.asked


def test_ch10_null_says_that_there_is_nothing(ehr: Asking) -> None:
    """CH10: the specification has null where a search found nothing; that is an answer, and nothing is missing."""
    assert ehr.cards(body(prefetch=whole() | {"conditions": None})) == []
    (card,) = ehr.cards(body(prefetch=whole() | dict.fromkeys(("patient", "procedures", "observations"))))
    assert NOTHING_READ not in card["detail"]


def test_ch10_a_single_resource_is_one(ehr: Asking) -> None:
    """CH10: in place of a Bundle."""
    single = whole() | {"procedures": operation("one", "2021-06-07"), "observations": histology("one", "8890/3")}
    (card,) = ehr.cards(body(prefetch=single))
    (of_bundles,) = ehr.cards()
    assert card["detail"] == of_bundles["detail"]
    assert ehr.cards(body(prefetch=single | {"conditions": primary()})) == []


def test_ch10_the_pages_of_the_server_are_followed(artefact: Artefact) -> None:
    """CH10: to the end, on the server's own origin."""
    first = bundle(primary(), following=f"{ISSUER}/Condition?page=2")
    changes = {"Condition": first, "Condition-more": bundle(come_back())}
    asked = asking(artefact, handler=Server(**changes))
    prefetch = whole() | {"conditions": bundle(primary(), following=f"{ISSUER}/Condition?page=2")}
    assert len(asked.cards(with_right(prefetch))) == 1
    assert kinds_asked(asked) == ["Condition", "Condition"]


def test_ch10_a_server_that_leads_elsewhere_is_not_followed(artefact: Artefact) -> None:
    """CH10, SM13: the right is shown to nobody else."""
    elsewhere = bundle(primary(), come_back(), following="https://evil.example/Condition?page=2")
    asked = asking(artefact, handler=Server(Condition=elsewhere))
    assert asked.post(with_right(without("conditions"))).status_code == 412
    assert len(asked.asked) == 1


@pytest.mark.parametrize("answer", [0, 302, 401, 403, 404, 500])
def test_ch10_conditions_that_cannot_be_read_are_missing(artefact: Artefact, answer: int) -> None:
    """CH4, CH10: whatever the reason."""
    asked = asking(artefact, handler=Server(Condition=answer))
    assert asked.post(with_right({})).status_code == 412


@pytest.mark.parametrize("name", ["procedures", "observations"])
@pytest.mark.parametrize("value", [None, OUTCOME, bundle(following=f"{ISSUER}/more")], ids=["absent", "error", "paged"])
def test_ch10_without_the_rest_a_card_says_so(ehr: Asking, artefact: Artefact, name: str, value: object) -> None:
    """CH10: conditions are enough for a card, which then does not pretend to have seen everything."""
    prefetch = without(name) if value is None else whole() | {name: value}
    (card,) = ehr.cards(body(prefetch=prefetch))
    assert NOTHING_READ in card["detail"]
    refusing = asking(artefact, handler=Server(Procedure=403, Observation=403))
    (card,) = refusing.cards(with_right(prefetch))
    assert NOTHING_READ in card["detail"]


def test_ch10_the_patient_need_not_be_there(ehr: Asking) -> None:
    """CH10: what is needed of the patient stands in the context."""
    (card,) = ehr.cards(body(prefetch=without("patient")))
    assert NOTHING_READ not in card["detail"]


OTHERS = {
    "patient": ANNA | {"id": "bert"},
    "conditions": bundle(primary(), come_back(), about("Condition", "other", "bert")),
    "procedures": bundle(about("Procedure", "other", "bert")),
    "observations": about("Observation", "other", "bert"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_ch10_another_patients_record_is_never_used(ehr: Asking, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """CH10: where anything is about another patient, there is no card; the log says what kind of thing it was."""
    with caplog.at_level(logging.INFO, "uvicorn.error"):
        assert ehr.cards(body(prefetch=whole() | {name: OTHERS[name]})) == []
        assert ehr.cards(with_right({name: OTHERS[name]})) == []
    lines = [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"]
    kind = next(kind for kind, key in KEYS.items() if key == name)
    assert [kind in line for line in lines] == [True, True]
    assert not [line for line in lines if "bert" in line or "anna" in line]


@pytest.mark.parametrize(
    "subject",
    [None, {"reference": "Patient/ann"}, {"reference": "https://evil.example/fhir/Patient/anna"}, {"display": "Anna"}],
)
def test_ch10_what_is_of_nobody_is_not_this_patients(ehr: Asking, subject: object) -> None:
    """CH10: a resource has to say whose it is."""
    stray = {**operation("stray", "2021-06-07"), "subject": subject}
    assert ehr.cards(body(prefetch=whole() | {"procedures": bundle(stray)})) == []


def test_ch10_another_patients_record_from_the_server_is_never_used(artefact: Artefact) -> None:
    """CH10: a server may be wrong as well."""
    other = bundle(about("Procedure", "other", "bert"))
    asked = asking(artefact, handler=Server(Procedure=other))
    assert asked.cards(with_right(without("procedures"))) == []
    assert asked.cards(with_right({})) == []


def test_ch10_absolute_references_to_the_agreed_server_are_its_own(ehr: Asking) -> None:
    """CH10: "https://…/fhir/Patient/anna" is "Patient/anna"."""
    absolute = {**operation("one", "2021-06-07"), "subject": {"reference": f"{ISSUER}/Patient/anna"}}
    assert len(ehr.cards(body(prefetch=whole() | {"procedures": bundle(absolute)}))) == 1


def test_ch10_a_server_that_is_late_is_not_waited_for() -> None:
    """CH10, CH14: somebody waits for a page to open."""

    async def late(_: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    (ehr,) = connections_of().ehrs.values()
    asked = Asked("anna", without("conditions"), "the-secret-right")
    gathered = asyncio.run(gather(asked, ehr, lambda _: MockTransport(late), patience=0))
    assert gathered.missing == ("Condition",)
    assert set(gathered.resources) == {"Patient", "Procedure", "Observation"}
    assert 0 < PATIENCE < 10
