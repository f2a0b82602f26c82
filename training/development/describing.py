"""The patients of a registry as a report tells of them: counts, follow-up, characteristics; small numbers hidden."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from model.document import HIDDEN_BELOW
from training.registry.cohort import Cohort
from training.validation.observed import Observed

HIDDEN = f"fewer than {HIDDEN_BELOW}"


def flow(cohort: Cohort) -> list[dict[str, Any]]:
    """What became of the rows of the file (TRIPOD+AI 20a)."""
    return [{"step": step.reason, "excluded": step.excluded, "remaining": step.remaining} for step in cohort.flow]


def impossible(cohort: Cohort) -> list[dict[str, Any]]:
    """Each impossible value by row, for those who can mend it."""
    return [asdict(one) for one in cohort.impossible]


def groups_of(cohort: Cohort) -> pd.DataFrame:
    """The groups in which a model is measured: those that the specification names, and the strata."""
    if len(cohort.specification.strata) == 1:
        return cohort.subgroups
    return cohort.subgroups.assign(**{cohort.specification.stratum_form.name: cohort.stratum})


def outcome(cohort: Cohort) -> list[dict[str, Any]]:
    """By stratum: patients, deaths, and the median follow-up (reverse Kaplan-Meier)."""
    return [
        {
            "stratum": name,
            "patients": shown(int(own.sum())),
            "deaths": shown(int(cohort.event[own].sum())),
            "median_follow_up_months": _median_follow_up(cohort.take(own)),
        }
        for name in cohort.specification.strata
        if (own := cohort.stratum == name).any()
    ]


def characteristics(cohort: Cohort) -> list[dict[str, Any]]:
    """By stratum: the median and quartiles of each number, the share of each level, and how many are not recorded."""
    rows: list[dict[str, Any]] = []
    for stratum in cohort.specification.strata:
        patients = cohort.patients[cohort.stratum == stratum]
        for feature in cohort.specification.features:
            if not feature.used_in(stratum) or patients.empty:
                continue
            values = patients[feature.name]
            row = {"stratum": stratum, "predictor": feature.label}
            if feature.is_number:
                low, middle, high = values.astype(float).quantile([0.25, 0.5, 0.75])
                summary = f"median {middle:.3g} {feature.unit} (quartiles {low:.3g} and {high:.3g})"
                rows.append({**row, "value": summary, "patients": shown(int(values.notna().sum()))})
            rows += [
                {**row, "value": level.label, "patients": shown(int((values == level.code).sum()))}
                for level in feature.levels
            ]
            if values.isna().any():
                rows.append({**row, "value": "not recorded", "patients": shown(int(values.isna().sum()))})
    return rows


def shown(count: int) -> int | str:
    """A count that may be shown."""
    return count if count == 0 or count >= HIDDEN_BELOW else HIDDEN


def _median_follow_up(cohort: Cohort) -> float | None:
    """The month by which half would have left the follow-up, had nobody died."""
    observed = Observed(cohort.time, ~cohort.event, cohort.entry)
    for month in np.arange(0, np.floor(cohort.time.max()) + 1):
        known = observed.alive_at(float(month))
        if known is not None and known[0] <= 0.5:
            return float(month)
    return None
