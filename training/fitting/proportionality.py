"""Whether effects are proportional over time: the score test for β + γ·g(t), as in R's ``cox.zph`` from version 3 on.

Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals. Biometrika
1994;81:515-526; g(t) is one minus the Kaplan-Meier estimate just before t, less its mean over the deaths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from training.fitting.risk_sets import RiskPass, pass_over
from training.fitting.survival_data import SurvivalData

Array = NDArray[np.float64]

GLOBAL = "all predictors"


@dataclass(frozen=True, slots=True)
class ProportionalityTest:
    """The test that one predictor's effect (or that of all) does not change with time."""

    term: str
    chi_squared: float
    degrees_of_freedom: int
    p: float


def proportionality_tests(
    data: SurvivalData, coefficients: Array, terms: Mapping[str, Sequence[int]]
) -> tuple[ProportionalityTest, ...]:
    """One test for each term (its columns), then one for all together, at the maximum of the partial likelihood."""
    passes = [
        pass_over(one.design, one.time, one.event, coefficients, entry=one.entry, weights=one.weights)
        for one in data.by_stratum().values()
    ]
    everybody = pass_over(np.zeros((len(data.time), 0)), data.time, data.event, np.zeros(0), entry=data.entry)
    died = len(everybody.died)
    middle = float(_transformed(everybody, everybody.death_times)[everybody.group].sum()) / died
    factors = [_transformed(everybody, one.death_times) - middle for one in passes]
    p = len(coefficients)
    information = np.zeros((2 * p, 2 * p))
    score = np.zeros(2 * p)
    for one, factor in zip(passes, factors, strict=True):
        information[:p, :p] += one.information()
        mixed = one.information(factor)
        information[:p, p:] += mixed
        information[p:, :p] += mixed
        information[p:, p:] += one.information(factor**2)
        score[p:] += one.score(factor)

    def test(name: str, columns: Sequence[int]) -> ProportionalityTest:
        chosen = [*range(p), *(p + column for column in columns)]
        own = score[chosen]
        statistic = float(own @ np.linalg.solve(information[np.ix_(chosen, chosen)], own))
        return ProportionalityTest(name, statistic, len(columns), float(chi2.sf(statistic, len(columns))))

    return (*(test(name, columns) for name, columns in terms.items()), test(GLOBAL, range(p)))


def _transformed(everybody: RiskPass, times: Array) -> Array:
    """One minus the Kaplan-Meier estimate of all patients just before each time."""
    deaths = np.bincount(everybody.group, minlength=len(everybody.death_times))
    at_risk = everybody.z0[np.cumsum(deaths) - deaths]
    alive = np.concatenate([[1.0], np.cumprod(1 - deaths / at_risk)])
    return np.asarray(1 - alive[np.searchsorted(everybody.death_times, times, side="left")])
