"""Laws of the fit, what it refuses, and the interface of scikit-survival over it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sksurv.metrics import as_concordance_index_ipcw_scorer
from sksurv.util import Surv

from training.fitting.cox import NoFit, fit, fit_cox
from training.fitting.estimator import StratifiedCox
from training.fitting.penalty import PENALTIES, aic_ridge
from training.fitting.sample_size import Population, adjusted_r_squared, riley_criteria
from training.fitting.segments import episodes, expand_segments
from training.fitting.survival_data import ALL, SurvivalData

Array = NDArray[np.float64]


def invented(seed: int, n: int = 80, p: int = 3, effect: float = 0.6) -> SurvivalData:
    """Invented patients, with ties."""
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(n, p))
    death = rng.exponential(20, n) / np.exp(effect * design[:, 0]) if p else rng.exponential(20, n)
    censored = rng.uniform(5, 60, n)
    return SurvivalData(design, np.ceil(np.minimum(death, censored)), death < censored)


@given(st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_without_extras_it_is_scikit_survivals_fit(seed: int) -> None:
    """The coefficients of ``CoxPHSurvivalAnalysis(ties="efron")``."""
    data = invented(seed)
    theirs = fit(pd.DataFrame(data.design, columns=list("abc")), data.time, data.event)
    np.testing.assert_allclose(fit_cox(data).coefficients, theirs.coef_, rtol=1e-6, atol=1e-8)


@given(st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_a_row_cut_in_two_is_still_one_patient(seed: int) -> None:
    """Episodes with delayed entry give the same likelihood as the whole."""
    data = invented(seed)
    pieces = episodes(data, [7.0, 15.0])
    cut = SurvivalData(
        np.concatenate([one.design for one in pieces]),
        np.concatenate([one.time for one in pieces]),
        np.concatenate([one.event for one in pieces]),
        np.concatenate([one.entry for one in pieces if one.entry is not None]),
    )
    whole, parts = fit_cox(data), fit_cox(cut)
    np.testing.assert_allclose(whole.coefficients, parts.coefficients, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(whole.covariance, parts.covariance, rtol=1e-7, atol=1e-12)


@given(st.integers(0, 2**32), st.floats(0.01, 100))
@settings(max_examples=15, deadline=None)
def test_a_unit_changes_a_coefficient_and_nothing_else(seed: int, scale: float) -> None:
    """β·x is the same in other units, however large."""
    data = invented(seed)
    other = replace(data, design=data.design * scale + 7)
    np.testing.assert_allclose(fit_cox(other).coefficients * scale, fit_cox(data).coefficients, rtol=1e-6, atol=1e-8)


def test_more_penalty_means_smaller_coefficients() -> None:
    """The norm falls as the penalty grows, and so do the degrees of freedom."""
    data = invented(5)
    fits = [fit_cox(data, ridge=ridge) for ridge in (0.0, 1.0, 10.0, 1000.0)]
    norms = [float(np.linalg.norm(one.coefficients)) for one in fits]
    assert norms == sorted(norms, reverse=True)
    assert [one.degrees_of_freedom for one in fits] == sorted((one.degrees_of_freedom for one in fits), reverse=True)


def test_noise_asks_for_more_penalty_than_an_effect() -> None:
    """AIC shrinks ten noise columns more than a strong effect."""
    noise, effect = aic_ridge(invented(3, p=10, effect=0.0)), aic_ridge(invented(3, n=400, p=1, effect=1.0))
    assert noise > effect
    assert {noise, effect} <= set(PENALTIES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: replace(data, event=np.zeros_like(data.event)), "no death"),
        (
            lambda data: replace(data, design=np.ones_like(data.design)),
            "column 0 and 1 and 2 of the design does not vary",
        ),
        (lambda data: replace(data, design=data.design[:, [0, 1, 0]]), "column 0 and 2 of the design follows from"),
        (
            lambda data: replace(data, design=np.where(data.event[:, None], [1.0, 0, 0], [0.0, 0, 0])[:, :1]),
            "column 0 of the design",
        ),
    ],
)
def test_what_has_no_fit_is_refused_with_its_cause(change: object, message: str) -> None:
    """Nothing is dropped or shrunk without saying so."""
    assert callable(change)
    with pytest.raises(NoFit, match=message):
        fit_cox(change(invented(1)))


def test_a_level_in_which_nobody_dies_runs_away() -> None:
    """Separation is named, and the column with it."""
    data = invented(2, n=200, p=1)
    level = ~data.event & (np.arange(200) % 2 == 0)
    with pytest.raises(NoFit, match="column 0 of the design has a coefficient that grows without end"):
        fit_cox(replace(data, design=level.astype(float)[:, None]))


def test_the_estimator_is_scikit_learns_and_scikit_survivals() -> None:
    """It can be cloned, stand in a pipeline, be scored; its curves start at 1 and know their stratum."""
    data = invented(8, n=200)
    x = pd.DataFrame(data.design, columns=list("abc")).assign(centre=np.where(np.arange(200) % 2, "x", "y"))
    y = Surv.from_arrays(data.event, data.time)
    estimator = clone(StratifiedCox(strata="centre", ridge=1.0))
    assert estimator.get_params()["strata"] == "centre"
    made = make_pipeline(estimator).fit(x, y)
    strata = x["centre"].to_numpy().astype(str)
    middle = data.design.mean(axis=0)
    own = fit_cox(replace(data, strata=strata, design=data.design - middle), ridge=1.0)
    np.testing.assert_allclose(estimator.coef_, own.coefficients, rtol=1e-12)
    curves = made.predict_survival_function(x.iloc[:4])
    assert [curve(0.0) for curve in curves] == [1.0] * 4
    hazard = own.risk_sets["y"].cumulative(np.array([20.0]))[0][0]
    assert curves[0](20.0) == pytest.approx(np.exp(-hazard * np.exp(made.predict(x.iloc[:1])[0])), rel=1e-12)
    assert made.predict_cumulative_hazard_function(x.iloc[:1])[0](20.0) == pytest.approx(-np.log(curves[0](20.0)))
    assert 0.5 < made.score(x, y) < 1
    scorer = as_concordance_index_ipcw_scorer(StratifiedCox(strata="centre"), tau=30.0).fit(x, y)
    assert 0.5 < scorer.score(x, y) < 1


def test_the_variance_with_segments_is_that_of_a_bootstrap() -> None:
    """Var Λ = Σₖ exp(2β·xₖ)·ΔAₖ + cᵀVc against 300 resamples of the patients: standard errors of log Λ within 15 %."""
    data, cuts, row, month = invented(21, n=500, p=1), [8.0], 0.8, 25.0

    def estimate(sample: SurvivalData) -> tuple[float, float]:
        expanded, _ = expand_segments(sample, cuts, np.array([True]))
        fitted = fit_cox(expanded)
        at = fitted.risk_sets[ALL].cumulative(np.array([0.0, cuts[0], month]))
        hazard, noise, gradient = (np.diff(sums, axis=0) for sums in at)
        ratios = np.exp(fitted.coefficients * row)
        total = float(ratios @ hazard)
        rows = np.diag([row, row])
        lever = sum(ratio * (x * step - q) for ratio, x, step, q in zip(ratios, rows, hazard, gradient, strict=True))
        return total, float(ratios**2 @ noise + lever @ fitted.covariance @ lever)

    total, variance = estimate(data)
    rng = np.random.default_rng(1)
    resampled = [math.log(estimate(data.rows(rng.integers(0, 500, 500)))[0]) for _ in range(300)]
    assert math.sqrt(variance) / total == pytest.approx(float(np.std(resampled, ddof=1)), rel=0.15)


def test_nelson_aalen_without_columns() -> None:
    """With no predictor the baseline is the sum of 1/(at risk), each death of a tie after the other."""
    data = SurvivalData(np.zeros((4, 0)), np.array([1.0, 2, 2, 3]), np.array([True, True, True, False]))
    hazard = fit_cox(data).risk_sets[ALL].cumulative(np.array([0.0, 1, 2, 3]))[0]
    np.testing.assert_allclose(hazard, [0, 1 / 4, 1 / 4 + 1 / 3 + 1 / 2, 1 / 4 + 1 / 3 + 1 / 2])


def test_rileys_worked_example() -> None:
    """Recurrent venous thromboembolism (Riley 2019, as in pmsampsize): 5143 patients, 692 events, 30 parameters."""
    found = riley_criteria(Population(rate=0.065, mean_follow_up=2.07, horizon=2, r_squared=0.051), 30)
    assert found.shrinkage == 5143
    assert found.patients == 5143
    assert found.deaths == pytest.approx(5143 * 0.065 * 2.07)
    assert found.deaths_per_parameter == pytest.approx(23.07, abs=0.01)


def test_an_r_squared_of_nothing_needs_no_number() -> None:
    """A fit no better than chance has an adjusted R² at or below zero, for which no size is enough."""
    assert adjusted_r_squared(0.0, 100, 3) == 0
    assert adjusted_r_squared(1.0, 100, 5) < 0
    assert 0 < adjusted_r_squared(20.0, 100, 5) < 1 - np.exp(-0.4)
    for r_squared in (0.0, -0.1, 0.95):
        with pytest.raises(ValueError, match="R² must be above 0"):
            riley_criteria(Population(0.02, 30, 36, r_squared), 3)
