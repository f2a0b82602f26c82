"""How strong a ridge penalty the data ask for."""

from __future__ import annotations

import numpy as np

from training.fitting.cox import CoxFit, NoFit, fit_cox
from training.fitting.survival_data import SurvivalData

PENALTIES = (0.0, *(float(penalty) for penalty in np.geomspace(0.1, 10_000, 31)))


def aic_ridge(data: SurvivalData) -> float:
    """The penalty, of ``PENALTIES``, whose fit has the least AIC with effective degrees of freedom.

    Gray RJ. Flexible methods for analyzing survival data using splines. J Am Stat Assoc 1992;87:942-951. Raises NoFit
    where none of them can be fitted.
    """
    found = []
    for penalty in PENALTIES:
        try:
            fitted: CoxFit = fit_cox(data, ridge=penalty)
        except NoFit:
            continue
        found.append((2 * fitted.degrees_of_freedom - 2 * fitted.log_likelihood, penalty))
    if not found:
        message = "no penalty makes the partial likelihood have a maximum"
        raise NoFit(message)
    return min(found)[1]
