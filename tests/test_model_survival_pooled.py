"""Survival pooled over many fits, and over mixtures of patients, against independent derivations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.fitted import Stratum
from model.mixture import mixture
from model.survival import Z, survival
from tests.invented import THREE, Answers, known_answers, strata, stratum

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]


def log_log(values: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(-np.log(values)))


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
