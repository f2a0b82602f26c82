"""One pass over the risk sets of a Cox model with Efron's ties: baseline hazard, its variance, and the information.

Scikit-survival gives coefficients alone; its baseline is Breslow's whatever ``ties`` says. With d deaths at one time,
sums s₀, s₁, s₂ of exp(β·x)·(1, x, xxᵀ) over those at risk and d₀, d₁, d₂ over those dying, and
zₖ = sₖ - (j/d)·dₖ for j = 0 … d-1::

    H = ΣΣ 1/z₀    A = ΣΣ 1/z₀²    Q = ΣΣ z₁/z₀²    V⁻¹ = ΣΣ (z₂/z₀ - z₁z₁ᵀ/z₀²)

A row is at risk where entry < t ≤ time. A weight counts a row that many times, and each of the d steps then counts as
the mean weight of those dying.

Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557-565;
Therneau TM, Grambsch PM. Modeling Survival Data, Springer 2000, chapters 3.3 and 10.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """What each death adds, in the order of time: arrays whose first axis is the D deaths; and sums over all."""

    times: Array
    hazard: Array
    """(D,) increments of H."""
    hazard_variance: Array
    """(D,) increments of A."""
    hazard_gradient: Array
    """(D, p) increments of Q."""
    information: Array
    """(p, p) The observed information."""
    score: Array
    """(p,) The derivative of the log partial likelihood: zero where the coefficients are its maximum."""
    log_likelihood: float
    """The log partial likelihood."""

    @property
    def covariance(self) -> Array:
        """(p, p) V, the inverse of the observed information; numpy.linalg.LinAlgError where it has none."""
        return np.asarray(np.linalg.inv(self.information), dtype=float) if len(self.score) else np.zeros((0, 0))

    def cumulative(self, grid: Array) -> tuple[Array, Array, Array]:
        """H (G,), A (G,) and Q (G, p): the sums over the deaths up to and including each time of the grid."""
        counts = np.searchsorted(self.times, grid, side="right")

        def at(increments: Array) -> Array:
            sums = np.cumsum(increments, axis=0)
            return np.asarray(np.concatenate([np.zeros((1, *sums.shape[1:])), sums])[counts], dtype=float)

        return at(self.hazard), at(self.hazard_variance), at(self.hazard_gradient)


@dataclass(frozen=True, slots=True, eq=False)
class RiskPass:
    """The sums of one pass over n rows, with U times at which somebody dies and D steps (one for each death).

    ``z0`` (D,) and ``z1`` (D, p) are z₀ and z₁, divided by ``scale`` so that they neither overflow nor vanish. s₂ is
    never formed: whatever is summed over the deaths of z₂/z₀ is a sum over the rows of x·xᵀ, each weighted with what
    was added while the row was at risk.
    """

    design: Array
    risk: Array
    died: Places
    weight_of_died: Array
    death_times: Array
    at_time: Places
    """(n,) How many of the death times are not after a row's time."""
    at_entry: Places | None
    group: Places
    """(D,) The death time of a step."""
    share: Array
    """(D,) j/d."""
    step_weight: Array
    z0: Array
    z1: Array
    log_scale: float

    def information(self, factor: Array | None = None) -> Array:
        """(p, p) The observed information; each death time's part times ``factor`` (U,), if that is given."""
        step = self._step(factor) / self.z0
        count = len(self.death_times)
        grown = np.concatenate([[0.0], np.cumsum(np.bincount(self.group, step, count))])
        while_at_risk = grown[self.at_time] - (0.0 if self.at_entry is None else grown[self.at_entry])
        while_at_risk[self.died] -= np.bincount(self.group, step * self.share, count)[self.at_time[self.died] - 1]
        first = (self.design * (self.risk * while_at_risk)[:, None]).T @ self.design
        return np.asarray(first - (self.z1 * (step / self.z0)[:, None]).T @ self.z1)

    def score(self, factor: Array | None = None) -> Array:
        """(p,) The score; each death time's part times ``factor`` (U,), if that is given."""
        own = self.weight_of_died * (1.0 if factor is None else factor[self.at_time[self.died] - 1])
        return np.asarray(own @ self.design[self.died] - (self._step(factor) / self.z0) @ self.z1)

    def _step(self, factor: Array | None) -> Array:
        return self.step_weight if factor is None else self.step_weight * factor[self.group]


def pass_over(
    design: Array,
    time: Array,
    event: NDArray[np.bool_],
    coefficients: Array,
    *,
    entry: Array | None = None,
    weights: Array | None = None,
) -> RiskPass:
    """Pass once over the risk sets: ``design`` (n, p), ``time``, ``event``, ``entry``, ``weights`` (n,)."""
    linear = design @ coefficients
    log_scale = float(linear.max(initial=0.0))
    risk = np.exp(linear - log_scale)
    died = np.flatnonzero(event)
    weight_of_died = np.ones(len(died)) if weights is None else weights[died]
    if weights is not None:
        risk = risk * weights
    death_times, place, deaths = np.unique(time[died], return_inverse=True, return_counts=True)
    count = len(death_times)
    at_time = np.searchsorted(death_times, time, side="right")
    at_entry = None if entry is None else np.searchsorted(death_times, entry, side="right")

    def at_risk(values: Array) -> Array:
        left = np.bincount(at_time, values, count + 1)
        if at_entry is not None:
            left = left - np.bincount(at_entry, values, count + 1)
        return np.asarray(np.cumsum(left[::-1])[::-1][1:])

    group = np.repeat(np.arange(count), deaths)
    share = (np.arange(len(group)) - np.repeat(np.cumsum(deaths) - deaths, deaths)) / deaths[group]
    z = np.empty((len(group), design.shape[1] + 1))
    for column in range(design.shape[1] + 1):
        values = risk if column == 0 else risk * design[:, column - 1]
        z[:, column] = at_risk(values)[group] - share * np.bincount(place, values[died], count)[group]
    return RiskPass(
        design=design,
        risk=risk,
        died=died,
        weight_of_died=weight_of_died,
        death_times=death_times,
        at_time=at_time,
        at_entry=at_entry,
        group=group,
        share=share,
        step_weight=(np.bincount(place, weight_of_died, count) / deaths)[group] if count else np.zeros(0),
        z0=z[:, 0],
        z1=z[:, 1:],
        log_scale=log_scale,
    )


def risk_sets(
    design: Array,
    time: Array,
    event: NDArray[np.bool_],
    coefficients: Array,
    *,
    entry: Array | None = None,
    weights: Array | None = None,
) -> RiskSets:
    """What each death adds to H, A and Q at the design's origin, with the sums over all.

    ``design`` is (n, p), ``coefficients`` (p,) the fitted β, the others (n,). Without a death all sums are empty.
    """
    passed = pass_over(design, time, event, coefficients, entry=entry, weights=weights)
    shrunk = np.exp(-passed.log_scale)
    hazard = passed.step_weight / passed.z0
    own = passed.weight_of_died @ (design[passed.died] @ coefficients)
    return RiskSets(
        times=passed.death_times[passed.group],
        hazard=hazard * shrunk,
        hazard_variance=hazard / passed.z0 * shrunk**2,
        hazard_gradient=passed.z1 * (hazard / passed.z0 * shrunk)[:, None],
        information=passed.information(),
        score=passed.score(),
        log_likelihood=float(own - passed.step_weight @ (np.log(passed.z0) + passed.log_scale)),
    )
