"""Multiple imputation of missing predictors, by chained equations with predictive mean matching (statsmodels).

The imputation model holds every predictor, the event, the marginal Nelson-Aalen hazard at each patient's time, and the
stratum: leaving the outcome out would bias effects towards none. At prediction the outcome is not known and not used.

White IR, Royston P. Imputing missing covariate values for the Cox model. Stat Med 2009;28:1982-1998.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.imputation.mice import MICEData

from model.features import Feature
from training.development.design import design_of
from training.fitting.risk_sets import risk_sets
from training.registry.specification import Specification

Array = NDArray[np.float64]

DONORS = 5
"""From how many patients with the nearest predicted mean a value is drawn."""
ROUNDS = 10
"""Of the chained equations, for each imputed data set, from a fresh start."""


def impute(
    specification: Specification,
    patients: pd.DataFrame,
    outcome: pd.DataFrame,
    *,
    count: int,
    rng: np.random.Generator,
) -> list[pd.DataFrame]:
    """``count`` copies of the patients in which nothing is missing; one, where nothing is.

    ``patients`` has a column for each feature; ``outcome`` the columns ``time``, ``event``, ``entry`` and ``stratum``,
    in the same order. Each imputed value is one that was seen in another patient.
    """
    features = [feature for feature in specification.features if feature.name in patients]
    if not patients.isna().to_numpy().any():
        return [patients]
    coded, levels = _coded(specification, features, patients, outcome)
    return [_completed(patients, _chained(coded, rng), levels) for _ in range(count)]


def _chained(coded: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    chain = MICEData(coded.copy(), k_pmm=DONORS, rng=rng)
    chain.update_all(ROUNDS)
    return pd.DataFrame(chain.data)


def _coded(
    specification: Specification, features: Sequence[Feature], patients: pd.DataFrame, outcome: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Everything as numbers, under names that a formula can hold; a number as the first column of its own design."""
    residual, hazard = _martingale(outcome)
    columns: dict[str, Array] = {}
    levels: dict[str, list[str]] = {}
    for position, feature in enumerate(features):
        name, known = f"x{position}", patients[feature.name].notna().to_numpy()
        coded = np.full(len(patients), np.nan)
        if feature.is_number:
            coded[known] = design_of(patients[known], specification.terms(feature.name)[:1])[:, 0]
        else:
            levels[feature.name] = _in_order_of_hazard(patients[feature.name], residual)
            order = {level: float(place) for place, level in enumerate(levels[feature.name])}
            coded[known] = patients[feature.name][known].map(order)
        columns[name] = coded
    columns["event"] = outcome["event"].to_numpy(dtype=float)
    columns["hazard"] = hazard
    for place, stratum in enumerate(sorted(outcome["stratum"].unique())[1:]):
        columns[f"s{place}"] = (outcome["stratum"] == stratum).to_numpy(dtype=float)
    varying = {name: values for name, values in columns.items() if np.nanmax(values) > np.nanmin(values)}
    return pd.DataFrame(varying), levels


def _in_order_of_hazard(answers: pd.Series[str], residual: Array) -> list[str]:
    """The levels from the fewest to the most deaths beyond what is expected.

    Matching on a mean needs levels in an order; this one keeps what the outcome says of them.
    """
    known = answers.notna().to_numpy()
    return list(pd.Series(residual[known]).groupby(answers[known].to_numpy()).mean().sort_values().index)


def _martingale(outcome: pd.DataFrame) -> tuple[Array, Array]:
    """(n,) Deaths beyond those expected under one hazard for all, and (n,) the Nelson-Aalen hazard at each time."""
    time, event = outcome["time"].to_numpy(dtype=float), outcome["event"].to_numpy(dtype=bool)
    entry = outcome["entry"].to_numpy(dtype=float)
    sets = risk_sets(np.zeros((len(time), 0)), time, event, np.zeros(0), entry=entry if entry.any() else None)
    hazard, _, _ = sets.cumulative(time)
    before, _, _ = sets.cumulative(entry)
    return event - (hazard - before), hazard


def _completed(patients: pd.DataFrame, coded: pd.DataFrame, levels: dict[str, list[str]]) -> pd.DataFrame:
    """The patients with each missing answer replaced by that of the patient whose coded value was drawn."""
    completed = patients.copy()
    for position, name in enumerate(patients.columns):
        missing = patients[name].isna().to_numpy()
        if not missing.any():
            continue
        drawn = coded[f"x{position}"].to_numpy()
        if name in levels:
            completed.loc[missing, name] = np.array(levels[name], dtype=object)[drawn[missing].round().astype(int)]
        else:
            donors = dict(zip(drawn[~missing], patients[name][~missing], strict=True))
            completed.loc[missing, name] = [donors[value] for value in drawn[missing]]
    return completed
