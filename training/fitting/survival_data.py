"""Survival data as a fit needs them: a design, and from when to when each row was at risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ALL = "all"
"""The name of the only stratum, where the data have none."""


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalData:
    """n rows: ``design`` (n, p); at risk where entry < t ≤ time; ``event`` whether the row ends with a death.

    ``entry`` None is from time zero, ``weights`` None is one patient a row, ``strata`` None is one stratum.
    """

    design: Array
    time: Array
    event: NDArray[np.bool_]
    entry: Array | None = None
    weights: Array | None = None
    strata: NDArray[np.str_] | None = None

    def rows(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> SurvivalData:
        """The same data of some rows."""
        return SurvivalData(
            self.design[chosen],
            self.time[chosen],
            self.event[chosen],
            None if self.entry is None else self.entry[chosen],
            None if self.weights is None else self.weights[chosen],
            None if self.strata is None else self.strata[chosen],
        )

    def by_stratum(self) -> Mapping[str, SurvivalData]:
        """The data of each stratum."""
        if self.strata is None:
            return {ALL: self}
        return {str(name): self.rows(self.strata == name) for name in np.unique(self.strata)}
