"""Time read off a survival curve as spans, never as one number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.fitted import Array
from model.survival import Curve


@dataclass(frozen=True, slots=True)
class Spans:
    """Months from time zero; None where the supported follow-up does not reach.

    About 10 of 100 die before ``worst_tenth_months``, the middle half live between the two ``middle_half_months``,
    about 10 of 100 live beyond ``best_tenth_months``.
    """

    median_months: float | None
    worst_tenth_months: float | None
    middle_half_months: tuple[float | None, float | None]
    best_tenth_months: float | None


def spans(curve: Curve) -> Spans:
    """The months at which the curve first falls to 90, 75, 50, 25 and 10 %."""
    worst, early, median, late, best = (
        first_month_at(curve.months, curve.estimate, share) for share in (0.90, 0.75, 0.50, 0.25, 0.10)
    )
    return Spans(
        median_months=median,
        worst_tenth_months=worst,
        middle_half_months=(early, late),
        best_tenth_months=best,
    )


def first_month_at(months: Array, survival: Array, share: float) -> float | None:
    """When a curve, drawn straight from month to month, first is at ``share``; None where it does not fall so far."""
    # The curve never rises, so its negative is sorted.
    after = int(np.searchsorted(-survival, -share))
    if after == len(survival):
        return None
    if survival[after] == share:
        return float(months[after])
    before = after - 1
    fraction = (survival[before] - share) / (survival[before] - survival[after])
    return float(months[before] + fraction * (months[after] - months[before]))
