"""Effects that change with time: rows cut into episodes, and columns that count in one segment of time alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from training.fitting.survival_data import SurvivalData

Columns = list[tuple[int, int | None]]


def expand_segments(
    data: SurvivalData, cuts: Sequence[float], segmented: NDArray[np.bool_]
) -> tuple[SurvivalData, Columns]:
    """Each row as one episode for each segment of time it lives in, each segmented column as one for each segment.

    ``segmented`` (p,) says which columns. Returned beside the data: for each new column its old one, and its segment
    (None for a column that counts in all). A death at a cut belongs to the segment that ends there.
    """
    columns: Columns = [
        (column, segment)
        for column in range(data.design.shape[1])
        for segment in (range(len(cuts) + 1) if segmented[column] else (None,))
    ]
    which = [column for column, _ in columns]
    pieces = []
    for number, piece in enumerate(episodes(data, cuts)):
        counts = np.array([segment in (None, number) for _, segment in columns], dtype=float)
        pieces.append(replace(piece, design=piece.design[:, which] * counts))
    return joined(pieces), columns


def episodes(data: SurvivalData, cuts: Sequence[float]) -> list[SurvivalData]:
    """For each segment of time, those who live in it, at risk from its beginning or their own to its end or theirs."""
    entry = np.zeros(len(data.time)) if data.entry is None else data.entry
    pieces = []
    for first, last in pairwise([-np.inf, *cuts, np.inf]):
        lives = (data.time > first) & (entry < last)
        piece = data.rows(lives)
        pieces.append(
            replace(
                piece,
                time=np.minimum(piece.time, last),
                event=piece.event & (piece.time <= last),
                entry=np.maximum(entry[lives], first),
            )
        )
    return pieces


def joined(pieces: Sequence[SurvivalData]) -> SurvivalData:
    """Episodes one below the other."""
    weights = [piece.weights for piece in pieces if piece.weights is not None]
    strata = [piece.strata for piece in pieces if piece.strata is not None]
    return SurvivalData(
        np.concatenate([piece.design for piece in pieces]),
        np.concatenate([piece.time for piece in pieces]),
        np.concatenate([piece.event for piece in pieces]),
        np.concatenate([piece.entry for piece in pieces if piece.entry is not None]),
        np.concatenate(weights) if weights else None,
        np.concatenate(strata) if strata else None,
    )
