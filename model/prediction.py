"""One patient's prediction, computed once; every page, table, note and interface only renders it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from model.explanation import Explanation, explain
from model.features import Feature, Range
from model.fitted import Array, Model, Stratum, Support
from model.likeness import Like, like
from model.mixture import mixture
from model.patient import Patient
from model.spans import Spans, spans
from model.survival import Curve, reference, survival, survival_at


@dataclass(frozen=True, slots=True)
class Horizon:
    """Survival at one headline time: fractions; the limits are None where no death has been seen before it."""

    months: int
    estimate: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class UnknownInput:
    """What one unknown predictor leaves open: the estimates at the explained horizon over its possible values."""

    feature: str
    lowest: float
    highest: float
    lowest_value: float | str
    highest_value: float | str


@dataclass(frozen=True, slots=True)
class InputWarning:
    """Something that the reader must know about these inputs."""

    code: str
    feature: str
    given: float | str
    expected: Range | None = None
    """The range that the development data cover, where it is a number outside it."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a model says about one patient. Survival is the probability of being alive, as a fraction."""

    patient: Patient
    survival: tuple[Horizon, ...]
    curve: Curve
    reference: Array
    """Survival of all patients of the stratum, at the curve's months."""
    spans: Spans
    explanation: Explanation
    unknown: tuple[UnknownInput, ...]
    warnings: tuple[InputWarning, ...]
    support: Support
    like: Like | None
    """How many of the registry's patients were like this one; None where nobody can know."""


def predict(model: Model, patient: Patient) -> Prediction:
    """The probability of being alive at each month for this patient, how sure it is, and why.

    Estimand: P(T > t | T > s, x), T the months from time zero to death from any cause, s = ``patient.alive_months``.
    """
    stratum, features = model.strata[patient.stratum], model.features.used_in(patient.stratum)
    start = patient.alive_months
    curve = survival(stratum, mixture(stratum, patient.values), start)
    horizon = _explained_horizon(model, stratum, start)
    return Prediction(
        patient=patient,
        survival=tuple(_at(curve, months, start) for months in _horizons(model, stratum, start)),
        curve=curve,
        reference=reference(stratum, start),
        spans=spans(curve),
        explanation=explain(stratum, features, patient.values, horizon, start),
        unknown=tuple(
            _range_of(stratum, feature, patient, horizon) for feature in features if feature.name in patient.unknown
        ),
        warnings=_warnings(features, patient),
        support=stratum.support,
        like=like(stratum, patient),
    )


def _horizons(model: Model, stratum: Stratum, start: int) -> list[int]:
    """The headline times after s; the last supported one where s is past them all, so that there is always one."""
    later = [months for months in model.horizons if start < months <= stratum.last_month]
    return later or [stratum.last_month]


def _explained_horizon(model: Model, stratum: Stratum, start: int) -> int:
    horizons = _horizons(model, stratum, start)
    return model.headline if model.headline in horizons else horizons[0]


def _at(curve: Curve, months: int, start: int) -> Horizon:
    at = months - start
    lower, upper = float(curve.lower[at]), float(curve.upper[at])
    return Horizon(
        months=months,
        estimate=float(curve.estimate[at]),
        lower=None if math.isnan(lower) else lower,
        upper=None if math.isnan(upper) else upper,
    )


def _range_of(stratum: Stratum, feature: Feature, patient: Patient, horizon: int) -> UnknownInput:
    values: tuple[float | str, ...] = tuple(level.code for level in feature.levels)
    if feature.is_number:
        block = next(block for block in stratum.blocks if feature.name in block.features)
        values = tuple(dict.fromkeys(atom[feature.name] for atom in block.atoms))
    estimates = {
        value: survival_at(
            stratum, mixture(stratum, {**patient.values, feature.name: value}), horizon, patient.alive_months
        )
        for value in values
    }
    lowest, highest = min(estimates, key=estimates.__getitem__), max(estimates, key=estimates.__getitem__)
    return UnknownInput(
        feature=feature.name,
        lowest=estimates[lowest],
        highest=estimates[highest],
        lowest_value=lowest,
        highest_value=highest,
    )


def _warnings(features: tuple[Feature, ...], patient: Patient) -> tuple[InputWarning, ...]:
    found = []
    for feature in features:
        expected, value = feature.soft.get(patient.stratum), patient.values.get(feature.name)
        if isinstance(value, str) and feature.level(value).later and not patient.alive_months:
            found.append(InputWarning(code="settled_later", feature=feature.name, given=value))
        if expected is None or not isinstance(value, float):
            continue
        if expected.below(value) or expected.above(value):
            found.append(InputWarning(code="outside_usual_range", feature=feature.name, given=value, expected=expected))
    return tuple(found)
