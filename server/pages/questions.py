"""The form: one question per feature, in the model's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model.features import ALIVE_MONTHS, UNKNOWN, Feature, Features
from model.patient import Problem
from server.entering.dates import END, date_field
from server.wording.language import Language
from server.wording.naming import range_text
from server.wording.refusing import BEGIN


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that can be picked."""

    value: str
    label: str
    id: str


@dataclass(frozen=True, slots=True)
class DateField:
    """A date that may be given in place of months."""

    name: str
    id: str
    label: str
    event: str
    """What happened on that day."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and everything that a reader needs to answer it."""

    name: str
    id: str
    label: str
    question: str
    definition: str
    where: str | None
    timing: str | None
    unit: str | None
    number_range: str | None
    choices: tuple[Choice, ...]
    """The fixed answers; for a number only "unknown", if that."""
    asked_in: tuple[int, ...] | None
    """The positions of the strata in which it is asked; None is all of them."""
    asked_for: str | None
    """The same in words."""
    dates: tuple[DateField, ...] = ()
    """The two dates that may be given in place of a number of months."""
    optional: bool = False
    """Whether it may be left empty."""
    deliberate: bool = False
    """Whether a changed answer waits for the button: seen side by side, its results would look like an effect."""

    @property
    def first_id(self) -> str:
        """Where the focus goes to answer it."""
        return self.id if self.number_range is not None else self.choices[0].id


@dataclass(frozen=True, slots=True)
class Refusal:
    """One problem as the error summary lists it; ``target`` is the id of the field, None where there is none."""

    name: str
    text: str
    target: str | None


def questions_of(language: Language, features: Features, time_zero: str) -> tuple[Question, ...]:
    """The questions of a model: the stratum first, then every predictor, then how much time has passed."""
    asked = [
        _question(language, features, feature, f"q{position}", time_zero)
        for position, feature in enumerate(features.asked)
    ]
    return (*asked, _alive_question(language, features, time_zero, f"q{len(asked)}"))


def entered_values(
    features: Features, fields: Mapping[str, list[str]], problems: Mapping[str, Problem]
) -> dict[str, str]:
    """What the form shows again: everything as it was typed.

    A choice that its stratum does not use is taken off (a reader cannot do that with a radio button); its problem
    says so, and quotes it.
    """
    entered = {name: next((v for v in reversed(given) if v.strip()), "") for name, given in fields.items()}
    for feature in features.all:
        problem = problems.get(feature.name)
        if problem is not None and not feature.is_number and problem.code in ("not_used", "given_twice"):
            entered.pop(feature.name, None)
    return entered


def refusals_in_order(questions: tuple[Question, ...], sentences_by_name: Mapping[str, str]) -> tuple[Refusal, ...]:
    """The error summary: each problem with the field that it is about."""
    targets = {question.name: question.first_id for question in questions}
    return tuple(Refusal(name, text, targets.get(name)) for name, text in sentences_by_name.items())


def _question(language: Language, features: Features, feature: Feature, identifier: str, time_zero: str) -> Question:
    strata = [level.code for level in features.stratum.levels]
    asked_in = None if feature.strata is None else tuple(i for i, code in enumerate(strata) if feature.used_in(code))
    codes = [(level.code, level.label) for level in feature.levels]
    if feature.unknown is not None:
        codes.append((UNKNOWN, feature.unknown))
    return Question(
        name=feature.name,
        id=identifier,
        label=feature.label,
        question=feature.question,
        definition=feature.definition,
        where=feature.where,
        timing=feature.timing,
        unit=feature.unit,
        number_range=_number_range(language, feature),
        choices=tuple(Choice(code, label, f"{identifier}-{i}") for i, (code, label) in enumerate(codes)),
        asked_in=asked_in,
        asked_for=None
        if asked_in is None
        else language.sentences.say("asked_for", strata=[features.stratum.levels[i].label for i in asked_in]),
        dates=() if feature.since is None else _dates(language, feature.name, identifier, [feature.since, time_zero]),
        deliberate=any(level.caution is not None for level in feature.levels),
    )


def _dates(language: Language, name: str, identifier: str, events: list[str]) -> tuple[DateField, ...]:
    return tuple(
        DateField(
            date_field(name, which), f"{identifier}-{which}", language.sentences.say("date_of", event=event), event
        )
        for which, event in zip((BEGIN, END), events, strict=True)
    )


def _number_range(language: Language, feature: Feature) -> str | None:
    if feature.hard is None:
        return None
    return language.sentences.say("number_range", range=range_text(language, feature.hard, feature.unit))


def _alive_question(language: Language, features: Features, time_zero: str, identifier: str) -> Question:
    say, unit = language.sentences.say, language.sentences.say("alive_unit")
    label = say("alive_label", time_zero=time_zero)
    return Question(
        name=ALIVE_MONTHS,
        id=identifier,
        label=label,
        question=label,
        definition=say("alive_definition"),
        where=say("alive_where"),
        timing=say("alive_timing", time_zero=time_zero),
        unit=unit,
        number_range=say("whole_range", range=range_text(language, features.alive_range(), unit)),
        choices=(),
        asked_in=None,
        asked_for=None,
        dates=_dates(language, ALIVE_MONTHS, identifier, [time_zero, say("last_known_alive")]),
        optional=True,
    )
