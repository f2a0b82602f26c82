"""Resources of a record (FHIR R4) for the tests: one patient with a sarcoma of the retroperitoneum that came back.

Every builder makes a resource that says all it should; keywords change it, and None takes a member away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from server.fhir.events import CLINICAL, OCCURRED_FOLLOWING, RELATED, VERIFICATION
from server.fhir.finding import findings_of
from server.fhir.found import Findings
from tests.invented import small_model

Resource = dict[str, Any]

BASE = "https://ehr.hospital.example/fhir/R4"
PATIENT = "anna"
TODAY = date(2026, 6, 1)

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
ICD_O_3 = "http://terminology.hl7.org/CodeSystem/icd-o-3"

RETROPERITONEUM = (ICD_10, "C48.0", "Malignant neoplasm of retroperitoneum")
METASTASIS = (SNOMED, "128462008", "Secondary malignant neoplastic disease")
LOCAL = (SNOMED, "340731000210102", "Local recurrence")
MALIGNANT = (SNOMED, "363346000", "Malignant neoplastic disease")
SITE = (ICD_O_3, "C48.0", "Retroperitoneum")
SURGICAL = (SNOMED, "387713003", "Surgical procedure")
EXCISION = ("http://snomed.info/sct", "65801008", "Excision (procedure)")
DDLPS = (ICD_O_3, "8858/3", "Dedifferentiated liposarcoma")
LMS = (ICD_O_3, "8890/3", "Leiomyosarcoma")
NOT_ASKED = (ICD_O_3, "8801/3", "Spindle cell sarcoma")

HISTOLOGY_IS = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-histology-morphology-behavior"
WHERE_IS = "http://canshare.co.nz/fhir/StructureDefinition/an-recurrence-type"

Coded = tuple[str, str, str]


def concept(*codes: Coded, text: str | None = None) -> dict[str, Any]:
    """A CodeableConcept that says the same in each of these codes."""
    codings = [{"system": system, "code": code, "display": display} for system, code, display in codes]
    return {"coding": codings, **({"text": text} if text is not None else {})}


def status(system: str, code: str) -> dict[str, Any]:
    """One of the statuses of a Condition."""
    return {"coding": [{"system": system, "code": code}]}


def reference(kind: str, identifier: str) -> dict[str, str]:
    """A reference within the record."""
    return {"reference": f"{kind}/{identifier}"}


def link(url: str, *identifiers: str) -> list[dict[str, Any]]:
    """The extensions by which a Condition leads to others."""
    return [{"url": url, "valueReference": reference("Condition", one)} for one in identifiers]


def says(url: str, *codes: Coded) -> dict[str, Any]:
    """An extension that holds a CodeableConcept."""
    return {"url": url, "valueCodeableConcept": concept(*codes)}


def _made(resource: Resource, changes: Mapping[str, object]) -> Resource:
    return {name: value for name, value in {**resource, **changes}.items() if value is not None}


def patient(identifier: str = PATIENT, **changes: object) -> Resource:
    """A patient."""
    return _made(
        {
            "resourceType": "Patient",
            "id": identifier,
            "name": [{"use": "official", "family": "Example", "given": ["Anna", "Maria"]}],
            "birthDate": "1957-02-03",
        },
        changes,
    )


def condition(identifier: str, *, of: str = PATIENT, **changes: object) -> Resource:
    """A confirmed diagnosis of the disease."""
    return _made(
        {
            "resourceType": "Condition",
            "id": identifier,
            "subject": reference("Patient", of),
            "clinicalStatus": status(CLINICAL, "active"),
            "verificationStatus": status(VERIFICATION, "confirmed"),
            "code": concept(RETROPERITONEUM),
        },
        changes,
    )


def primary(identifier: str = "primary", **changes: object) -> Resource:
    """The primary tumour."""
    return _made(condition(identifier), {"onsetDateTime": "2018-01-15", **changes})


def recurrence(
    identifier: str = "recurrence", day: str = "2020-06-05", after: Iterable[str] = ("primary",), **changes: object
) -> Resource:
    """Its coming back: a diagnosis of its own, which leads to the primary tumour."""
    made = {"onsetDateTime": day, "extension": link(OCCURRED_FOLLOWING, *after)}
    return _made(condition(identifier), {**made, **changes})


def metastasis(
    identifier: str = "metastasis", day: str = "2020-06-05", after: Iterable[str] = ("primary",), **changes: object
) -> Resource:
    """A metastasis, as mCODE has it: related to the primary tumour."""
    made = {"onsetDateTime": day, "code": concept(METASTASIS), "extension": link(RELATED, *after)}
    return _made(condition(identifier), {**made, **changes})


def operation(
    identifier: str = "operation",
    day: str = "2018-03-01",
    reasons: Iterable[str] = ("primary",),
    *,
    of: str = PATIENT,
    **changes: object,
) -> Resource:
    """An operation that was done for these Conditions."""
    return _made(
        {
            "resourceType": "Procedure",
            "id": identifier,
            "subject": reference("Patient", of),
            "status": "completed",
            "category": concept(SURGICAL),
            "code": {**concept(EXCISION), "text": "Excision of tumour"},
            "performedDateTime": day,
            "reasonReference": [reference("Condition", one) for one in reasons],
        },
        changes,
    )


def histology(
    identifier: str = "histology",
    *codes: Coded,
    about: Iterable[str] = ("primary",),
    of: str = PATIENT,
    **changes: object,
) -> Resource:
    """The report of a histology: by default of a dedifferentiated liposarcoma."""
    return _made(
        {
            "resourceType": "Observation",
            "id": identifier,
            "subject": reference("Patient", of),
            "status": "final",
            "code": concept((LOINC, "31206-6", "Histology and behavior")),
            "focus": [reference("Condition", one) for one in about],
            "effectiveDateTime": "2018-03-08",
            "valueCodeableConcept": concept(*(codes or (DDLPS,))),
        },
        changes,
    )


def by_kind(*resources: Resource) -> dict[str, list[Resource]]:
    """Resources as a record that was read holds them."""
    found: dict[str, list[Resource]] = {}
    for one in resources:
        found.setdefault(str(one["resourceType"]), []).append(one)
    return found


def bundle(*resources: Resource, following: str | None = None) -> Resource:
    """One page of what a search finds; ``following`` is the address of the next one."""
    links = [] if following is None else [{"relation": "next", "url": following}]
    entries = [{"fullUrl": f"{BASE}/{one['resourceType']}/{one.get('id')}", "resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}


BEGIN, END = "interval_months.begin", "interval_months.end"
WHOLE = (
    patient(),
    primary(),
    operation(),
    recurrence(extension=[*link(OCCURRED_FOLLOWING, "primary"), says(WHERE_IS, LOCAL)]),
    operation("again", "2020-09-01", ["recurrence"]),
    histology(),
)
"""A record that says everything once."""
FILLED = {"pattern": "local", BEGIN: "2018-03-01", END: "2020-06-05", "resection": "yes", "subtype": "ddlps"}
"""What it fills in of the default model's questions."""


def findings(*resources: Resource) -> Findings:
    """What the default model's questions find in a record."""
    return findings_of(small_model(), by_kind(*resources), BASE, TODAY)


def filled(*resources: Resource) -> dict[str, str]:
    """What a record fills in."""
    return dict(findings(*resources).filled)


def told(field: str, *resources: Resource) -> list[tuple[str, str | None, str | None]]:
    """What a record says about one field: source, value, and why there is none."""
    return [(one.source, one.value, one.remark) for one in findings(*resources).found if one.field == field]
