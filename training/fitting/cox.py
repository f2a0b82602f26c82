"""Cox regression by Newton's method on our own risk sets: strata, delayed entry, weights, a ridge penalty.

Scikit-survival has none of these and gives no standard errors; where neither is needed it fits (``fit``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from training.fitting.risk_sets import RiskSets, risk_sets
from training.fitting.survival_data import SurvivalData

Array = NDArray[np.float64]

TOLERANCE = 1e-9
"""Of the last step, in standard deviations of a column: Newton's error is its square."""
MOST_STEPS = 60
MOST_HALVINGS = 30
RUNAWAY = 30.0
"""A difference of e³⁰ in hazard between two patients is a coefficient without an end."""
SINGULAR = 1e-10
"""The least eigenvalue of a scaled information, relative to the greatest, with which digits are left."""


class NoFit(ValueError):
    """The partial likelihood has no maximum that can be found; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """Coefficients that are shared by all strata, and each stratum's own baseline at the design's origin."""

    coefficients: Array
    covariance: Array
    """(p, p) The inverse of the information, that of the penalty included: R's ``var``."""
    shrunk_covariance: Array
    """(p, p) The same with the information of the data alone between (R's ``var2``): smaller under a penalty."""
    degrees_of_freedom: float
    """How many coefficients the penalty leaves: the trace of information times covariance."""
    log_likelihood: float
    log_likelihood_at_zero: float
    risk_sets: Mapping[str, RiskSets]
    """By stratum."""


def fit(design: pd.DataFrame, time: Array, event: NDArray[np.bool_]) -> CoxPHSurvivalAnalysis:
    """Scikit-survival's Cox model with Efron's ties, to convergence; the estimator knows its columns by name."""
    estimator = CoxPHSurvivalAnalysis(ties="efron", n_iter=200, tol=1e-12)
    return estimator.fit(design, Surv.from_arrays(event, time))


def fit_cox(data: SurvivalData, *, ridge: float = 0.0) -> CoxFit:
    """Maximise the log partial likelihood minus ``ridge``/2·Σβ² (R's ``ridge(theta, scale = FALSE)``).

    Raises NoFit: no death, a column that does not vary or follows from others, or a coefficient without an end.
    """
    if not data.event.any():
        message = "there is no death in the data"
        raise NoFit(message)
    middle = data.design.mean(axis=0)
    centred = replace(data, design=data.design - middle)
    spread = centred.design.std(axis=0)
    _refuse(np.flatnonzero(spread <= 1e-12 * (1 + np.abs(middle))), "does not vary")
    at_zero = _total(centred, np.zeros(len(middle)))
    coefficients, sums = _newton(centred, at_zero, spread, ridge)
    covariance = _inverse(sums.information + ridge * np.eye(len(middle)))
    information = sums.information @ covariance
    return CoxFit(
        coefficients=coefficients,
        covariance=covariance,
        shrunk_covariance=covariance @ information,
        degrees_of_freedom=float(np.trace(information)),
        log_likelihood=sums.log_likelihood,
        log_likelihood_at_zero=at_zero.log_likelihood,
        risk_sets={name: _sets(stratum, coefficients) for name, stratum in data.by_stratum().items()},
    )


def newton(design: Array, time: Array, event: NDArray[np.bool_]) -> tuple[Array, RiskSets]:
    """The coefficients of one unweighted stratum to a millionth, with its risk sets. Raises NoFit.

    Without the care that :func:`fit_cox` takes, and so quick enough to decide which of many thousand small cohorts are
    worth a proper fit.
    """
    coefficients = np.zeros(design.shape[1])
    for _ in range(25):
        sets = risk_sets(design, time, event, coefficients)
        try:
            step = np.linalg.solve(sets.information, sets.score)
        except np.linalg.LinAlgError as error:
            raise NoFit from error
        if not np.isfinite(step).all() or np.abs(step).max(initial=0.0) > 10:
            raise NoFit
        coefficients = coefficients + step
        if np.abs(step).max(initial=0.0) < 1e-6:
            return coefficients, sets
    raise NoFit


def wald_p(coefficients: Array, covariance: Array) -> float:
    """P of the Wald test that all these coefficients are zero: chi-squared on as many degrees of freedom."""
    statistic = float(coefficients @ np.linalg.solve(covariance, coefficients))
    return float(chi2.sf(statistic, len(coefficients)))


@dataclass(frozen=True, slots=True, eq=False)
class _Total:
    information: Array
    score: Array
    log_likelihood: float


def _sets(data: SurvivalData, coefficients: Array) -> RiskSets:
    return risk_sets(data.design, data.time, data.event, coefficients, entry=data.entry, weights=data.weights)


def _total(data: SurvivalData, coefficients: Array) -> _Total:
    sets = [_sets(stratum, coefficients) for stratum in data.by_stratum().values()]
    return _Total(
        information=np.asarray(sum(one.information for one in sets)),
        score=np.asarray(sum(one.score for one in sets)),
        log_likelihood=sum(one.log_likelihood for one in sets),
    )


def _newton(data: SurvivalData, at_zero: _Total, spread: Array, ridge: float) -> tuple[Array, _Total]:
    coefficients, sums = np.zeros(len(spread)), at_zero
    reach = np.ptp(data.design, axis=0) if len(spread) else spread
    worth = sums.log_likelihood
    for _ in range(MOST_STEPS):
        covariance = _inverse(sums.information + ridge * np.eye(len(spread)))
        step = covariance @ (sums.score - ridge * coefficients)
        for _ in range(MOST_HALVINGS):
            tried = coefficients + step
            found = _total(data, tried)
            value = found.log_likelihood - ridge / 2 * float(tried @ tried)
            if value >= worth - 1e-10 * (1 + abs(worth)):
                break
            step = step / 2
        coefficients, sums, worth = tried, found, value
        _refuse(np.flatnonzero(np.abs(coefficients) * reach > RUNAWAY), "has a coefficient that grows without end")
        if np.max(np.abs(step) * spread, initial=0.0) < TOLERANCE:
            return coefficients, sums
    message = f"Newton's method found no maximum in {MOST_STEPS} steps"
    raise NoFit(message)


def _inverse(information: Array) -> Array:
    """The inverse of a positive definite matrix, scaled so that units of columns do not matter."""
    if not len(information):
        return np.zeros((0, 0))
    diagonal = np.diag(information)
    _refuse(np.flatnonzero(~(diagonal > 0)), "tells nothing: it is the same for all at risk whenever somebody dies")
    scale = 1 / np.sqrt(diagonal)
    scaled = information * np.outer(scale, scale)
    values, vectors = np.linalg.eigh(scaled)
    if values[0] <= SINGULAR * values[-1]:
        _refuse(np.flatnonzero(np.abs(vectors[:, 0]) > 0.1), "follows from the others")
    return np.linalg.inv(scaled) * np.outer(scale, scale)


def _refuse(columns: NDArray[np.int64], what: str) -> None:
    if len(columns):
        which = " and ".join(str(column) for column in columns)
        message = f"column {which} of the design {what}"
        raise NoFit(message)
