"""Which reconstructed cohorts agree with what was published."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.fitting.cox import NoFit, newton, wald_p
from training.published.generating import Cohort, Generator

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One published figure that a cohort must agree with, and how the report names it."""

    name: str
    what: str


def criteria(generator: Generator) -> tuple[Criterion, ...]:
    """What a cohort of this stratum is checked for, cheapest first."""
    stratum, month = generator.stratum, generator.last_month
    found = [
        Criterion("median", "published median survival"),
        Criterion("five_year", f"published survival at {month} months"),
        Criterion("at_risk", f"someone at risk at {month} months"),
    ]
    if any(feature.levels for feature in generator.features):
        found.append(Criterion("levels", "enough patients and deaths at every level"))
    found += [
        Criterion(f"p.{feature.name}", f"published P of {feature.label.lower()}")
        for feature in generator.features
        if f"{stratum}.{feature.name}.p" in generator.evidence
    ]
    return tuple(found)


def first_unmet(generator: Generator, cohort: Cohort) -> str | None:
    """The name of the first criterion that a cohort does not meet; None when it agrees with all."""
    return next((name for name, met in _checks(generator, cohort) if not met), None)


def _checks(generator: Generator, cohort: Cohort) -> Iterator[tuple[str, bool]]:
    evidence, stratum, month = generator.evidence, generator.stratum, generator.last_month
    median, five_year = median_and_survival(cohort.time, cohort.event, month)
    yield "median", abs(median - evidence[f"{stratum}.median"]) <= evidence["acceptance.median_tolerance"]
    yield "five_year", abs(five_year - evidence[f"{stratum}.five_year"]) <= evidence["acceptance.five_year_tolerance"]
    yield "at_risk", bool((cohort.time >= month).any())
    if any(feature.levels for feature in generator.features):
        yield "levels", _levels_are_filled(generator, cohort)
    if generator.features:
        try:
            coefficients, sets = newton(cohort.design, cohort.time, cohort.event)
        except NoFit:
            yield f"p.{generator.features[0].name}", False
            return
        for name, p, sign_agrees in p_values(generator, coefficients, sets.covariance):
            yield f"p.{name}", sign_agrees and _p_agrees(generator, name, p)


def median_and_survival(time: Array, event: NDArray[np.bool_], month: float) -> tuple[float, float]:
    """Kaplan-Meier median (infinite when not reached) and survival at a month."""
    order = np.argsort(time)
    at_risk = np.arange(len(time), 0, -1)
    survival = np.cumprod(1 - event[order] / at_risk)
    below = np.flatnonzero(survival <= 0.5)
    median = float(time[order][below[0]]) if below.size else math.inf
    until = int(np.searchsorted(time[order], month, side="right"))
    return median, float(survival[until - 1]) if until else 1.0


def _levels_are_filled(generator: Generator, cohort: Cohort) -> bool:
    evidence = generator.evidence
    for feature in generator.features:
        if not feature.levels:
            continue
        level = cohort.answers[feature.name].astype(int)
        patients = np.bincount(level, minlength=len(feature.levels))
        deaths = np.bincount(level[cohort.event], minlength=len(feature.levels))
        if patients.min() < evidence["acceptance.level_patients"] or deaths.min() < evidence["acceptance.level_deaths"]:
            return False
    return True


def p_values(generator: Generator, coefficients: Array, covariance: Array) -> Iterator[tuple[str, float, bool]]:
    """For each predictor with a published P: its name, its Wald P, and whether its effect has the stated direction.

    The direction is that of the prior's mean; several levels have none, for the source does not give it.
    """
    for feature in generator.features:
        if f"{generator.stratum}.{feature.name}.p" not in generator.evidence:
            continue
        columns = [i for i, term in enumerate(generator.terms) if term.feature == feature.name]
        p = wald_p(coefficients[columns], covariance[np.ix_(columns, columns)])
        directed = len(columns) == 1
        yield feature.name, p, not directed or coefficients[columns[0]] * generator.effect(columns[0]).value > 0


def _p_agrees(generator: Generator, name: str, p: float) -> bool:
    figure = generator.evidence.figures[f"{generator.stratum}.{name}.p"]
    if figure.relation == "<":
        return p < figure.value
    return bool(abs(math.log(max(p, 1e-300) / figure.value)) <= math.log(generator.evidence["acceptance.p_factor"]))
