"""Survival and its limits: R's numbers for one fit, Rubin's rules for many, and laws whatever the numbers are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
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
from training.risk_sets import RiskSets, risk_sets

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

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


# Many fits: DESIGN §4's formulas by plain loops, for patients of whom all is known.


def rubin_by_loops(of: Stratum, answers: Answers, s: int, t: int) -> tuple[float, float, float]:
    """Λ, W̄ and T of DESIGN §4, fit by fit."""
    x = np.array([term.evaluate(answers[term.feature]) for term in of.terms]) - of.centre
    fits, m = of.fits, of.fits.count
    hazards = [float(fits.hazard[k, t] - fits.hazard[k, s]) for k in range(m)]
    mean_hazard = sum(hazards) / m
    mean_beta = sum(fits.coefficients[k] for k in range(m)) / m
    within = 0.0
    deviations = []
    for k in range(m):
        v = x * hazards[k] - (fits.hazard_gradient[k, t] - fits.hazard_gradient[k, s])
        noise = float(fits.hazard_variance[k, t] - fits.hazard_variance[k, s])
        within += (noise + float(v @ fits.covariance[k] @ v)) / mean_hazard**2 / m
        deviations.append(float((fits.coefficients[k] - mean_beta) @ x) + hazards[k] / mean_hazard - 1)
    mean_deviation = sum(deviations) / m
    between = sum((u - mean_deviation) ** 2 for u in deviations) / (m - 1) if m > 1 else 0.0
    return mean_hazard * math.exp(float(mean_beta @ x)), within, within + (1 + 1 / m) * between


def check_limits(curve_at: tuple[float, float, float], total: float, variance: float) -> None:
    """The three numbers are exp(-Λ) and exp(-exp(log Λ ± z·√T))."""
    error = math.sqrt(variance)
    expected = (
        math.exp(-total),
        math.exp(-math.exp(math.log(total) + Z * error)),
        math.exp(-math.exp(math.log(total) - Z * error)),
    )
    for found, wanted in zip(curve_at, expected, strict=True):
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-13)


@given(strata(), st.data())
def test_many_fits_are_pooled_by_rubins_rules(of: Stratum, data: st.DataObject) -> None:
    """DESIGN §4: Λ = ΔH̄·exp(β̄·x), T = W̄ + (1 + 1/M)·B, for every known patient, every s and every t."""
    answers = data.draw(known_answers(of, complete=True))
    s = data.draw(st.integers(0, of.last_month - 1))
    curve = survival(of, mixture(of, answers), s)
    assert (curve.estimate[0], curve.lower[0], curve.upper[0]) == (1, 1, 1)
    for t in range(s + 1, of.last_month + 1):
        found = (curve.estimate[t - s], curve.lower[t - s], curve.upper[t - s])
        if of.hazard[t] == of.hazard[s]:
            assert found[0] == 1
            assert math.isnan(found[1])
            assert math.isnan(found[2])
            continue
        total, _, variance = rubin_by_loops(of, answers, s, t)
        check_limits(found, total, variance)


# Mixtures: the delta method, from the definition.
#
# F = -log(N(t)/N(s)) with N(u) = Σⱼ wⱼ·exp(-h(u)·exp(b·xⱼ)) is a function of the pooled h(t), h(s), b and w. Then
# Var(log F) = Var(F)/F², and Var(F) has two parts.
#
# Within fit m, its own deaths make h(u) uncertain by a sum e(u) of independent increments, Var e(u) = A_m(u), so
# Cov(e(s), e(t)) = A_m(s); and its coefficients by δ ~ (0, V_m), which moves h(u) by -Q_m(u)·δ as well, and b by δ.
# The latter acts through h(u)·exp(b·x), where fit m has its own H_m(u) in place of h(u) (the design's xΔH - ΔQ); so
# what b does at time u is scaled by H_m(u)/h(u). W̄ is the mean over the fits of
#
#     g_t²·A(t) + g_s²·A(s) + 2·g_t·g_s·A(s) + vᵀVv,    g_u = ∂F/∂h(u),
#     v = H(t)/h(t)·∂F/∂b(t) + H(s)/h(s)·∂F/∂b(s) - g_t·Q(t) - g_s·Q(s),
#
# with b(u) the coefficients as they enter N(u). Between the fits, u_m is how F changes when all of h, b and w move
# from their means towards fit m: the derivative of F along (H_m - h, β_m - b, w_m - w).
#
# Every derivative is taken by the complex step, Im F(x + iε)/ε, exact to rounding and ignorant of the formulas that
# the program uses.


def kinds(of: Stratum, known: Answers) -> tuple[list[dict[str, float | str]], list[Array]]:
    """Every kind of patient that agrees with what is known, and its share in each fit, one by one."""
    found: list[tuple[dict[str, float | str], Array]] = [({}, np.ones(of.fits.count))]
    for block in of.blocks:
        if all(name in known for name in block.features):
            continue
        agreeing = []
        for j, atom in enumerate(block.atoms):
            same = all(
                (sum(float(known[n]) >= e for e in block.edges[n]) == sum(float(atom[n]) >= e for e in block.edges[n]))
                if n in block.edges
                else known[n] == atom[n]
                for n in block.features
                if n in known
            )
            if same:
                agreeing.append((dict(atom), block.weights[:, j]))
        whole = sum(weight for _, weight in agreeing)
        found = [({**before, **atom}, share * weight / whole) for before, share in found for atom, weight in agreeing]
    return [{**atom, **known} for atom, _ in found], [share for _, share in found]


def delta_method(of: Stratum, known: Answers, s: int, t: int) -> tuple[float, float]:
    """F and Var(log F), as derived above."""
    atoms, shares = kinds(of, known)
    x = np.array([[term.evaluate(a[term.feature]) for term in of.terms] - of.centre for a in atoms])
    x = x.reshape(len(atoms), len(of.terms))
    fits, m, p = of.fits, of.fits.count, len(of.terms)
    weights = np.array(shares)  # (J, M)
    w, b = weights.mean(axis=1), fits.coefficients.mean(axis=0)
    h_t, h_s = fits.hazard[:, t].mean(), fits.hazard[:, s].mean()

    def minus_log_survival(point: Sequence[Complex]) -> complex:
        h_t, h_s, b_t, b_s, w = point
        at_t = sum(w[j] * np.exp(-h_t * np.exp(x[j] @ b_t)) for j in range(len(atoms)))
        at_s = sum(w[j] * np.exp(-h_s * np.exp(x[j] @ b_s)) for j in range(len(atoms)))
        return complex(np.log(at_s) - np.log(at_t))

    here = [np.asarray(value, dtype=complex) for value in (h_t, h_s, b, b, w)]

    def along(*direction: float | Array) -> float:
        """The derivative of F in one direction of (h(t), h(s), b(t), b(s), w)."""
        tiny = 1e-40
        moved = [value + 1j * tiny * np.asarray(step) for value, step in zip(here, direction, strict=True)]
        return minus_log_survival(moved).imag / tiny

    none, unit = np.zeros(p), np.eye(p)
    still = np.zeros(len(atoms))
    g_t, g_s = along(1, 0, none, none, still), along(0, 1, none, none, still)
    b_t = np.array([along(0, 0, unit[i], none, still) for i in range(p)])
    b_s = np.array([along(0, 0, none, unit[i], still) for i in range(p)])
    within, deviations = 0.0, []
    for k in range(m):
        a_t, a_s = fits.hazard_variance[k, t], fits.hazard_variance[k, s]
        v = fits.hazard[k, t] / h_t * b_t - g_t * fits.hazard_gradient[k, t] - g_s * fits.hazard_gradient[k, s]
        if h_s > 0:
            v = v + fits.hazard[k, s] / h_s * b_s
        within += (g_t**2 * a_t + g_s**2 * a_s + 2 * g_t * g_s * a_s + v @ fits.covariance[k] @ v) / m
        step = fits.coefficients[k] - b
        deviations.append(along(fits.hazard[k, t] - h_t, fits.hazard[k, s] - h_s, step, step, weights[:, k] - w))
    between = float(np.var(deviations, ddof=1)) if m > 1 else 0.0
    total = minus_log_survival(here).real
    return total, (within + (1 + 1 / m) * between) / total**2


@given(strata(), st.data())
def test_a_mixture_has_the_limits_that_the_delta_method_gives(of: Stratum, data: st.DataObject) -> None:
    """DESIGN §4, unknown input: Σ w·S(t|xⱼ)/Σ w·S(s|xⱼ), and its interval with B carrying the mix."""
    known = data.draw(known_answers(of))
    s = data.draw(st.integers(0, of.last_month - 1))
    t = data.draw(st.integers(s + 1, of.last_month))
    if of.hazard[t] == of.hazard[s] or (known.get("grade") == "g3" and float(known.get("size", 9)) < 2):
        return
    curve = survival(of, mixture(of, known), s)
    total, variance = delta_method(of, known, s, t)
    # F is a difference of logarithms here and there, so a small one has fewer digits.
    assert curve.estimate[t - s] == pytest.approx(math.exp(-total), rel=1e-12)
    error = math.sqrt(variance)
    for found, sign in ((curve.lower[t - s], 1), (curve.upper[t - s], -1)):
        assert found == pytest.approx(math.exp(-total * math.exp(sign * Z * error)), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("known", [{}, {"size": 4.0}, {"grade": "g2"}, {"size": 4.0, "grade": "g2", "site": "here"}])
@pytest.mark.parametrize("start", [0, 5])
def test_the_error_is_the_spread_of_refits(known: Mapping[str, float | str], start: int) -> None:
    """A parametric bootstrap of one fit: β* ~ N(β, V), H* = H + noise - Q·(β* - β), and S from its definition.

    The fit is made 10 times as sure as it was, so that what the delta method leaves out is small beside the Monte
    Carlo error of 20,000 refits: a variance has a relative standard error of √(2/20,000) = 1 %; 4 of them are
    allowed.
    """
    of = stratum(7, 1, THREE)
    fits = replace(of.fits, covariance=of.fits.covariance / 100, hazard_variance=of.fits.hazard_variance / 100)
    of = replace(of, fits=fits)
    t, n = of.last_month, 20_000
    rng = np.random.default_rng(11)
    atoms, shares = kinds(of, known)
    x = np.array([of.design(atom) for atom in atoms])
    w = np.array(shares)[:, 0]
    step = rng.multivariate_normal(np.zeros(4), fits.covariance[0], n)
    noise_s = rng.normal(0, math.sqrt(fits.hazard_variance[0, start]), n)
    noise_t = noise_s + rng.normal(0, math.sqrt(fits.hazard_variance[0, t] - fits.hazard_variance[0, start]), n)
    ratios = np.exp((fits.coefficients[0] + step) @ x.T)
    alive = [
        np.exp(-(fits.hazard[0, u] + noise - step @ fits.hazard_gradient[0, u])[:, None] * ratios) @ w
        for u, noise in ((t, noise_t), (start, noise_s))
    ]
    refits = log_log(alive[0] / alive[1])
    curve = survival(of, mixture(of, known), start)
    half = (log_log(curve.lower)[-1] - log_log(curve.upper)[-1]) / 2 / Z
    assert half**2 == pytest.approx(np.var(refits), rel=4 * math.sqrt(2 / n))
    assert log_log(curve.estimate)[-1] == pytest.approx(refits.mean(), abs=5 * half / math.sqrt(n) + half**2)


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
