"""The decision curve: whether acting on a predicted risk above a threshold does more good than acting on all or none.

Vickers AJ, Cronin AM, Elkin EB, Gonen M. BMC Med Inform Decis Mak 2008;8:53, with Kaplan-Meier for censored times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.validation.estimate import Z
from training.validation.observed import Observed

Array = NDArray[np.float64]

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
FEWEST = 10
"""Among fewer patients above a threshold nothing is estimated."""


@dataclass(frozen=True, slots=True)
class NetBenefit:
    """At one threshold of the risk of death: those who die and are acted on, less those who live and are, per patient.

    The latter weigh threshold/(1 - threshold). Limits by the delta method, for a fixed share above the threshold.
    """

    threshold: float
    model: float | None
    lower: float | None
    upper: float | None
    everybody: float

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "threshold": self.threshold,
            "model": self.model,
            "lower": self.lower,
            "upper": self.upper,
            "everybody": self.everybody,
            "nobody": 0.0,
        }


def decision_curve(observed: Observed, survival: Array, month: int) -> tuple[NetBenefit, ...]:
    """Net benefit at each threshold; empty where the follow-up does not reach the month."""
    known = observed.alive_at(month)
    if known is None:
        return ()
    return tuple(_at(observed, survival, month, threshold, 1 - known[0]) for threshold in THRESHOLDS)


def _at(observed: Observed, survival: Array, month: int, threshold: float, dead: float) -> NetBenefit:
    odds = threshold / (1 - threshold)
    everybody = dead - (1 - dead) * odds
    above = 1 - survival >= threshold
    if not above.any():
        return NetBenefit(threshold, 0.0, None, None, everybody)
    known = observed.take(above).alive_at(month)
    if known is None or int(above.sum()) < FEWEST:
        return NetBenefit(threshold, None, None, None, everybody)
    share, alive, error = float(above.mean()), known[0], known[3]
    benefit = share * ((1 - alive) - alive * odds)
    if np.isnan(error):
        return NetBenefit(threshold, benefit, None, None, everybody)
    spread = Z * share * (1 + odds) * error * alive * abs(float(np.log(alive)))
    return NetBenefit(threshold, benefit, benefit - spread, benefit + spread, everybody)
