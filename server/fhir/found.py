"""What a record says about the questions of a form: with its source and its day, to be confirmed and never chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.entering.confirming import question_of
from server.fhir.unanswered import Unanswered

PARTIAL, NO_DAY, RECORDED, UNCONFIRMED, NOT_DONE, UNKNOWN_CODE, UNSURE = (
    "partial_day",
    "no_day",
    "recorded_day",
    "unconfirmed",
    "not_done",
    "unknown_code",
    "unsure",
)
"""Why something that is found gives no value."""


@dataclass(frozen=True, slots=True)
class Banner:
    """Who the patient is, for whoever looks at the page."""

    name: str
    born: str


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
class Findings:
    """Everything that one reading of a record says about the questions of one model."""

    found: tuple[Found, ...] = ()

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

    def _value(self, field: str) -> str | None:
        of_field = [one for one in self.found if one.field == field]
        values = {one.value for one in of_field if one.value is not None}
        value = values.pop() if len(values) == 1 else None
        # A day of which only the month is known agrees with a day in that month. In a year there is room for two.
        agrees = all(
            one.value is not None
            or (one.remark == PARTIAL and len(one.day) == len("2021-03") and (value or "").startswith(one.day))
            for one in of_field
        )
        return value if agrees else None
