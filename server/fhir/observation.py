"""A prediction as an Observation, for records that take no RiskAssessment: the headline risk, and a part for each time.

Its status is preliminary.
"""

from __future__ import annotations

from collections.abc import Iterator

from server.fhir.checking import Resource, checked
from server.fhir.elements import referred_path
from server.fhir.saying import (
    DEVICE,
    UCUM,
    Said,
    device,
    headline_risk,
    method_text,
    narrative,
    notes,
    receipt_identifier,
    references,
    risks,
)

SOURCES = ("DocumentReference", "ImagingStudy", "Media", "QuestionnaireResponse", "Observation", "MolecularSequence")
"""The kinds of resources that an Observation can be derived from in R4; others are named in a note."""

NO_VALUE = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "unknown"}],
}


def observation(said: Said) -> Resource:
    """The Observation of one prediction (FHIR R4). Raises ValueError when it is none."""
    say, headline = said.served.language.sentences.say, headline_risk(said)
    sentences = [risk.sentence for risk in risks(said)]
    derived = [address for address in said.basis if referred_path(address).partition("/")[0] in SOURCES]
    others = [address for address in said.basis if address not in derived]
    noted = [*([say("record_sources", references=others)] if others else []), *notes(said)]
    title = said.served.model.about.title
    resource: Resource = {
        "resourceType": "Observation",
        "language": said.served.language.code,
        "text": narrative(said, [*sentences, *noted]),
        "contained": [device(said)],
        "identifier": [receipt_identifier(said)],
        "status": "preliminary",
        "code": {"text": say("risk_headline", title=title, event=headline.event)},
        "subject": {"reference": said.subject},
        "effectiveDateTime": said.landmark.isoformat(),
        "issued": said.receipt.time,
        "valueQuantity": _quantity(headline.percent),
        "note": [{"text": text} for text in [*sentences, *noted]],
        "method": {"text": method_text(said)},
        "device": {"reference": f"#{DEVICE}", "display": said.receipt.model_name},
        "component": list(_components(said)),
    }
    if derived:
        resource["derivedFrom"] = references(derived)
    return checked(resource)


def _components(said: Said) -> Iterator[Resource]:
    """The risk by each headline time, followed by the two limits of its interval."""
    say = said.served.language.sentences.say
    for risk in risks(said):
        for sentence, figure in (
            ("risk_estimate", risk.percent),
            ("risk_lower", risk.lower),
            ("risk_upper", risk.upper),
        ):
            code = {"text": say(sentence, event=risk.event)}
            if figure is None:
                yield {
                    "code": code,
                    "dataAbsentReason": {**NO_VALUE, "text": say("risk_interval", lower=None, upper=None)},
                }
            else:
                yield {"code": code, "valueQuantity": _quantity(figure)}


def _quantity(figure: float) -> Resource:
    return {"value": figure, "unit": "%", "system": UCUM, "code": "%"}
