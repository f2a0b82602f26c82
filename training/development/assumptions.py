"""Whether the registry bears the model: proportional effects, what else could be done, and enough patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.features import Feature
from training.development.design import design_of
from training.development.procedure import Developed, survival_data
from training.fitting.cox import NoFit, fit_cox
from training.fitting.proportionality import GLOBAL, proportionality_tests
from training.fitting.sample_size import Population, adjusted_r_squared, riley_criteria
from training.fitting.segments import expand_segments
from training.fitting.survival_data import SurvivalData
from training.validation.observed import Observed

Array = NDArray[np.float64]

DOUBTFUL = 0.05
THIRDS = (1 / 3, 2 / 3)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A predictor whose effect changes with time, by the test."""

    developed: Developed
    feature: Feature


def proportionality(developed: Developed) -> list[dict[str, Any]]:
    """The test for each predictor and for all, with effects taken as proportional: medians over the imputations."""
    terms = _columns(developed)
    if not terms:
        return []
    results = []
    for design in _designs(developed):
        data = survival_data(developed.group.cohort, design)
        results.append(proportionality_tests(data, fit_cox(data, ridge=developed.ridge).coefficients, terms))
    return [
        {
            "stratum": " and ".join(developed.group.strata),
            "predictor": same[0].term,
            "chi_squared": round(float(np.median([one.chi_squared for one in same])), 3),
            "degrees_of_freedom": same[0].degrees_of_freedom,
            "p": float(f"{np.median([one.p for one in same]):.2g}"),
        }
        for same in zip(*results, strict=True)
    ]


def doubts(developed: Developed, rows: Sequence[Mapping[str, Any]]) -> list[Doubt]:
    """The predictors whose test has P below 0.05."""
    doubtful = {row["predictor"] for row in rows if row["p"] < DOUBTFUL and row["predictor"] != GLOBAL}
    return [Doubt(developed, feature) for feature in developed.group.features if feature.name in doubtful]


def remedies(doubt: Doubt) -> list[dict[str, Any]]:
    """What proportional effects, time segments and a stratum do to calibration, in the groups of the predictor.

    One row for each of its levels (or thirds) and horizon: survival observed (Kaplan-Meier) and the mean predicted with
    each, on the patients that the model was made from, in the first imputed data set.
    """
    developed = doubt.developed
    cohort, form = developed.group.cohort, developed.group.cohort.specification.form
    groups, names = _groups(doubt)
    horizons = [month for month in form.horizons_months if month <= cohort.time.max()]
    predicted = {
        "proportional": _predicted(developed, doubt, [], horizons),
        "segments": _predicted(
            developed, doubt, [month for month in horizons if month < form.support_months], horizons
        ),
        "stratum": _predicted(developed, doubt, None, horizons, groups),
    }
    rows = []
    for place, name in enumerate(names):
        own = groups == place
        observed = Observed(cohort.time[own], cohort.event[own], None if cohort.entry is None else cohort.entry[own])
        for at, month in enumerate(horizons):
            known = observed.alive_at(month)
            rows.append(
                {
                    "predictor": doubt.feature.name,
                    "group": name,
                    "months": month,
                    "observed": None if known is None else _percent(known[0]),
                    **{
                        f"with_{remedy}": None if alive is None else _percent(float(alive[own, at].mean()))
                        for remedy, alive in predicted.items()
                    },
                }
            )
    return rows


def mean_errors(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each predictor in doubt, the mean absolute difference between observed and predicted, in points."""
    found = []
    for feature in dict.fromkeys(row["predictor"] for row in rows):
        own = [row for row in rows if row["predictor"] == feature and row["observed"] is not None]
        errors: dict[str, Any] = {"predictor": feature}
        for remedy in ("proportional", "segments", "stratum"):
            known = [abs(row[f"with_{remedy}"] - row["observed"]) for row in own if row[f"with_{remedy}"] is not None]
            errors[f"mean_error_with_{remedy}"] = round(float(np.mean(known)), 2) if known else None
        found.append(errors)
    return found


def sample_size(developed: Developed) -> dict[str, Any]:
    """Riley's criteria for the model that was fitted, with its own R² adjusted for optimism."""
    cohort, parameters = developed.group.cohort, len(developed.terms)
    n, months = len(cohort.time), float((cohort.time - cohort.entry_or_zero).sum())
    improvement = float(np.mean([fit.log_likelihood - fit.log_likelihood_at_zero for fit in developed.fits]))
    r_squared = adjusted_r_squared(improvement, n, parameters)
    row: dict[str, Any] = {
        "stratum": " and ".join(developed.group.strata),
        "patients": n,
        "deaths": int(cohort.event.sum()),
        "parameters": parameters,
        "deaths_per_parameter": round(float(cohort.event.sum()) / parameters, 1) if parameters else None,
        "r_squared_adjusted": round(r_squared, 4),
    }
    horizon = cohort.specification.form.headline_months
    try:
        needed = riley_criteria(
            Population(float(cohort.event.sum()) / months, months / n, horizon, r_squared), parameters
        )
    except ValueError as error:
        return {**row, "patients_needed": None, "met": False, "why": str(error)}
    return {
        **row,
        "patients_needed": needed.patients,
        "for_little_shrinkage": needed.shrinkage,
        "for_little_optimism": needed.optimism,
        "for_the_overall_risk": needed.overall_risk,
        "met": n >= needed.patients,
    }


def _columns(developed: Developed) -> dict[str, list[int]]:
    terms: dict[str, list[int]] = {}
    for column, term in enumerate(developed.plain_terms):
        terms.setdefault(term.feature, []).append(column)
    return terms


def _designs(developed: Developed) -> list[Array]:
    return [design_of(one, developed.plain_terms) - developed.centre for one in developed.group.imputed]


def _groups(doubt: Doubt) -> tuple[NDArray[np.int64], list[str]]:
    values = doubt.developed.group.imputed[0][doubt.feature.name]
    if not doubt.feature.is_number:
        codes = [level.code for level in doubt.feature.levels]
        return np.array([codes.index(value) for value in values]), [level.label for level in doubt.feature.levels]
    bounds = np.unique([float(f"{q:.3g}") for q in np.quantile(values.astype(float), THIRDS)])
    names = [f"up to {bounds[0]:g}", *(f"to {bound:g}" for bound in bounds[1:]), f"over {bounds[-1]:g}"]
    return np.searchsorted(bounds, values.astype(float), side="left"), names


def _predicted(
    developed: Developed,
    doubt: Doubt,
    cuts: Sequence[int] | None,
    horizons: Sequence[int],
    groups: NDArray[np.int64] | None = None,
) -> Array | None:
    """(n, horizons) survival with the predictor in doubt in segments, or (cuts None) as a stratum; None: no fit."""
    design = _designs(developed)[0]
    own = np.array([term.feature == doubt.feature.name for term in developed.plain_terms])
    data = survival_data(developed.group.cohort, design)
    strata = developed.group.cohort.stratum
    if cuts is None:
        strata = np.array(
            [f"{name}/{group}" for name, group in zip(strata, groups if groups is not None else [], strict=True)]
        )
        data, cuts = survival_data(developed.group.cohort, design[:, ~own]), []
        data = SurvivalData(data.design, data.time, data.event, data.entry, None, strata)
    expanded, columns = expand_segments(data, cuts, own if cuts else np.zeros(data.design.shape[1], dtype=bool))
    try:
        fit = fit_cox(expanded, ridge=developed.ridge)
    except NoFit:
        return None
    months = np.array(horizons, dtype=float)
    bounds = [0.0, *cuts, np.inf]
    total = np.zeros((len(data.time), len(horizons)))
    for name, sets in fit.risk_sets.items():
        rows = strata == name
        for segment in range(len(cuts) + 1):
            clipped = np.clip(months, bounds[segment], bounds[segment + 1])
            hazard = sets.cumulative(clipped)[0] - sets.cumulative(np.array([bounds[segment]]))[0]
            counts = np.array([of in (None, segment) for _, of in columns], dtype=float)
            linear = data.design[rows][:, [column for column, _ in columns]] @ (counts * fit.coefficients)
            total[rows] += np.exp(linear)[:, None] * hazard
    return np.asarray(np.exp(-total))


def _percent(share: float) -> float:
    return round(100 * share, 1)
