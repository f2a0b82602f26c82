"""The generating model of one stratum: what may have been true, and a cohort of the published size drawn from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from model.features import Feature
from model.fitted import Term
from training.published.baselines import FAMILIES, Baseline
from training.published.description import default_specification
from training.published.evidence import Evidence, Figure, UnfoundedFigure

Array = NDArray[np.float64]

EARLY = np.array([12.0])
"""Months; how steeply the cumulative hazard grows is measured from here to the last month."""
MOST_TARGETS = 10_000
"""Draws of a median and a 5-year survival before they are taken never to go together."""
QUADRATURE = 20
"""Points with which a number is averaged over when the baseline is solved."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """One draw of everything that was not published: which survival the cohort's patients really have.

    ``coefficients`` (p,) are for ``Generator.terms``, uncentred.
    """

    coefficients: Array
    log_median: Mapping[str, float]
    log_sd: Mapping[str, float]
    shares: Mapping[str, Array]
    baseline: Baseline
    target_median: float
    target_five_year: float
    censoring_median: float
    censoring_shape: float

    def survival(self, row: Array, times: Array) -> Array:
        """True survival at each time of a patient with this (uncentred) design row."""
        return np.asarray(np.exp(-self.baseline.hazard_at(times) * np.exp(row @ self.coefficients)))


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """n patients as a registry would hold them.

    ``answers`` holds each predictor's n answers (a number, or the index of a level); ``design`` (n, p) is uncentred.
    """

    answers: Mapping[str, Array]
    design: Array
    time: Array
    event: NDArray[np.bool_]


@dataclass(frozen=True)
class Generator:
    """What the evidence says of one stratum, ready to draw from."""

    stratum: str
    features: tuple[Feature, ...]
    evidence: Evidence
    last_month: int

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The columns of the design: the logarithm of a number, every level of a category but its reference."""
        return tuple(term for feature in self.features for term in default_specification().terms(feature.name))

    @property
    def patients(self) -> int:
        """The published size of the group."""
        return round(self.evidence[f"{self.stratum}.patients"])

    def effect(self, column: int) -> Figure:
        """The prior of one column's log hazard ratio."""
        term = self.terms[column]
        suffix = f".{term.level}" if term.level is not None else ""
        return self.evidence.figures[f"{self.stratum}.{term.feature}.effect{suffix}"]

    def draw_truth(self, rng: np.random.Generator) -> Truth:
        """Draw every figure that was not published from its prior, and solve the baseline for the drawn targets."""
        evidence, name = self.evidence, self.stratum

        def normal(figure: str) -> float:
            return float(rng.normal(evidence[figure], evidence.spread(figure)))

        coefficients = np.array([normal(self.effect(column).id) for column in range(len(self.terms))])
        log_median, log_sd, shares = {}, {}, {}
        for feature in self.features:
            prefix = f"{name}.{feature.name}"
            if feature.is_number:
                center = np.log(evidence[f"{prefix}.median"])
                log_median[feature.name] = float(rng.normal(center, evidence.spread(f"{prefix}.median")))
                log_sd[feature.name] = abs(normal(f"{prefix}.log_sd"))
            else:
                mean = [evidence[f"{prefix}.share.{level.code}"] for level in feature.levels]
                weight = evidence.spread(f"{prefix}.share.{feature.levels[0].code}")
                shares[feature.name] = rng.dirichlet(np.array(mean) * weight)
        ratios, weights = self._population(coefficients, log_median, log_sd, shares)
        median, five_year, baseline = self._draw_baseline(rng, ratios, weights)
        return Truth(
            coefficients=coefficients,
            log_median=log_median,
            log_sd=log_sd,
            shares=shares,
            baseline=baseline,
            target_median=median,
            target_five_year=five_year,
            censoring_median=normal("censoring.median"),
            censoring_shape=max(normal("censoring.shape"), 0.5),
        )

    def _draw_baseline(self, rng: np.random.Generator, ratios: Array, weights: Array) -> tuple[float, float, Baseline]:
        """A true median and 5-year survival around the published ones, and a baseline that gives both.

        Drawn anew until they go together: how steeply the cumulative hazard grows has a prior of its own, which is the
        same for every family, for the families differ most in what they make of the months before the median. Raises
        UnfoundedFigure where they never do.
        """
        evidence, name, last = self.evidence, self.stratum, float(self.last_month)
        family = FAMILIES[int(rng.integers(len(FAMILIES)))]
        half_width = evidence.spread("baseline.gamma_shape")
        q = float(evidence["baseline.gamma_shape"] + rng.uniform(-half_width, half_width))
        for _ in range(MOST_TARGETS):
            median = rng.normal(evidence[f"{name}.median"], evidence[f"{name}.median_error"])
            five_year = rng.normal(evidence[f"{name}.five_year"], evidence[f"{name}.five_year_error"])
            if not (1 < median < last - 1 and 0.005 < five_year < 0.495):
                continue
            at_median, at_last = _hazards_for(np.array([0.5, five_year]), ratios, weights)
            baseline = Baseline.through(family, q, ((median, at_median), (last, at_last)))
            dead_early = float(weights @ -np.expm1(-baseline.hazard_at(EARLY) * ratios)) if baseline.scale > 0 else 0.0
            if dead_early <= 0:
                continue
            steepness = math.log(math.log(five_year) / math.log1p(-dead_early)) / math.log(last / EARLY[0])
            z = math.log(steepness / evidence["baseline.steepness"]) / evidence.spread("baseline.steepness")
            if rng.uniform() < math.exp(-(z**2) / 2):
                return float(median), float(five_year), baseline
        message = (
            f"{name}.median and {name}.five_year cannot be drawn so that they go together: the median must lie within "
            f"the {last:.0f} supported months, survival at their end below one half, and both fit baseline.steepness"
        )
        raise UnfoundedFigure(message)

    @cached_property
    def _kinds(self) -> dict[str, Array]:
        """Kinds of patients that stand for all: midpoints of a number's quantiles (as z), every level (by index)."""
        z = ndtri((np.arange(QUADRATURE) + 0.5) / QUADRATURE)
        points = [z if feature.is_number else np.arange(len(feature.levels)) for feature in self.features]
        grid = np.meshgrid(*points, indexing="ij") if points else []
        return {feature.name: axis.ravel() for feature, axis in zip(self.features, grid, strict=True)}

    def _population(
        self,
        coefficients: Array,
        log_median: Mapping[str, float],
        log_sd: Mapping[str, float],
        shares: Mapping[str, Array],
    ) -> tuple[Array, Array]:
        """Hazard ratios and shares that stand for all patients."""
        answers, weights = dict(self._kinds), np.ones(1)
        for feature in self.features:
            name, kinds = feature.name, self._kinds[feature.name]
            if feature.is_number:
                answers[name] = self._number(feature, np.exp(log_median[name] + log_sd[name] * kinds))
                weights = weights / QUADRATURE
            else:
                weights = weights * shares[name][kinds.astype(int)]
        rows = design_of(self.features, answers, len(weights))
        return np.exp(rows @ coefficients), np.broadcast_to(weights, len(rows))

    def _number(self, feature: Feature, values: Array) -> Array:
        prefix = f"{self.stratum}.{feature.name}"
        return np.clip(values, self.evidence[f"{prefix}.low"], self.evidence[f"{prefix}.high"])

    def draw_cohort(self, truth: Truth, rng: np.random.Generator) -> Cohort:
        """A cohort of the published size whose patients live and are followed as the truth says."""
        n = self.patients
        values: dict[str, Array] = {}
        for feature in self.features:
            name = feature.name
            if feature.is_number:
                values[name] = self._number(feature, np.exp(rng.normal(truth.log_median[name], truth.log_sd[name], n)))
            else:
                values[name] = rng.choice(len(feature.levels), size=n, p=truth.shares[name]).astype(float)
        design = design_of(self.features, values, n)
        death = truth.baseline.time_at(rng.exponential(size=n) / np.exp(design @ truth.coefficients))
        scale = truth.censoring_median / np.log(2) ** (1 / truth.censoring_shape)
        end = scale * rng.weibull(truth.censoring_shape, size=n)
        return Cohort(answers=values, design=design, time=np.minimum(death, end), event=death <= end)


def design_of(features: Sequence[Feature], values: Mapping[str, Array], n: int) -> Array:
    """(n, p) The uncentred design of n patients whose answers are numbers or indices of levels."""
    columns = [
        np.log(values[feature.name])
        if term.level is None
        else (values[feature.name] == _index(feature, term.level)).astype(float)
        for feature in features
        for term in default_specification().terms(feature.name)
    ]
    return np.column_stack(columns) if columns else np.zeros((n, 0))


def _index(feature: Feature, code: str) -> int:
    return [level.code for level in feature.levels].index(code)


def _hazards_for(survival: Array, ratios: Array, weights: Array) -> Array:
    """The baseline cumulative hazards at which the average of exp(-H·r) is each survival; Newton on log H."""
    hazard = -np.log(survival) / (weights @ ratios)
    for _ in range(50):
        alive = np.exp(-np.outer(hazard, ratios)) * weights
        average = alive.sum(axis=1)
        # Newton on the logarithm of the average survival, which is close to linear in the hazard.
        step = (np.log(average) - np.log(survival)) * average / (hazard * (alive @ ratios))
        hazard = hazard * np.exp(np.clip(step, -1, 1))
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(hazard)
