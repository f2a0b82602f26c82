"""Fits and tests of assumptions are R's, to 1e-8: strata, delayed entry, weights, ridge, segments, proportionality."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.oracle.export import frames
from training.fitting.cox import CoxFit, fit_cox
from training.fitting.proportionality import proportionality_tests
from training.fitting.risk_sets import RiskSets
from training.fitting.segments import expand_segments
from training.fitting.survival_data import ALL, SurvivalData

Array = NDArray[np.float64]

R: dict[str, Any] = json.loads((Path(__file__).parent / "oracle" / "fitting.json").read_text(encoding="utf-8"))
Z = 1.959963984540054
COLUMNS = ["age", "log1p_pnodes", "log1p_progrec", "tsize", "horTh"]
GBSG2 = frames()["gbsg2"]
DESIGN = GBSG2[COLUMNS].to_numpy(dtype=float)
CENTRE = DESIGN.mean(axis=0)
TIME = GBSG2["time"].to_numpy(dtype=float)
EVENT = GBSG2["event"].to_numpy(dtype=bool)
ROW = np.arange(1, len(GBSG2) + 1)
ENTRY = np.where(ROW % 3 == 0, 0.3 * TIME, 0.0)
WEIGHTS = (1 + ROW % 3).astype(np.float64)
STRATA = GBSG2["menostat"].to_numpy().astype(str)
PATIENT = np.array([R["patient"][name][0] for name in COLUMNS]) - CENTRE
TIMES = np.array(R["times"])

DATA = {
    "plain": SurvivalData(DESIGN - CENTRE, TIME, EVENT),
    "strata": SurvivalData(DESIGN - CENTRE, TIME, EVENT, strata=STRATA),
    "entry": SurvivalData(DESIGN - CENTRE, TIME, EVENT, entry=ENTRY),
    "weights": SurvivalData(DESIGN - CENTRE, TIME, EVENT, weights=WEIGHTS),
}


def curve(fit: CoxFit, sets: RiskSets, row: Array) -> dict[str, Array]:
    """Survival of one patient and its log-log limits at the times of the oracle."""
    hazard, variance, gradient = sets.cumulative(TIMES)
    total = hazard * np.exp(row @ fit.coefficients)
    lever = np.outer(hazard, row) - gradient
    error = np.sqrt(variance + np.einsum("ti,ij,tj->t", lever, fit.covariance, lever)) / hazard
    return {
        "surv": np.exp(-total),
        "lower": np.exp(-total * np.exp(Z * error)),
        "upper": np.exp(-total * np.exp(-Z * error)),
    }


@pytest.mark.parametrize("name", DATA)
def test_coefficients_and_covariance_are_rs(name: str) -> None:
    """Coefficients, their covariance and the log partial likelihood at zero and at its maximum."""
    fit = fit_cox(DATA[name])
    np.testing.assert_allclose(fit.coefficients, R[name]["coef"], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fit.covariance, R[name]["var"], rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose([fit.log_likelihood_at_zero, fit.log_likelihood], R[name]["loglik"], rtol=1e-10)


def test_each_stratum_has_its_own_curve_with_shared_coefficients() -> None:
    """Survival and limits of one patient in either stratum."""
    fit = fit_cox(DATA["strata"])
    for name, expected in zip(("0", "1"), R["strata"]["curves"], strict=True):
        for key, found in curve(fit, fit.risk_sets[name], PATIENT).items():
            np.testing.assert_allclose(found, expected[key], rtol=1e-8, err_msg=key)


def test_delayed_entry_has_rs_curve() -> None:
    """Survival and limits where every third patient was seen late."""
    fit = fit_cox(DATA["entry"])
    for key, found in curve(fit, fit.risk_sets[ALL], PATIENT).items():
        np.testing.assert_allclose(found, R["entry"][key], rtol=1e-8, err_msg=key)


def test_weights_have_rs_curve() -> None:
    """Each death at a tied time counts as the mean weight of those that die then."""
    fit = fit_cox(DATA["weights"])
    np.testing.assert_allclose(curve(fit, fit.risk_sets[ALL], PATIENT)["surv"], R["weights"]["surv"], rtol=1e-8)


def test_ridge_is_rs() -> None:
    """``ridge(…, theta = 20, scale = FALSE)``: coefficients, both variances and the degrees of freedom."""
    fit = fit_cox(DATA["plain"], ridge=20)
    np.testing.assert_allclose(fit.coefficients, R["ridge"]["coef"], rtol=1e-8)
    np.testing.assert_allclose(fit.covariance, R["ridge"]["var"], rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(fit.shrunk_covariance, R["ridge"]["var2"], rtol=1e-8, atol=1e-14)
    assert fit.degrees_of_freedom == pytest.approx(R["ridge"]["df"][0], rel=1e-8)


def test_segments_are_rs_split_rows() -> None:
    """One effect cut at days 400 and 900: coefficients, covariance and the survival of one patient."""
    cuts = [400.0, 900.0]
    expanded, columns = expand_segments(DATA["plain"], cuts, np.array([False, True, False, False, False]))
    assert columns == [(0, None), (1, 0), (1, 1), (1, 2), (2, None), (3, None), (4, None)]
    fit = fit_cox(expanded)
    np.testing.assert_allclose(fit.coefficients, R["segments"]["coef"], rtol=1e-8)
    np.testing.assert_allclose(fit.covariance, R["segments"]["var"], rtol=1e-8, atol=1e-14)
    total = np.zeros(len(TIMES))
    for segment, (first, last) in enumerate([(0.0, 400.0), (400.0, 900.0), (900.0, np.inf)]):
        grown = fit.risk_sets[ALL].cumulative(np.clip(TIMES, first, last))[0]
        before = fit.risk_sets[ALL].cumulative(np.array([first]))[0]
        counts = np.array([of in (None, segment) for _, of in columns])
        row = PATIENT[[column for column, _ in columns]] * counts
        total += np.exp(row @ fit.coefficients) * (grown - before)
    np.testing.assert_allclose(np.exp(-total), R["segments"]["surv"], rtol=1e-8)


@pytest.mark.parametrize("name", ["plain", "strata", "entry"])
def test_proportionality_is_rs_cox_zph(name: str) -> None:
    """Statistic, degrees of freedom and P of each term and of all."""
    fit = fit_cox(DATA[name])
    terms = {column: [place] for place, column in enumerate(COLUMNS)}
    found = proportionality_tests(DATA[name], fit.coefficients, terms)
    for one, (statistic, freedom, p) in zip(found, R[name]["zph"], strict=True):
        assert one.chi_squared == pytest.approx(statistic, rel=1e-8)
        assert one.degrees_of_freedom == freedom
        assert one.p == pytest.approx(p, rel=1e-7)


def test_proportionality_of_veterans_is_rs() -> None:
    """The data in which the Karnofsky score is known not to be proportional."""
    veterans = frames()["veterans"]
    names = [column for column in veterans.columns if column not in ("time", "event")]
    names = [
        "karnofsky",
        "log_months",
        "treatment_test",
        "cell_smallcell",
        "cell_squamous",
        "cell_large",
        "prior",
        "age",
    ]
    design = veterans[names].to_numpy(dtype=float)
    data = SurvivalData(
        design - design.mean(axis=0), veterans["time"].to_numpy(dtype=float), veterans["event"].to_numpy(dtype=bool)
    )
    fit = fit_cox(data)
    np.testing.assert_allclose(fit.coefficients, R["veterans"]["coef"], rtol=1e-7)
    found = proportionality_tests(data, fit.coefficients, {name: [place] for place, name in enumerate(names)})
    np.testing.assert_allclose([one.chi_squared for one in found], np.array(R["veterans"]["zph"])[:, 0], rtol=1e-7)
    assert found[0].p < 0.001
