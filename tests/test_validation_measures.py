"""Measures of performance are R's and scikit-survival's to 1e-8, obey their laws, and say when they cannot be had."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sksurv.metrics import (
    brier_score,
    concordance_index_censored,
    concordance_index_ipcw,
    cumulative_dynamic_auc,
    integrated_brier_score,
)
from sksurv.util import Surv

from tests.oracle.export import frames
from training.validation.brier import brier_scores
from training.validation.calibration import calibration, observed_to_expected, slope
from training.validation.decision import decision_curve
from training.validation.discrimination import auc, harrell_c, uno_c
from training.validation.estimate import Estimate, Measured, Unavailable
from training.validation.measures import Predicted, by_group, measure
from training.validation.observed import Observed
from training.validation.optimism import point_632_plus

Array = NDArray[np.float64]

R: dict[str, Any] = json.loads((Path(__file__).parent / "oracle" / "fitting.json").read_text(encoding="utf-8"))
GBSG2 = frames()["gbsg2"]
TIME, EVENT = GBSG2["time"].to_numpy(dtype=float), GBSG2["event"].to_numpy(dtype=bool)
ENTRY = np.where(np.arange(1, len(GBSG2) + 1) % 3 == 0, 0.3 * TIME, 0.0)
SCORE = np.array(R["concordance"]["lp"])
ALL_OF_THEM = Observed(TIME, EVENT)
Y = Surv.from_arrays(EVENT, TIME)
MONTHS = [0, 300, 800, 1500]
SURVIVAL = np.exp(-np.outer(np.exp(SCORE - SCORE.mean()), [0.0, 0.1, 0.3, 0.6]))
Z = 1.959963984540054


def figure(measured: Measured) -> Estimate:
    """What must be an estimate."""
    assert isinstance(measured, Estimate), measured
    return measured


def variance(measured: Measured) -> float:
    """The variance behind an interval on the scale of log(p/(1 - p))."""
    one = figure(measured)
    assert one.upper is not None
    width = math.log(one.upper / (1 - one.upper)) - math.log(one.value / (1 - one.value))
    return (width / Z * one.value * (1 - one.value)) ** 2


def test_harrells_c_and_its_variance_are_rs() -> None:
    """``concordance(Surv(time, event) ~ lp, reverse = TRUE)``, with ties; the value is also scikit-survival's."""
    found = harrell_c(ALL_OF_THEM, SCORE)
    assert figure(found).value == pytest.approx(R["concordance"]["c"][0], abs=1e-12)
    assert variance(found) == pytest.approx(R["concordance"]["var"][0], rel=1e-8)
    assert figure(found).value == pytest.approx(concordance_index_censored(EVENT, TIME, SCORE)[0], abs=1e-12)


def test_harrells_c_with_delayed_entry_is_rs() -> None:
    """Pairs whose second had not been seen when the first died are not compared."""
    found = harrell_c(Observed(TIME, EVENT, ENTRY), SCORE)
    assert figure(found).value == pytest.approx(R["concordance"]["entry_c"][0], abs=1e-12)
    assert variance(found) == pytest.approx(R["concordance"]["entry_var"][0], rel=1e-8)


def test_unos_c_and_the_auc_are_scikit_survivals() -> None:
    """Values of ``concordance_index_ipcw`` and ``cumulative_dynamic_auc``."""
    found = figure(uno_c(ALL_OF_THEM, SCORE, 1800))
    assert found.value == pytest.approx(concordance_index_ipcw(Y, Y, SCORE, 1800.0)[0], abs=1e-10)
    for day in (400, 900, 1500):
        theirs = cumulative_dynamic_auc(Y, Y, SCORE, [day])[0][0]
        assert figure(auc(ALL_OF_THEM, SCORE, day)).value == pytest.approx(theirs, abs=1e-10)


def test_brier_scores_are_scikit_survivals() -> None:
    """At each time and integrated; the scaled one is 1 minus the ratio to that of Kaplan-Meier."""
    found = brier_scores(ALL_OF_THEM, SURVIVAL, MONTHS, MONTHS[1:])
    _, theirs = brier_score(Y, Y, SURVIVAL[:, 1:], MONTHS[1:])
    np.testing.assert_allclose([figure(found.at_horizons[m]).value for m in MONTHS[1:]], theirs, rtol=1e-10)
    integrated = integrated_brier_score(Y, Y, SURVIVAL[:, 1:], MONTHS[1:])
    assert figure(found.integrated).value == pytest.approx(integrated, rel=1e-10)
    alive = np.array([known[0] for m in MONTHS[1:] if (known := ALL_OF_THEM.alive_at(m)) is not None])
    null = integrated_brier_score(Y, Y, np.tile(alive, (len(TIME), 1)), MONTHS[1:])
    assert figure(found.scaled).value == pytest.approx(1 - integrated / null, rel=1e-10)


def test_kaplan_meier_and_the_slope_are_rs() -> None:
    """Survival with log-log limits, and the coefficient of the score with its standard error."""
    for place, day in enumerate(R["times"]):
        known = ALL_OF_THEM.alive_at(day)
        assert known is not None
        expected = [R["km"][key][place] for key in ("surv", "lower", "upper")]
        np.testing.assert_allclose(known[:3], expected, rtol=1e-8)
    found = figure(slope(ALL_OF_THEM, SCORE))
    assert found.value == pytest.approx(R["slope"]["coef"][0], rel=1e-8)
    assert found.lower == pytest.approx(found.value - Z * math.sqrt(R["slope"]["var"][0][0]), rel=1e-7)


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 4)), min_size=2, max_size=40))
@settings(deadline=None)
def test_c_is_a_count_of_pairs(patients: list[tuple[int, bool, int]]) -> None:
    """The same by looking at every pair."""
    time, event, score = (np.array(column) for column in zip(*patients, strict=True))
    above = ties = pairs = 0
    for i, j in ((i, j) for i in range(len(time)) for j in range(len(time)) if i != j):
        if event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
            pairs += 1
            above += int(score[i] > score[j])
            ties += int(score[i] == score[j])
    found = harrell_c(Observed(time.astype(float), event), score.astype(float))
    if pairs == 0:
        assert isinstance(found, Unavailable)
    else:
        assert figure(found).value == pytest.approx((above + ties / 2) / pairs, abs=1e-12)


@given(st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_c_turns_round_with_the_score_and_minds_only_its_order(seed: int) -> None:
    """C(-s) = 1 - C(s) without ties, and C(exp s) = C(s)."""
    rng = np.random.default_rng(seed)
    observed = Observed(rng.exponential(20, 60), rng.random(60) < 0.7)
    score = rng.normal(size=60)
    value = figure(harrell_c(observed, score)).value
    assert figure(harrell_c(observed, -score)).value == pytest.approx(1 - value, abs=1e-12)
    assert figure(harrell_c(observed, np.exp(score))).value == pytest.approx(value, abs=1e-12)


def test_a_right_model_is_calibrated_and_a_wrong_one_is_not() -> None:
    """20,000 simulated patients: ratio and slope near 1; twice the hazard shows as half as many deaths as expected."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=20_000)
    death, censored = rng.exponential(40, len(x)) / np.exp(0.8 * x), rng.uniform(20, 120, len(x))
    observed = Observed(np.minimum(death, censored), death < censored)
    hazard = np.exp(0.8 * x) / 40 * 24
    right = calibration(observed, np.exp(-hazard), 24)
    assert figure(right.ratio).value == pytest.approx(1, abs=0.03)
    assert figure(slope(observed, 0.8 * x)).value == pytest.approx(1, abs=0.04)
    assert figure(slope(observed, 1.6 * x)).value == pytest.approx(0.5, abs=0.02)
    assert not isinstance(right.smooth, Unavailable)
    assert right.smooth.ici < 0.01
    np.testing.assert_allclose(right.smooth.observed, right.smooth.predicted, atol=0.03)
    assert len(right.groups) == 10
    for group in right.groups:
        assert group.predicted == pytest.approx(figure(group.observed).value, abs=0.04)
    double = calibration(observed, np.exp(-2 * hazard), 24)
    assert figure(double.ratio).value < 0.85
    assert not isinstance(double.smooth, Unavailable)
    assert double.smooth.ici > 0.1


def test_net_benefit_by_hand() -> None:
    """Ten die by month 12 and thirty live; the model marks exactly the ten, so at 0.2 its benefit is 10/40."""
    time, event = np.array([6.0] * 10 + [20.0] * 30), np.array([True] * 10 + [False] * 30)
    survival = np.array([0.1] * 10 + [0.95] * 30)
    at = {point.threshold: point for point in decision_curve(Observed(time, event), survival, 12)}
    assert at[0.2].model == pytest.approx(0.25)
    assert at[0.2].everybody == pytest.approx(0.25 - 0.75 * 0.25)
    assert at[0.95].model == pytest.approx(0.0)


def test_ratio_of_observed_and_expected_by_hand() -> None:
    """One of four dies where 0.5 deaths each were expected: 0.25 / 0.5."""
    observed = Observed(np.array([5.0, 20, 20, 20]), np.array([True, False, False, False]))
    assert figure(observed_to_expected(observed, 0.5, 12)).value == pytest.approx(0.5)
    assert isinstance(observed_to_expected(observed, 0.5, 30), Unavailable)
    assert isinstance(observed_to_expected(observed, 1.0, 12), Unavailable)


def awkward(case: str) -> tuple[Observed, Array]:
    """Patients of whom something cannot be known, and their predictions at months 0, 6 and 12."""
    rng = np.random.default_rng(3)
    n = {"three": 3, "one": 1}.get(case, 60)
    time, event = rng.uniform(1, 30, n), rng.random(n) < 0.6
    survival = np.column_stack([np.ones(n), rng.uniform(0.5, 0.9, n), rng.uniform(0.1, 0.5, n)])
    if case == "nobody dies":
        event[:] = False
    if case == "all die at once":
        time[:], event[:] = 3.0, True
    if case == "short":
        time /= 10
    if case == "same predictions":
        survival[:] = survival[0]
    if case == "certain":
        survival[:, 1:] = 0.0
    return Observed(time, event, time / 2 if case == "late entry" else None), survival


@pytest.mark.parametrize(
    "case",
    ["nobody dies", "all die at once", "short", "same predictions", "certain", "three", "one", "late entry", "usual"],
)
def test_what_cannot_be_measured_says_so(case: str) -> None:
    """No warning, no exception, no NaN: a figure, or the reason that there is none."""
    observed, survival = awkward(case)
    with np.errstate(divide="ignore"):
        score = np.log(-np.log(survival[:, -1]))
    predicted = Predicted(survival, [0, 6, 12], score, np.full(len(score), "all"))
    plain = measure(observed, predicted, [6, 12]).plain()
    json.dumps(plain, allow_nan=False)
    if case == "late entry":
        assert "delayed entry" in plain["uno_c"]["unavailable"]
        assert "value" in plain["harrell_c"]
    if case == "nobody dies":
        assert "unavailable" in plain["harrell_c"]
        assert plain["deaths"] == 0


def test_small_groups_are_named_and_not_measured() -> None:
    """Fewer than ten patients or deaths: neither their number nor their outcome is told."""
    observed, survival = awkward("usual")
    predicted = Predicted(survival, [0, 6, 12], survival[:, -1], np.full(60, "all"))
    groups = pd.DataFrame({"centre": ["a"] * 50 + ["b"] * 9 + [""]})
    rows = by_group(observed, predicted, groups, [12])
    assert [row["group"] for row in rows] == ["not recorded", "a", "b"]
    assert rows[1]["patients"] == 50
    assert [set(row) for row in (rows[0], rows[2])] == [{"by", "group", "hidden"}] * 2


def test_the_632_plus_estimate_by_hand() -> None:
    """No overfitting: .368 and .632; all of it: those left out alone; half of it: in between, by the weight of R."""
    assert point_632_plus(0.7, 0.7, 0.5) == pytest.approx(0.7)
    assert point_632_plus(0.7, 0.5, 0.5) == pytest.approx(0.5)
    assert point_632_plus(0.6, 0.45, 0.5) == pytest.approx(0.45)
    weight = 0.632 / (1 - 0.368 * 0.5)
    assert point_632_plus(0.7, 0.6, 0.5) == pytest.approx(0.7 - 0.1 * weight)
    assert point_632_plus(0.6, 0.62, 0.5) == pytest.approx(0.368 * 0.6 + 0.632 * 0.62)
    assert point_632_plus(-0.1, -0.3, 0.0) == pytest.approx(-0.3)
