"""How a reader knows an answer: as a sentence names it, as a list shows it, and within which range it may lie."""

from __future__ import annotations

from functools import cache

from model.features import UNKNOWN, Feature, Range
from server.wording.words import number_text, refusals, sentences

NUMBER = "\x02"


def phrase_of(feature: Feature, value: float | str) -> str:
    """One known answer as a sentence names it."""
    if isinstance(value, str):
        return feature.level(value).phrase
    if feature.phrase is None:
        return sentences().say("labelled", label=feature.label, value=value_text(feature, value))
    phrase = feature.phrase_of_one if value == 1 and feature.phrase_of_one is not None else feature.phrase
    return phrase.replace("{value}", number_text(value))


def value_text(feature: Feature, value: float | str) -> str:
    """One answer as a list shows it: the label, or the number with its unit."""
    if value == UNKNOWN:
        return feature.unknown or UNKNOWN
    if isinstance(value, str):
        return feature.level(value).label
    unit = feature.unit_of_one if value == 1 and feature.unit_of_one is not None else feature.unit
    return _quantity(unit).replace(NUMBER, number_text(value))


@cache
def _quantity(unit: str | None) -> str:
    """How a number of this unit is written, with a mark for the number."""
    return sentences().say("quantity", number=NUMBER, unit=unit)


def range_text(allowed: Range, unit: str | None) -> str:
    """An allowed range as the end of a sentence."""
    bounds = {
        "low": number_text(allowed.low),
        "high": number_text(allowed.high),
        "low_open": allowed.low_open,
        "high_open": allowed.high_open,
    }
    if unit is None:
        return refusals().say("range_without_unit", **bounds)
    return refusals().say("range", unit=unit, **bounds)
