"""CDS Hooks 2.0: what is offered and asked, and a card that says that there is a form and nothing more."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import server.hooks.service as hooks
from model.artefact import Artefact
from server.application import create_app
from server.connected import connect
from server.entering.bodies import LARGEST_BODY
from server.limits import Limits
from tests.hook_client import (
    ADDRESS,
    INSTANCE,
    ISSUER,
    PATH,
    PORTAL,
    SERVICE,
    STRANGER,
    Asking,
    about,
    asking,
    body,
    bundle,
    connections_of,
    histology,
    members_of,
    right,
    whole,
    withdrawn,
)
from tests.web import another_artefact

HOOKS = Path(hooks.__file__).parent


@pytest.fixture(scope="module")
def ehr(artefact: Artefact) -> Asking:
    """An EHR on the list, whose own server must not be asked."""
    return asking(artefact)


def empty_in(document: object) -> list[str]:
    """The places of members that are null or empty."""
    return [place for place, member in members_of(document) if member is None or member in ("", [], {})]


def test_ch01_services_are_listed_for_everybody(artefact: Artefact) -> None:
    """CH1: 200, and of each service its hook, title, description and id; no token, and any language."""
    answer = asking(artefact, another_artefact()).client.get("/cds-services")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    (service,) = answer.json()["services"]  # the other model does not say how a record says what it asks
    assert set(service) == {"hook", "title", "description", "id", "prefetch", "usageRequirements"}
    assert (service["hook"], service["id"]) == ("patient-view", artefact.model.name)
    assert service["title"] == artefact.model.about.title
    assert service["prefetch"] == {
        "patient": "Patient/{{context.patientId}}",
        "conditions": "Condition?patient={{context.patientId}}",
        "procedures": "Procedure?patient={{context.patientId}}",
        "observations": "Observation?patient={{context.patientId}}"
        "&code=http://loinc.org|31206-6,http://loinc.org|21983-2",
    }


def test_ch01_a_model_that_cannot_be_used_is_not_listed(artefact: Artefact) -> None:
    """CH1: neither one that reads no record nor one that is withdrawn; and the list stays a list."""
    for none in (another_artefact(), withdrawn(artefact)):
        answer = asking(none).client.get("/cds-services")
        assert (answer.status_code, answer.json()) == (200, {"services": []})


def test_ch02_every_problem_of_a_request_is_named_at_once(ehr: Asking) -> None:
    """CH2: hook, hookInstance, context.userId and context.patientId are required, and have a form."""
    assert set(ehr.refused({})) == {"hook", "hookInstance", "context", "context.userId", "context.patientId"}
    wrong = body(
        hook="order-sign",
        hookInstance="not-a-uuid",
        context={"userId": "  ", "patientId": "../Patient/bert"},
        prefetch=["nothing"],
        fhirServer=7,
        fhirAuthorization={"token_type": "Basic", "expires_in": "soon", "scope": "", "patient": "bert"},
    )
    assert set(ehr.refused(wrong)) == {
        *("hook", "hookInstance", "context.userId", "context.patientId", "prefetch", "fhirServer"),
        *(f"fhirAuthorization.{name}" for name in ("access_token", "token_type", "expires_in", "scope", "subject")),
        "fhirAuthorization.patient",
    }


@pytest.mark.parametrize("instance", [7, "", "{" + INSTANCE + "}", INSTANCE[:-1], f"urn:uuid:{INSTANCE}", [INSTANCE]])
def test_ch02_an_instance_is_a_uuid(ehr: Asking, instance: object) -> None:
    """CH2."""
    assert set(ehr.refused(body(hookInstance=instance))) == {"hookInstance"}


def test_ch02_an_authorization_needs_a_server(ehr: Asking) -> None:
    """CH2: fhirAuthorization requires fhirServer."""
    assert set(ehr.refused(body(fhirAuthorization=right()))) == {"fhirServer"}


@pytest.mark.parametrize(
    "server",
    ["https://elsewhere.example/fhir", f"{ISSUER}/../other", ISSUER.upper(), "http" + ISSUER[5:], f"{ISSUER}?"],
)
def test_ch02_a_token_is_carried_to_no_other_server(ehr: Asking, server: str) -> None:
    """CH2: the FHIR server is the one that was agreed with whoever signs, or nothing is asked of anybody."""
    wrong = body(fhirServer=server, fhirAuthorization=right(), prefetch=None)
    assert set(ehr.refused(wrong)) == {"fhirServer"}
    assert not ehr.asked


@pytest.mark.parametrize("token", ["a b", "a\r\nx-other: b", "ä", "\x00"])
def test_ch02_a_token_that_is_no_token_is_not_sent(ehr: Asking, token: str) -> None:
    """CH2: what becomes a header holds no second one."""
    wrong = body(fhirServer=ISSUER, fhirAuthorization=right(access_token=token), prefetch=None)
    assert set(ehr.refused(wrong)) == {"fhirAuthorization.access_token"}


def test_ch02_what_later_versions_add_is_passed_over(ehr: Asking) -> None:
    """CH2: the specification may grow; an extension is nobody's mistake."""
    more = body(extension={"com.example": 1}, fhirServer=f"{ISSUER}/", fhirAuthorization=None)
    more["context"] |= {"encounterId": "visit"}
    more["prefetch"] |= {"other": {"resourceType": "Basic"}}
    assert len(ehr.cards(more)) == 1


def test_ch09_nothing_is_null_or_empty(ehr: Asking) -> None:
    """CH9: in the list of services, a card and every refusal; the list of cards alone may be empty."""
    answers = [
        ehr.client.get("/cds-services"),
        ehr.post(),
        ehr.post(body(prefetch={})),
        ehr.post({}),
        ehr.post(signed="wrong"),
        ehr.client.post("/cds-services/nowhere"),
        ehr.client.delete(PATH),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 412, 400, 401, 404, 405]
    for answer in answers:
        assert not empty_in(answer.json()), answer.text
    assert empty_in(ehr.post(body(prefetch={"conditions": None})).json()) == [".cards"]


def test_ch13_only_pages_on_the_list_may_ask(artefact: Artefact) -> None:
    """CH13: preflight and answer for the origins of the configuration, with two methods and two headers."""
    client = asking(artefact).client
    wanted = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    for path in ("/cds-services", PATH, f"{PATH}/feedback"):
        answer = client.options(path, headers={"origin": PORTAL, **wanted})
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == PORTAL
        assert answer.headers["access-control-allow-methods"] == "GET, POST"
        assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"
        assert answer.headers["vary"] == "Origin"
        for origin in ("https://evil.example", f"{PORTAL}.evil.example", f"{PORTAL}:8443", "null", PORTAL.upper(), "*"):
            answer = client.options(path, headers={"origin": origin, **wanted})
            assert answer.status_code == 403
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert answer.headers["vary"] == "Origin"


def test_ch13_answers_are_shown_to_those_pages_alone(ehr: Asking) -> None:
    """CH13: exactly the origin that asked, refusals included; no cookie is allowed along, and nothing elsewhere."""
    for origin, shown in ((PORTAL, True), ("https://evil.example", False), (None, False)):
        headers = {} if origin is None else {"origin": origin}
        for answer in (ehr.client.get("/cds-services", headers=headers), ehr.post(**headers), ehr.post({}, **headers)):
            found = {name: text for name, text in answer.headers.items() if name.startswith("access-control")}
            assert found == ({"access-control-allow-origin": PORTAL} if shown else {})
            assert answer.headers["vary"] == "Origin"
    for path in ("/", "/model", "/api/v1/model", "/healthz"):
        for answer in (
            ehr.client.get(path, headers={"origin": PORTAL}),
            ehr.client.options(path, headers={"origin": PORTAL, "access-control-request-method": "POST"}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_nothing_of_a_patient_is_written_down(ehr: Asking, caplog: pytest.LogCaptureFixture) -> None:
    """S2: neither the patient, nor what the record says, nor a right to read it, whatever happens."""
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "uvicorn.error"):
        ehr.post()
        ehr.post({"context": {"patientId": "anna", "userId": "Practitioner/doctor"}})
        ehr.post(body(prefetch=whole() | {"procedures": bundle(about("Procedure", "other", "bert"))}))
        ehr.post(body(fhirServer="https://elsewhere.example", fhirAuthorization=right()))
        ehr.post(signed="wrong")
    written = [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"]
    assert len(written) == 2
    for text in ("anna", "Anna", "bert", "doctor", "secret", "Sarcoma", "2021", INSTANCE, "elsewhere"):
        assert not [line for line in written if text in line]


def test_a_request_may_bring_a_record_along(ehr: Asking) -> None:
    """Issue: more than a form may be, and still no more than 2 MiB."""
    many = [histology(f"seen-{number}", "8890/3") | {"note": [{"text": "x" * 1000}]} for number in range(500)]
    large = body(prefetch=whole() | {"observations": bundle(*many)})
    assert len(json.dumps(large)) > 8 * LARGEST_BODY
    assert len(ehr.cards(large)) == 1
    refused = ehr.post(body(prefetch={"patient": "x" * hooks.LARGEST_REQUEST}))
    assert refused.status_code == 413
    assert str(hooks.LARGEST_REQUEST) in refused.json()["detail"]


def test_what_is_no_request_is_refused_as_such(ehr: Asking) -> None:
    """S4: of the stated type, JSON, and an object."""

    def send(content: str, kind: str = "application/json") -> int:
        headers = {"authorization": f"Bearer {ehr.token()}", "content-type": kind}
        answer = ehr.client.post(PATH, content=content, headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        return int(answer.status_code)

    assert send("{") == send("[]") == send('{"hook": NaN}') == send('{"hook": 1, "hook": 1}') == 400
    assert send("{}", "text/plain") == 415


def test_an_address_answers_its_method_alone(ehr: Asking) -> None:
    """And what is not there is not there."""
    for method, path, allowed in (
        ("POST", "/cds-services", "GET"),
        ("GET", PATH, "POST"),
        ("PUT", f"{PATH}/feedback", "POST"),
    ):
        answer = ehr.client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert ehr.client.head("/cds-services").status_code == 200
    assert ehr.client.options(PATH, headers={"origin": PORTAL}).status_code == 405
    unknown = ehr.post(path="/cds-services/other")
    assert unknown.status_code == 404
    assert SERVICE in unknown.json()["detail"]


def test_an_ehr_may_ask_so_often_and_nobody_else_uses_that_up(artefact: Artefact) -> None:
    """CH12, ASVS 2.4: counted for each EHR, and only once it is known to be that EHR."""
    ehr = asking(artefact, limits=Limits(address=None, issuer="2/hour"))
    forged = ehr.token(key=STRANGER)
    statuses = [ehr.post(signed=signed).status_code for signed in (forged, forged, None, forged, None)]
    assert statuses == [401, 401, 200, 401, 200]
    for path in (PATH, f"{PATH}/feedback"):
        answer = ehr.post(path=path)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 3600
        assert not empty_in(answer.json())
    assert ehr.client.get("/cds-services").status_code == 200


def test_a_model_without_a_record_is_no_service(artefact: Artefact) -> None:
    """A model that does not say how a record says what it asks has nothing to say about one."""
    assert asking(artefact, another_artefact()).post(path="/cds-services/another").status_code == 404


@pytest.mark.parametrize("stripped", [True, False])
def test_behind_a_portal(artefact: Artefact, stripped: bool) -> None:
    """The address of the configuration is what tokens are for, and where links lead, whatever the portal does."""
    ehr = asking(artefact, connections=connections_of(address=f"{ADDRESS}/rps"), root_path="/rps")
    headers = {"authorization": f"Bearer {ehr.token()}"}
    answer = ehr.client.post(PATH if stripped else f"/rps{PATH}", json=body(), headers=headers)
    assert answer.status_code == 200
    (card,) = answer.json()["cards"]
    assert card["links"][0]["url"] == f"{ADDRESS}/rps/launch"
    assert card["source"]["url"].startswith(f"{ADDRESS}/rps/model")


def test_it_is_there_where_an_ehr_is_connected_for_it(artefact: Artefact) -> None:
    """Only then: no EHR on the list, no address."""
    without = connections_of()
    alone = replace(without, ehrs={ISSUER: replace(without.ehrs[ISSUER], hooks=None)})
    for connected, status in ((None, 404), (connect(alone), 404), (connect(without), 200)):
        client = TestClient(create_app([artefact], connected=connected))
        assert client.get("/cds-services").status_code == status


def test_the_registration_sheet_says_what_is_so(ehr: Asking) -> None:
    """docs/cds-hooks.md: its prefetch is the one that is offered, and it explains whatever the log may say."""
    sheet = (HOOKS.parent.parent / "docs" / "cds-hooks.md").read_text(encoding="utf-8")
    (service,) = ehr.client.get("/cds-services").json()["services"]
    for name, query in service["prefetch"].items():
        assert re.search(rf"^    {name} +{re.escape(query)}$", sheet, re.MULTILINE), name
    callers = (HOOKS / "callers.py").read_text(encoding="utf-8")
    reasons = {*re.findall(r'reason = "(\w+)"', callers), *re.findall(r'return "(\w+)"', callers)}
    assert len(reasons) > 8
    explained = "".join(line for line in sheet.splitlines() if "log: " in line)
    assert not [reason for reason in reasons if f"`{reason}`" not in explained]
