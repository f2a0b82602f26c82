"""How the tests answer a form in FHIR, and what they say to a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from model.features import ALIVE_MONTHS, UNKNOWN, Features
from model.patient import Patient
from model.prediction import Horizon, predict
from model.receipt import issue_receipt
from server.fhir.links import TIME_ZERO
from server.fhir.saying import Said
from server.served import Served
from server.wording.telling import tell

EVALUATE = "/fhir/RiskAssessment/$evaluate"
FHIR = {"content-type": "application/fhir+json"}
SUBJECT = "Patient/123"
LONG_AGO = "2015-01-31"
"""A day after which every time that a model knows has passed."""


def said_of(
    served: Served,
    features: Mapping[str, Any],
    alive: int = 0,
    *,
    survival: Sequence[Horizon] = (),
    basis: Sequence[str] = (),
    by_hand: Sequence[str] = (),
) -> Said:
    """What is said to a record of one patient; ``survival`` takes the place of what the model predicts."""
    model = served.model
    patient = Patient.parse(model.features, features, alive_months=alive)
    prediction = predict(model, patient)
    if survival:
        prediction = replace(prediction, survival=tuple(survival))
    told = tell(served.language, model, prediction, withdrawn=served.withdrawn)
    receipt = issue_receipt(model, patient)
    day = date.fromisoformat(LONG_AGO)
    return Said(served, prediction, told, receipt, SUBJECT, day, tuple(basis), tuple(by_hand))


def item(link: str, **answer: object) -> dict[str, Any]:
    """One item with one answer."""
    return {"linkId": link, "answer": [answer]}


def response_of(
    features: Features, values: Mapping[str, Any], alive: int = 0, time_zero: str = LONG_AGO, **members: object
) -> dict[str, Any]:
    """A response that gives these answers."""
    items = [_answered(features, name, value) for name, value in values.items()]
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": {"reference": SUBJECT},
        "item": [*items, item(ALIVE_MONTHS, valueInteger=alive), item(TIME_ZERO, valueDate=time_zero)],
        **members,
    }


def with_items(response: Mapping[str, Any], *items: object, without: str = "") -> dict[str, Any]:
    """The response with these items as well, and without those of one name."""
    kept = [one for one in response["item"] if one["linkId"] != without]
    return {**response, "item": [*kept, *items]}


def bundle_of(*resources: Mapping[str, Any], kind: str = "batch") -> dict[str, Any]:
    """Many at once."""
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": resource} for resource in resources]}


def evaluated(client: TestClient, document: object, **headers: str) -> Response:
    """What the operation answers."""
    return client.post(EVALUATE, json=document, headers={**FHIR, **headers})


def issues(response: Response, status: int = 422) -> dict[str, str]:
    """The sentences of an OperationOutcome by where the problems lie."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/fhir+json"
    return told_in(response.json())


def told_in(outcome: Mapping[str, Any]) -> dict[str, str]:
    """The sentences of one OperationOutcome by where the problems lie; none is said of the same place as another."""
    assert outcome["resourceType"] == "OperationOutcome"
    found = {issue.get("expression", [""])[0]: issue["diagnostics"] for issue in outcome["issue"]}
    assert len(found) == len(outcome["issue"]) > 0
    assert {issue["severity"] for issue in outcome["issue"]} == {"error"}
    return found


def at(link: str, resource: str = "QuestionnaireResponse") -> str:
    """Where an answer lies."""
    return f"{resource}.item.where(linkId = '{link}')"


def _answered(features: Features, name: str, value: object) -> dict[str, Any]:
    if not features.named(name).is_number:
        return item(name, valueCoding={"code": value})
    return item(f"{name}.{UNKNOWN}", valueBoolean=True) if value == UNKNOWN else item(name, valueDecimal=value)
