"""Families of baseline survival, each a location and a scale of log time.

In every family log T = μ + σ·w(H), H the cumulative hazard at T; so two points (t, H) fix μ and σ in closed form, and a
patient with hazard ratio r dies at w(E/r), E standard exponential.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, gammainccinv, gammaincinv, log_ndtr, ndtri_exp

Array = NDArray[np.float64]

FAMILIES = ("weibull", "log-logistic", "log-normal", "generalised gamma")


def standard_log_time(family: str, hazard: Array, q: float = 1.0) -> Array:
    """w(H): the standardised log time at which a family's cumulative hazard is H > 0.

    ``q`` > 0 is the shape of the generalised gamma (1 is Weibull; towards 0 it becomes log-normal).
    """
    if family == "weibull":
        return np.asarray(np.log(hazard))
    if family == "log-logistic":
        return np.asarray(hazard + np.log(-np.expm1(-hazard)))
    if family == "log-normal":
        return np.asarray(-ndtri_exp(-hazard))
    # Each tail through the function that keeps its digits there.
    early, k = hazard < 1, q**-2
    quantile = np.empty_like(hazard)
    quantile[early] = gammaincinv(k, -np.expm1(-hazard[early]))
    quantile[~early] = gammainccinv(k, np.exp(-hazard[~early]))
    return np.asarray(np.log(quantile / k) / q)


def cumulative_hazard(family: str, standardised: Array, q: float = 1.0) -> Array:
    """H at a standardised log time: the inverse of :func:`standard_log_time`."""
    if family == "weibull":
        return np.asarray(np.exp(standardised))
    if family == "log-logistic":
        return np.asarray(np.logaddexp(0, standardised))
    if family == "log-normal":
        return np.asarray(-log_ndtr(-standardised))
    k = q**-2
    return np.asarray(-np.log(gammaincc(k, k * np.exp(q * standardised))))


@dataclass(frozen=True, slots=True)
class Baseline:
    """A family with its location and scale: the survival of a patient whose hazard ratio is 1."""

    family: str
    q: float
    location: float
    scale: float

    @classmethod
    def through(cls, family: str, q: float, points: tuple[tuple[float, float], tuple[float, float]]) -> Baseline:
        """The baseline whose cumulative hazard is H at t, for two points (t, H) in the order of time."""
        (first, h_first), (second, h_second) = points
        w_first, w_second = standard_log_time(family, np.array([h_first, h_second]), q)
        scale = float(np.log(second / first) / (w_second - w_first))
        return cls(family=family, q=q, location=float(np.log(first) - scale * w_first), scale=scale)

    def time_at(self, hazard: Array) -> Array:
        """The time at which the cumulative hazard reaches each value."""
        return np.asarray(np.exp(self.location + self.scale * standard_log_time(self.family, hazard, self.q)))

    def hazard_at(self, time: Array) -> Array:
        """The cumulative hazard at each time > 0."""
        return cumulative_hazard(self.family, (np.log(time) - self.location) / self.scale, self.q)
