"""What became of the patients: times, deaths, and how many of them were alive or followed at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sksurv.nonparametric import CensoringDistributionEstimator
from sksurv.util import Surv

from training.fitting.risk_sets import pass_over
from training.validation.estimate import Z

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Observed:
    """n patients: months to death or last follow-up, whether they died, and when they were first seen (None: at 0)."""

    time: Array
    event: NDArray[np.bool_]
    entry: Array | None = None

    @property
    def entry_or_zero(self) -> Array:
        """(n,) From when each patient was at risk."""
        return np.zeros(len(self.time)) if self.entry is None else self.entry

    @cached_property
    def censoring(self) -> CensoringDistributionEstimator:
        """The probability of not being censored yet (Kaplan-Meier with the roles exchanged)."""
        return CensoringDistributionEstimator().fit(Surv.from_arrays(self.event, self.time))

    def followed(self, times: Array) -> Array:
        """That probability at each time."""
        return np.asarray(self.censoring.predict_proba(times))

    @cached_property
    def followed_own(self) -> Array:
        """(n,) That probability at each patient's own time."""
        return self.followed(self.time)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Observed:
        """Some of the patients."""
        return Observed(self.time[chosen], self.event[chosen], None if self.entry is None else self.entry[chosen])

    def alive_at(self, month: float) -> tuple[float, float, float, float] | None:
        """Kaplan-Meier survival, its log-log limits, and the standard error of log(-log S) at a month.

        None where nobody was followed so long, unless all had died; the limits and the error are NaN where survival is
        0 or 1.
        """
        if not len(self.time):
            return None
        last = self.time.max()
        if last < month and not self.event[self.time == last].all():
            return None
        passed = pass_over(np.zeros((len(self.time), 0)), self.time, self.event, np.zeros(0), entry=self.entry)
        deaths = np.bincount(passed.group, minlength=len(passed.death_times))
        at_risk = passed.z0[np.cumsum(deaths) - deaths] if len(deaths) else np.zeros(0)
        until = int(np.searchsorted(passed.death_times, month, side="right"))
        deaths, at_risk = deaths[:until], at_risk[:until]
        alive = float(np.prod(1 - deaths / at_risk))
        if alive in (0.0, 1.0):
            return alive, float("nan"), float("nan"), float("nan")
        greenwood = float(np.sum(deaths / (at_risk * (at_risk - deaths))))
        error = np.sqrt(greenwood) / abs(np.log(alive))
        middle = np.log(-np.log(alive))
        lower, upper = (float(np.exp(-np.exp(middle + sign * Z * error))) for sign in (1, -1))
        return alive, lower, upper, float(error)
