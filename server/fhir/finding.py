"""From the resources of a record to what they say about the questions of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from model.fitted import Model
from model.record import RECURRENCE_OPERATION, Code, Record, Says
from server.entering.dates import END, date_field
from server.fhir.elements import (
    Resource,
    codes_in,
    codes_in_extensions,
    day_of,
    name_of,
    part,
    reference_to,
    text_at,
)
from server.fhir.events import Happened, Tumours, codes_of_recurrence, events_of, tumours_of
from server.fhir.found import NO_DAY, PARTIAL, RECORDED, UNCONFIRMED, UNKNOWN_CODE, Findings, Found
from server.wording.refusing import BEGIN

LOINC = "http://loinc.org"
HISTOLOGY = Code(LOINC, "31206-6")
OBSERVED = (HISTOLOGY, Code(LOINC, "21983-2"))
"""What Observations are asked for: histology and behaviour, and the type of the first recurrence."""

SETTLED = ("final", "amended", "corrected")
WRONG = ("entered-in-error", "cancelled", "unknown")

Resources = Mapping[str, Sequence[Resource]]
"""By type, the resources of one patient."""


def findings_of(model: Model, resources: Resources, base: str) -> Findings:
    """What a record says about each question, in the order of the questions; nothing where the model does not say how.

    ``base`` is the address of the FHIR server, by which absolute references are known.
    """
    if model.record is None:
        return Findings()
    tumours = _tumours(model, resources, base)
    events = events_of(tumours, resources.get("Procedure", ()), base)
    found = [
        *_dates(model.record, events),
        *_answers_by_event(model.record, events),
        *_answers_by_code(model, tumours, resources.get("Observation", ())),
    ]
    order = [feature.name for feature in model.features.all]
    found.sort(key=lambda one: (order.index(one.field.partition(".")[0]), one.field, one.day, one.source))
    return Findings(tuple(dict.fromkeys(found)))


def has_come_back(model: Model, resources: Resources, base: str) -> bool:
    """Whether the record tells of the model's disease having come back."""
    return model.record is not None and bool(_tumours(model, resources, base).came_back)


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


def _answers_by_event(record: Record, events: Sequence[Happened]) -> Iterator[Found]:
    zeros = [one.day for one in events if one.event == record.time_zero and one.remark is None]
    for says in record.says:
        for one in events:
            if says.event != one.event:
                continue
            # That it was done is known without a whole day, unless it was done before what it is said to be for.
            early = one.event == RECURRENCE_OPERATION and bool(one.day) and any(one.day < zero for zero in zeros)
            done = one.remark in (None, PARTIAL, NO_DAY, RECORDED) and not early
            remark = None if done else (one.remark or UNCONFIRMED)
            yield Found(says.feature, says.level if done else None, one.source, one.text, one.day, remark)


def _answers_by_code(model: Model, tumours: Tumours, observations: Sequence[Resource]) -> Iterator[Found]:
    record, stratum = model.record or Record((), ""), model.features.stratum.name
    where = [one for one in record.says if one.codes and one.feature == stratum]
    what = [one for one in record.says if one.codes and one.feature != stratum]
    for condition in tumours.came_back:
        name, day = name_of(part(condition, "code")), day_of(text_at(condition, "onsetDateTime"))
        yield from _matched(where, codes_of_recurrence(condition), condition, name, day)
    for condition in (*tumours.primary, *tumours.came_back):
        codes = codes_in(part(condition, "code")) | codes_in_extensions(condition)
        name, day = name_of(part(condition, "code")), day_of(text_at(condition, "onsetDateTime"))
        yield from _matched(what, codes, condition, name, day)
    for observation in observations:
        yield from _observed(where, what, observation)


def _observed(where: Sequence[Says], what: Sequence[Says], observation: Resource) -> Iterator[Found]:
    status, asked = text_at(observation, "status"), codes_in(part(observation, "code"))
    if status in WRONG or not frozenset(OBSERVED) & asked:
        return
    value = part(observation, "valueCodeableConcept")
    codes, name = codes_in(value), name_of(value) or name_of(part(observation, "code"))
    day = day_of(text_at(observation, "effectiveDateTime") or text_at(observation, "issued"))
    matched = list(_matched([*where, *what], codes, observation, name, day))
    if status not in SETTLED:
        matched = [Found(one.field, None, one.source, one.text, one.day, UNCONFIRMED) for one in matched]
    yield from matched
    if not matched and HISTOLOGY in asked:
        # A diagnosis that the questions do not know must not be passed over beside one that is filled in.
        for feature in dict.fromkeys(one.feature for one in what):
            yield Found(feature, None, reference_to(observation), name, day, UNKNOWN_CODE)


def _matched(says: Sequence[Says], codes: frozenset[Code], resource: Resource, text: str, day: str) -> Iterator[Found]:
    for one in says:
        if codes & frozenset(one.codes):
            yield Found(one.feature, one.level, reference_to(resource), text, day)
