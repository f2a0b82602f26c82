"""What happened, as a record tells it: operations for the primary tumour, its coming back, operations for that.

Which Condition is which follows from references and codes alone, never from the order of dates, and nothing follows
from what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from model.record import PRIMARY_OPERATION, RECURRENCE, RECURRENCE_OPERATION, Code, Record
from server.fhir.elements import (
    Resource,
    codes_in,
    codes_in_extensions,
    day_of,
    extensions,
    name_of,
    part,
    parts,
    reference_to,
    referred,
    text_at,
)
from server.fhir.found import NO_DAY, NOT_DONE, PARTIAL, RECORDED, UNCONFIRMED

OCCURRED_FOLLOWING = "http://hl7.org/fhir/StructureDefinition/condition-occurredFollowing"
RELATED = "http://hl7.org/fhir/StructureDefinition/condition-related"
RELATED_PRIMARY = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-related-primary-cancer-condition"
FOLLOWS = (OCCURRED_FOLLOWING, RELATED, RELATED_PRIMARY)
"""Extensions of a Condition that lead from what came later to the primary tumour."""

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CAME_BACK = frozenset({Code(CLINICAL, "recurrence"), Code(CLINICAL, "relapse")})
NOT_SO = frozenset({Code(VERIFICATION, "refuted"), Code(VERIFICATION, "entered-in-error")})
RECURRENT = frozenset({Code("http://snomed.info/sct", "1259237005")})
"""Recurrent malignant neoplasm, wherever it is."""
CONFIRMED = Code(VERIFICATION, "confirmed")
SURGICAL = frozenset({Code("http://snomed.info/sct", "387713003")})


@dataclass(frozen=True, slots=True)
class Happened:
    """One event with the resource that tells of it. ``day`` is whole unless a remark says otherwise."""

    event: str
    source: str
    text: str
    day: str
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Tumours:
    """The Conditions of the disease, told apart."""

    primary: tuple[Resource, ...]
    came_back: tuple[Resource, ...]


def tumours_of(conditions: Iterable[Resource], record: Record, sites: frozenset[Code], base: str) -> Tumours:
    """Which Conditions are the primary tumour, and which are its coming back; ``sites`` are codes that say where."""
    real = [one for one in conditions if not NOT_SO & codes_in(part(one, "verificationStatus"))]
    disease = frozenset(record.disease)
    about = [one for one in real if disease & _codes_of(one)]
    names = {reference_to(one) for one in about}
    later = [one for one in real if _follows(one, base) & names or (one in about and _has_come_back(one, sites, base))]
    later_names = {reference_to(one) for one in later}
    return Tumours(
        primary=tuple(one for one in about if reference_to(one) not in later_names),
        came_back=tuple(later),
    )


def events_of(tumours: Tumours, procedures: Sequence[Resource], base: str) -> tuple[Happened, ...]:
    """Everything that happened, as far as the record says to which tumour it belongs."""
    primary = {reference_to(one) for one in tumours.primary}
    came_back = {reference_to(one) for one in tumours.came_back}
    found = [_coming_back(one) for one in tumours.came_back]
    for procedure in procedures:
        reasons = {referred(reason, base) for reason in parts(procedure, "reasonReference")}
        # An operation for both belongs to neither: which of the two it was is not said.
        if reasons & primary and not reasons & came_back:
            found += _operation(PRIMARY_OPERATION, procedure)
        elif reasons & came_back and not reasons & primary:
            found += _operation(RECURRENCE_OPERATION, procedure)
    return tuple(found)


def _codes_of(condition: Resource) -> frozenset[Code]:
    found = codes_in(part(condition, "code"))
    for site in parts(condition, "bodySite"):
        found |= codes_in(site)
    return found


def codes_of_recurrence(condition: Resource) -> frozenset[Code]:
    """The codes by which a Condition may say where the disease has come back."""
    return codes_in(part(condition, "code")) | codes_in_extensions(condition)


def _follows(condition: Resource, base: str) -> set[str]:
    return {
        referred(part(extension, "valueReference"), base)
        for extension in extensions(condition)
        if text_at(extension, "url") in FOLLOWS
    } - {"", reference_to(condition)}


def _has_come_back(condition: Resource, sites: frozenset[Code], base: str) -> bool:
    clinical = codes_in(part(condition, "clinicalStatus"))
    codes = codes_of_recurrence(condition)
    return bool(CAME_BACK & clinical or (sites | RECURRENT) & codes or _follows(condition, base))


def _coming_back(condition: Resource) -> Happened:
    text, source = name_of(part(condition, "code")), reference_to(condition)
    verification = codes_in(part(condition, "verificationStatus"))
    onset = text_at(condition, "onsetDateTime") or text_at(part(condition, "onsetPeriod"), "start")
    day, recorded = day_of(onset), day_of(text_at(condition, "recordedDate"))
    if verification and CONFIRMED not in verification:
        return Happened(RECURRENCE, source, text, day or recorded, UNCONFIRMED)
    if day:
        return Happened(RECURRENCE, source, text, day, None if len(day) == 10 else PARTIAL)
    # The day on which somebody wrote it down is not the day on which it was found.
    return Happened(RECURRENCE, source, text, recorded, RECORDED if recorded else NO_DAY)


def _operation(event: str, procedure: Resource) -> Iterator[Happened]:
    status, category = text_at(procedure, "status"), codes_in(part(procedure, "category"))
    if status in ("entered-in-error", "not-done") or not SURGICAL & category:
        return
    text, source = name_of(part(procedure, "code")), reference_to(procedure)
    performed = text_at(procedure, "performedDateTime") or text_at(part(procedure, "performedPeriod"), "start")
    day = day_of(performed)
    if status != "completed":
        yield Happened(event, source, text, day, NOT_DONE)
    elif not day:
        yield Happened(event, source, text, "", NO_DAY)
    else:
        yield Happened(event, source, text, day, None if len(day) == 10 else PARTIAL)
