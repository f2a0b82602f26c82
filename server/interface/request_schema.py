"""What a request may hold, as JSON Schema made from the features: ``openapi.json`` says exactly what is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model.features import ALIVE_MONTHS, UNKNOWN, Feature, Features, Range
from server.entering.documents import MODEL
from server.served import Served

Schema = dict[str, Any]


def request_schema(served: Mapping[str, Served]) -> Schema:
    """The request of every model that is served; with several, one alternative for each."""
    alternatives = [
        _request(name, one.model.features, is_default=position == 0)
        for position, (name, one) in enumerate(served.items())
    ]
    return alternatives[0] if len(alternatives) == 1 else {"oneOf": alternatives}


def feature_description(feature: Feature) -> Schema:
    """A feature as the model's description gives it: its words, unit, ranges and answers."""
    return {
        "name": feature.name,
        "label": feature.label,
        "question": feature.question,
        "definition": feature.definition,
        "where": feature.where,
        "timing": feature.timing,
        "unit": feature.unit,
        "range": None if feature.hard is None else _bounds(feature.hard),
        "usual_range": {stratum: _bounds(usual) for stratum, usual in feature.soft.items()},
        "levels": [{"code": level.code, "label": level.label} for level in feature.levels],
        "unknown": feature.unknown,
        "strata": None if feature.strata is None else sorted(feature.strata),
    }


def _request(name: str, features: Features, *, is_default: bool) -> Schema:
    return {
        "type": "object",
        "properties": {
            "features": {"oneOf": [_stratum(features, level.code) for level in features.stratum.levels]},
            ALIVE_MONTHS: {
                "type": ["integer", "null"],
                "minimum": 0,
                "exclusiveMaximum": features.alive_range().high,
                "default": 0,
            },
            MODEL: {"const": name},
        },
        "required": ["features"] if is_default else ["features", MODEL],
        "additionalProperties": False,
    }


def _stratum(features: Features, stratum: str) -> Schema:
    used = features.used_in(stratum)
    return {
        "title": features.stratum.level(stratum).label,
        "type": "object",
        "properties": {
            features.stratum.name: {"const": stratum, "description": features.stratum.definition},
            **{feature.name: _value(feature) for feature in used},
        },
        "required": [features.stratum.name, *(feature.name for feature in used)]
        if features.only_stratum is None
        else [feature.name for feature in used],
        "additionalProperties": False,
    }


def _value(feature: Feature) -> Schema:
    description = feature.definition if feature.unit is None else f"{feature.definition} ({feature.unit})"
    if feature.hard is None:
        unknown = [] if feature.unknown is None else [UNKNOWN]
        return {"enum": [*(level.code for level in feature.levels), *unknown], "description": description}
    number = {"type": "number", **_bounds(feature.hard)}
    if feature.unknown is None:
        return {**number, "description": description}
    return {"anyOf": [number, {"const": UNKNOWN}], "description": description}


def _bounds(allowed: Range) -> Schema:
    return {
        "exclusiveMinimum" if allowed.low_open else "minimum": allowed.low,
        "exclusiveMaximum" if allowed.high_open else "maximum": allowed.high,
    }
