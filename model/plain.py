"""A prediction as plain numbers and codes, in the names of the interface: what JSON carries, before any words."""

from __future__ import annotations

import math
from typing import Any

from model.explanation import Contribution
from model.fitted import Array
from model.prediction import Prediction


def plain_prediction(prediction: Prediction) -> dict[str, Any]:
    """The numbers of a prediction as nested dicts and lists; a limit that does not exist is None."""
    curve, spans, explanation = prediction.curve, prediction.spans, prediction.explanation
    months = curve.months.astype(int).tolist()
    return {
        "survival": [
            {"months": at.months, "estimate": at.estimate, "lower": at.lower, "upper": at.upper}
            for at in prediction.survival
        ],
        "curve": {
            "months": months,
            "estimate": curve.estimate.tolist(),
            "lower": _limits(curve.lower),
            "upper": _limits(curve.upper),
        },
        "reference": {"months": months, "estimate": prediction.reference.tolist()},
        "spans": {
            "median_months": spans.median_months,
            "worst_tenth_months": spans.worst_tenth_months,
            "middle_half_months": list(spans.middle_half_months),
            "best_tenth_months": spans.best_tenth_months,
        },
        "span_limits": {
            "median_months": list(spans.limits.median_months),
            "worst_tenth_months": list(spans.limits.worst_tenth_months),
            "middle_half_months": [list(limits) for limits in spans.limits.middle_half_months],
            "best_tenth_months": list(spans.limits.best_tenth_months),
        },
        "explanation": {
            "horizon_months": explanation.horizon_months,
            "reference_survival": explanation.reference_survival,
            "survival": explanation.survival,
            "contributions": [_contribution(contribution) for contribution in explanation.contributions],
        },
        "unknown": [
            {
                "feature": unknown.feature,
                "lowest": unknown.lowest,
                "highest": unknown.highest,
                "lowest_value": unknown.lowest_value,
                "highest_value": unknown.highest_value,
            }
            for unknown in prediction.unknown
        ],
    }


def _contribution(contribution: Contribution) -> dict[str, Any]:
    """One hazard ratio where it holds throughout; where it changes, none but the list of all."""
    first, *others = contribution.hazard_ratios
    return {
        "feature": contribution.feature,
        "value": contribution.value,
        "hazard_ratio": None if others else first.estimate,
        "hazard_ratio_lower": None if others else first.lower,
        "hazard_ratio_upper": None if others else first.upper,
        "hazard_ratio_against": first.reference,
        "hazard_ratios": [
            {
                "after_month": ratio.first_month,
                "to_month": ratio.last_month,
                "estimate": ratio.estimate,
                "lower": ratio.lower,
                "upper": ratio.upper,
            }
            for ratio in (contribution.hazard_ratios if others else ())
        ],
        "points": contribution.points,
    }


def _limits(values: Array) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]
