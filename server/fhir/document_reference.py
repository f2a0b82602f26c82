"""A prediction as a document, for records that take neither RiskAssessment nor Observation: the printed result."""

from __future__ import annotations

from base64 import b64encode

from server.fhir.checking import Resource, checked
from server.fhir.saying import (
    DEVICE,
    Said,
    device,
    headline_risk,
    method_text,
    narrative,
    receipt_identifier,
    references,
)


def document_reference(said: Said, pdf: bytes) -> Resource:
    """The DocumentReference that carries the result as PDF (FHIR R4). Raises ValueError when it is none."""
    language, title = said.served.language, said.served.model.about.title
    say = language.sentences.say
    named = say("document_title", title=title, time=language.moment(said.receipt.time))
    described = f"{headline_risk(said).sentence} {say('status')}"
    resource: Resource = {
        "resourceType": "DocumentReference",
        "language": language.code,
        "text": narrative(said, [named, described, method_text(said)]),
        "contained": [device(said)],
        "masterIdentifier": receipt_identifier(said),
        "status": "current",
        "docStatus": "preliminary",
        "type": {"text": say("document_kind")},
        "subject": {"reference": said.subject},
        "date": said.receipt.time,
        "author": [{"reference": f"#{DEVICE}", "display": said.receipt.model_name}],
        "description": described,
        "content": [
            {
                "attachment": {
                    "contentType": "application/pdf",
                    "language": language.code,
                    "data": b64encode(pdf).decode("ascii"),
                    "size": len(pdf),
                    "title": named,
                    "creation": said.receipt.time,
                }
            }
        ],
    }
    if said.basis:
        resource["context"] = {"related": references(said.basis)}
    return checked(resource)
