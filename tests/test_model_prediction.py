"""Predictions: laws over all valid patients of a model with the default questions, and over others' questions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.document import read_model
from model.features import UNKNOWN, Range
from model.fitted import Model
from model.patient import Patient
from model.prediction import Prediction, predict
from tests.invented import FEATURES, THREE, document, small_model, stratum, valid_inputs

MODEL = small_model()
LAST = 60


def asked_of(model: Model, inputs: dict[str, Any]) -> Prediction:
    return predict(model, Patient.parse(model.features, inputs["features"], alive_months=inputs["alive_months"]))


def local(interval: float, resection: str = "no", alive: int = 0) -> Prediction:
    features = {"pattern": "local", "interval_months": interval, "resection": resection}
    return asked_of(MODEL, {"features": features, "alive_months": alive})


def distant(interval: float, subtype: str, alive: int = 0) -> Prediction:
    features = {"pattern": "distant", "interval_months": interval, "subtype": subtype}
    return asked_of(MODEL, {"features": features, "alive_months": alive})


# Laws over all valid patients.


@given(valid_inputs())
def test_the_curve_starts_at_1_never_rises_and_stays_between_0_and_1(inputs: dict[str, Any]) -> None:
    """Issue, point 5; DESIGN §6: the months are s, s + 1, …, the last supported one, shared with the reference."""
    found = asked_of(MODEL, inputs)
    curve = found.curve
    assert curve.months.tolist() == list(range(inputs["alive_months"], LAST + 1))
    for values in (curve.estimate, found.reference):
        assert values.shape == curve.lower.shape == curve.upper.shape == curve.months.shape
        assert values[0] == 1
        assert (np.diff(values) <= 0).all()
        assert ((values >= 0) & (values <= 1)).all()


@given(valid_inputs())
def test_the_interval_contains_the_estimate(inputs: dict[str, Any]) -> None:
    """E10 and E13: at each month and each headline horizon, inside [0, 1]."""
    found = asked_of(MODEL, inputs)
    curve = found.curve
    seen = ~np.isnan(curve.lower)
    assert (seen == ~np.isnan(curve.upper)).all()
    assert (curve.estimate[~seen] == 1).all()
    assert (curve.lower[seen] >= 0).all()
    assert (curve.lower[seen] <= curve.estimate[seen]).all()
    assert (curve.estimate[seen] <= curve.upper[seen]).all()
    assert (curve.upper[seen] <= 1).all()
    for at in found.survival:
        i = at.months - inputs["alive_months"]
        assert at.estimate == curve.estimate[i]
        assert (at.lower is None) == (at.upper is None) == bool(np.isnan(curve.lower[i]))
        if at.lower is not None:
            assert (at.lower, at.upper) == (curve.lower[i], curve.upper[i])


@given(valid_inputs())
def test_survival_given_alive_at_s_is_survival_divided_by_survival_to_s(inputs: dict[str, Any]) -> None:
    """Issue, point 5: S(t) = S(s)·S(t|s), and the reference likewise, S̄(t)/S̄(s)."""
    later = asked_of(MODEL, inputs)
    whole = asked_of(MODEL, {**inputs, "alive_months": 0})
    s = inputs["alive_months"]
    np.testing.assert_allclose(whole.curve.estimate[s] * later.curve.estimate, whole.curve.estimate[s:], rtol=1e-11)
    np.testing.assert_allclose(whole.reference[s] * later.reference, whole.reference[s:], rtol=1e-12)


@given(valid_inputs())
def test_points_lead_from_the_reference_to_the_estimate(inputs: dict[str, Any]) -> None:
    """E22 and DESIGN §6: at 36 months, or the first horizon after s; the numbers are those of curve and reference."""
    found = asked_of(MODEL, inputs)
    s, explanation = inputs["alive_months"], found.explanation
    assert explanation.horizon_months == (36 if s < 36 else 60)
    i = explanation.horizon_months - s
    assert explanation.survival == pytest.approx(float(found.curve.estimate[i]), rel=1e-12, abs=1e-300)
    assert explanation.reference_survival == pytest.approx(float(found.reference[i]), rel=1e-12)
    total = sum(contribution.points for contribution in explanation.contributions)
    assert total == pytest.approx(100 * (explanation.survival - explanation.reference_survival), abs=1e-9)
    names = [feature.name for feature in MODEL.features.used_in(found.patient.stratum)]
    assert [contribution.feature for contribution in explanation.contributions] == [
        name for name in names if name in found.patient.values
    ]
    for contribution in explanation.contributions:
        assert contribution.value == found.patient.values[contribution.feature]
        (ratio,) = contribution.hazard_ratios
        assert ratio.lower <= ratio.estimate <= ratio.upper


@given(valid_inputs())
def test_an_unknown_lies_between_its_lowest_and_its_highest(inputs: dict[str, Any]) -> None:
    """E17 and issue, point 5: each unknown is named, with the range of the estimate over its possible values."""
    found = asked_of(MODEL, inputs)
    assert [unknown.feature for unknown in found.unknown] == [
        name for name, answer in inputs["features"].items() if answer == UNKNOWN
    ]
    for unknown in found.unknown:
        # The logarithm of a survival of 1e-300 has 13 digits left.
        assert unknown.lowest * (1 - 1e-12) <= found.explanation.survival <= unknown.highest * (1 + 1e-12)
        for value, estimate in ((unknown.lowest_value, unknown.lowest), (unknown.highest_value, unknown.highest)):
            answered = asked_of(MODEL, {**inputs, "features": {**inputs["features"], unknown.feature: value}})
            assert answered.explanation.survival == pytest.approx(estimate, rel=1e-12, abs=1e-300)
        levels = MODEL.features.named(unknown.feature).levels
        every = [
            asked_of(MODEL, {**inputs, "features": {**inputs["features"], unknown.feature: level.code}})
            for level in levels
        ]
        estimates = [prediction.explanation.survival for prediction in every]
        assert (min(estimates), max(estimates)) == pytest.approx((unknown.lowest, unknown.highest), rel=1e-12)


@given(valid_inputs())
def test_an_unknown_is_an_average_over_its_levels(inputs: dict[str, Any]) -> None:
    """DESIGN §4: Σ w·S(t|xⱼ) / Σ w·S(s|xⱼ), w being the mean of the fits' shares."""
    found = asked_of(MODEL, inputs)
    if not found.unknown:
        return
    (unknown,) = found.unknown
    (block,) = (b for b in MODEL.strata[found.patient.stratum].blocks if unknown.feature in b.features)
    curves = [
        asked_of(MODEL, {"features": {**inputs["features"], **atom}, "alive_months": 0}).curve.estimate
        for atom in block.atoms
    ]
    average = block.weights.mean(axis=0) @ np.array(curves)
    s = inputs["alive_months"]
    np.testing.assert_allclose(found.curve.estimate * average[s], average[s:], rtol=1e-11, atol=1e-300)


@given(valid_inputs())
def test_spans_are_those_of_the_curve(inputs: dict[str, Any]) -> None:
    """E9: at the months named, the curve has fallen to 90, 75, 50, 25 and 10 %."""
    found = asked_of(MODEL, inputs)
    early, late = found.spans.middle_half_months
    named = {
        0.90: found.spans.worst_tenth_months,
        0.75: early,
        0.50: found.spans.median_months,
        0.25: late,
        0.10: found.spans.best_tenth_months,
    }
    for share, months in named.items():
        if months is None:
            assert found.curve.estimate[-1] > share
        else:
            assert inputs["alive_months"] <= months <= LAST
            assert np.interp(months, found.curve.months, found.curve.estimate) == pytest.approx(share, abs=1e-9)


@given(valid_inputs())
def test_the_headline_is_what_lies_ahead(inputs: dict[str, Any]) -> None:
    """E6 and DESIGN §6: 1, 2, 3 and 5 years; horizons up to s are left out, and one always remains."""
    found = asked_of(MODEL, inputs)
    expected = [months for months in (12, 24, 36, 60) if months > inputs["alive_months"]]
    assert [at.months for at in found.survival] == expected


@given(valid_inputs(), st.randoms(use_true_random=False))
def test_the_order_of_the_inputs_does_not_matter(inputs: dict[str, Any], random: Any) -> None:  # noqa: ANN401
    """E19 and mistake 4."""
    names = list(inputs["features"])
    random.shuffle(names)
    shuffled = {**inputs, "features": {name: inputs["features"][name] for name in names}}
    here, there = asked_of(MODEL, inputs), asked_of(MODEL, shuffled)
    np.testing.assert_array_equal(here.curve.estimate, there.curve.estimate)
    np.testing.assert_array_equal(here.curve.lower, there.curve.lower)
    assert here.explanation == there.explanation
    assert here.unknown == there.unknown


@given(valid_inputs(), valid_inputs())
def test_a_prediction_is_the_same_whoever_was_predicted_before(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Mistakes 7 and 11: nothing of one patient stays for the next."""
    before = asked_of(MODEL, one)
    asked_of(MODEL, other)
    again = asked_of(MODEL, one)
    np.testing.assert_array_equal(again.curve.estimate, before.curve.estimate)
    np.testing.assert_array_equal(again.curve.upper, before.curve.upper)
    np.testing.assert_array_equal(again.reference, before.reference)
    assert again.explanation == before.explanation


@pytest.mark.parametrize(("pattern", "levels"), [("local", ["yes", "no"]), ("distant", ["ddlps", "lms", "other"])])
@given(intervals=st.tuples(st.floats(0.01, 240), st.floats(0.01, 240)), alive=st.integers(0, 59))
def test_a_longer_interval_never_lowers_the_estimate(
    pattern: str, levels: list[str], intervals: tuple[float, float], alive: int
) -> None:
    """Issue, point 5, with all inputs known and the others fixed, for the coefficient is below zero (mistake 5)."""
    assert MODEL.strata[pattern].coefficients[0] < 0
    short, long = sorted(intervals)
    ask = local if pattern == "local" else distant
    for level in levels:
        assert (ask(short, level, alive).curve.estimate <= ask(long, level, alive).curve.estimate + 1e-15).all()


# E13, and that no curve is another one in disguise.


@pytest.mark.parametrize("interval", [6.0, 14.0, 40.0])
def test_the_interval_is_wider_for_a_rare_subtype_than_for_a_common_one(interval: float) -> None:
    """E13: 1 in 10 has another subtype, 4 in 10 a leiomyosarcoma; on the scale on which the limits are symmetric."""

    def widths(subtype: str) -> list[float]:
        at = distant(interval, subtype).survival
        return [math.log(math.log(h.lower or 0) / math.log(h.upper or 0)) for h in at]

    for common, rare in zip(widths("lms"), widths("other"), strict=True):
        assert rare > 1.1 * common


def test_the_interval_is_the_patients_own() -> None:
    """Mistake 9, a confidence interval hard-coded at ±3.5: its width differs between patients and between times."""
    widths = [
        round((at.upper or 0) - (at.lower or 0), 3)
        for found in (local(6.0), local(22.0), local(100.0, "yes"), distant(10.0, "other"))
        for at in found.survival
    ]
    assert len(set(widths)) == len(widths)


def test_each_stratum_has_a_curve_of_its_own() -> None:
    """Mistake 3, curves that were another curve × 1.02: no two references are proportional in S or in log S."""
    references = [asked_of(MODEL, {"features": f, "alive_months": 0}).reference[12:] for f in PATTERNS.values()]
    for i, one in enumerate(references):
        for other in references[:i]:
            ratio = one / other
            assert ratio.max() / ratio.min() > 1.05
            powers = np.log(one) / np.log(other)
            assert powers.max() / powers.min() > 1.02


PATTERNS: dict[str, dict[str, Any]] = {
    "local": {"pattern": "local", "interval_months": 22, "resection": "yes"},
    "distant": {"pattern": "distant", "interval_months": 14, "subtype": "lms"},
    "both": {"pattern": "both"},
}


def test_where_nothing_is_asked_everybody_gets_the_reference() -> None:
    """The stratum without predictors: no contribution, no unknown, no warning."""
    found = asked_of(MODEL, {"features": {"pattern": "both"}, "alive_months": 0})
    np.testing.assert_array_equal(found.curve.estimate, found.reference)
    assert found.explanation.contributions == ()
    assert found.unknown == ()
    assert found.warnings == ()


@pytest.mark.parametrize("features", PATTERNS.values(), ids=PATTERNS)
def test_one_month_before_the_last_supported_one_there_is_still_an_answer(features: dict[str, Any]) -> None:
    """DESIGN §6: s < last supported time; a curve of two points, one horizon, explained there."""
    found = asked_of(MODEL, {"features": features, "alive_months": 59})
    assert found.curve.months.tolist() == [59, 60]
    assert [at.months for at in found.survival] == [60]
    assert found.explanation.horizon_months == 60
    assert found.survival[0].estimate == found.curve.estimate[1] < 1


# Warnings.


@pytest.mark.parametrize(
    ("pattern", "interval", "warned"),
    [
        ("local", 3, False),
        ("local", 140, False),
        ("local", 2.999, True),
        ("local", 140.001, True),
        ("local", 240, True),
        ("distant", 2, False),
        ("distant", 84, False),
        ("distant", 1.999, True),
        ("distant", 84.001, True),
        ("distant", 100, True),
        ("local", 100, False),
    ],
)
def test_a_number_outside_the_usual_range_of_its_stratum_warns(pattern: str, interval: float, warned: bool) -> None:
    """E18: soft limits warn, 3-140 for local and 2-84 for distant; the value is used as it was given."""
    found = asked_of(MODEL, {"features": {**PATTERNS[pattern], "interval_months": interval}, "alive_months": 1})
    assert len(found.warnings) == warned
    for warning in found.warnings:
        assert warning.code == "outside_usual_range"
        assert warning.feature == "interval_months"
        assert warning.given == interval
        assert warning.expected == (Range(3, 140) if pattern == "local" else Range(2, 84))
    assert found.patient.values["interval_months"] == interval


@given(valid_inputs())
def test_an_answer_that_is_settled_later_warns_unless_time_has_passed(inputs: dict[str, Any]) -> None:
    """E18, E20: only who has lived until the operation can have had one, so time zero is not the time to ask for."""
    found = asked_of(MODEL, inputs)
    warnings = [warning for warning in found.warnings if warning.code == "settled_later"]
    settled = inputs["features"].get("resection") == "yes" and inputs["alive_months"] == 0
    assert [(w.feature, w.given, w.expected) for w in warnings] == [("resection", "yes", None)] * settled


def test_nothing_is_pulled_back_into_the_usual_range() -> None:
    """Mistakes 1 and 10: beyond the soft limit the estimate goes on as the model says."""
    assert local(240).curve.estimate[36] > local(140).curve.estimate[36]
    assert local(1).curve.estimate[36] < local(3).curve.estimate[36]


def test_support_is_that_of_the_stratum() -> None:
    """E14: the published group sizes of the reconstructed model."""
    sizes = {name: asked_of(MODEL, {"features": f, "alive_months": 0}).support.patients for name, f in PATTERNS.items()}
    assert sizes == {"local": 219, "distant": 146, "both": 43}


# Models with other questions.


@pytest.mark.parametrize("fits", [1, 3])
@given(inputs=valid_inputs(FEATURES))
def test_the_laws_hold_for_other_questions(fits: int, inputs: dict[str, Any]) -> None:
    """DESIGN §4: another model changes no code; numbers that may be unknown, predictors distributed together."""
    model = read_model(document(stratum(21, fits, THREE, joint=True)), "0" * 64)
    model = replace(model, horizons=(3, 9), headline=9)
    s = inputs["alive_months"]
    found = asked_of(model, inputs)
    assert [at.months for at in found.survival] == ([months for months in (3, 9) if months > s] or [13])
    explanation = found.explanation
    assert explanation.horizon_months == (9 if s < 9 else 13)
    total = sum(contribution.points for contribution in explanation.contributions)
    assert total == pytest.approx(100 * (explanation.survival - explanation.reference_survival), abs=1e-9)
    assert (np.diff(found.curve.estimate) <= 0).all()
    assert [unknown.feature for unknown in found.unknown] == [
        name for name, answer in inputs["features"].items() if answer == UNKNOWN
    ]
    for unknown in found.unknown:
        assert unknown.lowest - 1e-12 <= explanation.survival <= unknown.highest + 1e-12


def test_an_unknown_number_ranges_over_the_middles_of_its_bins() -> None:
    """E17: the lowest and highest estimates over the values that the stratum's patients have."""
    model = replace(read_model(document(stratum(21, 3, THREE)), "0" * 64), horizons=(9,), headline=9)
    features = {"kind": "invented", "size": UNKNOWN, "grade": "g1", "site": "here"}
    (unknown,) = asked_of(model, {"features": features, "alive_months": 0}).unknown
    every = {
        size: asked_of(model, {"features": {**features, "size": size}, "alive_months": 0}).explanation.survival
        for size in (1.3, 3.1, 8.0, 20.0)
    }
    assert unknown.lowest == pytest.approx(min(every.values()), rel=1e-13)
    assert unknown.highest == pytest.approx(max(every.values()), rel=1e-13)
    assert every[float(unknown.lowest_value)] == pytest.approx(unknown.lowest, rel=1e-13)


def test_a_horizon_beyond_the_support_is_left_out() -> None:
    """E6: past the last supported month there is no number."""
    model = replace(read_model(document(stratum(21, 3, THREE)), "0" * 64), horizons=(6, 12, 24), headline=24)
    features = {"kind": "invented", "size": 3, "grade": "g1", "site": "here"}
    found = asked_of(model, {"features": features, "alive_months": 0})
    assert [at.months for at in found.survival] == [6, 12]
    assert found.explanation.horizon_months == 6
    assert found.curve.months[-1] == 13
