"""Survival and its limits: R's numbers for one fit, and laws whatever the numbers are."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.fitted import Fits, Stratum, Support, Term
from model.mixture import Mixture, everybody, mixture
from model.survival import Z, reference, survival, survival_at
from tests import test_risk_sets as by_hand
from tests.invented import NONE, ONE, THREE, Answers, known_answers, strata, stratum
from tests.oracle.export import frames
from training.fitting.risk_sets import RiskSets, risk_sets

Array = NDArray[np.float64]

R = json.loads((Path(__file__).parent / "oracle" / "survfit.json").read_text(encoding="utf-8"))
CALLS = [
    (name, kind, number)
    for name, data in R["data"].items()
    for kind in ("cox", "no_covariates")
    for number in range(len(data[kind]["survfit"]))
]


# One fit, worked out by hand and computed by R.


def one_fit(names: Sequence[str], coefficients: Array, centre: Array, sets: RiskSets, last: int) -> Stratum:
    months = np.arange(last + 1)
    hazard, variance, gradient = sets.cumulative(months.astype(float))
    return Stratum(
        name="one fit",
        months=months,
        terms=tuple(Term(name, "identity") for name in names),
        centre=centre,
        fits=Fits(coefficients[None], sets.covariance[None], hazard[None], variance[None], gradient[None]),
        blocks=(),
        support=Support(1, 1, "registry"),
    )


@cache
def fitted(name: str, kind: str) -> Stratum:
    """One of R's data sets, by the day, with scikit-survival's coefficients."""
    frame = frames()[name]
    time, event = frame["time"].to_numpy(float), frame["event"].to_numpy(bool)
    if kind == "no_covariates":
        sets = risk_sets(np.zeros((len(time), 0)), time, event, np.zeros(0))
        return one_fit((), np.zeros(0), np.zeros(0), sets, int(time.max()))
    coefficients, sets, centre = by_hand.fitted(name)
    return one_fit(R["data"][name]["covariates"], coefficients, centre, sets, int(time.max()))


def of_r(values: list[float | None]) -> Array:
    """R's numbers; NaN where it gives NA."""
    return np.array([math.nan if value is None else value for value in values])


def log_log(values: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(-np.log(values)))


@pytest.mark.parametrize(("name", "kind", "number"), CALLS)
def test_one_fit_is_what_r_computes(name: str, kind: str, number: int) -> None:
    """Issue, points 3 and 4: survival and both 95 % limits equal R's survfit(…, conf.type = "log-log") to 1e-8.

    At every event time, on both data sets, from the start and given alive after a day with tied deaths and after a
    day without one. Two-sided, rows where R gives NA left out; also relative, and as log(-log S), since late survival
    is close to 0 in the veterans' trial.
    """
    data = R["data"][name]
    call = data[kind]["survfit"][number]
    days, start = np.array(call["time"], dtype=int), int(call["s"])
    model = fitted(name, kind)
    for who, of_one in call["curves"].items():
        rows = data["cox"]["patients"][who] if kind == "cox" else []
        curve = survival(model, mixture(model, dict(zip(data["covariates"], rows, strict=False))), start)
        assert curve.months[0] == start
        for ours, theirs in ((curve.estimate, "surv"), (curve.lower, "lower"), (curve.upper, "upper")):
            expected, found = of_r(of_one[theirs]), ours[days - start]
            given = ~np.isnan(expected)
            assert given.sum() > len(days) / 2
            where = f"{who}: {theirs}"
            np.testing.assert_allclose(found[given], expected[given], rtol=0, atol=1e-8, err_msg=where)
            visible = given & (expected > 1e-300)
            np.testing.assert_allclose(found[visible], expected[visible], rtol=1e-7, atol=0, err_msg=where)
            inside = visible & (expected < 1 - 1e-6)
            np.testing.assert_allclose(
                log_log(found[inside]), log_log(expected[inside]), rtol=1e-8, atol=1e-8, err_msg=where
            )


def test_the_limits_use_the_quantile_that_r_uses() -> None:
    """Not 1.96, and no half-width that is the same for everybody (mistake 9)."""
    assert pytest.approx(R["z"], rel=1e-15) == Z


@pytest.mark.parametrize(("x", "alive"), [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2)])
def test_six_patients_agree_with_the_curve_made_by_hand(x: int, alive: int) -> None:
    """The patients of test_risk_sets: S = exp(-ΔH·2^x), error² = (ΣA + (x·ΔH - ΔQ)²·V)/ΔH²."""
    sets = by_hand.by_hand()
    model = one_fit(("x",), by_hand.BETA, np.zeros(1), sets, 4)
    curve = survival(model, mixture(model, {"x": x}), alive)
    deaths_until = {0: 0, 1: 1, 2: 3, 3: 4, 4: 4}
    for i, month in enumerate(range(alive, 5)):
        new = slice(deaths_until[alive], deaths_until[month])
        hazard, noise, gradient = (sum(parts[new], Fraction(0)) for parts in (by_hand.H, by_hand.A, by_hand.Q))
        total = hazard * 2**x
        assert curve.estimate[i] == pytest.approx(math.exp(-total), rel=1e-14)
        if not hazard:
            assert (curve.lower[i], curve.upper[i]) == (1, 1) if month == alive else math.isnan(curve.lower[i])
            continue
        error = math.sqrt((noise + (x * hazard - gradient) ** 2 / by_hand.INFORMATION) / hazard**2)
        assert curve.lower[i] == pytest.approx(math.exp(-total * math.exp(Z * error)), rel=1e-12)
        assert curve.upper[i] == pytest.approx(math.exp(-total * math.exp(-Z * error)), rel=1e-12)


# Laws.


def shifted(of: Stratum, centre: Array) -> Stratum:
    """The same fits about another centre: H, A and Q are sums of 1/z₀, 1/z₀² and z₁/z₀², x taken at the centre."""
    step = centre - of.centre
    factor = np.exp(of.fits.coefficients @ step)[:, None]
    hazard = of.fits.hazard * factor
    return replace(
        of,
        centre=centre,
        fits=replace(
            of.fits,
            hazard=hazard,
            hazard_variance=of.fits.hazard_variance * factor**2,
            hazard_gradient=of.fits.hazard_gradient * factor[..., None] - hazard[..., None] * step,
        ),
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([NONE, ONE, THREE]), st.integers(0, 12), st.integers(1, 3), st.data())
def test_where_the_centre_lies_changes_nothing_where_the_fits_agree_on_the_coefficients(
    seed: int, terms: tuple[Term, ...], alive: int, fits: int, data: st.DataObject
) -> None:
    """One fit, or several with the same β; each keeps its H, A, Q and V.

    Fits that differ in β have hazards that are averaged at the centre, so there the common centre is part of the
    estimate (DESIGN §4 takes one common to all fits of a stratum).
    """
    of = stratum(seed, fits, terms)
    of = replace(of, fits=replace(of.fits, coefficients=np.repeat(of.coefficients[None], of.fits.count, axis=0)))
    moved = shifted(of, of.centre + np.random.default_rng(seed).normal(0, 0.5, len(terms)))
    known = data.draw(known_answers(of))
    here, there = survival(of, mixture(of, known), alive), survival(moved, mixture(moved, known), alive)
    np.testing.assert_allclose(there.estimate, here.estimate, rtol=1e-10)
    np.testing.assert_allclose(there.lower, here.lower, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(there.upper, here.upper, rtol=1e-8, atol=1e-12)


@given(strata(), st.integers(2, 4), st.data())
def test_fits_that_are_all_the_same_are_one_fit(of: Stratum, times: int, data: st.DataObject) -> None:
    """With nothing between the fits, B = 0 and T = W: M = 1 is the special case, not another formula."""

    def repeated(count: int) -> Stratum:
        same = {name: np.repeat(getattr(of.fits, name)[:1], count, axis=0) for name in Fits.__slots__}
        blocks = tuple(replace(b, weights=np.repeat(b.weights[:1], count, axis=0)) for b in of.blocks)
        return replace(of, fits=Fits(**same), blocks=blocks)

    known = data.draw(known_answers(of))
    one, many = (survival(of, mixture(of, known)) for of in (repeated(1), repeated(times)))
    np.testing.assert_allclose(many.estimate, one.estimate, rtol=1e-12)
    np.testing.assert_allclose(many.lower, one.lower, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(many.upper, one.upper, rtol=1e-9)


@given(strata(), st.data())
def test_the_order_of_the_fits_changes_nothing(of: Stratum, data: st.DataObject) -> None:
    """Each fit keeps its own weights and its own sums (mistake 7: a shared table mixing patients up)."""
    order = data.draw(st.permutations(range(of.fits.count)))
    known = data.draw(known_answers(of))
    moved = replace(
        of,
        fits=Fits(**{name: getattr(of.fits, name)[list(order)] for name in Fits.__slots__}),
        blocks=tuple(replace(block, weights=block.weights[list(order)]) for block in of.blocks),
    )
    here, there = survival(of, mixture(of, known), 3), survival(moved, mixture(moved, known), 3)
    np.testing.assert_allclose(there.estimate, here.estimate, rtol=1e-12)
    np.testing.assert_allclose(there.lower, here.lower, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(there.upper, here.upper, rtol=1e-9)


@given(strata(), st.data())
def test_survival_never_rises_and_its_limits_hold_it(of: Stratum, data: st.DataObject) -> None:
    """Issue, point 5: it starts at 1, never rises and stays in [0, 1]; the interval contains the estimate."""
    known = data.draw(known_answers(of))
    s = data.draw(st.integers(0, of.last_month - 1))
    curve = survival(of, mixture(of, known), s)
    assert curve.months.tolist() == list(range(s, of.last_month + 1))
    assert curve.estimate[0] == 1
    assert (np.diff(curve.estimate) <= 0).all()
    assert (curve.estimate >= 0).all()
    seen = of.hazard[s:] > of.hazard[s]
    seen[0] = True
    assert (np.isnan(curve.lower) == ~seen).all()
    assert (np.isnan(curve.upper) == ~seen).all()
    assert (curve.lower[seen] >= 0).all()
    assert (curve.lower[seen] <= curve.estimate[seen]).all()
    assert (curve.estimate[seen] <= curve.upper[seen]).all()
    assert (curve.upper[seen] <= 1).all()


def test_a_month_without_a_death_does_not_raise_the_last_digit() -> None:
    """Where the hazard stays the same the curve does, too, though sums over kinds are rounded row by row."""
    for seed in range(42200, 42400):
        of = stratum(seed, 1, THREE)
        assert (np.diff(survival(of, everybody(of)).estimate) <= 0).all()
        assert (np.diff(reference(of)) <= 0).all()


@given(strata(), st.data())
def test_survival_to_t_is_survival_to_s_times_survival_from_s_to_t(of: Stratum, data: st.DataObject) -> None:
    """Issue, point 5: S(t) = S(s)·S(t|s), also for a mixture, whose members die at different rates."""
    known = data.draw(known_answers(of))
    s = data.draw(st.integers(0, of.last_month - 1))
    whole, later = (survival(of, mixture(of, known), start).estimate for start in (0, s))
    np.testing.assert_allclose(whole[s] * later, whole[s:], rtol=1e-12)
    all_whole, all_later = reference(of), reference(of, s)
    np.testing.assert_allclose(all_whole[s] * all_later, all_whole[s:], rtol=1e-12)


@given(strata(), st.data())
def test_the_estimate_at_one_month_is_a_point_of_the_curve(of: Stratum, data: st.DataObject) -> None:
    """The cheap estimate and the reference are the curve's own numbers."""
    known = data.draw(known_answers(of))
    s = data.draw(st.integers(0, of.last_month - 1))
    curve = survival(of, mixture(of, known), s)
    found = [survival_at(of, mixture(of, known), month, s) for month in range(s, of.last_month + 1)]
    np.testing.assert_allclose(found, curve.estimate, rtol=1e-13)
    np.testing.assert_allclose(reference(of, s), survival(of, everybody(of), s).estimate, rtol=1e-13)


def test_unless_said_otherwise_time_counts_from_zero() -> None:
    """DESIGN §6: alive_months is optional."""
    of = stratum(3, 2, ONE)
    assert survival(of, everybody(of)).months[0] == 0
    assert len(reference(of)) == len(of.months)
    np.testing.assert_array_equal(reference(of), reference(of, 0))
    assert survival_at(of, everybody(of), 9) == survival_at(of, everybody(of), 9, 0)
    assert survival_at(of, everybody(of), 9) != survival_at(of, everybody(of), 9, 1)


def test_those_who_live_longest_are_who_is_left() -> None:
    """A ratio of averages and not an average of ratios: of a good and a bad half, the good half is left at s."""
    of = stratum(3, 1, ONE)
    of = replace(of, fits=replace(of.fits, coefficients=np.array([[-1.5]])), centre=np.zeros(1))
    rows, w = np.log(np.array([[0.2], [20.0]])), np.array([0.5, 0.5])
    mixed = Mixture(rows=rows, weights=w)
    s, t = 6, of.last_month
    good, bad = (Mixture(rows=rows[[j]], weights=np.ones(1)) for j in (1, 0))
    averages = [0.5 * survival_at(of, good, u) + 0.5 * survival_at(of, bad, u) for u in (t, s)]
    assert survival_at(of, mixed, t, s) == pytest.approx(averages[0] / averages[1], rel=1e-13)
    assert survival_at(of, mixed, t, s) > (survival_at(of, good, t, s) + survival_at(of, bad, t, s)) / 2


def test_where_nobody_has_died_survival_is_1_and_has_no_limits() -> None:
    """DESIGN §4: where ΔH̄ = 0, S = 1 and the interval is null; the first death brings one."""
    of = stratum(5, 3, THREE)
    hazard, variance = of.fits.hazard.copy(), of.fits.hazard_variance.copy()
    gradient = of.fits.hazard_gradient.copy()
    for sums in (hazard, variance, gradient):
        sums[:, :6] = sums[:, [2]]
    of = replace(of, fits=replace(of.fits, hazard=hazard, hazard_variance=variance, hazard_gradient=gradient))
    nobody: Answers = {}
    somebody: Answers = {"size": 3.0, "grade": "g1", "site": "here"}
    for known in (nobody, somebody):
        curve = survival(of, mixture(of, known), 2)
        assert curve.estimate[:4].tolist() == [1, 1, 1, 1]
        assert (curve.lower[0], curve.upper[0]) == (1, 1)
        assert np.isnan(curve.lower[1:4]).all()
        assert np.isnan(curve.upper[1:4]).all()
        assert curve.lower[-1] < curve.estimate[-1] < curve.upper[-1] < 1


def test_a_fit_without_a_death_in_the_window_leaves_the_estimate_finite() -> None:
    """DESIGN §4: hazards are averaged, not their logarithms."""
    of = stratum(5, 3, THREE)
    hazard, variance = of.fits.hazard.copy(), of.fits.hazard_variance.copy()
    gradient = of.fits.hazard_gradient.copy()
    for sums in (hazard, variance, gradient):
        sums[0] = 0
    of = replace(of, fits=replace(of.fits, hazard=hazard, hazard_variance=variance, hazard_gradient=gradient))
    curve = survival(of, mixture(of, {"size": 3.0, "grade": "g1", "site": "here"}))
    assert 0 < curve.lower[-1] < curve.estimate[-1] < curve.upper[-1] < 1


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e-9])
def test_a_patient_whose_survival_is_too_small_for_a_number_still_has_one_and_no_nan(size: float) -> None:
    """Nothing is clamped (E18), so a tiny value that the hard range allows must come out as almost nobody alive."""
    of = stratum(5, 3, ONE)
    of = replace(of, fits=replace(of.fits, coefficients=np.array([[-0.45], [-0.4], [-0.35]])))
    for start in (0, 6):
        curve = survival(of, mixture(of, {"size": size}), start)
        assert curve.estimate[-1] < 1e-12
        for values in (curve.estimate, curve.lower, curve.upper):
            assert ((values >= 0) & (values <= 1) | np.isnan(values)).all()
        assert survival_at(of, mixture(of, {"size": size}), 13, start) == curve.estimate[-1]
        assert not np.isnan(curve.lower[-1])


def test_fits_that_disagree_widen_the_interval() -> None:
    """What was not published widens the interval by itself (DESIGN §3)."""
    of = stratum(9, 5, THREE)
    of = replace(of, fits=replace(of.fits, hazard=np.repeat(of.hazard[None], 5, axis=0)))
    agreed = replace(of, fits=replace(of.fits, coefficients=np.repeat(of.coefficients[None], 5, axis=0)))
    answers: Answers = {"size": 30.0, "grade": "g3", "site": "there"}
    wide, narrow = (survival(of, mixture(of, answers)) for of in (of, agreed))
    assert (wide.lower[1:] < narrow.lower[1:]).all()
    assert (wide.upper[1:] > narrow.upper[1:]).all()
