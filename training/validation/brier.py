"""The mean squared error of predicted survival: at a time (Brier), over time (integrated), and against knowing nothing.

Graf E, Schmoor C, Sauerbrei W, Schumacher M. Stat Med 1999;18:2529-2545. The figures are scikit-survival's; intervals
take the weights for censoring as known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.validation.estimate import DELAYED_ENTRY, Measured, Unavailable, around
from training.validation.observed import Observed

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BrierScores:
    """At each horizon, over all months, and how much smaller than without a model (1 is perfect, 0 no better)."""

    at_horizons: dict[int, Measured]
    integrated: Measured
    scaled: Measured


def brier_scores(observed: Observed, survival: Array, months: list[int], horizons: list[int]) -> BrierScores:
    """``survival`` is (n, len(months)); the integral runs over all of the months but 0 that the follow-up reaches."""
    if observed.entry is not None:
        nothing = Unavailable(DELAYED_ENTRY)
        return BrierScores(dict.fromkeys(horizons, nothing), nothing, nothing)
    if not observed.event.any():
        nobody = Unavailable("Nobody died.")
        return BrierScores(dict.fromkeys(horizons, nobody), nobody, nobody)
    reached = [place for place, month in enumerate(months) if 0 < month < observed.time.max()]
    own, null, before = np.zeros(len(observed.time)), np.zeros(len(observed.time)), None
    at_horizons: dict[int, Measured] = {h: Unavailable(f"Nobody was followed beyond month {h}.") for h in horizons}
    for place in reached:
        errors = _errors(observed, survival[:, place], months[place])
        known = observed.alive_at(months[place])
        without = _errors(observed, np.full(len(own), 1.0 if known is None else known[0]), months[place])
        if months[place] in at_horizons:
            at_horizons[months[place]] = _mean(errors)
        if before is not None:
            width = (months[place] - before[0]) / 2
            own += width * (errors + before[1])
            null += width * (without + before[2])
        before = (months[place], errors, without)
    if len(reached) < 2:
        short = Unavailable("The follow-up is too short.")
        return BrierScores(at_horizons, short, short)
    span = months[reached[-1]] - months[reached[0]]
    return BrierScores(at_horizons, _mean(own / span), _scaled(own / span, null / span))


def _errors(observed: Observed, alive: Array, month: float) -> Array:
    """(n,) Each patient's weighted squared error at a month."""
    dead, living = observed.event & (observed.time <= month), observed.time > month
    errors = np.zeros(len(alive))
    errors[dead] = alive[dead] ** 2 / observed.followed_own[dead]
    errors[living] = (1 - alive[living]) ** 2 / observed.followed(np.array([float(month)]))[0]
    return errors


def _mean(values: Array) -> Measured:
    if len(values) < 2:
        return Unavailable("There are fewer than two patients.")
    return around(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)))


def _scaled(own: Array, null: Array) -> Measured:
    if null.mean() <= 0 or len(own) < 2:
        return Unavailable("Without a model there is no error either.")
    ratio = float(own.mean() / null.mean())
    influence = (own - ratio * null) / null.mean()
    return around(1 - ratio, float(influence.std(ddof=1)) / math.sqrt(len(own)))
