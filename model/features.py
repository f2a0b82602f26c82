"""What is asked about a patient: features, their units, ranges and levels.

A feature is known by its name and a level by its code; labels are words for people and decide nothing.
Everything here comes from the artefact, so that another model asks other questions with the same program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UNKNOWN = "unknown"
"""The one value, in every format, that says: asked, and not known."""

ALIVE_MONTHS = "alive_months"
"""The name under which every format asks how long after time zero the patient is known to be alive."""


@dataclass(frozen=True, slots=True)
class Range:
    """An interval of numbers; the lower end may be left out (``0 < x``), and so may the upper one."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def below(self, value: float) -> bool:
        """Whether a value lies under the interval."""
        return value <= self.low if self.low_open else value < self.low

    def above(self, value: float) -> bool:
        """Whether a value lies over the interval."""
        return value >= self.high if self.high_open else value > self.high


@dataclass(frozen=True, slots=True)
class Level:
    """One answer to a question with fixed answers."""

    code: str
    label: str
    phrase: str
    """How a sentence names it: "an operation that removed the recurrence"."""
    caution: str | None = None
    """What must stand beside it so that nobody reads a cause into it."""
    later: bool = False
    """Whether it is only settled after time zero, so that whoever has this answer has lived until then."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A predictor: what is asked, what may be answered, and in which strata the answer counts.

    A number has a unit and a hard range; a category has levels. Never both.
    """

    name: str
    label: str
    question: str
    definition: str
    where: str
    """Where in the record the value is found."""
    timing: str
    """When it is determined, relative to time zero."""
    reference: float | str | None = None
    """The value or level that hazard ratios are against; None for the stratum question."""
    levels: tuple[Level, ...] = ()
    unit: str | None = None
    hard: Range | None = None
    soft: Mapping[str, Range] = field(default_factory=dict)
    """By stratum, the range that the development data cover; outside it a prediction carries a warning."""
    unit_of_one: str | None = None
    """The unit after the number 1, where it is another word: "month"."""
    phrase: str | None = None
    """How a sentence names a number, with ``{value}`` in it."""
    phrase_of_one: str | None = None
    """How a sentence names the number 1, where ``phrase`` does not fit it."""
    unknown: str | None = None
    """The label of the answer "unknown", or None where the model cannot do without the value."""
    unknown_handling: str | None = None
    """How the model deals with "unknown", as a whole sentence."""
    since: str | None = None
    """For months that end at time zero, what begins them: "primary resection". The form then takes dates as well."""
    strata: frozenset[str] | None = None
    """The strata in which it is asked; None is all of them."""
    evidence: Mapping[str, str] = field(default_factory=dict)
    """By stratum, what the source found about it."""

    @property
    def is_number(self) -> bool:
        """Whether the answer is a number rather than one of the levels."""
        return self.hard is not None

    def used_in(self, stratum: str) -> bool:
        """Whether the model uses it in this stratum."""
        return self.strata is None or stratum in self.strata

    def level(self, code: str) -> Level:
        """The level with this code; KeyError when there is none."""
        for level in self.levels:
            if level.code == code:
                return level
        raise KeyError(code)


@dataclass(frozen=True, slots=True)
class Features:
    """All questions of one model, in the order in which they are asked."""

    predictors: tuple[Feature, ...]
    stratum: Feature
    """The question whose answer chooses the stratum; its level codes are the names of the strata."""
    support_months: Mapping[str, int]
    """By stratum, the last time that the data support."""

    @property
    def all(self) -> tuple[Feature, ...]:
        """The stratum question first, then every predictor."""
        return (self.stratum, *self.predictors)

    @property
    def only_stratum(self) -> str | None:
        """The stratum of every patient, where there is but one: nobody needs to be asked for it."""
        return self.stratum.levels[0].code if len(self.stratum.levels) == 1 else None

    @property
    def asked(self) -> tuple[Feature, ...]:
        """The questions that have more than one answer, in their order."""
        return self.all if self.only_stratum is None else self.predictors

    def named(self, name: str) -> Feature:
        """The feature with this name; KeyError when there is none."""
        for feature in self.all:
            if feature.name == name:
                return feature
        raise KeyError(name)

    def used_in(self, stratum: str) -> tuple[Feature, ...]:
        """The predictors of one stratum, in the order in which they are asked."""
        return tuple(feature for feature in self.predictors if feature.used_in(stratum))

    def alive_range(self, stratum: str | None = None) -> Range:
        """Months after time zero at which a patient may be known to be alive: from 0 to before the last supported."""
        last = self.support_months[stratum] if stratum is not None else max(self.support_months.values())
        return Range(0, last, high_open=True)
