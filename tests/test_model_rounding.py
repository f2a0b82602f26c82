"""Whole numbers of 100 people: halves up, never a false certainty, and sums that stay sums."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.rounding import percent, percent_of_the_rest, whole, whole_points

SHARES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("share", "people"),
    [
        (0.0, 0),
        (0.01, 1),
        (0.125, 13),
        (0.375, 38),
        (0.625, 63),
        (0.875, 88),
        (0.61, 61),
        (0.6149, 61),
        (0.6151, 62),
        (0.99, 99),
        (1.0, 100),
    ],
)
def test_halves_go_up(share: float, people: int) -> None:
    """12.5 of 100 are 13, and 37.5 are 38: not to the even number, as Python's round would have it."""
    assert whole(share) == people
    assert percent(share) == str(people)


@pytest.mark.parametrize("share", [5e-324, 1e-9, 0.004, 0.005, 0.0099999])
def test_less_than_one_of_100_is_said_so_and_draws_nobody(share: float) -> None:
    """E5: "<1" at the end; "<1" draws no icon."""
    assert percent(share) == "<1"
    assert percent_of_the_rest(share) == ">99"
    assert whole(share) == 0


@pytest.mark.parametrize("share", [0.9900001, 0.995, 0.996, 1 - 1e-9, math.nextafter(1, 0)])
def test_more_than_99_of_100_is_said_so_and_draws_everybody(share: float) -> None:
    """E5: ">99" at the other end, for nobody is certain to live."""
    assert percent(share) == ">99"
    assert percent_of_the_rest(share) == "<1"
    assert whole(share) == 100


@given(SHARES)
def test_a_share_between_is_rounded_to_the_nearest_person(share: float) -> None:
    """E5: whole percent; at most half a person away, or the end that is named as such."""
    people = whole(share)
    assert 0 <= people <= 100
    if 0.01 <= share <= 0.99:
        assert abs(Fraction(people) - 100 * Fraction(share)) <= Fraction(1, 2) + Fraction(1, 10**12)
        assert percent(share) == str(people)


@given(SHARES, SHARES)
def test_more_alive_is_never_shown_as_fewer(one: float, other: float) -> None:
    """Table, icons and curve keep the order of the numbers."""
    low, high = sorted((one, other))
    assert whole(low) <= whole(high)


@given(st.one_of(SHARES, st.sampled_from([k / 200 for k in range(201)])))
def test_alive_and_not_alive_sum_to_100(share: float) -> None:
    """E3 and E4: also at the halves, where rounding each of the two would give 101."""
    shown, rest = percent(share), percent_of_the_rest(share)
    ends = {"<1": ">99", ">99": "<1"}
    if shown in ends:
        assert rest == ends[shown]
    else:
        assert int(shown) + int(rest) == 100


@given(SHARES, SHARES, st.lists(st.floats(-50, 50), min_size=0, max_size=5))
def test_rounded_points_lead_from_one_nearest_percentage_to_the_other(
    start: float, end: float, others: list[float]
) -> None:
    """E4, E22: they add up, each is within one of its own, and none changes its sign."""
    points = [*others, 100 * (end - start) - sum(others)]
    rounded = whole_points(points, start, end)
    assert sum(rounded) == math.floor(100 * end + 0.5) - math.floor(100 * start + 0.5)
    for exact, whole_point in zip(points, rounded, strict=True):
        assert abs(whole_point - exact) < 1 + 1e-9
        assert whole_point * exact >= -1e-9


@pytest.mark.parametrize(
    ("points", "start", "end", "rounded"),
    [
        ([1.6, 2.3, 3.1], 0.40, 0.47, [2, 2, 3]),
        ([-1.6, -2.3, -3.1], 0.47, 0.40, [-2, -2, -3]),
        ([-6.2, 9.7], 0.50, 0.535, [-6, 10]),
        ([-6.2, 9.7], 0.496, 0.531, [-6, 9]),
        ([0.5, 0.5], 0.20, 0.21, [1, 0]),
        ([-0.5, 0.5], 0.30, 0.30, [0, 0]),
        ([2.0, -2.0], 0.30, 0.30, [2, -2]),
        ([0.4], 0.20, 0.204, [0]),
        ([], 0.3, 0.3, []),
    ],
)
def test_the_largest_remainder_is_rounded_up_first(
    points: list[float], start: float, end: float, rounded: list[int]
) -> None:
    """Worked by hand; the first of equals wins."""
    assert whole_points(points, start, end) == rounded


def test_figures_shown_as_ends_turn_no_point_round() -> None:
    """Shown ">99" and 98: were ">99" taken for 100, two would be missing and the second point turn negative."""
    assert whole_points([-0.878, 0.079], 0.99248, 0.98448) == [-1, 0]


def test_points_that_are_nearly_whole_stay_whole() -> None:
    """The rounding of floats makes no point of its own: -2e-14 is 0 and 3 - 1e-14 is 3."""
    assert whole_points([-2e-14, 3 - 1e-14], 0.30, 0.33) == [0, 3]
    assert whole_points([2e-14, 3 + 1e-14], 0.30, 0.33) == [0, 3]
