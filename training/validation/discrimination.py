"""Whether those who die sooner were given the higher risk: Harrell's and Uno's C, and the AUC at a time.

Harrell's C and its variance are R's ``concordance``; Uno's and the AUC are scikit-survival's, which takes time
quadratic in the patients for the first two. Intervals by the infinitesimal jackknife; the weights for censoring are
taken as known.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from training.validation.estimate import DELAYED_ENTRY, Estimate, Measured, Unavailable, share
from training.validation.observed import Observed
from training.validation.pairs import PairCounts, count_pairs

Array = NDArray[np.float64]

NO_PAIR = "No two patients can be compared."


def harrell_c(observed: Observed, score: Array) -> Measured:
    """The share of comparable pairs in which who died first had the higher score; equal scores count half.

    Comparable are a death and a patient who is at risk then and does not die at the same time.
    """
    return _concordance(observed, score, observed.event.astype(float))


def uno_c(observed: Observed, score: Array, last_month: float) -> Measured:
    """The same up to a month, each death weighted as many times as there would have been without censoring.

    Uno H, Cai T, Pencina MJ, et al. Stat Med 2011;30:1105-1117.
    """
    if observed.entry is not None:
        return Unavailable(DELAYED_ENTRY)
    early = observed.event & (observed.time < last_month)
    if not early.any():
        return Unavailable(NO_PAIR)
    weight = np.zeros(len(score))
    weight[early] = observed.followed_own[early] ** -2.0
    return _concordance(observed, score, weight)


def auc(observed: Observed, score: Array, month: float) -> Measured:
    """The share of pairs of one dead by a month and one alive then in which the dead had the higher score.

    Hung H, Chiang CT. Stat Med 2010;29:2444-2456: deaths weighted for censoring.
    """
    if observed.entry is not None:
        return Unavailable(DELAYED_ENTRY)
    dead, alive = observed.event & (observed.time <= month), observed.time > month
    if not dead.any() or not alive.any():
        return Unavailable(f"Nobody is known to have died by month {month:g}, or to have lived beyond it.")
    weight = 1 / observed.followed_own[dead]
    total, others = float(weight.sum()), int(alive.sum())
    below = _share_below(score[alive], score[dead])
    order = np.argsort(score[dead])
    grown = np.concatenate([[0.0], np.cumsum(weight[order])])
    ranked = score[dead][order]
    middle = (
        grown[np.searchsorted(ranked, score[alive], "left")] + grown[np.searchsorted(ranked, score[alive], "right")]
    ) / 2
    value = float(weight @ below) / total
    influence = float(np.sum((weight * (below - value) / total) ** 2))
    influence += float(np.sum(((1 - middle / total - value) / others) ** 2))
    return share(value, math.sqrt(influence))


def _share_below(others: Array, own: Array) -> Array:
    ranked = np.sort(others)
    both = np.searchsorted(ranked, own, "left") + np.searchsorted(ranked, own, "right")
    return np.asarray(both / (2 * len(others)))


def _concordance(observed: Observed, score: Array, weight: Array) -> Measured:
    counts = _later(observed, score, weight)
    if observed.entry is not None:
        counts = _without_unseen(counts, observed, score, weight)
    below, everything = float(weight @ counts.first_below), float(weight @ counts.first_all)
    if everything <= 0:
        return Unavailable(NO_PAIR)
    value = below / everything
    own = weight * (counts.first_below - value * counts.first_all)
    influence = (own + counts.second_below - value * counts.second_all) / everything
    return share(value, float(np.sqrt(np.sum(influence**2))))


def _later(observed: Observed, score: Array, weight: Array) -> PairCounts:
    """For each death the patients who outlived it; those who died at the same time are not compared."""
    # Deaths come before those censored at the same time; among deaths at one time, the order of the score.
    order = np.lexsort((score, ~observed.event, observed.time))
    rank = np.unique(score, return_inverse=True)[1]
    counts = count_pairs(rank[order], weight[order], np.ones(len(score)))
    _, group = np.unique(observed.time[order], return_inverse=True)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    within = _among_tied_deaths(np.where(observed.event[order], group, -1), rank[order], weight[order])
    return PairCounts(
        (counts.first_below - within.first_below)[back],
        (counts.first_all - within.first_all)[back],
        (counts.second_below - within.second_below)[back],
        (counts.second_all - within.second_all)[back],
    )


def _among_tied_deaths(group: NDArray[np.int64], rank: NDArray[np.int64], weight: Array) -> PairCounts:
    """The same counts among items of one group (-1 is none), which stand together in the order of their rank."""
    n = len(group)
    sums = PairCounts(*(np.zeros(n) for _ in range(4)))
    own = np.flatnonzero(group >= 0)
    if not len(own):
        return sums
    starts = np.flatnonzero(np.r_[True, np.diff(group[own]) != 0])
    sizes = np.diff(np.r_[starts, len(own)])
    place = np.arange(len(own)) - np.repeat(starts, sizes)
    equal_start = np.flatnonzero(np.r_[True, (np.diff(group[own]) != 0) | (np.diff(rank[own]) != 0)])
    equal_size = np.diff(np.r_[equal_start, len(own)])
    equal_place = np.arange(len(own)) - np.repeat(equal_start, equal_size)
    grown = np.concatenate([[0.0], np.cumsum(weight[own])])
    before = grown[:-1] - np.repeat(grown[starts], sizes)
    equal_before = grown[:-1] - np.repeat(grown[equal_start], equal_size)
    sums.first_all[own] = np.repeat(sizes, sizes) - 1 - place
    sums.first_below[own] = (np.repeat(equal_size, equal_size) - 1 - equal_place) / 2
    sums.second_all[own] = before
    # In the order of rank the earlier have lower or equal ranks: of the equal ones half are counted as below.
    sums.second_below[own] = equal_before / 2
    return sums


def _without_unseen(counts: PairCounts, observed: Observed, score: Array, weight: Array) -> PairCounts:
    """Leave out the pairs whose second member had not been seen yet when the first died."""
    n, entry = len(score), observed.entry_or_zero
    when = np.concatenate([observed.time, entry])
    order = np.lexsort((np.repeat([0, 1], n), when))
    rank = np.tile(np.unique(score, return_inverse=True)[1], 2)
    nothing = np.zeros(n)
    unseen = count_pairs(
        rank[order], np.concatenate([weight, nothing])[order], np.concatenate([nothing, np.ones(n)])[order]
    )
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    died, entered = back[:n], back[n:]
    return PairCounts(
        counts.first_below - unseen.first_below[died],
        counts.first_all - unseen.first_all[died],
        counts.second_below - unseen.second_below[entered],
        counts.second_all - unseen.second_all[entered],
    )


def value_of(measured: Measured) -> float:
    """The figure alone, NaN where there is none."""
    return measured.value if isinstance(measured, Estimate) else math.nan
