"""What a record filled in, and whether somebody has confirmed it: nothing of it counts before that."""

from __future__ import annotations

from collections.abc import Mapping

from model.features import Features
from model.patient import Problem
from server.entering.sent import Fields

Filled = Mapping[str, str]
"""By field of the form, the value that the record gave."""


def question_of(field: str) -> str:
    """The question that a field belongs to: a date's is the number of months that it stands for."""
    return field.partition(".")[0]


def unchanged(answers: Fields, filled: Filled) -> frozenset[str]:
    """The fields that still hold what the record gave."""
    return frozenset(
        # A field that is sent twice with one value is one answer, and no change.
        name
        for name, value in filled.items()
        if {one.strip() for one in answers.get(name, ()) if one.strip()} == {value}
    )


def as_asked(features: Features, answers: Fields, filled: Filled, confirmed: frozenset[str]) -> Fields:
    """The answers without what the record gave to questions that are not asked of this patient.

    Nobody has answered those: they stood in the form before it was known which questions are asked.
    """
    given = [value.strip() for value in answers.get(features.stratum.name, ()) if value.strip()]
    used = {feature.name for stratum in given for feature in features.predictors if feature.used_in(stratum)}
    names = {feature.name for feature in features.predictors}
    dropped = {
        name
        for name in unchanged(answers, filled)
        if given and (question := question_of(name)) in names - used and question not in confirmed
    }
    return {name: values for name, values in answers.items() if name not in dropped}


def unconfirmed(answers: Fields, filled: Filled, confirmed: frozenset[str]) -> Mapping[str, Problem]:
    """By question, that it holds what the record gave and nobody has confirmed it (E21)."""
    waiting = dict.fromkeys(question_of(name) for name in filled if name in unchanged(answers, filled))
    return {name: Problem("not_confirmed") for name in waiting if name not in confirmed}


def without_unconfirmed(answers: Fields, filled: Filled, confirmed: frozenset[str]) -> Fields:
    """The answers that somebody has given or confirmed."""
    waiting = {name for name in unchanged(answers, filled) if question_of(name) not in confirmed}
    return {name: values for name, values in answers.items() if name not in waiting}
