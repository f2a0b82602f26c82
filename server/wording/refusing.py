"""Problems as sentences: each says what was given, what is allowed and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from model.features import ALIVE_MONTHS, UNKNOWN, Feature, Features, Range
from model.patient import Problem, ReadNumber, number_from_json, number_from_text
from server.wording.naming import range_text
from server.wording.words import refusals, sentences

LONGEST_ECHO = 60


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the sentences: somebody at the form, or the author of a document or table."""

    at_form: bool
    writes_json: bool

    @property
    def read_number(self) -> ReadNumber:
        """How this format writes numbers."""
        return number_from_json if self.writes_json else number_from_text


AT_FORM = Reader(at_form=True, writes_json=False)
OF_JSON = Reader(at_form=False, writes_json=True)
OF_TABLE = Reader(at_form=False, writes_json=False)


def problem_sentences(
    problems: Mapping[str, Problem], features: Features, time_zero: str, reader: Reader
) -> dict[str, str]:
    """One whole sentence (or two) per field, in the order in which the fields are asked; strangers come last."""
    order = [*(feature.name for feature in features.all), ALIVE_MONTHS]
    names = sorted(problems, key=lambda name: order.index(name) if name in order else len(order))
    return {
        readable(name): _sentence(problems[name], _asked(name, features, time_zero), features, reader) for name in names
    }


def echo(given: object) -> str:
    """What was given, short enough to read and safe to encode."""
    try:
        text = readable(given if isinstance(given, str) else json.dumps(given, default=str))
    except RecursionError:  # it could be read, but only just
        return "…"
    return text if len(text) <= LONGEST_ECHO else text[: LONGEST_ECHO - 1] + "…"


def readable(text: str) -> str:
    """Text without halves of characters, which JSON can name and no encoding can write."""
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a problem is about: the field's name, its feature if it has one, and what unit it is in."""

    name: str
    label: str
    feature: Feature | None
    unit: str | None


def _asked(name: str, features: Features, time_zero: str) -> _Asked:
    if name == ALIVE_MONTHS:
        label = sentences().say("alive_label", time_zero=time_zero)
        return _Asked(name, label, None, sentences().say("alive_unit"))
    feature = next((feature for feature in features.all if feature.name == name), None)
    return _Asked(name, name, None, None) if feature is None else _Asked(name, feature.label, feature, feature.unit)


def _sentence(problem: Problem, asked: _Asked, features: Features, reader: Reader) -> str:
    allowed = dict(problem.allowed)
    if isinstance(limits := allowed.get("range"), Range):
        allowed["range"] = range_text(limits, asked.unit)
    if "stratum" in allowed:
        stratum = features.stratum.level(str(allowed["stratum"]))
        allowed["stratum"] = stratum.label if reader.at_form else stratum.code
    placeholders = {
        **allowed,
        "name": echo(asked.label if reader.at_form else asked.name),
        "given": _given(problem.given, asked.feature, reader),
        "choices": [] if asked.feature is None else _choices(asked.feature, reader),
    }
    return refusals().say_from(_variant(problem, asked, reader), placeholders)


def _variant(problem: Problem, asked: _Asked, reader: Reader) -> str:
    """Which of the sentences for a problem fits this field and this reader."""
    match problem.code:
        case "missing" if "range" in problem.allowed:
            return "missing_number"
        case "missing":
            return "missing_at_form" if reader.at_form else "missing_choice"
        case "not_a_number" if reader.writes_json:
            return "not_a_json_number"
        case "not_used" if reader.at_form and asked.feature is not None:
            return "not_used_number" if asked.feature.is_number else "not_used_choice"
        case code:
            return code


def _given(given: object, feature: Feature | None, reader: Reader) -> str:
    if reader.at_form and feature is not None:
        labels = {level.code: level.label for level in feature.levels}
        if feature.unknown is not None:
            labels[UNKNOWN] = feature.unknown
        if isinstance(given, str) and given in labels:
            return refusals().say("quoted", text=labels[given])
    return refusals().say("quoted", text=echo(given)) if isinstance(given, str) else echo(given)


def _choices(feature: Feature, reader: Reader) -> list[str]:
    if reader.at_form:
        return [level.label for level in feature.levels] + ([feature.unknown] if feature.unknown else [])
    return [level.code for level in feature.levels] + ([UNKNOWN] if feature.unknown else [])
