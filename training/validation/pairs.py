"""Counting, for each of n items in an order, the later ones with a lower or an equal score, in O(n·log² n)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """For each first item, sums over the second ones after it; for each second item, over the firsts before it.

    ``below`` is half-weighted for equal scores: the sum of (score of second < score of first) + ½·(equal).
    """

    first_below: Array
    first_all: Array
    second_below: Array
    second_all: Array


def count_pairs(rank: NDArray[np.int64], first: Array, second: Array) -> PairCounts:
    """Items stand in their order: ``rank`` (n,) of the score, ``first`` and ``second`` (n,) weights in those roles.

    Merging from the bottom up: at each level every block's left half meets its right half, all blocks at once.
    """
    n = len(rank)
    counts = PairCounts(*(np.zeros(n) for _ in range(4)))
    places, top, half = np.arange(n), int(rank.max(initial=0)) + 1, 1
    firsts, seconds = np.flatnonzero(first), np.flatnonzero(second)
    while half < n:
        block = places // (2 * half) * top
        lefts = firsts[(firsts // half) % 2 == 0]
        rights = seconds[(seconds // half) % 2 == 1]
        start, middle, end = _within_block(rights, second, lefts, block, rank, top)
        counts.first_below[lefts] += middle - start
        counts.first_all[lefts] += end - start
        start, middle, end = _within_block(lefts, first, rights, block, rank, top)
        counts.second_below[rights] += end - middle
        counts.second_all[rights] += end - start
        half *= 2
    return counts


def _within_block(
    others: NDArray[np.int64],
    weight: Array,
    own: NDArray[np.int64],
    block: NDArray[np.int64],
    rank: NDArray[np.int64],
    top: int,
) -> tuple[Array, Array, Array]:
    """For each of one's own, sums over the others up to the block's start, to the middle of equal ranks, to its end."""
    keys = block[others] + rank[others]
    order = np.argsort(keys, kind="stable")
    keys, grown = keys[order], np.concatenate([[0.0], np.cumsum(weight[others[order]])])

    def up_to(bounds: NDArray[np.int64], side: str) -> Array:
        return np.asarray(grown[np.searchsorted(keys, bounds, side="left" if side == "left" else "right")])

    at = block[own] + rank[own]
    middle = (up_to(at, "left") + up_to(at, "right")) / 2
    return up_to(block[own], "left"), middle, up_to(block[own] + top - 1, "right")
