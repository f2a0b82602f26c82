"""Everything that is measured of predictions against what was observed, of all patients and of groups of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.document import HIDDEN_BELOW
from training.validation.brier import BrierScores, brier_scores
from training.validation.calibration import Calibration, calibration, observed_to_expected, slope
from training.validation.decision import NetBenefit, decision_curve
from training.validation.discrimination import auc, harrell_c, uno_c
from training.validation.estimate import Measured
from training.validation.observed import Observed

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """(n, G) survival at each of the months, with the score by which patients are ranked and their strata."""

    survival: Array
    months: list[int]
    score: Array
    strata: NDArray[np.str_]

    def at(self, month: int) -> Array:
        """(n,) Survival at a month."""
        return np.asarray(self.survival[:, self.months.index(month)])

    def take(self, chosen: NDArray[np.bool_]) -> Predicted:
        """Those of some patients."""
        return Predicted(self.survival[chosen], self.months, self.score[chosen], self.strata[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """How well the predictions hold in one group of patients."""

    patients: int
    deaths: int
    harrell_c: Measured
    uno_c: Measured
    auc: dict[int, Measured]
    brier: BrierScores
    slope: Measured
    calibration: dict[int, Calibration]
    decision: dict[int, tuple[NetBenefit, ...]]

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "patients": self.patients,
            "deaths": self.deaths,
            "harrell_c": self.harrell_c.plain(),
            "uno_c": self.uno_c.plain(),
            "auc": {str(month): one.plain() for month, one in self.auc.items()},
            "brier": {str(month): one.plain() for month, one in self.brier.at_horizons.items()},
            "integrated_brier": self.brier.integrated.plain(),
            "scaled_brier": self.brier.scaled.plain(),
            "calibration_slope": self.slope.plain(),
            "calibration": {str(month): one.plain() for month, one in self.calibration.items()},
            "decision": {str(month): [one.plain() for one in curve] for month, curve in self.decision.items()},
        }


def measure(observed: Observed, predicted: Predicted, horizons: list[int]) -> Measures:
    """All measures; one that cannot be had says why."""
    survival = {month: predicted.at(month) for month in horizons}
    return Measures(
        patients=len(observed.time),
        deaths=int(observed.event.sum()),
        harrell_c=harrell_c(observed, predicted.score),
        uno_c=uno_c(observed, predicted.score, predicted.months[-1]),
        auc={month: auc(observed, 1 - survival[month], month) for month in horizons},
        brier=brier_scores(observed, predicted.survival, predicted.months, horizons),
        slope=slope(observed, predicted.score, predicted.strata),
        calibration={month: calibration(observed, survival[month], month) for month in horizons},
        decision={month: decision_curve(observed, survival[month], month) for month in horizons},
    )


def by_group(
    observed: Observed, predicted: Predicted, groups: pd.DataFrame, horizons: list[int]
) -> list[dict[str, Any]]:
    """C and calibration in the large of each group; one with fewer than 10 patients or deaths is only named."""
    rows: list[dict[str, Any]] = []
    for column in groups.columns:
        labels = groups[column].astype(str).to_numpy()
        for label in sorted(set(labels)):
            own = labels == label
            few = own.sum() < HIDDEN_BELOW or observed.event[own].sum() < HIDDEN_BELOW
            row: dict[str, Any] = {"by": str(column), "group": label or "not recorded"}
            if few:
                rows.append({**row, "hidden": f"fewer than {HIDDEN_BELOW} patients or deaths"})
                continue
            seen, of = observed.take(own), predicted.take(own)
            row |= {
                "patients": int(own.sum()),
                "deaths": int(seen.event.sum()),
                "harrell_c": harrell_c(seen, of.score).plain(),
                "observed_to_expected": {
                    str(month): observed_to_expected(seen, float(of.at(month).mean()), month).plain()
                    for month in horizons
                },
            }
            rows.append(row)
    return rows
