"""A prediction as a RiskAssessment: one risk for each headline time. Its status is preliminary."""

from __future__ import annotations

from server.fhir.checking import Resource, checked
from server.fhir.saying import (
    DEVICE,
    Risk,
    Said,
    device,
    method_text,
    narrative,
    notes,
    receipt_identifier,
    references,
    risks,
)


def risk_assessment(said: Said) -> Resource:
    """The RiskAssessment of one prediction (FHIR R4). Raises ValueError when it is none."""
    predicted, noted = risks(said), notes(said)
    resource: Resource = {
        "resourceType": "RiskAssessment",
        "language": said.served.language.code,
        "text": narrative(said, [*(risk.sentence for risk in predicted), *noted]),
        "contained": [device(said)],
        "identifier": [receipt_identifier(said)],
        "status": "preliminary",
        "method": {"text": method_text(said)},
        "subject": {"reference": said.subject},
        "occurrenceDateTime": said.receipt.time,
        "performer": {"reference": f"#{DEVICE}", "display": said.receipt.model_name},
        "prediction": [_prediction(risk) for risk in predicted],
        "note": [{"text": text} for text in noted],
    }
    if said.basis:
        resource["basis"] = references(said.basis)
    return checked(resource)


def _prediction(risk: Risk) -> Resource:
    """One risk; the time is a period and never a range, which would be one of ages."""
    return {
        "outcome": {"text": risk.event},
        "probabilityDecimal": risk.percent,
        "whenPeriod": {"start": risk.begin.isoformat(), "end": risk.end.isoformat()},
        "rationale": risk.sentence,
    }
