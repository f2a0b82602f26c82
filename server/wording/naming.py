"""How a reader knows an answer: as a sentence names it, as a list shows it, and within which range it may lie."""

from __future__ import annotations

from model.features import UNKNOWN, Feature, Range
from server.wording.language import Language


def phrase_of(language: Language, feature: Feature, value: float | str) -> str:
    """One known answer as a sentence names it."""
    if isinstance(value, str):
        return feature.level(value).phrase
    if feature.phrase is None:
        return language.sentences.say("labelled", label=feature.label, value=value_text(language, feature, value))
    phrase = feature.phrase_of_one if value == 1 and feature.phrase_of_one is not None else feature.phrase
    return phrase.replace("{value}", language.number(value))


def value_text(language: Language, feature: Feature, value: float | str) -> str:
    """One answer as a list shows it: the label, or the number with its unit."""
    if value == UNKNOWN:
        return feature.unknown or UNKNOWN
    if isinstance(value, str):
        return feature.level(value).label
    unit = feature.unit_of_one if value == 1 and feature.unit_of_one is not None else feature.unit
    return language.quantity(value, unit)


def range_text(language: Language, allowed: Range, unit: str | None) -> str:
    """An allowed range as the end of a sentence."""
    bounds = {
        "low": language.number(allowed.low),
        "high": language.number(allowed.high),
        "low_open": allowed.low_open,
        "high_open": allowed.high_open,
    }
    if unit is None:
        return language.refusals.say("range_without_unit", **bounds)
    return language.refusals.say("range", unit=unit, **bounds)
