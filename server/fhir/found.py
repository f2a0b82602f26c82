"""What a record says about the questions of a form: with its source and its day, to be confirmed and never chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from server.entering.confirming import question_of
from server.fhir.unanswered import Unanswered

PARTIAL, NO_DAY, UNREADABLE_DAY, RECORDED, TO_COME, UNCONFIRMED, NOT_DONE, NOT_NAMED, UNKNOWN_CODE, UNSURE = (
    "partial_day",
    "no_day",
    "unreadable_day",
    "recorded_day",
    "day_to_come",
    "unconfirmed",
    "not_done",
    "not_named",
    "unknown_code",
    "unsure",
)
"""Why something that is found gives no value."""

MOST_LISTED = 8
"""How much of what is found about one question is listed."""
LONGEST_SOURCE = 100
"""How much of a source's name is kept; the id of a resource has at most 64 characters."""


@dataclass(frozen=True, slots=True)
class Banner:
    """Who the patient is, for whoever looks at the page."""

    name: str
    born: str
    died: str = ""
    """The day of death, or DIED where the record says no more than that; empty where it says nothing of a death."""
    shown: bool = True
    """Whether the screen says who it is; what leaves it always does."""


DIED = "died"
UNNAMED = Banner("", "")
"""Whoever it is could not be read."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of a record that could not be read, and why."""

    kind: str
    failure: Unanswered


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a record says about one field of the form."""

    field: str
    value: str | None
    """What the field would hold; None where what is said is not enough for that."""
    source: str
    """The resource: "Procedure/12"."""
    text: str
    """What the record calls it."""
    day: str
    """The day that the resource is of, as far as it says."""
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """All that is found about one question, without what it is: how much, and whether it is the same as before."""

    count: int
    digest: str
    """SHA-256."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one reading of a record says about the questions of one model: everything, or an excerpt of that."""

    found: tuple[Found, ...] = ()
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    """In an excerpt, by question: all that was found about it."""
    excluded: tuple[Found, ...] = ()
    """What the record says the tumour is, where the model is not for it."""

    @property
    def filled(self) -> Mapping[str, str]:
        """By field, the one value that the record gives; a field about which it says two things has none."""
        fields = dict.fromkeys(one.field for one in self.found)
        values = {name: self._value(name) for name in fields}
        return {name: value for name, value in values.items() if value is not None}

    def of(self, question: str) -> tuple[Found, ...]:
        """What is found about one question, its dates included."""
        return tuple(one for one in self.found if question_of(one.field) == question)

    def conflicts(self, question: str) -> bool:
        """Whether the record says different things about one question: something that other things speak against."""
        filled = self.filled
        return any(one.value is not None and one.field not in filled for one in self.of(question))

    def tally(self, question: str) -> Tally:
        """All that was found about one question, whether it is here or was left out of this excerpt."""
        if question in self.tallies:
            return self.tallies[question]
        of = self.of(question)
        said = [(one.field, one.value, one.source, one.text, one.day, one.remark) for one in of]
        return Tally(len(of), sha256(json.dumps(said).encode()).hexdigest())

    def listed(self, question: str) -> tuple[Found, ...]:
        """What a reader is shown of one question: each different thing before any is said again, in their order.

        What fills a field in is always among it: otherwise nobody could compare it with the record.
        """
        of = self.of(question)
        return tuple(of[place] for place in self._listed(of))

    def excerpt(self) -> Findings:
        """The same in a size that no record exceeds: what is listed, and what decides about filling in.

        Of the latter no more than that is kept: what it is called and where it stands is shown to nobody.
        """
        questions = dict.fromkeys(question_of(one.field) for one in self.found)
        kept: list[Found] = []
        for question in questions:
            of = self.of(question)
            listed = frozenset(self._listed(of))
            decides = {place for name in dict.fromkeys(one.field for one in of) for place in _deciding(of, name)}
            kept += [
                replace(of[place], source=_cut(of[place].source)) if place in listed else _unnamed(of[place])
                for place in sorted(listed | decides)
            ]
        tallies = {question: self.tally(question) for question in questions}
        excluded = (replace(one, source=_cut(one.source)) for one in self.excluded[:MOST_LISTED])
        return Findings(tuple(kept), tallies, tuple(excluded))

    def _listed(self, of: Sequence[Found]) -> list[int]:
        """The places of what is listed among what is found about a question."""
        firsts: dict[tuple[str, str | None, str | None], int] = {}
        for place, one in enumerate(of):
            firsts.setdefault((one.field, one.value, one.remark), place)
        first = list(firsts.values())
        ordered = [*first, *sorted(set(range(len(of))) - set(first))]
        filled = self.filled
        fills = [place for place in first if of[place].value is not None and of[place].field in filled]
        chosen = list(dict.fromkeys([*fills, *ordered]))[:MOST_LISTED]
        return [place for place in ordered if place in chosen]

    def _value(self, field: str) -> str | None:
        of_field = [one for one in self.found if one.field == field]
        values = {one.value for one in of_field if one.value is not None}
        value = values.pop() if len(values) == 1 else None
        return None if value is None or any(_speaks_against(one, value) for one in of_field) else value


def _speaks_against(one: Found, value: str) -> bool:
    """Whether something that is found leaves open whether a field's only value is right.

    A day of which only the month is known agrees with a day in that month. In a year there is room for two.
    """
    in_month = one.remark == PARTIAL and len(one.day) == len("2021-03") and value.startswith(one.day)
    return one.value is None and not in_month


def _deciding(of: Sequence[Found], name: str) -> list[int]:
    """The places of what decides whether a field is filled in: its values, or what speaks against the only one."""
    values: dict[str, int] = {}
    for place, one in enumerate(of):
        if one.field == name and one.value is not None:
            values.setdefault(one.value, place)
    places = list(values.values())
    if len(places) != 1:
        return places[:2]
    (value,) = values
    against = (place for place, one in enumerate(of) if one.field == name and _speaks_against(one, value))
    return [*places, *list(against)[:1]]


def _unnamed(one: Found) -> Found:
    return replace(one, source="", text="")


def _cut(source: str) -> str:
    """A source's name, no longer than one can be; what nobody can see takes six times the room of a letter."""
    seen = "".join(one if one.isprintable() else "�" for one in source[:LONGEST_SOURCE])
    return seen if len(source) <= LONGEST_SOURCE else seen[:-1] + "…"
