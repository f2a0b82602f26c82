"""A model fitted elsewhere, brought to the patients of one hospital: its effects kept, its baseline made anew.

For each of the model's fits, with coefficients β and covariance V: one slope γ is estimated on the registry (Cox, the
score β·x as the only covariate), or taken as 1; the coefficients become γβ, their covariance γ²V + var(γ)·ββᵀ, and H, A
and Q are those of the registry's own risk sets. Steyerberg EW. Clinical Prediction Models, 2nd ed., chapter 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.features import Feature
from model.fitted import Block, Fits, Stratum, Support
from training.development.design import design_of
from training.development.distribution import distribution, likeness
from training.development.imputation import impute
from training.fitting.cox import NoFit, fit_cox
from training.fitting.risk_sets import RiskSets, risk_sets
from training.fitting.segments import episodes, joined
from training.fitting.survival_data import SurvivalData
from training.registry.cohort import Cohort

Array = NDArray[np.float64]

FEWEST_DEATHS = 20
"""With fewer a new baseline would be noise."""


class NotRecalibrated(ValueError):
    """A registry cannot recalibrate a model; the message says why and what would do."""


@dataclass(frozen=True, slots=True, eq=False)
class Recalibrated:
    """Every stratum, those with too few deaths as they were; ``rows`` tell what was done with each."""

    strata: Mapping[str, Stratum]
    rows: list[dict[str, Any]]


def recalibrate(
    strata: Mapping[str, Stratum],
    features: Mapping[str, tuple[Feature, ...]],
    cohort: Cohort,
    *,
    slope: bool,
    seed: int,
) -> Recalibrated:
    """The strata on the registry's baseline, with a slope if that is asked for. Raises NotRecalibrated."""
    rng = np.random.default_rng(seed)
    made: dict[str, Stratum] = {}
    rows: list[dict[str, Any]] = []
    for name, stratum in strata.items():
        own = cohort.of_strata([name])
        deaths = int((own.event & (own.time <= stratum.last_month)).sum())
        reaches = bool(len(own.time)) and own.time.max() >= stratum.last_month
        if deaths < FEWEST_DEATHS or not reaches:
            why = f"fewer than {FEWEST_DEATHS} deaths" if deaths < FEWEST_DEATHS else "follow-up too short"
            rows.append({"stratum": name, "recalibrated": f"no: {why}; as it was", "slope": None})
            made[name] = stratum
            continue
        try:
            made[name], slopes = _stratum(stratum, features[name], own, rng, slope=slope)
        except NoFit as error:
            message = f"Stratum {name} cannot be recalibrated: {error}."
            raise NotRecalibrated(message) from error
        rows.append(
            {"stratum": name, "recalibrated": "yes", "slope": round(float(np.mean(slopes)), 3) if slope else None}
        )
    if all(made[name] is stratum for name, stratum in strata.items()):
        message = (
            f"No stratum has {FEWEST_DEATHS} deaths and follow-up to the last supported month, so nothing was "
            "recalibrated."
        )
        raise NotRecalibrated(message)
    return Recalibrated(made, rows)


def _stratum(
    stratum: Stratum, features: tuple[Feature, ...], cohort: Cohort, rng: np.random.Generator, *, slope: bool
) -> tuple[Stratum, list[float]]:
    outcome = pd.DataFrame(
        {"time": cohort.time, "event": cohort.event, "entry": cohort.entry_or_zero, "stratum": cohort.stratum}
    )
    patients = cohort.patients[[feature.name for feature in features]]
    count = min(stratum.fits.count, cohort.specification.fitting.imputations)
    imputed = impute(cohort.specification, patients, outcome, count=max(count, 2), rng=rng)
    data = [_data(stratum, cohort, one) for one in imputed]
    months = stratum.months.astype(float)
    slopes, columns = [], []
    for m in range(stratum.fits.count):
        sets, covariance, gamma = _refitted(stratum, data[m % len(data)], m, slope=slope)
        slopes.append(gamma)
        columns.append((gamma * stratum.fits.coefficients[m], covariance, *sets.cumulative(months)))
    fits = Fits(*(np.array(column) for column in zip(*columns, strict=True)))
    coefficients = np.asarray(fits.coefficients.mean(axis=0))
    blocks = distribution(features, imputed, stratum.terms, coefficients)
    return (
        replace(
            stratum,
            fits=fits,
            blocks=tuple(_for_each_fit(block, fits.count) for block in blocks),
            support=Support(len(cohort.time), int(cohort.event.sum()), "registry"),
            likeness=likeness(features, patients, cohort.event) if features else None,
        ),
        slopes,
    )


def _data(stratum: Stratum, cohort: Cohort, patients: pd.DataFrame) -> SurvivalData:
    """The registry in the model's design, each episode with the columns that count in it."""
    design = design_of(patients, stratum.terms) - stratum.centre
    whole = SurvivalData(design, cohort.time, cohort.event, cohort.entry)
    if not stratum.cuts:
        return whole
    pieces = episodes(whole, stratum.cuts)
    return joined([replace(one, design=one.design * stratum.counts_in[k]) for k, one in enumerate(pieces)])


def _refitted(stratum: Stratum, data: SurvivalData, m: int, *, slope: bool) -> tuple[RiskSets, Array, float]:
    beta, covariance = stratum.fits.coefficients[m], stratum.fits.covariance[m]
    gamma, spread = 1.0, 0.0
    if slope and len(beta):
        fit = fit_cox(replace(data, design=(data.design @ beta)[:, None]))
        gamma, spread = float(fit.coefficients[0]), float(fit.covariance[0, 0])
    sets = risk_sets(data.design, data.time, data.event, gamma * beta, entry=data.entry)
    return sets, gamma**2 * covariance + spread * np.outer(beta, beta), gamma


def _for_each_fit(block: Block, count: int) -> Block:
    return replace(block, weights=block.weights[np.arange(count) % len(block.weights)])
