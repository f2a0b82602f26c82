"""Why this patient's estimate differs from that of all patients with the same pattern: exact Shapley values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from model.features import Feature
from model.fitted import Stratum
from model.mixture import mixture
from model.survival import Z, reference, survival_at


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """How many times as high the hazard of death is with this value as with ``reference``, and its 95 % limits.

    It describes the whole curve and does not add up to the points.
    """

    estimate: float
    lower: float
    upper: float
    reference: float | str


@dataclass(frozen=True, slots=True)
class Contribution:
    """One known predictor's part in the difference to the reference, in percentage points."""

    feature: str
    value: float | str
    points: float
    hazard_ratio: HazardRatio


@dataclass(frozen=True, slots=True)
class Explanation:
    """The way from all patients with this pattern to this patient at one horizon.

    ``survival`` - ``reference_survival`` (fractions) is the sum of the contributions (percentage points) / 100.
    """

    horizon_months: int
    reference_survival: float
    survival: float
    contributions: tuple[Contribution, ...]


def explain(
    stratum: Stratum,
    features: tuple[Feature, ...],
    known: Mapping[str, float | str],
    horizon: int,
    alive_months: int = 0,
) -> Explanation:
    """Share the difference between S(horizon | known) and the reference among the known predictors.

    Estimand of one share: the mean, over all orders in which the predictors could become known, of what knowing this
    one changes in the average survival of those who agree with what is known (Shapley 1953). A predictor that is not
    known is no player.
    """
    players = [feature for feature in features if feature.name in known]
    worth = {
        subset: survival_at(stratum, mixture(stratum, {name: known[name] for name in subset}), horizon, alive_months)
        if subset
        else float(reference(stratum, alive_months)[horizon - alive_months])
        for size in range(len(players) + 1)
        for subset in combinations((player.name for player in players), size)
    }
    return Explanation(
        horizon_months=horizon,
        reference_survival=worth[()],
        survival=worth[tuple(player.name for player in players)],
        contributions=tuple(
            Contribution(
                feature=player.name,
                value=known[player.name],
                points=100 * _share(player.name, [other.name for other in players], worth),
                hazard_ratio=hazard_ratio(stratum, player, known[player.name]),
            )
            for player in players
        ),
    )


def _share(name: str, names: list[str], worth: Mapping[tuple[str, ...], float]) -> float:
    share, n = 0.0, len(names)
    for subset in (subset for subset in worth if name not in subset):
        joined = tuple(other for other in names if other in subset or other == name)
        orders = math.factorial(len(subset)) * math.factorial(n - len(subset) - 1) / math.factorial(n)
        share += orders * (worth[joined] - worth[subset])
    return share


def hazard_ratio(stratum: Stratum, feature: Feature, value: float | str) -> HazardRatio:
    """The hazard of death with this value against the feature's reference value, all else equal."""
    if feature.reference is None:
        message = f"{feature.name} has no reference value"
        raise ValueError(message)
    differences = [
        (column, term.evaluate(value) - term.evaluate(feature.reference))
        for column, term in enumerate(stratum.terms)
        if term.feature == feature.name
    ]
    log_ratio = sum(difference * float(stratum.coefficients[column]) for column, difference in differences)
    covariance = stratum.coefficient_covariance
    error = math.sqrt(sum(a * b * float(covariance[i, j]) for i, a in differences for j, b in differences))
    return HazardRatio(
        estimate=math.exp(log_ratio),
        lower=math.exp(log_ratio - Z * error),
        upper=math.exp(log_ratio + Z * error),
        reference=feature.reference,
    )
