"""Plain numbers: the names of the interface, nothing that JSON cannot carry, and no digit lost."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given

from model.patient import Patient
from model.plain import plain_prediction
from model.prediction import Prediction, predict
from tests.invented import small_model, valid_inputs

MODEL = small_model()


def predicted(inputs: dict[str, Any]) -> Prediction:
    return predict(MODEL, Patient.parse(MODEL.features, inputs["features"], alive_months=inputs["alive_months"]))


@given(valid_inputs())
def test_a_prediction_survives_json_to_the_last_bit(inputs: dict[str, Any]) -> None:
    """E4: no NaN, no numpy, and what is read back is what was computed."""
    plain = plain_prediction(predicted(inputs))
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


@given(valid_inputs())
def test_every_number_stands_under_its_name(inputs: dict[str, Any]) -> None:
    """DESIGN §6, the answer: survival, curve, reference, spans with their limits, explanation and unknown."""
    found = predicted(inputs)
    plain = plain_prediction(found)
    assert set(plain) == {"survival", "curve", "reference", "spans", "span_limits", "explanation", "unknown"}
    assert [at["months"] for at in plain["survival"]] == [at.months for at in found.survival]
    for at in plain["survival"]:
        assert set(at) == {"months", "estimate", "lower", "upper"}
        i = plain["curve"]["months"].index(at["months"])
        for name in ("estimate", "lower", "upper"):
            assert at[name] == plain["curve"][name][i]
    assert plain["curve"]["estimate"] == found.curve.estimate.tolist()
    assert plain["curve"]["months"] == plain["reference"]["months"] == list(range(inputs["alive_months"], 61))
    assert all(type(months) is int for months in plain["curve"]["months"])
    assert plain["reference"]["estimate"] == found.reference.tolist()
    lengths = {len(values) for values in (*plain["curve"].values(), *plain["reference"].values())}
    assert lengths == {61 - inputs["alive_months"]}
    assert plain["spans"]["middle_half_months"] == list(found.spans.middle_half_months)
    assert plain["spans"].keys() == plain["span_limits"].keys()
    for name in ("median_months", "worst_tenth_months", "best_tenth_months"):
        assert plain["spans"][name] == getattr(found.spans, name)
        assert plain["span_limits"][name] == list(getattr(found.spans.limits, name))
    assert plain["span_limits"]["middle_half_months"] == [list(of) for of in found.spans.limits.middle_half_months]
    explanation = plain["explanation"]
    assert explanation["reference_survival"] == found.explanation.reference_survival
    for row, contribution in zip(explanation["contributions"], found.explanation.contributions, strict=True):
        assert (row["feature"], row["value"], row["points"]) == (
            contribution.feature,
            contribution.value,
            contribution.points,
        )
        assert row["hazard_ratio"] == contribution.hazard_ratios[0].estimate
    for row, unknown in zip(plain["unknown"], found.unknown, strict=True):
        assert (row["feature"], row["lowest"], row["highest"]) == (unknown.feature, unknown.lowest, unknown.highest)


def test_a_limit_that_does_not_exist_is_null() -> None:
    """DESIGN §6: never NaN and never a number; here, no patient with both has died in the window of any fit."""
    whole = plain_prediction(predicted({"features": {"pattern": "both"}, "alive_months": 0}))
    assert (whole["curve"]["lower"][0], whole["curve"]["upper"][0]) == (1, 1)
    for alive in range(60):
        curve = plain_prediction(predicted({"features": {"pattern": "both"}, "alive_months": alive}))["curve"]
        for estimate, lower, upper in zip(curve["estimate"][1:], curve["lower"][1:], curve["upper"][1:], strict=True):
            assert (lower is None) == (upper is None) == (estimate == 1)
