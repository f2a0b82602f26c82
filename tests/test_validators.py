"""Each validator finds what the others overlook, and none finds anything in what is right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.validators import invariants, problems_of

UCUM = "http://unitsofmeasure.org"
PERIOD = {"start": "2026-01-15", "end": "2031-01-15"}
OUTCOME = {"text": "Death from any cause"}


def percent(value: float, *, code: str = "%", system: str = UCUM) -> dict[str, Any]:
    """A quantity, in percent unless it is said otherwise."""
    return {"value": value, "unit": "%", "code": code, "system": system}


def prediction(**members: object) -> dict[str, Any]:
    """An outcome within five years."""
    return {"outcome": OUTCOME, "whenPeriod": PERIOD, **members}


def assessment(*predictions: Mapping[str, Any], **members: object) -> dict[str, Any]:
    """An assessment with all that is written to a record."""
    right = {
        "resourceType": "RiskAssessment",
        "meta": {"tag": [{"system": "urn:example", "code": "test"}]},
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Half.</div>'},
        "contained": [{"resourceType": "Device", "id": "form", "deviceName": [{"name": "F", "type": "model-name"}]}],
        "extension": [{"url": "https://example.org/extension", "valueString": "said"}],
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:9d9d4c2e-0d5f-4c29-a2a5-1a6c0e0b8d5b"}],
        "status": "preliminary",
        "method": {"text": "A model"},
        "subject": {"reference": "Patient/anna"},
        "occurrenceDateTime": "2026-01-20T12:00:00+01:00",
        "performer": {"reference": "#form"},
        "basis": [{"reference": "Condition/of-anna"}],
        "prediction": list(predictions),
        "note": [{"text": "Entered by hand."}],
    }
    return right | members


RIGHT = {
    "a percentage": assessment(prediction(probabilityDecimal=42.5, rationale="From 30 to 55 of 100")),
    "the least percentage": assessment(prediction(probabilityDecimal=0)),
    "the largest percentage": assessment(prediction(probabilityDecimal=100)),
    "several horizons": assessment(prediction(probabilityDecimal=20), prediction(probabilityDecimal=50.1)),
    "a range": assessment(prediction(probabilityRange={"low": percent(30), "high": percent(55)})),
    "half a range": assessment(prediction(probabilityRange={"high": percent(55)})),
    "an observation": {
        "resourceType": "Observation",
        "status": "preliminary",
        "code": OUTCOME,
        "subject": {"reference": "Patient/anna"},
        "effectivePeriod": PERIOD,
        "valueQuantity": percent(42.5),
        "derivedFrom": [{"reference": "Observation/grade"}],
    },
    "a document": {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": "preliminary",
        "subject": {"reference": "Patient/anna"},
        "content": [{"attachment": {"contentType": "application/pdf", "data": "JVBERi0="}}],
    },
}

PYTHON, FHIR, MEDPLUM, RULES = "fhir.resources", "npm fhir", "Medplum", "FHIRPath"
WRONG = {
    "an unknown property": (assessment(colour="red"), {PYTHON, FHIR, MEDPLUM}),
    "an unknown property deep inside": (
        assessment(prediction(probabilityDecimal=40, colour="red")),
        {PYTHON, FHIR, MEDPLUM},
    ),
    "an unknown property in what is contained": (
        assessment(contained=[{"resourceType": "Device", "id": "form", "colour": "red"}]),
        {PYTHON, FHIR, MEDPLUM},
    ),
    "an extension with an unknown type": (
        assessment(extension=[{"url": "https://example.org/extension", "valueColour": "red"}]),
        {PYTHON, FHIR, MEDPLUM},
    ),
    "no subject": (
        {name: value for name, value in assessment().items() if name != "subject"},
        {PYTHON, FHIR, MEDPLUM},
    ),
    "an unknown type": ({"resourceType": "Gadget"}, {PYTHON, FHIR, MEDPLUM}),
    "no type": ({"status": "final"}, {PYTHON, FHIR, MEDPLUM}),
    "a status that is none": (assessment(status="bogus"), {FHIR}),
    "a period and an age": (
        assessment(prediction(probabilityDecimal=40, whenRange={"low": percent(60)})),
        {PYTHON},
    ),
    "a date that is none": (assessment(occurrenceDateTime="next week"), {PYTHON, FHIR, MEDPLUM}),
    "a performer of the wrong kind": (assessment(performer={"reference": "Patient/anna"}), {FHIR}),
    "more than 100 %": (assessment(prediction(probabilityDecimal=140)), {MEDPLUM, RULES}),
    "more than 100 % at a later horizon": (
        assessment(prediction(probabilityDecimal=40), prediction(probabilityDecimal=100.1)),
        {MEDPLUM, RULES},
    ),
    "a range in another unit": (
        assessment(prediction(probabilityRange={"low": percent(30, code="1"), "high": percent(55)})),
        {MEDPLUM, RULES},
    ),
    "a range in percent of another system": (
        assessment(prediction(probabilityRange={"high": percent(55, system="https://example.org")})),
        {MEDPLUM, RULES},
    ),
}


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    """What is found in each of the wrong ones, by one call for all."""
    problems = problems_of([resource for resource, _ in WRONG.values()])
    return {name: [text for text in problems if f": {place} " in text] for place, name in enumerate(WRONG)}


def test_nothing_is_found_in_what_is_right() -> None:
    """A resource that may be written to a record passes all validators."""
    assert problems_of(list(RIGHT.values())) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found(found: dict[str, list[str]], name: str) -> None:
    """By just those validators that look for it: one that looks no more would make the tests that use it worth less."""
    assert {text.partition(": ")[0] for text in found[name]} == WRONG[name][1], found[name]


def test_problem_is_told_with_its_place() -> None:
    """Whoever reads it sees which resource and which element is meant."""
    problems = problems_of([RIGHT["a document"], assessment(status="bogus")])
    assert problems == ['npm fhir: 1 RiskAssessment: RiskAssessment.status: Code "bogus" not found in value set']


def test_prediction_needs_a_probability() -> None:
    """Without one, ras-2 is neither true nor false, and a server that reads it to the letter refuses what is valid."""
    problems = problems_of([assessment(prediction(qualitativeRisk={"text": "Unknown"}))])
    assert {text.partition(": ")[0] for text in problems} == {MEDPLUM, RULES}
    assert all("ras-2" in text for text in problems)


def test_nothing_is_found_in_nothing() -> None:
    """An empty list is no mistake."""
    assert problems_of([]) == []


def test_invariants_are_those_of_the_definition() -> None:
    """Both rules are read, each with the place where it stands."""
    assert invariants().keys() == {"ras-1", "ras-2"}
    assert "<= 100" in invariants()["ras-2"]
    assert "'%'" in invariants()["ras-1"]


def test_scale_is_for_a_test_of_ours() -> None:
    """0.425 is a valid percentage: no validator can know that 42.5 was meant."""
    assert problems_of([assessment(prediction(probabilityDecimal=0.425))]) == []
