"""The operation for programs: confirmed answers in, risks out; everything else is refused with every reason."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.application import create_app
from server.entering.bodies import LARGEST_BODY, LARGEST_BUNDLE
from server.fhir import operation
from server.fhir.operation import MOST_ENTRIES
from server.fhir.response import ITEM_MEMBERS, MEMBERS, MOST_ITEMS
from server.served import Served, prepare
from server.wording.language import english
from tests.pseudo import pseudo_language, untold
from tests.responses import (
    EVALUATE,
    FHIR,
    SUBJECT,
    at,
    bundle_of,
    evaluated,
    issues,
    item,
    response_of,
    told_in,
    with_items,
)
from tests.validators import problems_of
from tests.web import BOTH, DISTANT, LOCAL, ONE_OF_EACH, another_artefact, ask, client_of

NAME = "Annabelle Secret-Name"
ANOTHER: Mapping[str, Any] = {"size": 3, "grade": "g2", "site": "here"}
PATIENT = {"resourceType": "Patient", "id": "1", "name": [{"text": NAME}]}
CONDITION = {"resourceType": "Condition", "id": "2", "subject": {"reference": "Patient/1"}}
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


@pytest.mark.parametrize("asked", ONE_OF_EACH)
@pytest.mark.parametrize("alive", [0, 13])
def test_a_response_is_answered_with_what_the_interface_answers(
    client: TestClient, artefact: Artefact, asked: Mapping[str, Any], alive: int
) -> None:
    """E4, RA2, RA7, RA8: the same patient, the same model, the same figures; only read as risks."""
    response = evaluated(client, response_of(artefact.model.features, asked, alive))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/fhir+json"
    assert response.headers["cache-control"] == "no-store"
    assessed, answer = response.json(), ask(client, asked, alive_months=alive)
    risks = [one["probabilityDecimal"] for one in assessed["prediction"]]
    assert risks == [pytest.approx(100 * (1 - at["estimate"]), abs=1e-9) for at in answer["survival"]]
    assert (assessed["resourceType"], assessed["status"]) == ("RiskAssessment", "preliminary")
    assert assessed["subject"] == {"reference": SUBJECT}
    assert artefact.model.digest in assessed["method"]["text"]


def test_a_bundle_is_answered_entry_by_entry_and_none_is_lost(client: TestClient, artefact: Artefact) -> None:
    """RA1, RA7, RA9: each in its place, with its risks or with everything that is wrong with it."""
    features = artefact.model.features
    sent = [
        response_of(features, asked, subject={"reference": f"Patient/{place}"})
        for place, asked in enumerate([*ONE_OF_EACH, {**LOCAL, "interval_months": 500}] * 3)
    ]
    for kind in ("batch", "collection", "searchset"):
        response = evaluated(client, bundle_of(*sent, kind=kind))
        assert response.status_code == 200
        answered = response.json()
        assert (answered["resourceType"], answered["type"]) == ("Bundle", "batch-response")
        assert len(answered["entry"]) == len(sent)
        for place, (entry, one) in enumerate(zip(answered["entry"], sent, strict=True)):
            if place % 5 == 4:
                assert entry["response"]["status"].startswith("422 ")
                assert "resource" not in entry
                found = told_in(entry["response"]["outcome"])
                assert set(found) == {at("interval_months", f"Bundle.entry[{place}].resource")}
            else:
                alone = evaluated(client, one).json()
                assert entry["response"] == {"status": "200 OK"}
                assert entry["resource"]["prediction"] == alone["prediction"]
                assert entry["resource"]["subject"] == one["subject"]
    assert problems_of([answered]) == []
    receipts = [entry["resource"]["identifier"][0]["value"] for entry in answered["entry"] if "resource" in entry]
    assert len(set(receipts)) == len(receipts)


def test_nothing_is_predicted_from_a_record_that_nobody_has_confirmed(
    client: TestClient, local: Mapping[str, Any]
) -> None:
    """CH16's rule for programs: a raw record is refused, and every entry that is no response is named."""
    response = evaluated(client, bundle_of(PATIENT, local, CONDITION, kind="searchset"))
    found = issues(response)
    assert set(found) == {"Bundle.entry[0]", "Bundle.entry[2]"}
    assert all("nothing is predicted from a record that nobody has confirmed" in said for said in found.values())
    assert "“Bundle.entry[2]” is a Condition" in found["Bundle.entry[2]"]
    assert NAME not in response.text
    assert "is a Patient" in issues(evaluated(client, PATIENT))["Resource"]
    for resource in ({}, {"resourceType": 3}, {"features": dict(LOCAL)}):
        assert set(issues(evaluated(client, resource))) == {"Resource"}


@pytest.mark.parametrize(
    ("bundle", "places"),
    [
        ({"type": "transaction"}, {"Bundle.type", "Bundle.entry"}),
        ({"type": ["batch"], "entry": []}, {"Bundle.type", "Bundle.entry"}),
        ({"type": "batch", "entry": {}}, {"Bundle.entry"}),
        ({"type": "batch", "entry": [3, {}, {"resource": 1}]}, {f"Bundle.entry[{place}]" for place in range(3)}),
    ],
)
def test_a_bundle_that_cannot_be_answered_says_why(
    client: TestClient, bundle: Mapping[str, Any], places: set[str]
) -> None:
    """Its type, that it is empty, or what does not belong in it; a transaction would be all or none."""
    assert set(issues(evaluated(client, {"resourceType": "Bundle", **bundle}))) == places


def test_what_is_too_large_is_refused(client: TestClient, local: Mapping[str, Any]) -> None:
    """Issue: a body of many patients may be larger than one of a single patient, and has its limit too."""
    items = [{"linkId": "x"}] * (MOST_ITEMS + 1)
    assert "more than 1000 items" in issues(evaluated(client, {**local, "item": items}))[f"{HEAD}.item"]
    many = bundle_of(*[PATIENT] * (MOST_ENTRIES + 1))
    assert "more than 1000 entries" in issues(evaluated(client, many), 413)[""]
    wide = {**local, "text": "x" * LARGEST_BODY}
    assert evaluated(client, wide).status_code == 200
    assert str(LARGEST_BUNDLE) in issues(evaluated(client, {**local, "text": "x" * LARGEST_BUNDLE}), 413)[""]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("{", "application/fhir+json", 400),
        ("[]", "application/fhir+json", 400),
        ('{"resourceType": "Patient", "resourceType": "Patient"}', "application/json", 400),
        ('{"x": NaN}', "application/fhir+json", 400),
        ("[" * 9000, "application/json", 400),
        (b"\xff", "application/fhir+json", 400),
        ("{}", "application/fhir+xml", 415),
        ("{}", "text/plain", 415),
        ("{}", "application/fhir+json; charset=latin-1", 415),
        ("{}", "application/json; charset=utf-8", 422),
        ("{}", "application/fhir+json;fhirVersion=4.0", 422),
    ],
)
def test_a_body_that_cannot_be_read_is_an_outcome_too(
    client: TestClient, body: str | bytes, content_type: str, status: int
) -> None:
    """Issue: 400, 413 and 415 as elsewhere, told as FHIR tells it."""
    response = client.post(EVALUATE, content=body, headers={"content-type": content_type})
    assert len(issues(response, status)) == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", EVALUATE, 405), ("GET", "/fhir/Patient/1", 404), ("GET", "/fhir/Questionnaire/nobody", 404)],
)
def test_other_refusals_under_fhir_are_outcomes(client: TestClient, method: str, path: str, status: int) -> None:
    """Whatever speaks FHIR is answered in it; and what is wrong with a request is valid FHIR itself."""
    response = client.request(method, path)
    assert len(issues(response, status)) == 1
    assert problems_of([response.json()]) == []


def test_every_outcome_is_valid(client: TestClient, local: Mapping[str, Any]) -> None:
    """RA1's validators also see what refuses."""
    wrong = {
        **local,
        "status": 1,
        "subject": 2,
        "item": [3, item("age", valueInteger=1), {"linkId": "pattern", "x": 1}],
    }
    bodies = (wrong, bundle_of(PATIENT, local), {"resourceType": "Bundle"}, PATIENT, {"resourceType": "Parameters"})
    outcomes = [evaluated(client, body) for body in bodies]
    assert [response.status_code for response in outcomes] == [422] * len(bodies)
    assert problems_of([response.json() for response in outcomes]) == []


def test_parameters_may_hold_the_one_resource(client: TestClient, local: Mapping[str, Any]) -> None:
    """Clients of FHIR wrap what they send to an operation."""
    one: dict[str, Any] = {"name": "response", "resource": local}
    parameters = {"resourceType": "Parameters", "parameter": [one]}
    assert evaluated(client, parameters).json()["resourceType"] == "RiskAssessment"
    wrong: list[object] = [[], [{**one, "name": "other"}], [one, one], [{"name": "response"}], {}, None]
    for parameter in wrong:
        assert set(issues(evaluated(client, {**parameters, "parameter": parameter}))) == {"Parameters.parameter"}


def test_a_failure_shows_and_logs_no_value(
    client: TestClient, local: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """S2, mistake 8: an outcome without anything that was sent; the log says where it failed."""

    def fail(*_arguments: object) -> NoReturn:
        message = f"cannot work with {NAME}"
        raise RuntimeError(message)

    monkeypatch.setattr(operation, "predict", fail)
    with caplog.at_level(logging.DEBUG):
        response = evaluated(client, local)
    assert issues(response, 500)[""].startswith("Nothing was predicted, because the program failed.")
    assert NAME not in response.text
    assert caplog.records
    assert all(NAME not in line.getMessage() and line.exc_info is None for line in caplog.records)


def test_under_a_portals_path_addresses_are_the_portals(artefact: Artefact, local: Mapping[str, Any]) -> None:
    """Stripped or not: what the server says of its address is where it is asked."""
    client = client_of(artefact, root_path="/rps")
    for prefix in ("/rps", ""):
        assert client.get(f"{prefix}/fhir/metadata").json()["implementation"]["url"] == "http://testserver/rps/fhir"
        assert client.post(f"{prefix}{EVALUATE}", json=local).status_code == 200
        assert client.get(f"{prefix}/fhir/nothing").json()["resourceType"] == "OperationOutcome"


def test_what_the_server_can_do_is_stated_and_true(client: TestClient) -> None:
    """The operation is named where it is, with its definition; both are valid."""
    stated = client.get("/fhir/metadata").json()
    assert (stated["resourceType"], stated["fhirVersion"], stated["kind"]) == (
        "CapabilityStatement",
        "4.0.1",
        "instance",
    )
    (rest,) = stated["rest"]
    by_type = {resource["type"]: resource for resource in rest["resource"]}
    (named,) = by_type["RiskAssessment"]["operation"]
    defined = client.get(named["definition"].removeprefix("http://testserver")).json()
    assert (defined["resourceType"], defined["url"]) == ("OperationDefinition", named["definition"])
    assert f"/fhir/{defined['resource'][0]}/${defined['code']}" == EVALUATE
    assert (defined["type"], defined["system"], defined["instance"]) == (True, False, False)
    assert client.get("/fhir/Questionnaire").json()["total"] == 2
    assert problems_of([stated, defined]) == []


def test_the_language_is_the_one_asked_for(artefact: Artefact, local: Mapping[str, Any]) -> None:
    """Issue: Accept-Language as elsewhere; refusals hold nothing outside the catalogue but names and values."""
    artefacts = [artefact, another_artefact()]
    german = pseudo_language("de", artefacts)
    client = TestClient(create_app(artefacts, languages=[english(), german]), raise_server_exceptions=False)
    assert evaluated(client, local).json()["language"] == "en"
    assert evaluated(client, local, **{"accept-language": "de"}).json()["language"] == "de"
    features = artefact.model.features
    wrong = [
        {"resourceType": "1"},
        {"resourceType": "Parameters"},
        {"resourceType": "Bundle", "type": "1"},
        {"resourceType": "Bundle", "type": "batch", "entry": 1},
        {**local, "status": "1", "subject": 1, "item": [3, {"linkId": "1", "1": 1}], "1": 1},
        {**local, "questionnaire": "1"},
        {**local, "questionnaire": "/Questionnaire/another|2"},
        {**local, "item": [{"linkId": "1"}] * 1001},
        with_items(local, item("pattern", valueCoding={"code": "1", "system": "1"}), item("resection", valueInteger=1)),
        with_items(local, item("time.zero", valueDate="2015"), without="time.zero"),
        with_items(local, item("alive_months", valueInteger=1), without="alive_months"),
        with_items(local, without="time.zero"),
        with_items(local, without="alive_months"),
        response_of(features, LOCAL, 40, time_zero="2026-01-31"),
        response_of(another_artefact().model.features, ANOTHER, questionnaire="/Questionnaire/another"),
    ]
    known = {one.name for a in artefacts for one in a.model.features.all}
    known |= {level.code for a in artefacts for one in a.model.features.all for level in one.levels}
    names = {"unknown", "alive_months", "time.zero", "begin", "end", *known, *(a.model.name for a in artefacts)}
    fhir = {*operation.BUNDLES, *MEMBERS_AND_TYPES, "completed", "amended", "response"}
    spoken = 0
    for document in wrong:
        response = evaluated(client, document, **{"accept-language": "de"})
        if response.status_code != 200:
            for text in issues(response).values():
                spoken += 1
                left = [word for word in untold(text) if word not in {part for n in names | fhir for part in split(n)}]
                assert left == [], text
    assert spoken > 20


MEMBERS_AND_TYPES = (
    *("QuestionnaireResponse", "Bundle", "Parameters", "Resource", "Patient", "Questionnaire", "RiskAssessment"),
    *("valueCoding", "valueInteger", "valueDecimal", "valueDate", "valueBoolean", "children", "entry", "FHIR"),
    *(*MEMBERS, *ITEM_MEMBERS),
)


def split(name: str) -> Iterator[str]:
    """The words in a name."""
    yield from "".join(letter if letter.isalpha() else " " for letter in name).split()


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 300), st.floats(-5, 300), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


@settings(max_examples=300)
@given(data=st.data())
def test_whatever_is_sent_is_answered_or_refused_and_never_a_failure(
    client: TestClient, artefact: Artefact, data: st.DataObject
) -> None:
    """S2, E18: any part of a good body replaced by anything, left out or doubled."""
    good = response_of(artefact.model.features, data.draw(st.sampled_from([LOCAL, DISTANT, BOTH])), id="a")
    document: Any = copy.deepcopy(data.draw(st.sampled_from([good, bundle_of(good, good)])))
    for _ in range(data.draw(st.integers(1, 3))):
        holder: Any = document
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            inside = holder[key]
            if isinstance(inside, dict | list) and data.draw(st.booleans()):
                holder = inside
                continue
            holder[key] = copy.deepcopy(data.draw(JSON))
            break
    response = evaluated(client, document)
    assert response.status_code in {200, 422}, document
    resource = response.json()
    assert (resource["resourceType"] == "OperationOutcome") == (response.status_code == 422)
    if response.status_code == 422:
        assert all(issue["diagnostics"] for issue in resource["issue"])


def test_the_body_may_be_plain_json(client: TestClient, local: Mapping[str, Any]) -> None:
    """Issue: both types are read; the answer is FHIR."""
    response = client.post(EVALUATE, json=local)
    assert (response.status_code, response.headers["content-type"]) == (200, FHIR["content-type"])
