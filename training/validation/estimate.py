"""A measure with its 95 % confidence interval, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % limits, None where they cannot be had."""

    value: float
    lower: float | None = None
    upper: float | None = None

    def plain(self) -> dict[str, float | None]:
        """As JSON holds it."""
        return {"value": self.value, "lower": self.lower, "upper": self.upper}


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A measure that cannot be computed here, and why."""

    reason: str

    def plain(self) -> dict[str, str]:
        """As JSON holds it."""
        return {"unavailable": self.reason}


Measured = Estimate | Unavailable

DELAYED_ENTRY = "It weights by the probability of not being censored, which is not defined here with delayed entry."


def around(value: float, error: float) -> Estimate:
    """A normal interval."""
    return Estimate(value, value - Z * error, value + Z * error)


def share(value: float, error: float) -> Estimate:
    """An interval on the scale of log(p/(1 - p)), so that it stays between 0 and 1."""
    if not 0 < value < 1:
        return Estimate(value)
    middle, spread = math.log(value / (1 - value)), Z * error / (value * (1 - value))
    return Estimate(value, _expit(middle - spread), _expit(middle + spread))


def ratio(value: float, log_error: float) -> Estimate:
    """An interval on the scale of the logarithm."""
    if value <= 0:
        return Estimate(value)
    return Estimate(value, value * math.exp(-Z * log_error), value * math.exp(Z * log_error))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0
