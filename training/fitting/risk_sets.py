"""One pass over the risk sets of a Cox model with Efron's ties: baseline hazard, its variance, and the information.

Scikit-survival gives coefficients alone; its baseline is Breslow's whatever ``ties`` says. With d deaths at one time,
sums s₀, s₁, s₂ of exp(β·x)·(1, x, xxᵀ) over those at risk and d₀, d₁, d₂ over those dying, and
zₖ = sₖ - (j/d)·dₖ for j = 0 … d-1::

    H = ΣΣ 1/z₀    A = ΣΣ 1/z₀²    Q = ΣΣ z₁/z₀²    V⁻¹ = ΣΣ (z₂/z₀ - z₁z₁ᵀ/z₀²)

Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557-565;
Therneau TM, Grambsch PM. Modeling Survival Data, Springer 2000, chapters 3.3 and 10.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """What each death adds, in the order of time: arrays whose first axis is the D deaths, and the covariance."""

    times: Array
    hazard: Array
    """(D,) increments of H."""
    hazard_variance: Array
    """(D,) increments of A."""
    hazard_gradient: Array
    """(D, p) increments of Q."""
    covariance: Array
    """(p, p) V, the inverse of the observed information."""
    score: Array
    """(p,) The derivative of the log partial likelihood: zero where the coefficients are its maximum."""

    def cumulative(self, grid: Array) -> tuple[Array, Array, Array]:
        """H (G,), A (G,) and Q (G, p): the sums over the deaths up to and including each time of the grid."""
        counts = np.searchsorted(self.times, grid, side="right")

        def at(increments: Array) -> Array:
            sums = np.cumsum(increments, axis=0)
            return np.asarray(np.concatenate([np.zeros((1, *sums.shape[1:])), sums])[counts])

        return at(self.hazard), at(self.hazard_variance), at(self.hazard_gradient)


def risk_sets(design: Array, time: Array, event: NDArray[np.bool_], coefficients: Array) -> RiskSets:
    """Pass once over the risk sets of n subjects.

    ``design`` is (n, p), ``time`` and ``event`` (n,), ``coefficients`` (p,) the fitted β. Without a death all sums are
    empty and the covariance cannot be had: numpy.linalg.LinAlgError.
    """
    order = np.argsort(-time, kind="stable")
    design, time, event = design[order], time[order], event[order]
    risk = np.exp(design @ coefficients)
    products = np.concatenate(
        [
            risk[:, None],
            risk[:, None] * design,
            (risk[:, None, None] * design[:, :, None] * design[:, None, :]).reshape(len(time), design.shape[1] ** 2),
        ],
        axis=1,
    )
    death_times, group, deaths = np.unique(time[event], return_inverse=True, return_counts=True)
    at_risk = np.cumsum(products, axis=0)[np.searchsorted(-time, -death_times, side="right") - 1]
    dying = np.zeros_like(at_risk)
    np.add.at(dying, group, products[event])

    which = np.repeat(np.arange(len(death_times)), deaths)
    rank = np.arange(len(which)) - np.repeat(np.cumsum(deaths) - deaths, deaths)
    z = at_risk[which] - (rank / deaths[which])[:, None] * dying[which]
    p = design.shape[1]
    z0, z1, z2 = z[:, 0], z[:, 1 : 1 + p], z[:, 1 + p :].reshape(len(z), p, p)
    information = (z2 / z0[:, None, None]).sum(axis=0) - np.einsum("di,dj->ij", z1 / z0[:, None], z1 / z0[:, None])
    return RiskSets(
        times=death_times[which],
        hazard=1 / z0,
        hazard_variance=1 / z0**2,
        hazard_gradient=z1 / (z0**2)[:, None],
        covariance=np.linalg.inv(information) if p else np.zeros((0, 0)),
        score=design[event].sum(axis=0) - (z1 / z0[:, None]).sum(axis=0),
    )
