"""How the predictors of a registry are distributed, coarse enough that no patient can be found in it.

The patients of a stratum are divided, like the leaves of a tree, into groups of at least ten who are alike in what
matters to the hazard. A group is kept as the means of its numbers and the shares of its levels: a joint distribution
without anybody's row.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.document import HIDDEN_BELOW
from model.features import Feature
from model.fitted import Block, Likeness, LikePatients, Term
from training.development.design import design_of

Array = NDArray[np.float64]

MOST_GROUPS = 120
"""With more the reference curve changes by less than a tenth of a percentage point, and every average costs more."""
BINS = 10
"""How finely a known number chooses the groups that agree with it."""
ALIKE = 0.02
"""Groups whose log hazards vary less (standard deviation) are not divided further."""
THIRDS = (1 / 3, 2 / 3)


def distribution(
    features: Sequence[Feature], imputed: Sequence[pd.DataFrame], terms: Sequence[Term], coefficients: Array
) -> tuple[Block, ...]:
    """One block of all features together (none without features), with weights by imputed data set.

    A mean over its atoms of exp(β·x), or of survival, is near the mean over the patients, because groups are divided
    where the log hazard varies most.
    """
    if not features:
        return ()
    stacked = pd.concat(imputed, ignore_index=True)
    which = np.repeat(np.arange(len(imputed)), [len(one) for one in imputed])
    parts = {feature.name: _part(feature.name, stacked, terms, coefficients) for feature in features}
    numbers = [feature.name for feature in features if feature.is_number]
    leaves = _leaves(parts, HIDDEN_BELOW * len(imputed))
    atoms: dict[tuple[Any, ...], Array] = {}
    for leaf in leaves:
        rows = stacked.iloc[leaf]
        size = np.bincount(which[leaf], minlength=len(imputed)) / [len(one) for one in imputed]
        shares = [
            [(round(float(rows[feature.name].mean()), 6), 1.0)]
            if feature.is_number
            else list(rows[feature.name].value_counts(normalize=True, sort=False).items())
            for feature in features
        ]
        for combination in product(*shares):
            key = tuple(value for value, _ in combination)
            weight = size * np.prod([share for _, share in combination])
            atoms[key] = atoms.get(key, np.zeros(len(imputed))) + weight
    weights = np.array(list(atoms.values())).T
    names = tuple(feature.name for feature in features)
    return (
        Block(
            features=names,
            atoms=tuple(dict(zip(names, key, strict=True)) for key in atoms),
            weights=weights / weights.sum(axis=1, keepdims=True),
            edges={name: _edges([float(key[names.index(name)]) for key in atoms]) for name in numbers},
        ),
    )


def likeness(features: Sequence[Feature], patients: pd.DataFrame, event: NDArray[np.bool_]) -> Likeness:
    """How many patients (whose answers are all recorded) share levels and thirds of numbers, where ten or more do."""
    complete = patients[[feature.name for feature in features]].notna().all(axis=1).to_numpy()
    patients, event = patients[complete], event[complete]
    edges = {
        feature.name: tuple(
            sorted({float(f"{q:.3g}") for q in np.quantile(patients[feature.name].astype(float), THIRDS)})
        )
        for feature in features
        if feature.is_number and len(patients)
    }
    names = [feature.name for feature in features]
    keys = pd.DataFrame(
        {
            name: np.searchsorted(edges[name], patients[name].astype(float), side="right")
            if name in edges
            else patients[name].to_numpy()
            for name in names
        }
    )
    if keys.empty:
        return Likeness(edges, ())
    counted = keys.assign(deaths=event.astype(int)).groupby(names, sort=True)["deaths"].agg(["size", "sum"])
    groups = []
    for position, (size, deaths) in enumerate(counted.itertuples(index=False)):
        if size < HIDDEN_BELOW:
            continue
        key = counted.index[position]
        answers = dict(zip(names, key if isinstance(key, tuple) else (key,), strict=True))
        plain = {name: int(value) if name in edges else str(value) for name, value in answers.items()}
        groups.append(LikePatients(plain, int(size), int(deaths) if deaths >= HIDDEN_BELOW else None))
    return Likeness(edges, tuple(groups))


def _part(name: str, patients: pd.DataFrame, terms: Sequence[Term], coefficients: Array) -> Array:
    """What each patient's answer adds to the log hazard, in the middle of the segments of time."""
    own = [column for column, term in enumerate(terms) if term.feature == name]
    segments = len({terms[column].segment for column in own}) or 1
    return np.asarray(design_of(patients, [terms[column] for column in own]) @ coefficients[own]) / segments


def _leaves(parts: Mapping[str, Array], fewest: int) -> list[NDArray[np.int64]]:
    """Positions of the patients of each group: divided where most of the log hazard's variation is left."""
    everybody = np.arange(len(next(iter(parts.values()))))
    leaves: list[NDArray[np.int64]] = []
    waiting = [(0.0, 0, everybody)]
    number = 0
    while waiting:
        _, _, group = heapq.heappop(waiting)
        halves = _divided(group, parts, fewest) if len(leaves) + len(waiting) + 1 < MOST_GROUPS else None
        if halves is None:
            leaves.append(group)
            continue
        for half in halves:
            number += 1
            variation = len(half) * max(float(np.var(values[half])) for values in parts.values())
            heapq.heappush(waiting, (-variation, number, half))
    return leaves


def _divided(
    group: NDArray[np.int64], parts: Mapping[str, Array], fewest: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Two halves of a group, cut at the middle of what varies most; None where one would be too small."""
    for values in sorted((values[group] for values in parts.values()), key=lambda values: -float(np.var(values))):
        if np.std(values) < ALIKE:
            return None
        ordered = np.sort(values)
        # The cut lies between two different values, the nearest to the middle.
        places = np.flatnonzero(np.diff(ordered) > 0) + 1
        places = places[(places >= fewest) & (places <= len(group) - fewest)]
        if len(places):
            bound = ordered[places[np.argmin(np.abs(places - len(group) / 2))]]
            return group[values < bound], group[values >= bound]
    return None


def _edges(atoms: Sequence[float]) -> tuple[float, ...]:
    """Bounds of bins that hold about as many atoms each, between two atoms' values."""
    distinct = np.unique(atoms)
    between = (distinct[1:] + distinct[:-1]) / 2
    chosen = np.linspace(0, len(between) - 1, min(len(between), BINS - 1)).round().astype(int)
    return tuple(sorted({float(between[place]) for place in chosen}))
