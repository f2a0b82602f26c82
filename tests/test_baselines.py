"""Baseline families: each is what its name says, and its two directions are inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from training.published.baselines import FAMILIES, Baseline, cumulative_hazard, standard_log_time

hazards = st.floats(1e-6, 30)
shapes = st.floats(0.3, 1.7)


@given(family=st.sampled_from(FAMILIES), hazard=hazards, q=shapes)
def test_time_and_hazard_are_inverse(family: str, hazard: float, q: float) -> None:
    there = standard_log_time(family, np.array([hazard]), q)
    assert cumulative_hazard(family, there, q)[0] == pytest.approx(hazard, rel=1e-6)


@given(
    family=st.sampled_from(FAMILIES),
    q=shapes,
    first=st.tuples(st.floats(1, 50), st.floats(0.01, 3)),
    later=st.tuples(st.floats(1.1, 5), st.floats(1.1, 5)),
)
def test_a_baseline_goes_through_its_two_points(
    family: str, q: float, first: tuple[float, float], later: tuple[float, float]
) -> None:
    second = (first[0] * later[0], first[1] * later[1])
    baseline = Baseline.through(family, q, (first, second))
    times = np.array([first[0], second[0]])
    assert baseline.hazard_at(times) == pytest.approx([first[1], second[1]], rel=1e-6)
    assert baseline.time_at(np.array([first[1], second[1]])) == pytest.approx(times, rel=1e-9)


@pytest.mark.parametrize(
    ("family", "q", "distribution"),
    [
        ("weibull", 1.0, stats.weibull_min(c=1 / 0.7, scale=np.exp(2.0))),
        ("log-logistic", 1.0, stats.fisk(c=1 / 0.7, scale=np.exp(2.0))),
        ("log-normal", 1.0, stats.lognorm(s=0.7, scale=np.exp(2.0))),
        # Prentice's form: gengamma(a = q^-2, c = q/σ, scale = exp(μ)·q^(2σ/q)).
        ("generalised gamma", 0.6, stats.gengamma(a=0.6**-2, c=0.6 / 0.7, scale=np.exp(2.0) * 0.6 ** (2 * 0.7 / 0.6))),
        ("generalised gamma", 1.0, stats.weibull_min(c=1 / 0.7, scale=np.exp(2.0))),
    ],
)
def test_a_family_is_the_distribution_of_that_name(family: str, q: float, distribution: stats.rv_continuous) -> None:
    """Against scipy's own distributions."""
    times = np.array([0.5, 2.0, 8.0, 20.0, 60.0])
    baseline = Baseline(family=family, q=q, location=2.0, scale=0.7)
    assert np.exp(-baseline.hazard_at(times)) == pytest.approx(distribution.sf(times), rel=1e-9)
