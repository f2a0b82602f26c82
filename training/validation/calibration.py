"""Whether as many die as predicted: in the large, by slope, and along the curve.

Austin PC, Harrell FE, van Klaveren D. Graphical calibration curves and the integrated calibration index (ICI) for
survival models. Stat Med 2020;39:2714-2742.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.fitted import spline_part
from training.fitting.cox import NoFit, fit_cox
from training.fitting.survival_data import ALL, SurvivalData
from training.validation.estimate import Estimate, Measured, Unavailable, Z, around
from training.validation.observed import Observed

Array = NDArray[np.float64]

KNOTS = (0.1, 0.5, 0.9)
POINTS = 41
MOST_GROUPS = 10
DEATHS_A_GROUP = 10
FEWEST_DEATHS = 10


@dataclass(frozen=True, slots=True)
class Group:
    """Patients with similar predictions: the mean prediction, and what was observed (Kaplan-Meier) of them."""

    predicted: float
    observed: Measured


@dataclass(frozen=True, slots=True)
class Smooth:
    """Observed survival as a smooth function of the predicted one: (k,) each."""

    predicted: list[float]
    observed: list[float]
    lower: list[float]
    upper: list[float]
    ici: float
    """The mean absolute difference over the patients."""
    e90: float
    """The 90th percentile of that difference."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """At one horizon."""

    observed: Measured
    predicted: float
    ratio: Measured
    """Observed over expected deaths: above 1, more died than predicted."""
    groups: tuple[Group, ...]
    smooth: Smooth | Unavailable

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        smooth = self.smooth
        return {
            "observed_survival": self.observed.plain(),
            "predicted_survival": self.predicted,
            "observed_to_expected": self.ratio.plain(),
            "groups": [{"predicted": group.predicted, "observed": group.observed.plain()} for group in self.groups],
            "smooth": smooth.plain()
            if isinstance(smooth, Unavailable)
            else {
                "predicted": smooth.predicted,
                "observed": smooth.observed,
                "lower": smooth.lower,
                "upper": smooth.upper,
                "ici": smooth.ici,
                "e90": smooth.e90,
            },
        }


def calibration(observed: Observed, survival: Array, month: int) -> Calibration:
    """``survival`` (n,) is predicted at the month."""
    predicted = float(survival.mean())
    return Calibration(
        observed=_alive(observed, month),
        predicted=predicted,
        ratio=observed_to_expected(observed, predicted, month),
        groups=_groups(observed, survival, month),
        smooth=_smooth(observed, survival, month),
    )


def observed_to_expected(observed: Observed, predicted: float, month: float) -> Measured:
    """Deaths by a month (Kaplan-Meier) over those predicted."""
    known = observed.alive_at(month)
    if known is None:
        return Unavailable(f"Nobody was followed until month {month:g}.")
    alive, lower, upper, _ = known
    if predicted >= 1:
        return Unavailable("No death was predicted.")
    limits = (None, None) if np.isnan(lower) else ((1 - upper) / (1 - predicted), (1 - lower) / (1 - predicted))
    return Estimate((1 - alive) / (1 - predicted), *limits)


def slope(observed: Observed, score: Array, strata: NDArray[np.str_] | None = None) -> Measured:
    """How much of the predicted differences in log hazard is observed: 1 is right, below 1 predictions are too extreme.

    The coefficient of the score in a Cox model, each stratum with its own baseline.
    """
    if not np.isfinite(score).all():
        return Unavailable("A predicted survival is 0 or 1, so its score has no number.")
    if np.ptp(score) == 0:
        return Unavailable("All predictions are the same.")
    try:
        fit = fit_cox(SurvivalData(score[:, None], observed.time, observed.event, observed.entry, None, strata))
    except NoFit as error:
        return Unavailable(f"It cannot be fitted: {error}.")
    return around(float(fit.coefficients[0]), float(np.sqrt(fit.covariance[0, 0])))


def _alive(observed: Observed, month: float) -> Measured:
    known = observed.alive_at(month)
    if known is None:
        return Unavailable(f"Nobody was followed until month {month:g}.")
    alive, lower, upper, _ = known
    return Estimate(alive) if np.isnan(lower) else Estimate(alive, lower, upper)


def _groups(observed: Observed, survival: Array, month: float) -> tuple[Group, ...]:
    """Tenths of the patients by predicted survival; fewer where there are fewer than ten deaths for each."""
    deaths = int((observed.event & (observed.time <= month)).sum())
    count = min(MOST_GROUPS, deaths // DEATHS_A_GROUP)
    if count < 2:
        return ()
    bounds = np.unique(np.quantile(survival, np.arange(1, count) / count))
    places = np.searchsorted(bounds, survival, side="right")
    found = []
    for place in np.unique(places):
        own = places == place
        found.append(Group(float(survival[own].mean()), _alive(observed.take(own), month)))
    return tuple(found)


def _smooth(observed: Observed, survival: Array, month: float) -> Smooth | Unavailable:
    """A Cox model of a restricted cubic spline of log(-log S), read at the month."""
    if int((observed.event & (observed.time <= month)).sum()) < FEWEST_DEATHS:
        return Unavailable(f"Fewer than {FEWEST_DEATHS} deaths by month {month:g}.")
    if observed.time.max() < month:
        return Unavailable(f"Nobody was followed until month {month:g}.")
    if survival.min() <= 0 or survival.max() >= 1:
        return Unavailable("A predicted survival is 0 or 1.")
    score = np.log(-np.log(survival))
    knots = tuple(float(knot) for knot in np.unique(np.quantile(score, KNOTS)))
    own, back = np.unique(score, return_inverse=True)
    rows = _spline(own, knots)
    centre = rows[back].mean(axis=0)
    rows = rows - centre
    # What happens after the month says nothing of survival up to it, and would lean on proportional hazards.
    early = observed.event & (observed.time <= month)
    data = SurvivalData(rows[back], np.minimum(observed.time, month), early, observed.entry)
    try:
        fit = fit_cox(data)
    except NoFit as error:
        return Unavailable(f"It cannot be fitted: {error}.")
    hazard, variance, gradient = (sums[0] for sums in fit.risk_sets[ALL].cumulative(np.array([float(month)])))
    difference = np.abs(np.exp(-hazard * np.exp(rows @ fit.coefficients)) - np.exp(-np.exp(own)))[back]
    grid = np.linspace(float(np.quantile(survival, 0.01)), float(np.quantile(survival, 0.99)), POINTS)
    at = _spline(np.log(-np.log(grid)), knots) - centre
    total = hazard * np.exp(at @ fit.coefficients)
    lever = at * hazard - gradient
    spread = np.sqrt(variance + np.einsum("ki,ij,kj->k", lever, fit.covariance, lever)) / hazard
    return Smooth(
        predicted=grid.tolist(),
        observed=np.exp(-total).tolist(),
        lower=np.exp(-total * np.exp(Z * spread)).tolist(),
        upper=np.exp(-total * np.exp(-Z * spread)).tolist(),
        ici=float(difference.mean()),
        e90=float(np.quantile(difference, 0.9)),
    )


def _spline(score: Array, knots: tuple[float, ...]) -> Array:
    columns = [score]
    if len(knots) > 2:
        columns += [np.array([spline_part(x, knots, part) for x in score]) for part in range(1, len(knots) - 1)]
    return np.column_stack(columns)
