"""Scikit-survival's interface over our own fit, so that its metrics and scikit-learn's pipelines apply."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sksurv.base import SurvivalAnalysisMixin
from sksurv.functions import StepFunction

from training.fitting.cox import fit_cox
from training.fitting.survival_data import ALL, SurvivalData

Array = NDArray[np.float64]


class StratifiedCox(SurvivalAnalysisMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """Cox's model with Efron's ties: strata that share coefficients, delayed entry, weights, a ridge penalty.

    ``strata``, ``entry`` and ``weights`` are names of columns of X that are no predictors; entry and weights matter to
    fitting alone. Curves use Efron's baseline and start at 1.
    """

    def __init__(
        self, strata: str | None = None, entry: str | None = None, weights: str | None = None, ridge: float = 0.0
    ) -> None:
        self.strata = strata
        self.entry = entry
        self.weights = weights
        self.ridge = ridge

    def fit(self, X: pd.DataFrame, y: Any) -> StratifiedCox:  # noqa: ANN401, N803 - scikit-learn's signature
        """Fit to y, scikit-survival's structured array of event and time. Raises NoFit."""
        event, time = (y[name] for name in y.dtype.names)
        predictors = self._predictors(X)
        self.feature_names_in_ = np.array(predictors.columns, dtype=object)
        design = predictors.to_numpy(dtype=float)
        self.mean_ = design.mean(axis=0)
        fitted = fit_cox(
            SurvivalData(
                design - self.mean_,
                np.asarray(time, dtype=float),
                np.asarray(event, dtype=bool),
                None if self.entry is None else X[self.entry].to_numpy(dtype=float),
                None if self.weights is None else X[self.weights].to_numpy(dtype=float),
                None if self.strata is None else X[self.strata].to_numpy(dtype=str),
            ),
            ridge=self.ridge,
        )
        self.coef_, self.covariance_ = fitted.coefficients, fitted.covariance
        self.baselines_ = {name: _step(sets.times, sets.hazard) for name, sets in fitted.risk_sets.items()}
        self.unique_times_ = np.unique(time)
        return self

    def predict(self, X: pd.DataFrame) -> Array:  # noqa: N803
        """(n,) The linear predictor: who is at the higher risk."""
        return np.asarray((self._predictors(X).to_numpy(dtype=float) - self.mean_) @ self.coef_)

    def predict_cumulative_hazard_function(self, X: pd.DataFrame) -> NDArray[np.object_]:  # noqa: N803
        """(n,) Step functions, each with the baseline of the patient's stratum."""
        return self._functions(X, lambda hazard: hazard)

    def predict_survival_function(self, X: pd.DataFrame) -> NDArray[np.object_]:  # noqa: N803
        """(n,) Step functions, 1 at time zero."""
        return self._functions(X, lambda hazard: np.exp(-hazard))

    def _functions(self, X: pd.DataFrame, of: Any) -> NDArray[np.object_]:  # noqa: ANN401, N803
        strata = [ALL] * len(X) if self.strata is None else X[self.strata].astype(str)
        functions = np.empty(len(X), dtype=object)
        for row, (name, risk) in enumerate(zip(strata, np.exp(self.predict(X)), strict=True)):
            times, hazard = self.baselines_[name]
            functions[row] = StepFunction(times, of(hazard * risk))
        return functions

    def _predictors(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803
        others = [name for name in (self.strata, self.entry, self.weights) if name is not None and name in X]
        predictors = X.drop(columns=others)
        if hasattr(self, "feature_names_in_"):
            return predictors[list(self.feature_names_in_)]
        return predictors


def _step(times: Array, increments: Array) -> tuple[Array, Array]:
    distinct, place = np.unique(times, return_inverse=True)
    return np.concatenate([[0.0], distinct]), np.concatenate([[0.0], np.cumsum(np.bincount(place, increments))])
