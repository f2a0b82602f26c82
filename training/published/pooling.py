"""From accepted cohorts to a stratum: one fit each, on one design with one centre, and how the predictors are mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sksurv.linear_model import CoxPHSurvivalAnalysis

from model.features import Feature
from model.fitted import Block, Fits, Stratum, Support, Term
from training.fitting.cox import fit
from training.fitting.risk_sets import RiskSets, risk_sets
from training.published.generating import Cohort, Generator

Array = NDArray[np.float64]

BINS = 20
"""Into which a number's distribution is cut: a reference curve that is a mean over 20 kinds of patients differs from
the mean over all of them by less than a tenth of a percentage point."""


@dataclass(frozen=True, slots=True)
class FittedCohort:
    """One cohort's fit: scikit-survival's estimator (None without predictors), and the risk sets at its centre."""

    estimator: CoxPHSurvivalAnalysis | None
    coefficients: Array
    sets: RiskSets


def fit_cohort(terms: Sequence[Term], cohort: Cohort, centre: Array) -> FittedCohort:
    """Fit one cohort on the design minus the centre; without terms its risk sets are enough (Nelson-Aalen)."""
    design = pd.DataFrame(cohort.design - centre, columns=[term.name for term in terms])
    estimator = fit(design, cohort.time, cohort.event) if terms else None
    coefficients = np.asarray(estimator.coef_) if estimator is not None else np.zeros(0)
    return FittedCohort(estimator, coefficients, risk_sets(design.to_numpy(), cohort.time, cohort.event, coefficients))


def common_centre(cohorts: Sequence[Cohort]) -> Array:
    """(p,) The mean design row over all cohorts: near enough to every patient that no digits are lost."""
    return np.asarray(np.mean([cohort.design.mean(axis=0) for cohort in cohorts], axis=0))


def pool(generator: Generator, cohorts: Sequence[Cohort], fitted: Sequence[FittedCohort], centre: Array) -> Stratum:
    """The stratum that these fits make, on a monthly grid."""
    months = np.arange(generator.last_month + 1)
    sums = [one.sets.cumulative(months.astype(float)) for one in fitted]
    return Stratum(
        name=generator.stratum,
        months=months,
        terms=generator.terms,
        centre=centre,
        fits=Fits(
            coefficients=np.array([one.coefficients for one in fitted]),
            covariance=np.array([one.sets.covariance for one in fitted]),
            hazard=np.array([hazard for hazard, _, _ in sums]),
            hazard_variance=np.array([variance for _, variance, _ in sums]),
            hazard_gradient=np.array([gradient for _, _, gradient in sums]),
        ),
        # Each predictor is a block of its own: no joint distribution was published, so they are drawn independently.
        blocks=tuple(_block(feature, cohorts) for feature in generator.features),
        support=Support(patients=generator.patients, deaths=None, source="published"),
    )


def _block(feature: Feature, cohorts: Sequence[Cohort]) -> Block:
    given = [cohort.answers[feature.name] for cohort in cohorts]
    if feature.levels:
        weights = [np.bincount(v.astype(int), minlength=len(feature.levels)) / len(v) for v in given]
        atoms = tuple({feature.name: level.code} for level in feature.levels)
        return Block((feature.name,), atoms, np.array(weights), {})
    pooled = np.log(np.concatenate(given))
    edges = np.quantile(pooled, np.arange(1, BINS) / BINS)
    bins = np.searchsorted(edges, pooled, side="right")
    middles = np.exp(np.bincount(bins, pooled, BINS) / np.bincount(bins, minlength=BINS))
    weights = [np.bincount(np.searchsorted(edges, np.log(v), side="right"), minlength=BINS) / len(v) for v in given]
    return Block(
        features=(feature.name,),
        atoms=tuple({feature.name: float(middle)} for middle in middles),
        weights=np.array(weights),
        edges={feature.name: tuple(np.exp(edges).tolist())},
    )
