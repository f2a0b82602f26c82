"""Why this patient's estimate differs from that of all patients with the same pattern: exact Shapley values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from model.features import Feature
from model.fitted import Stratum
from model.mixture import mixture
from model.survival import Z, reference, survival_at


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """How many times as high the hazard of death is with this value as with ``reference``, and its 95 % limits.

    It holds from after ``first_month`` to ``last_month``, and does not add up to the points.
    """

    estimate: float
    lower: float
    upper: float
    reference: float | str
    first_month: int
    last_month: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """One known predictor's part in the difference to the reference, in percentage points."""

    feature: str
    value: float | str
    points: float
    hazard_ratios: tuple[HazardRatio, ...]
    """One that holds throughout, or one for each segment of time in which the predictor counts differently."""


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
                hazard_ratios=hazard_ratios(stratum, player, known[player.name]),
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


def hazard_ratios(stratum: Stratum, feature: Feature, value: float | str) -> tuple[HazardRatio, ...]:
    """The hazard of death with this value against the feature's reference value, all else equal.

    One for all time, or one for each segment of time where the model lets the effect change.
    """
    own = [(column, term) for column, term in enumerate(stratum.terms) if term.feature == feature.name]
    if all(term.segment is None for _, term in own):
        return (_hazard_ratio(stratum, feature, value, [column for column, _ in own], (0, stratum.last_month)),)
    return tuple(
        _hazard_ratio(stratum, feature, value, [c for c, term in own if term.segment in (None, number)], months)
        for number, months in enumerate(stratum.segments)
    )


def _hazard_ratio(
    stratum: Stratum, feature: Feature, value: float | str, columns: Sequence[int], months: tuple[int, int]
) -> HazardRatio:
    if feature.reference is None:
        message = f"{feature.name} has no reference value"
        raise ValueError(message)
    differences = [
        (column, stratum.terms[column].evaluate(value) - stratum.terms[column].evaluate(feature.reference))
        for column in columns
    ]
    log_ratio = sum(difference * float(stratum.coefficients[column]) for column, difference in differences)
    covariance = stratum.coefficient_covariance
    error = math.sqrt(sum(a * b * float(covariance[i, j]) for i, a in differences for j, b in differences))
    return HazardRatio(
        estimate=math.exp(log_ratio),
        lower=math.exp(log_ratio - Z * error),
        upper=math.exp(log_ratio + Z * error),
        reference=feature.reference,
        first_month=months[0],
        last_month=months[1],
    )
