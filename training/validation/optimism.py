"""How well a model would do on other patients: the bootstrap of the whole procedure.

Each bootstrap sample goes through imputation, selection, choice of the penalty and fitting; its model is held against
the sample, the original patients, and those that were not drawn. Two corrections follow:

- Harrell's: the apparent figure less the mean of what a model does better on its sample than on the original patients.
  Where there is little to find it takes off too little: with noise alone, 1 - 1/√2 of the apparent excess is left, for
  the original patients are in the sample too (docs/registry.md).
- The .632+ estimator, which is reported first: the apparent figure and that of the patients who were not drawn, the
  latter weighing the more the more the model overfits.

Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361-387. Efron B, Tibshirani R. J Am Stat Assoc 1997;92:548-560.
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


DRAWN = 0.632
"""The share of the patients that is in a bootstrap sample."""
WITHOUT_INFORMATION = {"Harrell's C": 0.5, "AUC": 0.5, "Calibration slope": 0.0, "Scaled Brier score": 0.0}
"""What a model has that knows nothing. Other measures are corrected by Harrell's bootstrap alone."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """One measure: on the patients the model was made from, and what remains after either correction."""

    measure: str
    apparent: Measured
    corrected: Estimate | None
    """By .632+ where it applies, else by Harrell's; with the apparent interval moved as far as the figure."""
    harrell: float | None


@dataclass(frozen=True, slots=True)
class _Resampled:
    """A bootstrap sample's model: on its sample, on the original patients, on those who were not drawn."""

    sample: dict[str, float]
    original: dict[str, float]
    left_out: dict[str, float]


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
    resampled: list[_Resampled] = []
    failed = 0
    for found in joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(_one)(cohort, seed, number) for number in range(bootstraps)
    ):
        progress(1)
        if found is None:
            failed += 1
        else:
            resampled.append(found)
    return Optimism(
        tuple(_corrected(name, one, resampled) for name, one in apparent.items()),
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


def _one(cohort: Cohort, seed: int, number: int) -> _Resampled | None:
    """One bootstrap sample; None where no model can be fitted to it."""
    rng, n = np.random.default_rng((seed, number)), len(cohort.time)
    drawn = rng.integers(0, n, n)
    sample, rest = cohort.take(drawn), cohort.take(np.bincount(drawn, minlength=n) == 0)
    try:
        model = strata_of(develop(sample, rng))
    except NotFitted:
        return None
    return _Resampled(*(_values(performance(model, patients)) for patients in (sample, cohort, rest)))


def _corrected(name: str, apparent: Measured, resampled: list[_Resampled]) -> Corrected:
    own, original, rest = (
        _mean([getattr(one, part)[name] for one in resampled]) for part in ("sample", "original", "left_out")
    )
    if not isinstance(apparent, Estimate) or not np.isfinite(own - original):
        return Corrected(name, apparent, None, None)
    harrell = apparent.value - (own - original)
    value = harrell
    nothing = next((value for key, value in WITHOUT_INFORMATION.items() if name.startswith(key)), None)
    if nothing is not None and np.isfinite(rest):
        value = point_632_plus(apparent.value, rest, nothing)
    moved = [None if limit is None else limit + value - apparent.value for limit in (apparent.lower, apparent.upper)]
    return Corrected(name, apparent, Estimate(value, *moved), harrell)


def point_632_plus(apparent: float, left_out: float, without_information: float) -> float:
    """The .632+ estimate of a measure that grows with a better model.

    The relative overfitting R = (apparent - left out)/(apparent - without information), from 0 to 1, decides how much
    those who were not drawn weigh: .632/(1 - .368·R).
    """
    overfitting = 0.0
    if left_out < apparent:
        room = apparent - without_information
        overfitting = 1.0 if room <= 0 else min(1.0, (apparent - left_out) / room)
    weight = DRAWN / (1 - (1 - DRAWN) * overfitting)
    return (1 - weight) * apparent + weight * left_out


def _values(measures: dict[str, Measured]) -> dict[str, float]:
    return {name: one.value if isinstance(one, Estimate) else float("nan") for name, one in measures.items()}


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
