"""How a hospital's record says what a model asks: which codes, and which events, stand for which answers.

It belongs to the model, like its questions: another model finds other things in a record with the same program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from model.features import Features

PRIMARY_OPERATION = "primary_operation"
"""An operation that was done for the primary tumour."""
RECURRENCE = "recurrence"
"""The disease, found to have come back."""
RECURRENCE_OPERATION = "recurrence_operation"
"""An operation that was done for the recurrence."""

WHOLE_DAY = len("2021-03-04")

EVENTS = (PRIMARY_OPERATION, RECURRENCE, RECURRENCE_OPERATION)


@dataclass(frozen=True, slots=True)
class Code:
    """One concept of a code system; only both together mean it."""

    system: str
    code: str
    display: str | None = field(default=None, compare=False)
    """What it is called, for people who read the file."""


@dataclass(frozen=True, slots=True)
class Says:
    """One answer, and what in a record says it: any of the codes; or an event, of which the codes say what was done."""

    feature: str
    level: str
    codes: tuple[Code, ...] = ()
    event: str | None = None
    caution: str | None = None
    """What the record leaves open where it says this, and the answer does not."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where in a record a model's facts are found."""

    disease: tuple[Code, ...]
    """The disease, or the site that makes it this disease: whose record the model may have something to say about."""
    time_zero: str
    """The event on whose day time zero falls."""
    begins: Mapping[str, str] = field(default_factory=dict)
    """By feature, the event that begins its months."""
    says: tuple[Says, ...] = ()
    cautions: Mapping[str, str] = field(default_factory=dict)
    """By event, what must be made sure of where its day is taken from the record."""
    excluded: tuple[Code, ...] = ()
    """Kinds of tumour that the model is not for."""
    youngest_years: int | None = None
    """How old patients are at least at time zero; None where the model says nothing about that."""

    def too_young(self, born: str, day: date) -> bool:
        """Whether a patient was certainly younger on a day than those whom the model is for.

        ``born`` is the birth date as a record has it. Of a part of one the earliest day that it can be counts.
        """
        if self.youngest_years is None or not born:
            return False
        birth = earliest_day(born)
        years = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
        return years < self.youngest_years


def earliest_day(text: str) -> date:
    """The first day that a date can be of which perhaps only the month or the year is known."""
    return date.fromisoformat(f"{text}-01-01"[:WHOLE_DAY])


def read_record(document: Mapping[str, Any]) -> Record:
    """The record part of a model's description. Raises KeyError or TypeError where it is not written that way."""
    return Record(
        disease=tuple(Code(**code) for code in document["disease"]),
        time_zero=document["time_zero"],
        begins=dict(document.get("begins", {})),
        cautions=dict(document.get("cautions", {})),
        excluded=tuple(Code(**code) for code in document.get("excluded", ())),
        youngest_years=document.get("youngest_years"),
        says=tuple(
            Says(
                feature=one["feature"],
                level=one["level"],
                codes=tuple(Code(**code) for code in one.get("codes", ())),
                event=one.get("event"),
                caution=one.get("caution"),
            )
            for one in document.get("says", ())
        ),
    )


def problems_of_record(record: Record, features: Features) -> Iterator[str]:
    """What a record part says of questions, answers and events that there are not, or says twice."""
    questions = {feature.name: feature for feature in features.all}
    events = (record.time_zero, *record.begins.values(), *record.cautions)
    for event in (*events, *(one.event for one in record.says if one.event)):
        if event not in EVENTS:
            yield f"the event {event!r} is none of {', '.join(EVENTS)}"
    for name in record.begins:
        if name not in questions or questions[name].since is None:
            yield f"{name} is no question about months that end at time zero"
    for one in record.says:
        if one.feature not in questions or one.level not in [level.code for level in questions[one.feature].levels]:
            yield f"{one.level!r} is no answer to {one.feature!r}"
        if not one.codes and one.event is None:
            yield f"{one.level!r} of {one.feature!r} is said by codes, or by an event"
    for name in questions:
        codes = [code for one in record.says if one.feature == name for code in one.codes]
        if len(set(codes)) < len(codes):
            yield f"one code says two answers to {name}"
