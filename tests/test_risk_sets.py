"""One pass over the risk sets: by hand, by a slow and plain loop, and by R."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from tests.oracle.export import frames
from tests.small_artefact import fit
from training.fitting.risk_sets import RiskSets, risk_sets

Array = NDArray[np.float64]

R = json.loads((Path(__file__).parent / "oracle" / "survfit.json").read_text(encoding="utf-8"))["data"]

# Six patients, worked out by hand as in the tests of R's survival. x doubles the hazard: exp(β) = 2, so each counts
# exp(βx) = 2 where x = 1 and 1 where x = 0. Two die in month 2, and one who is censored in that month is at risk
# still.
#
#     month   1      2      2      2          3      4
#     x       1      0      1      0          0      1
#     fate    dies   dies   dies   censored   dies   censored
#
#     month   at risk s₀, s₁   dying d₀, d₁   z₀              z₁
#     1       9, 6             2, 2           9               6
#     2       7, 4             3, 2           7, 7 - 3/2      4, 4 - 2/2
#     3       3, 2             1, 0           3               2
#
# x² = x, so z₂ = z₁ throughout.
TIME = np.array([1.0, 2, 2, 2, 3, 4])
X = np.array([[1.0], [0], [1], [0], [0], [1]])
EVENT = np.array([True, True, True, False, True, False])
BETA = np.array([math.log(2)])
Z0 = [Fraction(9), Fraction(7), Fraction(11, 2), Fraction(3)]
Z1 = [Fraction(6), Fraction(4), Fraction(3), Fraction(2)]
H = [Fraction(1, 9), Fraction(1, 7), Fraction(2, 11), Fraction(1, 3)]
A = [Fraction(1, 81), Fraction(1, 49), Fraction(4, 121), Fraction(1, 9)]
Q = [Fraction(6, 81), Fraction(4, 49), Fraction(12, 121), Fraction(2, 9)]
INFORMATION = Fraction(2, 9) + Fraction(12, 49) + Fraction(30, 121) + Fraction(2, 9)


def by_hand() -> RiskSets:
    return risk_sets(X, TIME, EVENT, BETA)


def test_six_patients_with_ties_agree_with_the_sums_made_by_hand() -> None:
    """DESIGN §4: H = ΣΣ 1/z₀, A = ΣΣ 1/z₀², Q = ΣΣ z₁/z₀², V⁻¹ = ΣΣ (z₂/z₀ - z₁z₁ᵀ/z₀²)."""
    assert [1 / z0 for z0 in Z0] == H
    assert [z1 / z0**2 for z0, z1 in zip(Z0, Z1, strict=True)] == Q
    found = by_hand()
    np.testing.assert_array_equal(found.times, [1, 2, 2, 3])
    np.testing.assert_allclose(found.hazard, [float(x) for x in H], rtol=1e-14)
    np.testing.assert_allclose(found.hazard_variance, [float(x) for x in A], rtol=1e-14)
    np.testing.assert_allclose(found.hazard_gradient[:, 0], [float(x) for x in Q], rtol=1e-14)
    np.testing.assert_allclose(found.covariance, [[float(1 / INFORMATION)]], rtol=1e-14)
    # Of the four who die two have x = 1; the score is what they have beyond the mean of those at risk.
    score = 2 - sum((z1 / z0 for z0, z1 in zip(Z0, Z1, strict=True)), Fraction(0))
    np.testing.assert_allclose(found.score, [float(score)], rtol=1e-13)


def test_a_death_counts_from_its_own_time_on() -> None:
    """H, A and Q are sums over the deaths up to and including each time of the grid."""
    hazard, variance, gradient = by_hand().cumulative(np.array([0, 0.999, 1, 1.5, 2, 3, 100]))
    for found, parts in ((hazard, H), (variance, A), (gradient[:, 0], Q)):
        expected = [sum(parts[:n], Fraction(0)) for n in (0, 0, 1, 1, 3, 4, 4)]
        np.testing.assert_allclose(found, [float(x) for x in expected], rtol=1e-14)


def test_without_predictors_it_is_nelson_and_aalen_with_tied_deaths_one_after_the_other() -> None:
    """With two of five dying at once, Efron's hazard is 1/5 + 1/4; no covariance is needed."""
    found = risk_sets(np.zeros((6, 0)), TIME, EVENT, np.zeros(0))
    hazard, variance, gradient = found.cumulative(np.array([1.0, 2, 3, 4]))
    np.testing.assert_allclose(hazard, np.cumsum([1 / 6, 1 / 5 + 1 / 4, 1 / 2, 0]), rtol=1e-14)
    np.testing.assert_allclose(variance, np.cumsum([1 / 36, 1 / 25 + 1 / 16, 1 / 4, 0]), rtol=1e-14)
    assert gradient.shape == (4, 0)
    assert found.covariance.shape == (0, 0)


def test_without_a_death_all_sums_are_zero_and_a_covariance_cannot_be_had() -> None:
    """A cohort in which nobody dies says nothing of the coefficients."""
    nobody = np.zeros(6, dtype=bool)
    found = risk_sets(np.zeros((6, 0)), TIME, nobody, np.zeros(0))
    for sums in found.cumulative(np.array([0.0, 3])):
        assert not sums.any()
        assert len(sums) == 2
    without = risk_sets(X, TIME, nobody, BETA)
    with pytest.raises(np.linalg.LinAlgError):
        _ = without.covariance


def by_loops(design: Array, time: Array, event: NDArray[np.bool_], beta: Array) -> dict[str, Array]:
    """The same by the letter of DESIGN §4, one subject at a time."""
    p = design.shape[1]
    hazard, variance, gradient, information = [], [], [], np.zeros((p, p))
    for t in sorted(set(time[event])):
        s0, s1, s2, d0, d1, d2 = 0.0, np.zeros(p), np.zeros((p, p)), 0.0, np.zeros(p), np.zeros((p, p))
        deaths = 0
        for x, own_time, died in zip(design, time, event, strict=True):
            r = math.exp(float(x @ beta))
            if own_time >= t:
                s0, s1, s2 = s0 + r, s1 + r * x, s2 + r * np.outer(x, x)
            if own_time == t and died:
                d0, d1, d2, deaths = d0 + r, d1 + r * x, d2 + r * np.outer(x, x), deaths + 1
        for j in range(deaths):
            z0, z1, z2 = s0 - j / deaths * d0, s1 - j / deaths * d1, s2 - j / deaths * d2
            hazard.append(1 / z0)
            variance.append(1 / z0**2)
            gradient.append(z1 / z0**2)
            information = information + z2 / z0 - np.outer(z1, z1) / z0**2
    return {
        "hazard": np.array(hazard),
        "hazard_variance": np.array(variance),
        "hazard_gradient": np.array(gradient),
        "covariance": np.linalg.inv(information),
    }


@given(st.integers(0, 2**32 - 1), st.integers(8, 40), st.integers(1, 3), st.integers(2, 12))
def test_it_is_what_a_plain_loop_over_times_and_subjects_gives(seed: int, n: int, p: int, ties: int) -> None:
    """Whatever the ties, the censored times among them and the order of the rows."""
    rng = np.random.default_rng(seed)
    design, beta = rng.normal(0, 1, (n, p)), rng.normal(0, 0.7, p)
    time, event = rng.integers(1, ties + 1, n).astype(float), rng.random(n) < 0.6
    event[:3], time[:3] = True, 1  # so that three die with everybody at risk, and the information can be inverted
    found = risk_sets(design, time, event, beta)
    for name, expected in by_loops(design, time, event, beta).items():
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-8, atol=1e-12, err_msg=name)
    order = rng.permutation(n)
    shuffled = risk_sets(design[order], time[order], event[order], beta)
    np.testing.assert_allclose(shuffled.hazard, found.hazard, rtol=1e-10)
    np.testing.assert_allclose(shuffled.covariance, found.covariance, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", ["gbsg2", "veterans"])
def test_coefficients_and_covariance_are_those_of_r(name: str) -> None:
    """Issue, point 3: the coefficients of scikit-survival's fit, and our covariance, equal R's to 1e-8."""
    coefficients, sets, _ = fitted(name)
    np.testing.assert_allclose(sets.score * np.sqrt(np.diag(sets.covariance)), 0, atol=1e-8)
    cox = R[name]["cox"]
    np.testing.assert_allclose(coefficients, cox["coefficients"], rtol=1e-8, atol=1e-8)
    scale = np.sqrt(np.diag(cox["vcov"]))
    np.testing.assert_allclose(
        sets.covariance / np.outer(scale, scale), cox["vcov"] / np.outer(scale, scale), rtol=0, atol=1e-8
    )
    np.testing.assert_allclose(sets.covariance, cox["vcov"], rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", ["gbsg2", "veterans"])
def test_the_small_model_of_the_tests_is_fitted_as_scikit_survival_fits(name: str) -> None:
    """Newton's method in tests/small_artefact.py finds the same coefficients."""
    frame = frames()[name]
    design = frame[R[name]["covariates"]].to_numpy(float)
    design = (design - design.mean(axis=0)) / design.std(axis=0)
    found, _ = fit(design, frame["time"].to_numpy(float), frame["event"].to_numpy(bool))
    scale = frame[R[name]["covariates"]].to_numpy(float).std(axis=0)
    np.testing.assert_allclose(found / scale, R[name]["cox"]["coefficients"], rtol=1e-8, atol=1e-8)


def fitted(name: str) -> tuple[Array, RiskSets, Any]:
    """Scikit-survival's coefficients for one of R's data sets, its risk sets about the mean, and the mean."""
    frame = frames()[name]
    design = frame[R[name]["covariates"]].to_numpy(float)
    centre = design.mean(axis=0)
    time, event = frame["time"].to_numpy(float), frame["event"].to_numpy(bool)
    estimator = CoxPHSurvivalAnalysis(ties="efron", tol=1e-13, n_iter=200)
    coefficients = estimator.fit(design - centre, Surv.from_arrays(event, time)).coef_
    return coefficients, risk_sets(design - centre, time, event, coefficients), centre
