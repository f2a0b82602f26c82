"""An EHR that answers at once: what reading a record costs on our side of the network.

    python -m uvicorn benchmarks.hook_peer:app --ssl-keyfile KEY --ssl-certfile CERTIFICATE --port PORT

Any path before the type of a resource is the address of one of its FHIR servers; each has the same record.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Document = dict[str, Any]

PATIENT = "1288992"


def about(kind: str, identifier: str, **members: object) -> Document:
    """A resource about the patient."""
    subject = {"reference": f"Patient/{PATIENT}"}
    return {"resourceType": kind, "id": identifier, "subject": subject, **members}


def concept(system: str, code: str) -> Document:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code, "display": code}]}


def bundle(*resources: Document) -> Document:
    """What a search finds."""
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}


def record(others: int = 0) -> dict[str, Document]:
    """A record of a recurrence, and so many conditions and operations that have nothing to do with it."""
    icd, snomed, loinc = "http://hl7.org/fhir/sid/icd-10", "http://snomed.info/sct", "http://loinc.org"
    follows = "http://hl7.org/fhir/StructureDefinition/condition-occurredFollowing"
    first = about("Condition", "first", code=concept(icd, "C48.0"), onsetDateTime="2021-05-06")
    again = about(
        "Condition",
        "again",
        code=concept(snomed, "128462008"),
        onsetDateTime="2023-04-05",
        extension=[{"url": follows, "valueReference": {"reference": "Condition/first"}}],
    )
    removal = about(
        "Procedure",
        "removal",
        status="completed",
        category=concept(snomed, "387713003"),
        performedDateTime="2021-06-07",
        reasonReference=[{"reference": "Condition/first"}],
    )
    seen = about(
        "Observation",
        "seen",
        status="final",
        code=concept(loinc, "31206-6"),
        valueCodeableConcept=concept("http://terminology.hl7.org/CodeSystem/icd-o-3", "8890/3"),
    )
    filler = {"text": {"status": "generated", "div": f"<div>{'word ' * 200}</div>"}}
    ailments = [about("Condition", f"c{i}", code=concept(icd, "I10"), **filler) for i in range(others)]
    operations = [about("Procedure", f"p{i}", status="completed", **filler) for i in range(others)]
    return {
        "Patient": {"resourceType": "Patient", "id": PATIENT, "birthDate": "1960-01-02"},
        "Condition": bundle(first, again, *ailments),
        "Procedure": bundle(removal, *operations),
        "Observation": bundle(seen),
    }


ANSWERS = {kind: json.dumps(resource).encode() for kind, resource in record().items()}


async def _answer(request: Request) -> Response:
    return Response(ANSWERS[request.path_params["kind"]], media_type="application/fhir+json")


app = Starlette(routes=[Route("/{server}/{kind}", _answer), Route("/{server}/{kind}/{id}", _answer)])
