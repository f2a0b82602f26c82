"""Whole numbers of 100 people, rounded once and the same way for every rendering."""

from __future__ import annotations

import math
from collections.abc import Sequence


def whole(share: float) -> int:
    """How many of 100 a fraction is, to the nearest person; halves go up.

    What is shown as "<1" is nobody and what is shown as ">99" everybody, so that figures and icons agree.
    """
    if 0 < share < 0.01:
        return 0
    if 0.99 < share < 1:
        return 100
    return _nearest(share)


def percent(share: float) -> str:
    """The figure as it is shown: a whole number, but "<1" and ">99" where 0 or 100 would claim certainty."""
    if 0 < share < 0.01:
        return "<1"
    if 0.99 < share < 1:
        return ">99"
    return str(_nearest(share))


def percent_of_the_rest(share: float) -> str:
    """How the rest of 100 is shown beside :func:`percent`, so that the two figures always sum to 100."""
    if 0 < share < 0.01:
        return ">99"
    if 0.99 < share < 1:
        return "<1"
    return str(100 - whole(share))


def whole_points(points: Sequence[float], start: float, end: float) -> list[int]:
    """Percentage points as whole numbers that lead from one fraction's nearest percentage to another's.

    ``points`` sum to 100·(end - start). Each is rounded down, and the units then missing go to the largest remainders
    (the first where they tie). There are between none and as many of them as there are points, so none changes its
    sign. It is the nearest percentage that counts, also where a figure is shown as "<1" or ">99".
    """
    floors = [math.floor(point) for point in points]
    by_remainder = sorted(range(len(points)), key=lambda i: floors[i] - points[i])
    missing = _nearest(end) - _nearest(start) - sum(floors)
    for index in by_remainder[:missing]:
        floors[index] += 1
    return floors


def _nearest(share: float) -> int:
    return math.floor(100 * share + 0.5)
