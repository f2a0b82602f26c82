"""One patient: the only way from raw values to what a model may be asked about.

Form, JSON and batch files all come through :meth:`Patient.parse`. It speaks in codes and numbers; the edges
turn its problems into sentences.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from model.features import ALIVE_MONTHS, UNKNOWN, Feature, Features, Range

ReadNumber = Callable[[object], float]

_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one value is refused: a code, what was given, and what would be right."""

    code: str
    given: object = None
    allowed: Mapping[str, object] = field(default_factory=dict)


class InvalidPatient(ValueError):
    """A patient cannot be made of these values; ``problems`` names every one of them, by the name of the field."""

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        super().__init__(", ".join(f"{name}: {problem.code}" for name, problem in problems.items()))
        self.problems = dict(problems)


class NotANumber(ValueError):
    """What was given is not written as a number."""


def number_from_json(value: object) -> float:
    """A JSON number as it is; text and truth values are not numbers.

    Raises NotANumber.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotANumber
    try:
        return float(value)
    except OverflowError:
        return math.inf


def number_from_text(value: object) -> float:
    """A number as people write it in English: digits, perhaps a sign and a decimal point; nothing else.

    ``7,5``, ``1_0`` and ``1e9`` are refused rather than guessed at. Raises NotANumber.
    """
    if not isinstance(value, str) or not _PLAIN_NUMBER.fullmatch(value.strip()):
        raise NotANumber
    return float(value)


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient as a model sees them: a stratum, known values, and what is not known.

    ``values`` holds the answers that are known (a float or a level's code); ``unknown`` the names of those asked and
    not known; ``alive_months`` the month after time zero at which the patient is known to be alive.
    """

    stratum: str
    values: Mapping[str, float | str]
    unknown: tuple[str, ...] = ()
    alive_months: int = 0

    @classmethod
    def parse(
        cls,
        features: Features,
        values: Mapping[str, object],
        *,
        alive_months: object = None,
        read_number: ReadNumber = number_from_json,
    ) -> Patient:
        """Make a patient of raw values, or say everything that is wrong with them.

        ``values`` is by feature name; None means not given. ``read_number`` is how this format writes numbers.
        Raises InvalidPatient.
        """
        problems: dict[str, Problem] = {}
        given = {name: value for name, value in values.items() if value is not None}
        known_names = [feature.name for feature in features.all]
        for name in values:
            if name not in known_names:
                problems[name] = Problem("unknown_field", allowed={"fields": known_names})

        answers: dict[str, float | str] = {}
        for feature in features.all:
            if feature.name in given:
                answer = _read(feature, given[feature.name], read_number)
                if isinstance(answer, Problem):
                    problems[feature.name] = answer
                else:
                    answers[feature.name] = answer

        stratum = answers.pop(features.stratum.name, features.only_stratum)
        if stratum is None and features.stratum.name not in problems:
            problems[features.stratum.name] = _missing(features.stratum)
        if isinstance(stratum, str):
            problems |= _misplaced(features, stratum, given)

        alive = _read_alive(features, stratum, alive_months, read_number)
        if isinstance(alive, Problem):
            problems[ALIVE_MONTHS] = alive
        if problems or not isinstance(stratum, str) or isinstance(alive, Problem):
            raise InvalidPatient(problems)
        known = {name: answer for name, answer in answers.items() if answer != UNKNOWN}
        unknown = tuple(name for name, answer in answers.items() if answer == UNKNOWN)
        return cls(stratum=stratum, values=known, unknown=unknown, alive_months=alive)

    def answers(self) -> dict[str, float | str]:
        """Every predictor that was answered, "unknown" included: what a receipt repeats."""
        return {**self.values, **dict.fromkeys(self.unknown, UNKNOWN)}


def _missing(feature: Feature) -> Problem:
    return Problem("missing", allowed=_allowed(feature))


def _allowed(feature: Feature) -> dict[str, object]:
    if feature.hard is not None:
        return {"range": feature.hard, "unknown": feature.unknown is not None}
    codes = [level.code for level in feature.levels]
    return {"codes": [*codes, UNKNOWN] if feature.unknown is not None else codes}


def _read(feature: Feature, value: object, read_number: ReadNumber) -> float | str | Problem:
    if value == UNKNOWN:
        return UNKNOWN if feature.unknown is not None else Problem("unknown_not_allowed", value, _allowed(feature))
    if feature.hard is None:
        if isinstance(value, str) and any(level.code == value for level in feature.levels):
            return value
        return Problem("not_a_level", value, _allowed(feature))
    return _read_in_range(value, feature.hard, read_number, _allowed(feature))


def _read_in_range(
    value: object, allowed_range: Range, read_number: ReadNumber, allowed: Mapping[str, object]
) -> float | Problem:
    try:
        number = read_number(value)
    except NotANumber:
        return Problem("not_a_number", value, allowed)
    if not math.isfinite(number):
        return Problem("not_finite", None, allowed)
    if allowed_range.below(number):
        return Problem("too_low", value, allowed)
    if allowed_range.above(number):
        return Problem("too_high", value, allowed)
    return number


def _misplaced(features: Features, stratum: str, given: Mapping[str, object]) -> dict[str, Problem]:
    """Predictors given though this stratum does not use them, and those that it needs and were not given."""
    problems: dict[str, Problem] = {}
    for feature in features.predictors:
        if feature.used_in(stratum):
            if feature.name not in given:
                problems[feature.name] = _missing(feature)
        elif feature.name in given:
            problems[feature.name] = Problem("not_used", given[feature.name], {"stratum": stratum})
    return problems


def _read_alive(
    features: Features, stratum: float | str | None, value: object, read_number: ReadNumber
) -> int | Problem:
    if value is None:
        return 0
    allowed_range = features.alive_range(stratum if isinstance(stratum, str) else None)
    allowed = {"range": allowed_range, "unknown": False}
    number = _read_in_range(value, allowed_range, read_number, allowed)
    if isinstance(number, Problem):
        return number
    # The baseline is kept by the month (a registry's death times cannot be read off it), so a time between two
    # months has no value of its own; to round it would be to answer another question than the one asked.
    return int(number) if number.is_integer() else Problem("not_whole", value, allowed)
