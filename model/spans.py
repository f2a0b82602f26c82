"""Time read off a survival curve as spans, never as one number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.fitted import Array
from model.survival import Curve

Limits = tuple[float | None, float | None]


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
    limits: SpanLimits


@dataclass(frozen=True, slots=True)
class SpanLimits:
    """95 % limits of each span: when the lower and the upper limit of the curve first fall to its share.

    None where they do not within the supported follow-up. Brookmeyer and Crowley, Biometrics 1982;38:29-41.
    """

    median_months: Limits
    worst_tenth_months: Limits
    middle_half_months: tuple[Limits, Limits]
    best_tenth_months: Limits


def spans(curve: Curve) -> Spans:
    """The months at which the curve first falls to 90, 75, 50, 25 and 10 %, with their limits."""
    shares = (0.90, 0.75, 0.50, 0.25, 0.10)
    worst, early, median, late, best = (first_month_at(curve.months, curve.estimate, share) for share in shares)
    limits = [
        (first_month_at(curve.months, curve.lower, share), first_month_at(curve.months, curve.upper, share))
        for share in shares
    ]
    return Spans(
        median_months=median,
        worst_tenth_months=worst,
        middle_half_months=(early, late),
        best_tenth_months=best,
        limits=SpanLimits(
            median_months=limits[2],
            worst_tenth_months=limits[0],
            middle_half_months=(limits[1], limits[3]),
            best_tenth_months=limits[4],
        ),
    )


def first_month_at(months: Array, survival: Array, share: float) -> float | None:
    """When a curve, drawn straight from month to month, first is at ``share``; None where it does not fall so far.

    Where there is no limit yet (NaN), the curve is still at the 1 that it starts from.
    """
    # A limit, unlike the estimate, may rise again; and it is the first time that counts.
    fallen = np.flatnonzero(survival <= share)
    if not len(fallen):
        return None
    after = int(fallen[0])
    if survival[after] == share:
        return float(months[after])
    before = after - 1
    height = survival[before] if survival[before] == survival[before] else 1.0
    fraction = (height - share) / (height - survival[after])
    return float(months[before] + fraction * (months[after] - months[before]))
