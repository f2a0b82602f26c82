"""Spans: months read off a curve, or nothing where the follow-up does not reach."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.fitted import Stratum
from model.mixture import mixture
from model.spans import SpanLimits, Spans, first_month_at, spans
from model.survival import Curve, survival
from tests.invented import known_answers, strata

SHARES = {"worst": 0.90, "early": 0.75, "median": 0.50, "late": 0.25, "best": 0.10}


def curve(estimate: list[float], start: int = 0) -> Curve:
    values = np.array(estimate)
    return Curve(np.arange(start, start + len(values), dtype=float), values, values, values)


def by_share(found: Spans) -> dict[str, float | None]:
    early, late = found.middle_half_months
    return {
        "worst": found.worst_tenth_months,
        "early": early,
        "median": found.median_months,
        "late": late,
        "best": found.best_tenth_months,
    }


def test_spans_are_read_off_a_straight_line_between_months() -> None:
    """1 → .8 → .4 → .2 → .1: at .9 after half a month, at .75 an eighth into the second, and so on."""
    found = by_share(spans(curve([1, 0.8, 0.4, 0.2, 0.1])))
    assert found == pytest.approx({"worst": 0.5, "early": 1.125, "median": 1.75, "late": 2.75, "best": 4})


def test_a_span_that_is_not_reached_is_none() -> None:
    """E9: a span not reached says so; no number beyond the last supported month."""
    found = by_share(spans(curve([1, 0.95, 0.8, 0.51])))
    assert found == {
        "worst": pytest.approx(1 + 1 / 3),
        "early": pytest.approx(2 + 5 / 29),
        "median": None,
        "late": None,
        "best": None,
    }
    nowhere = (None, None)
    assert spans(curve([1, 1, 0.99])) == Spans(
        None, None, nowhere, None, SpanLimits(nowhere, nowhere, (nowhere, nowhere), nowhere)
    )


def test_the_limits_of_a_span_are_where_the_limits_of_the_curve_reach_its_share() -> None:
    """Brookmeyer and Crowley 1982, read off by hand: .5 is reached at 1.25 by the lower limit alone."""
    estimate, lower, upper = np.array([1, 0.7, 0.4]), np.array([np.nan, 0.6, 0.2]), np.array([np.nan, 0.8, 0.6])
    limits = spans(Curve(np.arange(3.0), estimate, lower, upper)).limits
    early, late = limits.middle_half_months
    assert limits.median_months == pytest.approx((1.25, None))
    assert limits.worst_tenth_months == pytest.approx((0.25, 0.5))
    assert early == pytest.approx((0.625, 1.25))
    assert late == pytest.approx((1.875, None))


def test_a_limit_that_rises_again_counts_when_it_is_reached_first() -> None:
    """Limits, unlike the estimate, need not fall with time."""
    lower = np.array([1, 0.85, 0.95, 0.6])
    limits = spans(Curve(np.arange(4.0), np.array([1, 0.97, 0.96, 0.7]), lower, np.ones(4))).limits
    assert limits.worst_tenth_months == pytest.approx((2 / 3, None))


def test_months_are_counted_from_the_diagnosis_also_when_alive_later() -> None:
    """DESIGN §6: all months stay counted from the diagnosis of the recurrence, spans likewise."""
    found = spans(curve([1, 0.8, 0.4], start=24))
    assert found.median_months == pytest.approx(25.75)


def test_points_of_a_curve_need_not_be_a_month_apart() -> None:
    """For published curves, which are given by the half-year; the end of the curve counts, beyond it nothing."""
    months, alive = np.array([0.0, 6, 18]), np.array([1, 0.8, 0.5])
    assert first_month_at(months, alive, 0.6) == pytest.approx(14)
    assert first_month_at(months, alive, 0.5) == 18
    assert first_month_at(months, alive, 0.49) is None


def test_the_first_month_at_a_share_counts_when_the_curve_stays_there() -> None:
    """Half are alive from month 2 to month 4: the median is 2."""
    assert spans(curve([1, 0.7, 0.5, 0.5, 0.5, 0.2])).median_months == 2


def test_a_fall_through_several_shares_in_one_month_keeps_their_order() -> None:
    """From everybody to nobody within the first month."""
    found = by_share(spans(curve([1, 0, 0])))
    assert found == pytest.approx({"worst": 0.1, "early": 0.25, "median": 0.5, "late": 0.75, "best": 0.9})


@given(strata(), st.data())
def test_at_each_span_the_curve_is_at_its_share(of: Stratum, data: st.DataObject) -> None:
    """E9: spans come from the patient's own curve."""
    start = data.draw(st.integers(0, 12))
    found = survival(of, mixture(of, data.draw(known_answers(of))), start)
    read = by_share(spans(found))
    reached = [months for months in read.values() if months is not None]
    assert reached == sorted(reached)
    for name, share in SHARES.items():
        months = read[name]
        if months is None:
            assert found.estimate[-1] > share
        else:
            assert start < months <= found.months[-1]
            assert np.interp(months, found.months, found.estimate) == pytest.approx(share, abs=1e-12)


@given(strata(), st.data())
def test_the_limits_of_a_span_hold_it(of: Stratum, data: st.DataObject) -> None:
    """E10: the lower limit of the curve comes to a share no later than the curve, and the upper one no sooner."""
    start = data.draw(st.integers(0, 12))
    found = spans(survival(of, mixture(of, data.draw(known_answers(of))), start))
    early, late = found.limits.middle_half_months
    about = {
        "worst": found.limits.worst_tenth_months,
        "early": early,
        "median": found.limits.median_months,
        "late": late,
        "best": found.limits.best_tenth_months,
    }
    for name, months in by_share(found).items():
        lower, upper = (float("inf") if limit is None else limit for limit in about[name])
        assert start < lower <= (float("inf") if months is None else months) + 1e-9
        assert (float("inf") if months is None else months) <= upper + 1e-9
