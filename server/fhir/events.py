"""What happened, as a record tells it: operations for the primary tumour, its coming back, operations for that.

Which Condition is which follows from references and codes alone, never from the order of dates, and nothing follows
from what is not there. What could be one thing or another is neither: it is told of, and speaks against the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from model.record import PRIMARY_OPERATION, RECURRENCE, RECURRENCE_OPERATION, Code, Record
from server.fhir.elements import (
    Resource,
    begun,
    codes_in,
    codes_in_all,
    codes_in_extensions,
    day_of,
    extensions,
    is_to_come,
    is_understood,
    name_of,
    part,
    parts,
    reference_to,
    referred,
    text_at,
)
from server.fhir.found import NO_DAY, NOT_DONE, PARTIAL, RECORDED, TO_COME, UNCONFIRMED, UNREADABLE_DAY, UNSURE

OCCURRED_FOLLOWING = "http://hl7.org/fhir/StructureDefinition/condition-occurredFollowing"
RELATED = "http://hl7.org/fhir/StructureDefinition/condition-related"
RELATED_PRIMARY = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-related-primary-cancer-condition"
FOLLOWS = (OCCURRED_FOLLOWING, RELATED, RELATED_PRIMARY)
"""Extensions of a Condition that lead from what came later to the primary tumour."""
HISTOLOGY_EXTENSION = "mcode-histology-morphology-behavior"
WHERE_EXTENSIONS = ("condition-relapseType", "an-recurrence-type")
"""What extensions of a Condition that say where it has come back are called: of PCSP and IDEA4RC, and of ACT-NOW."""

SNOMED = "http://snomed.info/sct"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CAME_BACK = frozenset({Code(CLINICAL, "recurrence"), Code(CLINICAL, "relapse")})
NOT_SO = frozenset({Code(VERIFICATION, "refuted"), Code(VERIFICATION, "entered-in-error")})
RECURRENT = frozenset({Code(SNOMED, "1259237005")})
"""Recurrent malignant neoplasm, wherever it is."""
MALIGNANT = frozenset({Code(SNOMED, "363346000"), Code(SNOMED, "372087000"), Code(SNOMED, "424413001")})
"""Malignant neoplastic disease, primary malignant neoplasm, sarcoma: what makes of a site the disease at that site."""
SECONDARY = Code(SNOMED, "128462008")
"""A metastasis; where it is does not tell of which tumour."""
ICD_10 = ("http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm")
SECONDARY_BLOCKS = ("C77", "C78", "C79")
"""Blocks of metastases. They only speak against what is filled in, so their members need not be listed."""
CONFIRMED = Code(VERIFICATION, "confirmed")
SURGICAL = frozenset({Code(SNOMED, "387713003")})


@dataclass(frozen=True, slots=True)
class Happened:
    """One event with the resource that tells of it. ``day`` is whole unless a remark says otherwise."""

    event: str
    source: str
    text: str
    day: str
    remark: str | None = None
    of: frozenset[str] = frozenset()
    """For an operation, the Conditions that it was done for."""
    codes: frozenset[Code] = frozenset()
    """For an operation, what was done."""


@dataclass(frozen=True, slots=True)
class Tumours:
    """The Conditions of the disease, told apart."""

    primary: tuple[Resource, ...]
    came_back: tuple[Resource, ...]
    either: tuple[Resource, ...]
    """The disease, without saying whether its beginning or its coming back."""
    related: tuple[Resource, ...]
    """What followed the disease, without saying whether it is the disease; and metastases of no named tumour."""

    @property
    def later(self) -> tuple[Resource, ...]:
        """Whatever may be a coming back."""
        return (*self.came_back, *self.either, *self.related)

    @property
    def of_disease(self) -> tuple[Resource, ...]:
        """Whatever is the disease."""
        return (*self.primary, *self.came_back, *self.either)


def tumours_of(conditions: Iterable[Resource], record: Record, sites: frozenset[Code], base: str) -> Tumours:
    """Which Conditions are the primary tumour, and which are its coming back; ``sites`` are codes that say where."""
    real = [one for one in conditions if not NOT_SO & codes_in(part(one, "verificationStatus"))]
    kinds = (MALIGNANT | RECURRENT | {code for one in record.says if one.event is None for code in one.codes}) - sites
    about = {reference_to(one) for one in real if _is_of(one, frozenset(record.disease), kinds)}
    later = [_is_later(one, about, sites, base) for one in real]
    tumours: dict[str, list[Resource]] = {
        "primary": [],
        "came_back": [one for one, is_later in zip(real, later, strict=True) if is_later],
        "either": [],
        "related": [],
    }
    # That something came after it makes the first of them the beginning, whatever has become of it since.
    led_to = {reference for one in tumours["came_back"] for reference in _follows(one, base)}
    for one, is_later in zip(real, later, strict=True):
        name, follows = reference_to(one), _follows(one, base)
        if is_later:
            continue
        doubtful = follows or not is_understood(one) or (is_said_to_have_come_back(one) and name not in led_to)
        if name in about:
            tumours["either" if doubtful else "primary"].append(one)
        elif follows & about or (not follows and is_metastasis(one)):
            tumours["related"].append(one)
    return Tumours(**{name: tuple(those) for name, those in tumours.items()})


def events_of(tumours: Tumours, procedures: Sequence[Resource], base: str, today: date) -> tuple[Happened, ...]:
    """Everything that happened, as far as the record says to which tumour it belongs."""
    primary, later, came_back = (
        {reference_to(one) for one in those} for those in (tumours.primary, tumours.later, tumours.came_back)
    )
    unconfirmed = {reference_to(one) for one in (*tumours.primary, *tumours.later) if not is_confirmed(one)}
    found = [_coming_back(one) for one in tumours.came_back]
    found += [replace(_coming_back(one), remark=UNSURE) for one in (*tumours.either, *tumours.related)]
    for procedure in procedures:
        reasons = {referred(reason, base) for reason in parts(procedure, "reasonReference")}
        # An operation for both belongs to neither: which of the two it was is not said.
        if reasons & primary and not reasons & later:
            found += _operation(PRIMARY_OPERATION, procedure, reasons & primary, primary, unconfirmed, today)
        elif reasons & came_back and not reasons & primary:
            found += _operation(RECURRENCE_OPERATION, procedure, reasons & later, later, unconfirmed, today)
    return tuple(_without_contradictions([_not_before_its_day(one, today) for one in found]))


def codes_of(condition: Resource) -> frozenset[Code]:
    """The codes by which a Condition says what it is, its kind of tumour included."""
    return codes_in(part(condition, "code")) | codes_in_extensions(condition, (HISTOLOGY_EXTENSION,))


def codes_of_recurrence(condition: Resource) -> frozenset[Code]:
    """The codes by which a Condition may say that and where the disease has come back."""
    concepts = (part(condition, "code"), *parts(condition, "category"))
    return codes_in_all(concepts) | codes_in_extensions(condition, WHERE_EXTENSIONS)


def is_confirmed(condition: Resource) -> bool:
    """Whether a diagnosis stands; where nothing is said about that, it does."""
    status = condition.get("verificationStatus")
    return status is None or CONFIRMED in codes_in(status)


def is_metastasis(condition: Resource) -> bool:
    """Whether a Condition is a metastasis, of whatever tumour."""
    codes = codes_of_recurrence(condition)
    return SECONDARY in codes or any(one.system in ICD_10 and one.code[:3] in SECONDARY_BLOCKS for one in codes)


def is_said_to_have_come_back(condition: Resource) -> bool:
    """Whether a Condition is marked as having come back, which is said of the primary tumour's as well."""
    return bool(CAME_BACK & codes_in(part(condition, "clinicalStatus")))


def _is_of(condition: Resource, disease: frozenset[Code], kinds: frozenset[Code]) -> bool:
    """Whether a Condition is the disease: by its name, or by its site where it is a tumour."""
    found = codes_in_all(parts(condition, "bodySite"))
    codes = codes_of(condition) | codes_of_recurrence(condition)
    return bool(
        disease & codes_in(part(condition, "code")) or (disease & found and kinds & codes and SECONDARY not in codes)
    )


def _is_later(condition: Resource, about: set[str], sites: frozenset[Code], base: str) -> bool:
    """Whether a Condition is the disease that has come back: after that disease and no other, and a tumour itself."""
    codes, follows = codes_of_recurrence(condition), _follows(condition, base)
    is_one, says_so = reference_to(condition) in about, bool((sites | RECURRENT) & codes)
    if not is_understood(condition) or not follows <= about:
        return False
    if not follows:
        return is_one and says_so
    return is_one or says_so or SECONDARY in codes


def _follows(condition: Resource, base: str) -> set[str]:
    """What a Condition came after; an empty text stands for what it is not known to be."""
    return {
        referred(part(extension, "valueReference"), base)
        for extension in extensions(condition)
        if text_at(extension, "url") in FOLLOWS
    } - {reference_to(condition)}


def _coming_back(condition: Resource) -> Happened:
    text, source = name_of(part(condition, "code")), reference_to(condition)
    day, recorded = day_of(begun(condition, "onset")), day_of(text_at(condition, "recordedDate"))
    if not is_confirmed(condition):
        return Happened(RECURRENCE, source, text, day or recorded, UNCONFIRMED)
    if day:
        return Happened(RECURRENCE, source, text, day, None if len(day) == 10 else PARTIAL)
    # The day on which somebody wrote it down is not the day on which it was found.
    return Happened(RECURRENCE, source, text, recorded, RECORDED if recorded else NO_DAY)


def _not_before_its_day(one: Happened, today: date) -> Happened:
    """The same, but not taken to have happened where it is dated later than today, whatever its status says."""
    counts = one.remark in (None, PARTIAL, RECORDED)
    return replace(one, remark=TO_COME) if counts and is_to_come(one.day, today) else one


def _without_contradictions(found: Sequence[Happened]) -> Iterator[Happened]:
    """The same, but unsure of what would have come back before, or on the day on which, it was first operated on."""
    done = [one for one in found if one.event == PRIMARY_OPERATION and one.day]
    certain = [one.day for one in done if one.remark in (None, PARTIAL)]
    operations = _earliest(certain or [one.day for one in done if one.remark == UNCONFIRMED])
    wrong = {
        one.day
        for one in found
        if one.event == RECURRENCE and one.remark in (None, PARTIAL)
        if operations and all(_is_not_after(one.day, day) for day in operations)
    }
    for one in found:
        known = one.remark in (None, PARTIAL)
        doubtful = (
            known and wrong and (one.event == PRIMARY_OPERATION or (one.event == RECURRENCE and one.day in wrong))
        )
        yield replace(one, remark=UNSURE) if doubtful else one


def _earliest(days: Iterable[str]) -> list[str]:
    """Of the days, of the months and of the years among these the earliest: what is not after it is after none."""
    earliest: dict[int, str] = {}
    for day in days:
        earliest[len(day)] = min(day, earliest.get(len(day), day))
    return list(earliest.values())


def _is_not_after(day: str, other: str) -> bool:
    """Whether one day is certainly not after another, each as far as it is known."""
    known = min(len(day), len(other))
    return day[:known] < other[:known] or (known == 10 and day == other)


def _operation(
    event: str, procedure: Resource, of: set[str], those: set[str], unconfirmed: set[str], today: date
) -> Iterator[Happened]:
    """An operation; for one of several such tumours it may be for a later one than is meant."""
    status, category = text_at(procedure, "status"), codes_in(part(procedure, "category"))
    if status in ("entered-in-error", "not-done") or not SURGICAL & category:
        return
    text, source = name_of(part(procedure, "code")), reference_to(procedure)
    ended, remark = day_of(text_at(part(procedure, "performedPeriod"), "end")), None
    day = day_of(begun(procedure, "performed")) or (ended if is_to_come(ended, today) else "")
    if status != "completed":
        remark = NOT_DONE
    elif not is_understood(procedure) or not those <= of:
        remark = UNSURE
    elif of <= unconfirmed:
        remark = UNCONFIRMED
    elif not day:
        # A time that cannot be read may be one that is still to come.
        remark = NO_DAY if ended or not _is_timed(procedure) else UNREADABLE_DAY
    elif len(day) < 10:
        remark = PARTIAL
    yield Happened(event, source, text, day, remark, frozenset(of), codes_in(part(procedure, "code")))


def _is_timed(procedure: Resource) -> bool:
    """Whether a Procedure says when it was, in whatever way."""
    return any(value and name.startswith("performed") for name, value in procedure.items())
