"""Problems as sentences: each says what was given, what is allowed and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from model.features import ALIVE_MONTHS, UNKNOWN, Feature, Features, Range
from model.patient import NotANumber, Problem, ReadNumber, number_from_json, number_from_text
from server.wording.language import Language
from server.wording.naming import range_text

LONGEST_ECHO = 60
BEGIN = "begin"


class Unreadable(Exception):
    """Something is not what it claims to be: a sentence of the refusals, to be said in the reader's language."""

    def __init__(self, sentence: str, **placeholders: object) -> None:
        super().__init__(sentence)
        self.sentence, self.placeholders = sentence, placeholders

    def said(self, language: Language) -> str:
        """What is wrong, and what would be right."""
        return language.refusals.say(self.sentence, **self.placeholders)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the sentences, and in which language: somebody at the form, or the author of a document or table."""

    language: Language
    at_form: bool
    writes_json: bool

    @property
    def read_number(self) -> ReadNumber:
        """How this format writes numbers."""
        if self.writes_json:
            return number_from_json
        return self._typed_number if self.at_form else number_from_text

    def _typed_number(self, value: object) -> float:
        """A number as people write it in their language; one that was computed from dates is there already."""
        if isinstance(value, float):
            return value
        decimal = self.language.decimal
        if not isinstance(value, str) or (decimal != "." and "." in value):
            raise NotANumber
        return number_from_text(value.replace(decimal, "."))


def at_form(language: Language) -> Reader:
    """Somebody at the form."""
    return Reader(language, at_form=True, writes_json=False)


def of_json(language: Language) -> Reader:
    """The author of a JSON document."""
    return Reader(language, at_form=False, writes_json=True)


def of_table(language: Language) -> Reader:
    """The author of a table."""
    return Reader(language, at_form=False, writes_json=False)


def problem_sentences(
    problems: Mapping[str, Problem], features: Features, time_zero: str, reader: Reader
) -> dict[str, str]:
    """One whole sentence (or two) per field, in the order in which the fields are asked; strangers come last."""
    order = [*(feature.name for feature in features.all), ALIVE_MONTHS]
    names = sorted(problems, key=lambda name: order.index(name) if name in order else len(order))
    return {
        readable(name): _sentence(
            problems[name], _asked(name, features, time_zero, reader.language), features, time_zero, reader
        )
        for name in names
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


def _asked(name: str, features: Features, time_zero: str, language: Language) -> _Asked:
    if name == ALIVE_MONTHS:
        label = language.sentences.say("alive_label", time_zero=time_zero)
        return _Asked(name, label, None, language.sentences.say("alive_unit"))
    feature = next((feature for feature in features.all if feature.name == name), None)
    if feature is None:
        return _Asked(name, echo(name), None, None)
    return _Asked(name, feature.label, feature, feature.unit)


def _sentence(problem: Problem, asked: _Asked, features: Features, time_zero: str, reader: Reader) -> str:
    allowed, refusals = dict(problem.allowed), reader.language.refusals
    if isinstance(limits := allowed.get("range"), Range):
        allowed["range"] = range_text(reader.language, limits, asked.unit)
    if "which" in allowed:
        allowed["missing"] = _event(str(allowed["which"]), asked, time_zero, reader.language)
    if problem.code == "dates_differ":
        allowed["event"] = time_zero
    if "stratum" in allowed:
        stratum = features.stratum.level(str(allowed["stratum"]))
        allowed["stratum"] = stratum.label if reader.at_form else stratum.code
    placeholders = {
        "example": reader.language.number(7.5) if reader.at_form else "7.5",
        **allowed,
        "name": asked.label if reader.at_form else echo(asked.name),
        "given": _given(problem.given, asked.feature, reader),
        "choices": [] if asked.feature is None else _choices(asked.feature, reader),
    }
    return refusals.say_from(_variant(problem, asked, reader), placeholders)


def _event(which: str, asked: _Asked, time_zero: str, language: Language) -> str:
    """What happened on a date that is missing."""
    if asked.feature is None:
        return time_zero if which == BEGIN else language.sentences.say("last_known_alive")
    return (asked.feature.since or "") if which == BEGIN else time_zero


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
    refusals = reader.language.refusals
    if isinstance(given, float) and reader.at_form:
        return reader.language.number(given)
    if reader.at_form and feature is not None:
        labels = {level.code: level.label for level in feature.levels}
        if feature.unknown is not None:
            labels[UNKNOWN] = feature.unknown
        if isinstance(given, str) and given in labels:
            return refusals.say("quoted", text=labels[given])
    return refusals.say("quoted", text=echo(given)) if isinstance(given, str) else echo(given)


def _choices(feature: Feature, reader: Reader) -> list[str]:
    if reader.at_form:
        return [level.label for level in feature.levels] + ([feature.unknown] if feature.unknown else [])
    return [level.code for level in feature.levels] + ([UNKNOWN] if feature.unknown else [])
