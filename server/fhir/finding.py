"""From the resources of a record to what they say about the questions of a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from model.fitted import Model
from model.record import RECURRENCE, RECURRENCE_OPERATION, Code, Record, Says
from server.entering.confirming import question_of
from server.entering.dates import END, date_field
from server.fhir.elements import (
    Resource,
    begun,
    codes_in,
    day_of,
    extensions_named,
    is_to_come,
    is_understood,
    name_of,
    part,
    parts,
    reference_to,
    referred,
    text_at,
)
from server.fhir.events import (
    HISTOLOGY_EXTENSION,
    Happened,
    Tumours,
    codes_of,
    codes_of_recurrence,
    events_of,
    is_confirmed,
    is_said_to_have_come_back,
    tumours_of,
)
from server.fhir.found import (
    NO_DAY,
    NOT_NAMED,
    PARTIAL,
    RECORDED,
    TO_COME,
    UNCONFIRMED,
    UNKNOWN_CODE,
    UNSURE,
    Findings,
    Found,
)
from server.wording.refusing import BEGIN

LOINC = "http://loinc.org"
HISTOLOGY = Code(LOINC, "31206-6")
OBSERVED = (HISTOLOGY, Code(LOINC, "21983-2"))
"""What Observations are asked for: histology and behaviour, and the type of the first recurrence."""

DOUBTFUL = (UNCONFIRMED, UNSURE, TO_COME)
"""Why it is not certain that something happened."""
SETTLED = ("final", "amended", "corrected")
WRONG = ("entered-in-error", "cancelled", "unknown")

Resources = Mapping[str, Sequence[Resource]]
"""By type, the resources of one patient."""


def findings_of(model: Model, resources: Resources, base: str, today: date) -> Findings:
    """What a record says about each question, in the order of the questions; nothing where the model does not say how.

    ``base`` is the address of the FHIR server, by which absolute references are known; what is dated later than
    ``today`` has not happened.
    """
    if model.record is None:
        return Findings()
    tumours = _tumours(model, resources, base)
    events = events_of(tumours, resources.get("Procedure", ()), base, today)
    found = [
        *_dates(model.record, events),
        *_answers_by_event(model, events, tumours),
        *_answers_by_code(model, events, tumours),
        *_answers_by_observation(model, tumours, resources.get("Observation", ()), base),
    ]
    found = [_without_value_to_come(one, today) for one in found]
    order = {feature.name: place for place, feature in enumerate(model.features.all)}
    found.sort(key=lambda one: (order[question_of(one.field)], *_written(one)))
    return Findings(tuple(dict.fromkeys(found)), excluded=tuple(_excluded(model.record, tumours, resources, base)))


def _without_value_to_come(one: Found, today: date) -> Found:
    """The same, but without a value where its resource is dated later than today."""
    return replace(one, value=None, remark=TO_COME) if one.value and is_to_come(one.day, today) else one


def _written(one: Found) -> tuple[str, ...]:
    return (one.field, str(one.value), one.source, one.text, one.day, str(one.remark))


def has_come_back(model: Model, resources: Resources, base: str) -> bool:
    """Whether the record tells of the model's disease having come back."""
    if model.record is None:
        return False
    tumours = _tumours(model, resources, base)
    return bool(tumours.came_back) or any(is_said_to_have_come_back(one) for one in tumours.either)


def _tumours(model: Model, resources: Resources, base: str) -> Tumours:
    record, stratum = model.record or Record((), ""), model.features.stratum.name
    sites = frozenset(code for one in record.says if one.feature == stratum for code in one.codes)
    return tumours_of(resources.get("Condition", ()), record, sites, base)


def _dates(record: Record, events: Sequence[Happened]) -> Iterator[Found]:
    for name, begins in record.begins.items():
        for which, event in ((BEGIN, begins), (END, record.time_zero)):
            for one in events:
                if one.event == event:
                    value = one.day if one.remark is None else None
                    yield Found(date_field(name, which), value, one.source, one.text, one.day, one.remark)


def _answers_by_event(model: Model, events: Sequence[Happened], tumours: Tumours) -> Iterator[Found]:
    record = model.record or Record((), "")
    back = [one for one in events if one.event == RECURRENCE]
    latest = max((one.day for one in back if one.remark in (None, PARTIAL)), default="")
    doubtful = any(one.remark in DOUBTFUL for one in back)
    where = _said_where(model, tumours.came_back)
    for says in record.says:
        for one in events:
            if says.event != one.event:
                continue
            # That it was done is known without a whole day, unless it was done before what it is said to be for.
            done, fits = one.remark in (None, PARTIAL, NO_DAY, RECORDED), True
            if one.event == RECURRENCE_OPERATION:
                early = bool(one.day) and one.day < latest
                fits = not early and not doubtful and _is_asked_of(model, says, one, where)
            remark = None if done and fits else (UNSURE if done else one.remark)
            if remark is None and says.codes and one.codes.isdisjoint(says.codes):
                remark = NOT_NAMED  # an operation for it, which may have been a biopsy
            yield Found(says.feature, None if remark else says.level, one.source, one.text, one.day, remark)


def _said_where(model: Model, came_back: Iterable[Resource]) -> Mapping[str, set[str]]:
    """By the Conditions of a coming back, where it is said to have been."""
    where, said = _where(model), dict[str, set[str]]()
    for condition in came_back:
        codes = codes_of_recurrence(condition)
        said.setdefault(reference_to(condition), set()).update(one.level for one in where if _says(one, codes))
    return said


def _is_asked_of(model: Model, says: Says, operation: Happened, where: Mapping[str, set[str]]) -> bool:
    """Whether a question is asked of where an operation was: to remove a metastasis answers none about the site."""
    strata = model.features.named(says.feature).strata
    said = {level for name in operation.of for level in where.get(name, ())}
    return strata is None or not said or bool(said & strata)


def _answers_by_code(model: Model, events: Sequence[Happened], tumours: Tumours) -> Iterator[Found]:
    doubtful = {one.source: one.remark for one in events if one.remark in DOUBTFUL}
    where, what = _where(model), _what(model)
    said = [(one, list(_matched(where, codes_of_recurrence(one), one))) for one in tumours.later]
    somewhere = any(found for _, found in said)
    related = {reference_to(one) for one in tumours.related}
    for condition, found in said:
        remark = doubtful.get(reference_to(condition))
        yield from found if remark is None else _without_value(found, remark)
        if not found and (somewhere or reference_to(condition) in related):
            # Where one of several is does not say where it came back first, or that it came back nowhere else.
            name, day = _named(condition)
            yield Found(model.features.stratum.name, None, reference_to(condition), name, day, remark or UNSURE)
    first = {(one.field, one.value) for each in tumours.primary for one in _matched(what, codes_of(each), each)}
    others = (*tumours.came_back, *tumours.either)
    for condition, later in [*((one, False) for one in tumours.primary), *((one, True) for one in others)]:
        kind = _kind_named(condition)
        found = [replace(one, text=kind or one.text) for one in _matched(what, codes_of(condition), condition)]
        if later and not {(one.field, one.value) for one in found} <= first:
            # What has come back may have become another kind of tumour; asked is what it was at first.
            found = list(_without_value(found, UNSURE))
        if is_understood(condition):
            yield from found if is_confirmed(condition) else _without_value(found, UNCONFIRMED)
        else:
            yield from _without_value(found, UNSURE)
        if not found and extensions_named(condition, (HISTOLOGY_EXTENSION,)):
            yield from _not_known(model, condition)


def _kind_named(condition: Resource) -> str:
    """What the kind of tumour is called, where a Condition names it apart from the diagnosis."""
    kinds = extensions_named(condition, (HISTOLOGY_EXTENSION,))
    return next(filter(None, (name_of(part(one, "valueCodeableConcept")) for one in kinds)), "")


def _excluded(record: Record, tumours: Tumours, resources: Resources, base: str) -> Iterator[Found]:
    """Whatever says that the tumour is of a kind that the model is not for."""
    kinds, ours = frozenset(record.excluded), {reference_to(one) for one in tumours.of_disease}
    for condition in tumours.of_disease:
        if kinds & codes_of(condition):
            text, day = _named(condition)
            yield Found("", None, reference_to(condition), _kind_named(condition) or text, day)
    for one in resources.get("Observation", ()):
        of = {referred(focus, base) for focus in parts(one, "focus")}
        about = text_at(one, "status") not in WRONG and (not of or of & ours)
        if about and kinds & codes_in(part(one, "valueCodeableConcept")):
            yield Found("", None, reference_to(one), *_named(one))


def _answers_by_observation(
    model: Model, tumours: Tumours, observations: Iterable[Resource], base: str
) -> Iterator[Found]:
    ours, asked_for = {reference_to(one) for one in tumours.of_disease}, [*_where(model), *_what(model)]
    primary, stratum = {reference_to(one) for one in tumours.primary}, model.features.stratum.name
    for one in observations:
        status, asked = text_at(one, "status"), codes_in(part(one, "code"))
        of = {referred(focus, base) for focus in parts(one, "focus")}
        if status in WRONG or not frozenset(OBSERVED) & asked or (of and "" not in of and not of & ours):
            continue
        found = list(_matched(asked_for, codes_in(part(one, "valueCodeableConcept")), one))
        if status not in SETTLED:
            yield from _without_value(found, UNCONFIRMED)
        elif not of or not of <= ours or not is_understood(one):
            # Another tumour of the same patient has a histology, too.
            yield from _without_value(found, UNSURE)
        elif of & primary:
            yield from found
        else:
            # What has come back may have become another kind of tumour; asked is what it was at first.
            yield from (one for one in found if one.field == stratum)
            yield from _without_value((one for one in found if one.field != stratum), UNSURE)
        if not found and HISTOLOGY in asked:
            yield from _not_known(model, one)


def _not_known(model: Model, resource: Resource) -> Iterator[Found]:
    """That there is a diagnosis that the questions do not know: not to be passed over beside one that is filled in."""
    name, day = _named(resource)
    for feature in dict.fromkeys(one.feature for one in _what(model)):
        yield Found(feature, None, reference_to(resource), name, day, UNKNOWN_CODE)


def _where(model: Model) -> list[Says]:
    return [one for one in _by_code(model) if one.feature == model.features.stratum.name]


def _what(model: Model) -> list[Says]:
    return [one for one in _by_code(model) if one.feature != model.features.stratum.name]


def _by_code(model: Model) -> list[Says]:
    return [] if model.record is None else [one for one in model.record.says if one.codes and one.event is None]


def _says(one: Says, codes: frozenset[Code]) -> bool:
    return not codes.isdisjoint(one.codes)


def _matched(says: Iterable[Says], codes: frozenset[Code], resource: Resource) -> Iterator[Found]:
    name, day = _named(resource)
    for one in says:
        if _says(one, codes):
            yield Found(one.feature, one.level, reference_to(resource), name, day)


def _without_value(found: Iterable[Found], remark: str) -> Iterator[Found]:
    return (replace(one, value=None, remark=remark) for one in found)


def _named(resource: Resource) -> tuple[str, str]:
    """What a Condition or an Observation is called, and the day that it is of."""
    name = name_of(part(resource, "valueCodeableConcept")) or name_of(part(resource, "code"))
    days = (begun(resource, "onset"), begun(resource, "effective"), text_at(resource, "issued"))
    return name, day_of(next((day for day in days if day), ""))
