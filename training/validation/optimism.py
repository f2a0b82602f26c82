"""How much better a model does on the patients it was made from than on others: the bootstrap of the whole procedure.

Harrell FE, Lee KL, Mark DB. Multivariable prognostic models. Stat Med 1996;15:361-387. Each bootstrap sample goes
through imputation, selection, choice of the penalty and fitting; what its model does better there than on the original
patients is the optimism.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import joblib
import numpy as np
from numpy.typing import NDArray

from model.fitted import Stratum
from training.development.procedure import NotFitted, develop
from training.registry.cohort import Cohort
from training.validation.brier import brier_scores
from training.validation.calibration import observed_to_expected, slope
from training.validation.discrimination import auc, harrell_c
from training.validation.estimate import Estimate, Measured
from training.validation.measures import Predicted
from training.validation.observed import Observed
from training.validation.predicting import predict_cohort, strata_of

Array = NDArray[np.float64]

STEP = 6
"""Months between the points over which the error is integrated here."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """One measure: on the patients the model was made from, how much of that is optimism, and the rest."""

    measure: str
    apparent: Measured
    optimism: float | None
    corrected: Estimate | None
    """With the apparent interval moved by the optimism."""


@dataclass(frozen=True, slots=True)
class Optimism:
    """All measures, and from how many bootstrap samples; ``failed`` samples could not be fitted."""

    measures: tuple[Corrected, ...]
    bootstraps: int
    failed: int


def optimism(
    cohort: Cohort,
    *,
    seed: int,
    bootstraps: int,
    jobs: int = -1,
    progress: Callable[[int], None] = lambda _done: None,
) -> Optimism:
    """Develop on ``bootstraps`` resamples of the patients, and hold each model against the sample and the original."""
    model = strata_of(develop(cohort, np.random.default_rng(seed)))
    apparent = performance(model, cohort)
    differences: list[dict[str, float]] = []
    failed = 0
    for found in joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(_one)(cohort, seed, number) for number in range(bootstraps)
    ):
        progress(1)
        if found is None:
            failed += 1
        else:
            differences.append(found)
    return Optimism(
        tuple(_corrected(name, one, [found[name] for found in differences]) for name, one in apparent.items()),
        bootstraps,
        failed,
    )


def performance(model: Mapping[str, Stratum], cohort: Cohort) -> dict[str, Measured]:
    """The measures that are corrected, of a model on a cohort."""
    form = cohort.specification.form
    horizons, headline = form.horizons_months, form.headline_months
    months = sorted({*range(0, form.support_months + 1, STEP), form.support_months, *horizons})
    predicted: Predicted = predict_cohort(model, cohort, months)
    observed = Observed(cohort.time, cohort.event, cohort.entry)
    found: dict[str, Measured] = {
        "Harrell's C": harrell_c(observed, predicted.score),
        f"AUC at {headline} months": auc(observed, 1 - predicted.at(headline), headline),
        "Calibration slope": slope(observed, predicted.score, predicted.strata),
        "Scaled Brier score": brier_scores(observed, predicted.survival, months, horizons).scaled,
    }
    for month in horizons:
        ratio = observed_to_expected(observed, float(predicted.at(month).mean()), month)
        found[f"Observed/expected deaths at {month} months"] = ratio
    return found


def _one(cohort: Cohort, seed: int, number: int) -> dict[str, float] | None:
    """The optimism of one bootstrap sample; None where no model can be fitted to it."""
    rng = np.random.default_rng((seed, number))
    sample = cohort.take(rng.integers(0, len(cohort.time), len(cohort.time)))
    try:
        model = strata_of(develop(sample, rng))
    except NotFitted:
        return None
    own, other = performance(model, sample), performance(model, cohort)
    return {name: _value(own[name]) - _value(other[name]) for name in own}


def _corrected(name: str, apparent: Measured, differences: list[float]) -> Corrected:
    known = [difference for difference in differences if np.isfinite(difference)]
    if not isinstance(apparent, Estimate) or not known:
        return Corrected(name, apparent, None, None)
    mean = float(np.mean(known))
    moved = [None if limit is None else limit - mean for limit in (apparent.lower, apparent.upper)]
    return Corrected(name, apparent, mean, Estimate(apparent.value - mean, *moved))


def _value(measured: Measured) -> float:
    return measured.value if isinstance(measured, Estimate) else float("nan")
