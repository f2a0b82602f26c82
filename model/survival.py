"""Survival with its interval: what the fits of a stratum say together about one kind of patient, or a mixture.

Estimand: S(t | x) = P(T > t | T > s, x), T the months from time zero to death from any cause.
The formulas, with their sources, are in docs/formulas.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from model.fitted import Array, Stratum
from model.mixture import Mixture, everybody

Z = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Survival at each month from s to the last supported one, s included: arrays of one length.

    ``lower`` and ``upper`` are the 95 % limits, NaN where no death has been seen since s; at s itself, where the
    patient is known to be alive, all three are 1.
    """

    months: Array
    estimate: Array
    lower: Array
    upper: Array


def survival(stratum: Stratum, patients: Mixture, alive_months: int = 0) -> Curve:
    """Survival of these patients from month s on, given that they are alive at s, with 95 % limits.

    S(t|s) = N(t)/N(s), N(t) = Σ wⱼ exp(-H̄(t)·exp(β̄·xⱼ)): a ratio of averages and not an average of ratios, since
    those who live to s are no longer mixed as they were at 0. Limits by the delta method on log(-log S), pooled over
    the fits by Rubin's rules; for one kind of patient, and one fit, they are R's ``conf.type = "log-log"``.
    """
    start = alive_months
    if patients.weight_deviations is None and not stratum.cuts:
        return _of_one_kind(stratum, patients.rows[0], start)
    ratios = stratum.ratios(patients.rows)
    alive, log_share = _alive((stratum.hazard_within.T @ ratios.T)[start:], patients.weights)
    share_alive = alive @ patients.weights

    errors, noise = np.zeros((len(alive), stratum.spread.shape[2])), np.zeros(len(alive))
    for counts, ratio, spread, variance in zip(
        stratum.counts_in, ratios.T, _spread_within(stratum), stratum.within(stratum.hazard_variance), strict=True
    ):
        # How log N changes with each part of the cumulative hazard in this segment of time: Σ aⱼ and Σ aⱼxⱼ,
        # aⱼ = wⱼ·Sⱼ·exp(β̄·xⱼ)/N.
        scaled = alive * (patients.weights * ratio) / share_alive[:, None]
        level = scaled.sum(axis=1)
        levers = np.concatenate([scaled @ (patients.rows * counts), level[:, None]], axis=1)
        errors += np.matmul(levers[:, None, :], spread[start:])[:, 0, :]
        noise += (level - level[0]) ** 2 * variance[start] + level**2 * (variance[start:] - variance[start])
    errors -= errors[0].copy()
    if patients.weight_deviations is not None:
        shift = (alive[0] / share_alive[0] - alive / share_alive[:, None]) @ patients.weight_deviations.T
        errors[:, -stratum.fits.count :] += math.sqrt(stratum.between_weight) * shift

    hazard = stratum.hazard[start:]
    seen = hazard > hazard[0]
    # Rounding must not raise the curve in a month without a death, and so the running maximum.
    total = np.where(seen, np.maximum.accumulate(log_share[0] - log_share), 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        error = np.sqrt(noise + (errors**2).sum(axis=1)) / total
        lower = np.exp(-total * np.exp(Z * error))
        upper = np.exp(-total * np.exp(-Z * error))
    lower[~seen] = upper[~seen] = np.nan
    lower[0] = upper[0] = 1.0
    return Curve(months=stratum.months[start:].astype(float), estimate=np.exp(-total), lower=lower, upper=upper)


def _of_one_kind(stratum: Stratum, row: Array, start: int) -> Curve:
    """The same for one kind of patient, where exp(β̄·x) cancels: error² = (ΔA + ‖Δspread·(x, 1)‖²)/ΔH̄²."""
    since = _since(stratum, start)
    total = since.hazard * np.exp(row @ stratum.coefficients)
    pieces = since.relative_spread @ np.concatenate([row, [1.0]])
    with np.errstate(over="ignore"):
        factor = np.exp(Z * np.sqrt(since.relative_variance + (pieces**2).sum(axis=1)))
        lower, upper = np.exp(-total * factor), np.exp(-total / factor)
    lower[0] = upper[0] = 1.0
    return Curve(months=since.months, estimate=np.exp(-total), lower=lower, upper=upper)


@dataclass(frozen=True, slots=True, eq=False)
class _Since:
    """What one kind of patient needs of a stratum from month s on: NaN where no death has been seen since.

    ``hazard`` (G,) is ΔH̄, ``relative_variance`` (G,) is ΔA/ΔH̄², and ``relative_spread`` (G, ≤ p + 1, p + 1) a factor
    of Δspread/ΔH̄ with as few rows as give the same length (QR), so that all fits together cost no more than one.
    """

    months: Array
    hazard: Array
    relative_variance: Array
    relative_spread: Array


@lru_cache(maxsize=1024)
def _since(stratum: Stratum, start: int) -> _Since:
    hazard = stratum.hazard[start:] - stratum.hazard[start]
    seen = np.where(hazard > 0, hazard, np.nan)
    spread = (stratum.spread[start:] - stratum.spread[start]).transpose(0, 2, 1)
    return _Since(
        months=_shared(stratum.months[start:].astype(float)),
        hazard=hazard,
        relative_variance=(stratum.hazard_variance[start:] - stratum.hazard_variance[start]) / seen**2,
        relative_spread=np.linalg.qr(spread, mode="r") / seen[:, None, None],
    )


def survival_at(stratum: Stratum, patients: Mixture, month: int, alive_months: int = 0) -> float:
    """The estimate of :func:`survival` at one month, without its limits: cheap enough for every set of predictors."""
    if len(patients.rows) == 1 and not stratum.cuts:
        ratio = math.exp(patients.rows[0] @ stratum.coefficients)
        return math.exp(-(float(stratum.hazard[month]) - float(stratum.hazard[alive_months])) * ratio)
    hazards = stratum.hazard_within[:, [month, alive_months]].T @ stratum.ratios(patients.rows).T
    _, log_share = _alive(hazards, patients.weights)
    return float(np.exp(log_share[0] - log_share[1]))


@lru_cache(maxsize=1024)
def reference(stratum: Stratum, alive_months: int = 0) -> Array:
    """Survival of all patients of the stratum at each month from s on, given that they are alive at s."""
    patients = everybody(stratum)
    hazards = stratum.hazard_within[:, alive_months:].T @ stratum.ratios(patients.rows).T
    _, log_share = _alive(hazards, patients.weights)
    return _shared(np.exp(np.minimum.accumulate(log_share - log_share[0])))


def _shared(array: Array) -> Array:
    """An array that is computed once and given to everybody who asks, so that nobody may change it."""
    array.setflags(write=False)
    return array


def _alive(hazards: Array, weights: Array) -> tuple[Array, Array]:
    """(G, J) survival of each kind over that of the kind that lives longest, and (G,) log N, of hazards (G, J).

    Kept as a quotient and a logarithm because survival itself can be too small for a float, and N(t)/N(s) is not.
    """
    lowest = hazards.min(axis=1)
    alive = np.exp(lowest[:, None] - hazards)
    return alive, np.log(alive @ weights) - lowest


@lru_cache(maxsize=64)
def _spread_within(stratum: Stratum) -> Array:
    """(K, G, p + 1, M·p + M) What each segment of time adds to ``stratum.spread``."""
    return _shared(stratum.within(stratum.spread))
