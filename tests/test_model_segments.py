"""Effects that change with time: a model cut into segments of time, a spline, and counts of like patients."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.document import UnreadableModel, _stratum, stratum_document
from model.explanation import hazard_ratios
from model.features import Feature, Features, Level, Range
from model.fitted import Array, Block, Fits, Likeness, LikePatients, Stratum, Support, Term, spline_part
from model.likeness import Like, like
from model.mixture import everybody, mixture
from model.patient import InvalidPatient, Patient
from model.survival import Z, reference, survival, survival_at

LAST, CUT = 8, 3
SIZE = Feature("size", "Size", "?", "d", "w", "t", reference=1.0, unit="cm", hard=Range(0, 10))
LOCAL = Level("local", "Local", "a local one")
DISTANT = Level("distant", "Distant", "a distant one")
KIND = Feature("kind", "Kind", "?", "d", "w", "t", levels=(LOCAL,))


def segmented(fits: int = 1, seed: int = 3) -> Stratum:
    """A stratum with one number whose effect is 0.5 up to month 3 and about 0 after it, and invented noise."""
    rng = np.random.default_rng(seed)
    steps = rng.uniform(0.02, 0.08, (fits, LAST))
    gradient = rng.normal(0, 0.05, (fits, LAST, 2)) * steps[:, :, None]
    gradient[:, :CUT, 1] = gradient[:, CUT:, 0] = 0.0

    def cumulative(increments: Array) -> Array:
        return np.concatenate([np.zeros_like(increments[:, :1]), np.cumsum(increments, axis=1)], axis=1)

    return Stratum(
        name="local",
        months=np.arange(LAST + 1),
        terms=(Term("size", "identity", segment=0), Term("size", "identity", segment=1)),
        centre=np.array([2.0, 2.0]),
        fits=Fits(
            coefficients=np.array([0.5, 0.05]) + rng.normal(0, 0.05, (fits, 2)) * (fits > 1),
            covariance=np.array([[[0.04, 0.005], [0.005, 0.06]]] * fits),
            hazard=cumulative(steps),
            hazard_variance=cumulative(steps**2 / 3),
            hazard_gradient=cumulative(gradient),
        ),
        blocks=(Block(("size",), ({"size": 1.0}, {"size": 4.0}), np.array([[0.6, 0.4]] * fits), {"size": (2.5,)}),),
        support=Support(50, 30, "registry"),
        cuts=(CUT,),
    )


def by_hand(of: Stratum, size: float, start: int, end: int) -> tuple[float, float]:
    """Λ and its variance as the formula has them: Σₖ exp(β·xₖ)·ΔHₖ and Σₖ exp(2β·xₖ)·ΔAₖ + cᵀVc."""
    total, noise, lever = 0.0, 0.0, np.zeros(2)
    fits, x = of.fits, size - 2.0
    for k, (first, last) in enumerate([(0, CUT), (CUT, LAST)]):
        low, high = min(max(start, first), last), min(max(end, first), last)
        ratio = math.exp(fits.coefficients[0, k] * x)
        row = np.array([x, 0.0]) if k == 0 else np.array([0.0, x])
        step = fits.hazard[0, high] - fits.hazard[0, low]
        total += ratio * step
        noise += ratio**2 * (fits.hazard_variance[0, high] - fits.hazard_variance[0, low])
        lever += ratio * (row * step - (fits.hazard_gradient[0, high] - fits.hazard_gradient[0, low]))
    return total, noise + float(lever @ fits.covariance[0] @ lever)


@pytest.mark.parametrize("start", [0, 1, 3, 5])
@pytest.mark.parametrize("size", [0.5, 2.0, 6.0])
def test_one_patient_is_the_formula(size: float, start: int) -> None:
    """Estimate and limits are those of the written formula, before, across and after the cut."""
    of = segmented()
    curve = survival(of, mixture(of, {"size": size}), start)
    for month in range(start + 1, LAST + 1):
        total, variance = by_hand(of, size, start, month)
        error = math.sqrt(variance) / total
        at = month - start
        assert curve.estimate[at] == pytest.approx(math.exp(-total), abs=1e-13)
        assert curve.lower[at] == pytest.approx(math.exp(-total * math.exp(Z * error)), abs=1e-12)
        assert curve.upper[at] == pytest.approx(math.exp(-total * math.exp(-Z * error)), abs=1e-12)


@pytest.mark.parametrize("start", [0, 2, 5])
def test_limits_of_a_mixture_are_the_delta_method(start: int) -> None:
    """Of a mixture too, the variance of log Λ follows from its derivatives in β and in each month's hazard."""
    of = replace(segmented(), blocks=(replace(segmented().blocks[0], weights=np.array([[0.6, 0.4]])),))
    end, fits = LAST, of.fits
    steps, gradients = np.diff(fits.hazard[0]), np.diff(fits.hazard_gradient[0], axis=0)

    def log_total(beta: Array, hazards: Array) -> float:
        hazards = hazards - gradients @ (beta - fits.coefficients[0])

        def alive(month: int) -> float:
            share = 0.0
            for weight, size in ((0.6, 1.0), (0.4, 4.0)):
                ratios = [math.exp(beta[0 if m < CUT else 1] * (size - 2.0)) for m in range(month)]
                share += weight * math.exp(-float(np.dot(ratios, hazards[:month])))
            return share

        return math.log(math.log(alive(start)) - math.log(alive(end)))

    h, variance = 1e-6, 0.0
    for month in range(end):
        bump = np.zeros(end)
        bump[month] = h
        slope = (log_total(fits.coefficients[0], steps + bump) - log_total(fits.coefficients[0], steps - bump)) / (
            2 * h
        )
        variance += slope**2 * np.diff(fits.hazard_variance[0])[month]
    lever = np.array(
        [
            (log_total(fits.coefficients[0] + b, steps) - log_total(fits.coefficients[0] - b, steps)) / (2 * h)
            for b in (np.array([h, 0.0]), np.array([0.0, h]))
        ]
    )
    variance += float(lever @ fits.covariance[0] @ lever)
    curve = survival(of, everybody(of), start)
    found = (math.log(-math.log(curve.lower[-1])) - math.log(-math.log(curve.estimate[-1]))) / Z
    assert found == pytest.approx(math.sqrt(variance), rel=1e-6)


@given(st.floats(0, 10), st.integers(0, LAST - 2))
def test_survival_stays_a_product(size: float, start: int) -> None:
    """S(t) = S(s)·S(t|s), and the reference, the curve and the single month agree."""
    of = segmented(4)
    whole = survival(of, mixture(of, {"size": size})).estimate
    late = survival(of, mixture(of, {"size": size}), start).estimate
    np.testing.assert_allclose(whole[start:], whole[start] * late, atol=1e-13)
    assert survival_at(of, mixture(of, {"size": size}), LAST, start) == pytest.approx(late[-1], abs=1e-13)
    np.testing.assert_allclose(reference(of, start), survival(of, everybody(of), start).estimate, atol=1e-13)


def test_equal_segments_are_no_segments() -> None:
    """With the same coefficient and covariance in both, a cut changes neither estimate nor limits."""
    of = segmented(3)
    plain = replace(
        of,
        terms=(Term("size", "identity"),),
        centre=np.array([2.0]),
        cuts=(),
        fits=replace(
            of.fits,
            coefficients=of.fits.coefficients[:, :1],
            covariance=of.fits.covariance[:, :1, :1],
            hazard_gradient=of.fits.hazard_gradient.sum(axis=2, keepdims=True),
        ),
    )
    cut = replace(
        of,
        terms=(Term("size", "identity"),),
        centre=plain.centre,
        fits=plain.fits,
    )
    for known in ({"size": 3.0}, {}):
        one, other = survival(plain, mixture(plain, known), 1), survival(cut, mixture(cut, known), 1)
        np.testing.assert_allclose(one.estimate, other.estimate, atol=1e-14)
        np.testing.assert_allclose(one.lower, other.lower, atol=1e-12)
        np.testing.assert_allclose(one.upper, other.upper, atol=1e-12)


def test_a_hazard_ratio_is_told_for_each_segment() -> None:
    """Where an effect changes, one figure for all time would be none."""
    first, second = hazard_ratios(segmented(), SIZE, 3.0)
    assert (first.first_month, first.last_month, second.first_month, second.last_month) == (0, 3, 3, 8)
    assert first.estimate == pytest.approx(math.exp(0.5 * 2))
    assert second.estimate == pytest.approx(math.exp(0.05 * 2))


def test_segments_survive_the_document() -> None:
    """What is written is read back, and a term in a segment that is not there is refused."""
    of = replace(segmented(2), likeness=Likeness({"size": (2.5,)}, (LikePatients({"size": 0}, 12, None),)))
    document = stratum_document(of)
    back = _stratum("local", document)
    assert (back.cuts, back.terms, back.likeness) == (of.cuts, of.terms, of.likeness)
    np.testing.assert_array_equal(
        survival(back, mixture(back, {"size": 3.0})).lower, survival(of, mixture(of, {"size": 3.0})).lower
    )
    changes: list[dict[str, list[float]]] = [
        {"cuts": []},
        {"cuts": [8]},
        {"cuts": [0]},
        {"cuts": [5, 3]},
        {"cuts": [2.5]},
    ]
    for wrong in changes:
        with pytest.raises(UnreadableModel, match=r"segment|cuts"):
            _stratum("local", {**document, **wrong})


def test_a_spline_is_straight_outside_its_knots() -> None:
    """Harrell's truncated powers: 0 below the first knot, a straight line above the last, smooth between."""
    knots = (1.0, 3.0, 7.0)
    assert spline_part(0.5, knots, 1) == 0
    assert spline_part(2.0, knots, 1) == pytest.approx(1 / 36)
    rises = np.diff([spline_part(x, knots, 1) for x in (8.0, 9.0, 10.0)])
    assert rises[0] == pytest.approx(rises[1])
    assert Term("size", "rcs", knots=knots, part=0).evaluate(2.0) == 2.0
    assert Term("size", "rcs", knots=knots, part=1).evaluate(2.0) == pytest.approx(1 / 36)


def test_few_like_patients_are_hidden() -> None:
    """Counts under ten are not in the model, and so cannot be shown; nothing is said where an answer is unknown."""
    of = replace(segmented(), likeness=Likeness({"size": (2.5,)}, (LikePatients({"size": 0}, 12, None),)))
    assert like(of, Patient("local", {"size": 1.0})) == Like(12, None)
    assert like(of, Patient("local", {"size": 9.0})) == Like(None, None)
    assert like(of, Patient("local", {}, ("size",))) is None
    assert like(segmented(), Patient("local", {"size": 1.0})) is None
    document = stratum_document(of)
    document["likeness"]["groups"][0]["patients"] = 9
    with pytest.raises(UnreadableModel, match="fewer than 10"):
        _stratum("local", document)


def test_a_single_stratum_is_not_asked_for() -> None:
    """A question with one answer needs none; two answers do."""
    one = Features((SIZE,), KIND, {"local": LAST})
    assert Patient.parse(one, {"size": 2.0}).stratum == "local"
    assert one.asked == (SIZE,)
    two = Features((SIZE,), replace(KIND, levels=(LOCAL, DISTANT)), {"local": LAST, "distant": LAST})
    assert two.asked[1:] == (SIZE,)
    with pytest.raises(InvalidPatient, match="kind: missing"):
        Patient.parse(two, {"size": 2.0})
