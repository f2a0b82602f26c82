"""The patients of a registry who can be used, and what became of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from training.registry.specification import Specification

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FlowStep:
    """How many rows were left out for one reason, and how many remain."""

    reason: str
    excluded: int
    remaining: int


@dataclass(frozen=True, slots=True)
class ImpossibleRow:
    """One value that cannot be right: the line of the file, the column, what stands there, and why."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """n patients. ``patients`` has a column for each predictor: numbers in the unit that is asked, codes of levels.

    Nothing (NaN) is what is not known, or not used in the patient's stratum. Times are months; at risk after ``entry``.
    """

    specification: Specification
    patients: pd.DataFrame
    time: Array
    event: NDArray[np.bool_]
    entry: Array | None
    stratum: NDArray[np.str_]
    subgroups: pd.DataFrame
    """By the name of a column, each patient's group (numbers: thirds); the centre is one of them."""
    flow: tuple[FlowStep, ...] = ()
    impossible: tuple[ImpossibleRow, ...] = ()

    @property
    def entry_or_zero(self) -> Array:
        """(n,) From when each patient was at risk."""
        return np.zeros(len(self.time)) if self.entry is None else self.entry

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Cohort:
        """Some of the patients, repeated where they are chosen repeatedly."""
        positions = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return replace(
            self,
            patients=self.patients.iloc[positions],
            time=self.time[positions],
            event=self.event[positions],
            entry=None if self.entry is None else self.entry[positions],
            stratum=self.stratum[positions],
            subgroups=self.subgroups.iloc[positions],
        )

    def of_strata(self, names: Sequence[str]) -> Cohort:
        """The patients of these strata."""
        return self.take(np.isin(self.stratum, list(names)))
