"""What a fixed model predicts for every patient of a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.fitted import Stratum
from model.mixture import mixture
from training.development.design import design_of
from training.development.procedure import Developed
from training.registry.cohort import Cohort
from training.validation.measures import Predicted

Array = NDArray[np.float64]


def predicted_survival(strata: Mapping[str, Stratum], cohort: Cohort, months: Sequence[int]) -> Array:
    """(n, len(months)) S(t | what is known of each patient) from time zero; the outcome plays no part.

    Where a predictor is not known the prediction is the one that the form gives: the average over its possible values.
    """
    alive = np.empty((len(cohort.time), len(months)))
    for name, stratum in strata.items():
        own = cohort.stratum == name
        alive[own] = _of_stratum(stratum, cohort.patients[own], list(months))
    return alive


def predict_cohort(strata: Mapping[str, Stratum], cohort: Cohort, months: Sequence[int]) -> Predicted:
    """Survival at the months, with log(-log S) at the last of them as the score: who is at the higher risk."""
    survival = predicted_survival(strata, cohort, months)
    with np.errstate(divide="ignore"):
        score = np.log(-np.log(survival[:, -1]))
    return Predicted(survival, list(months), score, cohort.stratum)


def strata_of(developed: Sequence[Developed]) -> dict[str, Stratum]:
    """The strata of all groups."""
    return {name: stratum for one in developed for name, stratum in one.strata.items()}


def _of_stratum(stratum: Stratum, patients: pd.DataFrame, months: list[int]) -> Array:
    features = list(dict.fromkeys(term.feature for term in stratum.terms))
    hazard = stratum.hazard_within[:, months]
    known = patients[features].notna()
    complete = known.all(axis=1).to_numpy()
    alive = np.empty((len(patients), len(months)))
    rows = design_of(patients[complete], stratum.terms) - stratum.centre
    np.matmul(stratum.ratios(rows), -hazard, out=(answered := np.empty((len(rows), len(months)))))
    alive[complete] = np.exp(answered, out=answered)
    for position in np.flatnonzero(~complete):
        row = patients.iloc[position]
        like = mixture(stratum, {name: row[name] for name in features if known.iloc[position][name]})
        alive[position] = like.weights @ np.exp(-stratum.ratios(like.rows) @ hazard)
    return alive
