"""The card of a model that a hospital developed: from the specification and the report, never typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.development.procedure import Developed, pooled, pooled_wald_p
from training.registry.specification import Specification
from training.validation.estimate import Z

NOT_AVAILABLE = "Not available."
STATED = (
    "developer",
    "contact",
    "funding",
    "intended_use",
    "intended_users",
    "intended_patients",
    "role",
    "output_type",
    "out_of_scope",
    "fairness",
    "monitoring",
    "updates",
    "limitations",
)
"""What only the hospital can say; where its specification does not, the card says so."""
PENALISED = (
    "Coefficients were shrunk by a ridge penalty. Intervals use the inverse of the penalised information; how often "
    "they contain the truth is not known, and no coverage is claimed."
)
UNPENALISED = "Intervals use the inverse of the observed information, pooled over imputations by Rubin's rules."


def development_card(
    specification: Specification, report: Mapping[str, Any], groups: Sequence[Developed], seed: int
) -> dict[str, Any]:
    """Everything that the card page and an auditor read."""
    form = specification.form
    return {
        "name": form.name,
        "version": form.version,
        "title": form.title,
        "made_from": form.made_from,
        "data_period": form.data_period,
        **{key: form.card.get(key, NOT_AVAILABLE) for key in STATED},
        **{key: value for key, value in form.card.items() if key not in STATED},
        "not_for": form.not_for,
        "cautions": form.cautions,
        "validation": {
            "sentence": form.validation_sentence or validation_sentence(report["optimism"]),
            "same_source": performance(report["optimism"]),
            "external": NOT_AVAILABLE,
            "local": NOT_AVAILABLE,
            "fairness": NOT_AVAILABLE if not report["groups"] else "By group, as tabled below.",
            "effect_on_outcomes": NOT_AVAILABLE,
        },
        "patients": report["outcome"],
        "flow": report["flow"],
        "characteristics": report["characteristics"],
        "coefficients": [row for one in groups for row in coefficients(one)],
        "fitting": [_fitting(one) for one in groups],
        "variance": PENALISED if any(one.ridge for one in groups) else UNPENALISED,
        "sample_size": report["sample_size"],
        "proportionality": report["proportionality"],
        "remedies": report["remedies_in_short"],
        "by_group": [group_row(row) for row in report["groups"]],
        "registry": report["registry"],
        "estimators": "estimators.joblib is empty: a fitted estimator would hold each patient's time of death.",
        "seed": seed,
    }


def validation_sentence(optimism: Mapping[str, Any]) -> str:
    """What validation the model has had, in one sentence."""
    rows = {row["measure"]: row["corrected"] for row in optimism["measures"]}
    c, slope = rows.get("Harrell's C"), rows.get("Calibration slope")
    if not optimism["bootstraps"] or c is None or slope is None:
        return (
            "How well it predicts is known only for the patients it was made from, uncorrected for optimism; it has "
            "not been validated on other patients."
        )
    interval = f" (95 % interval {c['lower']:.2f} to {c['upper']:.2f})" if c["lower"] is not None else ""
    return (
        f"Validated internally by {optimism['bootstraps']} bootstraps of the whole procedure: C {c['value']:.2f}"
        f"{interval}, calibration slope {slope['value']:.2f}, corrected for optimism. It has not been validated on "
        "other patients."
    )


def performance(optimism: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each measure: apparent, corrected with its interval, and by Harrell's bootstrap."""
    return [
        {
            "measure": row["measure"],
            "apparent": figure(row["apparent"]),
            "corrected": figure(row["corrected"]),
            "by_harrells_bootstrap": None if row["harrell"] is None else round(row["harrell"], 3),
        }
        for row in optimism["measures"]
    ]


def figure(measured: Mapping[str, Any] | None, digits: int = 3) -> str | None:
    """A measure with its interval, as a table shows it."""
    if measured is None:
        return None
    if "unavailable" in measured:
        return f"Not available: {measured['unavailable']}"
    value, lower, upper = (measured[key] for key in ("value", "lower", "upper"))
    limits = "" if lower is None or upper is None else f" ({lower:.{digits}f} to {upper:.{digits}f})"
    return f"{value:.{digits}f}{limits}"


def group_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """One group's measures in a table's row."""
    head = {"by": row["by"], "group": row["group"]}
    if "hidden" in row:
        return {**head, "patients": row["hidden"]}
    ratios = {
        f"observed_to_expected_at_{month}_months": figure(ratio, 2)
        for month, ratio in row["observed_to_expected"].items()
    }
    counts = {"patients": row["patients"], "deaths": row["deaths"]}
    return {**head, **counts, "harrell_c": figure(row["harrell_c"], 2), **ratios}


def coefficients(developed: Developed) -> list[dict[str, Any]]:
    """Each column's pooled hazard ratio with its interval and Wald P."""
    values, covariance = pooled(developed.fits)
    errors = np.sqrt(np.diag(covariance))
    return [
        {
            "stratum": " and ".join(developed.group.strata),
            "predictor": term.name,
            "log_hazard_ratio": round(float(value), 4),
            "standard_error": round(float(error), 4),
            "hazard_ratio": "{:.2f} ({:.2f} to {:.2f})".format(*np.exp(value + error * np.array([0, -Z, Z]))),
            "p": float(f"{pooled_wald_p(developed.fits, [column]):.2g}"),
        }
        for column, (term, value, error) in enumerate(zip(developed.terms, values, errors, strict=True))
    ]


def _fitting(developed: Developed) -> dict[str, Any]:
    return {
        "stratum": " and ".join(developed.group.strata),
        "coefficients": "shared" if len(developed.group.strata) > 1 else "of its own",
        "imputed_data_sets": len(developed.fits),
        "ridge": round(developed.ridge, 4),
        "left_out_by_selection": ", ".join(developed.dropped) or "none",
        "segments_end_at_months": ", ".join(map(str, developed.group.cuts)) or "no segments",
    }
