"""The card of the default model: who, what, from which data and how well, computed by training and never typed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from model.fitted import Stratum
from model.mixture import everybody, mixture
from model.spans import first_month_at
from model.survival import reference
from training.published.acceptance import criteria
from training.published.anchoring import BOUNDS
from training.published.evidence import Evidence

if TYPE_CHECKING:
    from training.published.default_model import TrainedStratum

NOT_AVAILABLE = "Not available."


def default_card(
    description: Mapping[str, Any],
    evidence: Evidence,
    trained: Sequence[TrainedStratum],
    *,
    follow_up: float,
    seed: int,
) -> dict[str, Any]:
    """Everything that the card page, the training report and an auditor read; plain values, in reading order."""
    return {
        "name": description["name"],
        "version": description["version"],
        "title": description["title"],
        "made_from": description["made_from"],
        "data_period": description["data_period"],
        **description["card"],
        "not_for": description["not_for"],
        "cautions": description["cautions"],
        "validation": {
            "sentence": description["validation_sentence"],
            "same_source": "Reproduces the published figures, as tabled below; it was made to.",
            "external": NOT_AVAILABLE,
            "local": NOT_AVAILABLE,
            "fairness": NOT_AVAILABLE,
            "effect_on_outcomes": NOT_AVAILABLE,
        },
        "strata": [_stratum(one) for one in trained],
        "published_against_model": [row for one in trained for row in _against_published(one)]
        + [
            {
                "figure": evidence.figures["series.follow_up"].what,
                "unit": "months",
                "published": evidence["series.follow_up"],
                "model": round(follow_up, 1),
            }
        ],
        "acceptance": [row for one in trained for row in _acceptance(one)],
        "wald_p": [row for one in trained for row in _wald(one, evidence)],
        "effects": [row for one in trained for row in _effects(one)],
        "monte_carlo": [row for one in trained for row in _monte_carlo(one, description["headline_months"])],
        "assumptions": [figure.as_row() for figure in evidence.figures.values() if figure.mark == "assumed"],
        "published": [figure.as_row() for figure in evidence.figures.values() if figure.mark == "published"],
        "derived": [figure.as_row() for figure in evidence.figures.values() if figure.mark == "derived"],
        "citations": dict(evidence.citations),
        "estimators": "estimators.joblib holds the scikit-survival estimators of every reconstructed cohort, for "
        "analysts. Their own curves use Breslow's baseline and start below 1; where deaths are tied they differ from "
        "the model, which uses Efron's.",
        "seed": seed,
    }


def _stratum(one: TrainedStratum) -> dict[str, Any]:
    return {
        "name": one.generator.stratum,
        "patients": one.generator.patients,
        "deaths": one.stratum.support.deaths,
        "last_supported_month": one.stratum.last_month,
        "reconstructions": one.stratum.fits.count,
        "cohorts_tried": one.reconstruction.tries,
        "anchor_before_median": round(one.anchors.before, 3),
        "anchor_after_median": round(one.anchors.after, 3),
        "anchor_bounds": list(BOUNDS),
    }


def _against_published(one: TrainedStratum) -> list[dict[str, Any]]:
    name, evidence, curve = one.generator.stratum, one.generator.evidence, reference(one.stratum)
    median = first_month_at(one.stratum.months.astype(float), curve, 0.5)
    last = evidence.figures[f"{name}.five_year"]
    return [
        {
            "figure": evidence.figures[f"{name}.patients"].what,
            "unit": "patients",
            "published": one.generator.patients,
            "model": len(one.reconstruction.cohorts[0].time),
        },
        {
            "figure": evidence.figures[f"{name}.median"].what,
            "unit": "months",
            "published": evidence[f"{name}.median"],
            "model": None if median is None else round(median, 2),
        },
        {
            "figure": last.what,
            "unit": "%",
            "published": round(100 * last.value, 1),
            "model": round(100 * float(curve[-1]), 2),
        },
    ]


def _acceptance(one: TrainedStratum) -> list[dict[str, Any]]:
    return [
        {
            "stratum": one.generator.stratum,
            "criterion": criterion.what,
            "met_by": f"{100 * one.reconstruction.met[criterion.name]:.3g} %",
        }
        for criterion in criteria(one.generator)
    ]


def _wald(one: TrainedStratum, evidence: Evidence) -> list[dict[str, Any]]:
    rows = []
    for feature, median_p in one.median_p.items():
        figure = evidence.figures[f"{one.generator.stratum}.{feature}.p"]
        relation = "< " if figure.relation == "<" else ""
        rows.append({"figure": figure.what, "published": f"{relation}{figure.value:g}", "median": f"{median_p:.2g}"})
    return rows


def _effects(one: TrainedStratum) -> list[dict[str, Any]]:
    """Each pooled coefficient beside its prior, and how much wider the prior is than one cohort's standard error.

    A prior narrower than twice that error would make intervals too narrow.
    """
    within = np.sqrt(np.diagonal(one.stratum.fits.covariance, axis1=1, axis2=2)).mean(axis=0)
    pooled = np.sqrt(np.diag(one.stratum.coefficient_covariance))
    rows = []
    for column, term in enumerate(one.stratum.terms):
        figure = one.generator.effect(column)
        rows.append(
            {
                "stratum": one.generator.stratum,
                "predictor": term.name,
                "log_hazard_ratio": round(float(one.stratum.coefficients[column]), 3),
                "standard_error": round(float(pooled[column]), 3),
                "prior_mean": figure.value,
                "prior_spread": figure.drawn_spread,
                "prior_spread_in_standard_errors_of_one_cohort": round(figure.drawn_spread / float(within[column]), 2),
            }
        )
    return rows


def _monte_carlo(one: TrainedStratum, month: int) -> list[dict[str, Any]]:
    """The error, in percentage points, that comes from drawing M cohorts rather than endlessly many."""
    stratum = one.stratum
    typical = {feature.name: feature.reference for feature in one.generator.features if feature.reference is not None}
    rows = [{"stratum": stratum.name, "patients": "all", "month": month, "points": _error_of_mean(stratum, month)}]
    if typical:
        error = _error_of_mean(stratum, month, typical)
        rows.append({"stratum": stratum.name, "patients": "at the reference values", "month": month, "points": error})
    return rows


def _error_of_mean(stratum: Stratum, month: int, known: Mapping[str, float | str] | None = None) -> float:
    patients = everybody(stratum) if known is None else mixture(stratum, known)
    deviations = 0.0 if patients.weight_deviations is None else patients.weight_deviations
    ratios = np.exp(stratum.fits.coefficients @ patients.rows.T)
    alive = np.exp(-stratum.fits.hazard[:, month, None] * ratios)
    each = ((patients.weights + deviations) * alive).sum(axis=1)
    return round(100 * float(np.std(each, ddof=1)) / math.sqrt(stratum.fits.count), 2)
