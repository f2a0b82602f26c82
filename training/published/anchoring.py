"""Bring the pooled reference curve to exactly the published median and last survival."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from model.fitted import Stratum
from model.mixture import everybody

Array = NDArray[np.float64]

BOUNDS = (0.8, 1.25)
"""A ratio outside says that the reconstruction, not its rounding, is off."""


class NotAnchored(Exception):
    """An anchoring ratio is out of bounds; the message says which published figure it was for."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """By what the baseline hazard was multiplied up to the published median, and after it."""

    before: float
    after: float


def anchor(stratum: Stratum, median: int, last_survival: float) -> tuple[Stratum, Anchors]:
    """Multiply the baseline so that the reference is 1/2 at ``median`` and ``last_survival`` at the last month.

    dH is multiplied by r₁ up to the median and by r₂ after it, dA by their squares and dQ by them, so that the hazard
    stays additive over time and its variance in proportion. Raises NotAnchored outside ``BOUNDS``.
    """
    ratios = np.exp(everybody(stratum).rows @ stratum.coefficients)
    weights, hazard = everybody(stratum).weights, stratum.hazard

    def share_alive(exposure: float) -> float:
        return float(weights @ np.exp(-exposure * ratios))

    before = _solve(lambda ratio: share_alive(ratio * hazard[median]) - 0.5)
    at_median, rest = before * hazard[median], hazard[-1] - hazard[median]
    after = _solve(lambda ratio: share_alive(at_median + ratio * rest) - last_survival)
    for ratio, figure in ((before, "median"), (after, f"survival at {stratum.last_month} months")):
        if not BOUNDS[0] <= ratio <= BOUNDS[1]:
            message = (
                f"The published {figure} of stratum {stratum.name} needs the baseline hazard multiplied by "
                f"{ratio:.2f}, outside {BOUNDS[0]} to {BOUNDS[1]}: the reconstruction does not fit this figure."
            )
            raise NotAnchored(message)
    factors = np.where(np.arange(1, len(stratum.months)) <= median, before, after)
    fits = stratum.fits
    anchored = replace(
        fits,
        hazard=_rescaled(fits.hazard, factors),
        hazard_variance=_rescaled(fits.hazard_variance, factors**2),
        hazard_gradient=_rescaled(fits.hazard_gradient, factors[:, None]),
    )
    return replace(stratum, fits=anchored), Anchors(before=before, after=after)


def _solve(difference: Callable[[float], float]) -> float:
    # A hundredfold either way is far outside the bounds, so a root beyond it needs no exact value.
    low, high = 0.01, 100.0
    if difference(low) < 0:
        return low
    if difference(high) > 0:
        return high
    return float(brentq(difference, low, high, xtol=1e-14, rtol=1e-14))


def _rescaled(cumulative: Array, factors: Array) -> Array:
    increments = np.diff(cumulative, axis=1) * factors
    return np.concatenate([cumulative[:, :1], cumulative[:, :1] + np.cumsum(increments, axis=1)], axis=1)
