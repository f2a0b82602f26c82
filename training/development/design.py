"""The columns of a design, from patients: the same formula that the server evaluates for one patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.fitted import Term

Array = NDArray[np.float64]


def design_of(patients: pd.DataFrame, terms: Sequence[Term]) -> Array:
    """(n, p) One row a patient, not centred; what is missing must have been imputed.

    Each distinct value goes through :meth:`model.fitted.Term.evaluate`, so that a patient of the registry and a patient
    of the form can never be transformed differently.
    """
    return np.column_stack([_column(patients[term.feature], term) for term in terms] or [np.zeros((len(patients), 0))])


def _column(values: pd.Series[float] | pd.Series[str], term: Term) -> Array:
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    if (codes < 0).any():
        message = f"{term.feature} is missing for {(codes < 0).sum()} patients"
        raise ValueError(message)
    return np.array([term.evaluate(value) for value in distinct], dtype=float)[codes]
