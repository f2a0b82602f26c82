"""Groups of patients to average over: one patient when all is known, a mixture when something is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from model.fitted import Array, Block, Stratum


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """J kinds of patients and their shares.

    ``rows`` (J, p) their design rows; ``weights`` (J,) their shares, summing to 1; ``weight_deviations`` (M, J) how the
    shares in each fit's cohort differ from these, or None where there is but one kind.
    """

    rows: Array
    weights: Array
    weight_deviations: Array | None = None


def mixture(stratum: Stratum, known: Mapping[str, float | str]) -> Mixture:
    """The patients of a stratum who have these known values, mixed as the stratum is in what is not known.

    Within a block of predictors that are distributed together, only the kinds that agree with the known values count
    (a number agrees with its bin); where none agrees with all of them, those that agree with the most. Known values
    replace the kinds' own, so a number counts as it is and not as its bin.
    """
    cells = tuple(
        (name, block.cell(name, known[name]))
        for block in stratum.blocks
        for name in block.features
        if name in known and not all(other in known for other in block.features)
    )
    rest = _unknown_part(stratum, frozenset(known), cells)
    return Mixture(rest.rows + stratum.design(known), rest.weights, rest.weight_deviations)


@lru_cache(maxsize=256)
def _unknown_part(stratum: Stratum, known: frozenset[str], cells: tuple[tuple[str, int | str], ...]) -> Mixture:
    """What does not depend on the known values but through their cells: computed once, for many patients share it.

    Its rows are not centred and 0 in the columns of what is known.
    """
    rows, shares, mixed = np.zeros((1, len(stratum.terms))), np.ones((stratum.fits.count, 1)), False
    is_open = np.array([term.feature not in known for term in stratum.terms])
    for block, atom_rows in zip(stratum.blocks, stratum.atom_rows, strict=True):
        if known.issuperset(block.features):
            continue
        kept = _agreeing(block, {name: cell for name, cell in cells if name in block.features})
        rows = (rows[:, None, :] + (atom_rows[kept] * is_open)[None, :, :]).reshape(-1, len(stratum.terms))
        shares = (shares[:, :, None] * _normalised(block.weights[:, kept])[:, None, :]).reshape(len(shares), -1)
        mixed = True
    weights = shares.mean(axis=0)
    present = weights > 0
    return Mixture(rows[present], weights[present], (shares - weights)[:, present] if mixed else None)


@lru_cache(maxsize=64)
def everybody(stratum: Stratum) -> Mixture:
    """All patients of a stratum: whom the reference is about."""
    return mixture(stratum, {})


def _agreeing(block: Block, cells: Mapping[str, int | str]) -> list[int]:
    present = np.flatnonzero(block.weights.sum(axis=0)).tolist()
    agreements = {
        j: sum(block.cell(name, block.atoms[j][name]) == cell for name, cell in cells.items()) for j in present
    }
    most = max(agreements.values())
    return [j for j, agreement in agreements.items() if agreement == most]


def _normalised(weights: Array) -> Array:
    """Shares that sum to 1 in each fit; a fit that has none of these patients takes the mean of the others."""
    totals = weights.sum(axis=1, keepdims=True)
    pooled = weights.sum(axis=0) / weights.sum()
    return np.asarray(np.where(totals > 0, weights / np.where(totals > 0, totals, 1), pooled))
