"""A fitted model as plain numbers: per stratum M fits, and how the predictors are distributed.

Nothing here knows how the numbers came about; :mod:`model.survival` says what they mean together.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model.about import About
from model.features import Features
from model.record import Record

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Term:
    """One column of the design: a transformed number, or whether a category is at one level."""

    feature: str
    transformation: str
    """``identity``, ``log``, ``rcs`` (restricted cubic spline) or ``level``."""
    level: str | None = None
    knots: tuple[float, ...] | None = None
    """The knots of a spline, rising."""
    part: int | None = None
    """Which column of a spline: 0 is the number itself, 1 to knots - 2 bend it."""
    segment: int | None = None
    """The segment of time in which the column counts; None is all of them."""

    @property
    def name(self) -> str:
        """The column as a table names it: "log interval_months", "resection = yes", "rcs age (1), segment 0"."""
        if self.transformation == "level":
            name = f"{self.feature} = {self.level}"
        elif self.transformation == "rcs":
            name = f"rcs {self.feature} ({self.part})"
        else:
            name = self.feature if self.transformation == "identity" else f"log {self.feature}"
        return name if self.segment is None else f"{name}, segment {self.segment}"

    def evaluate(self, value: float | str) -> float:
        """The column's value for one answer of the feature, before centring."""
        if self.transformation == "level":
            return float(value == self.level)
        number = float(value)
        if self.transformation == "rcs" and self.knots is not None and self.part:
            return spline_part(number, self.knots, self.part)
        return math.log(number) if self.transformation == "log" else number


def spline_part(number: float, knots: tuple[float, ...], part: int) -> float:
    """One bending column of a restricted cubic spline: cubic between the knots, straight beyond the outer ones.

    With t the k knots and u₊³ the cube of u where u is positive and else 0, part j is::

        ((x-tⱼ)₊³ - (x-tₖ₋₁)₊³·(tₖ-tⱼ)/(tₖ-tₖ₋₁) + (x-tₖ)₊³·(tₖ₋₁-tⱼ)/(tₖ-tₖ₋₁)) / (tₖ-t₁)²

    Harrell FE. Regression Modeling Strategies, 2nd ed. Springer 2015, chapter 2.4.5.
    """
    first, own, before_last, last = knots[0], knots[part - 1], knots[-2], knots[-1]

    def cube(knot: float) -> float:
        return float(max(number - knot, 0.0) ** 3)

    bent = (
        cube(own)
        - cube(before_last) * (last - own) / (last - before_last)
        + cube(last) * (before_last - own) / (last - before_last)
    )
    return bent / (last - first) ** 2


@dataclass(frozen=True, slots=True)
class Fits:
    """M proportional-hazards fits of one stratum, each on its own reconstructed (or imputed) cohort.

    With p columns and G months, every array's first axis is the fit:

    - ``coefficients`` (M, p): the log hazard ratios β;
    - ``covariance`` (M, p, p): V, their covariance;
    - ``hazard``, ``hazard_variance`` (M, G): H and A, at the centre of the design;
    - ``hazard_gradient`` (M, G, p): Q.

    H, A and Q are cumulative sums over the deaths up to and including each month (docs/formulas.md).
    """

    coefficients: Array
    covariance: Array
    hazard: Array
    hazard_variance: Array
    hazard_gradient: Array

    @property
    def count(self) -> int:
        """M, the number of fits."""
        return int(self.hazard.shape[0])


@dataclass(frozen=True, slots=True)
class Block:
    """Predictors that are distributed together, independently of every other block.

    ``atoms`` are joint values; ``weights`` (M, J) how many patients each fit's cohort has at each, as shares.
    ``edges`` gives, for a number, the bounds of the bins that its atoms stand for.
    """

    features: tuple[str, ...]
    atoms: tuple[Mapping[str, float | str], ...]
    weights: Array
    edges: Mapping[str, tuple[float, ...]]

    def cell(self, name: str, value: float | str) -> int | str:
        """The bin of a number, or the level itself: what decides whether a patient and an atom agree."""
        return int(np.searchsorted(self.edges[name], float(value), side="right")) if name in self.edges else str(value)


@dataclass(frozen=True, slots=True)
class LikePatients:
    """Patients with the same answers, numbers by their group: how many, and how many of them died.

    None is hidden: fewer than 10.
    """

    answers: Mapping[str, str | int]
    patients: int
    deaths: int | None


@dataclass(frozen=True, slots=True)
class Likeness:
    """How many patients were like one: those of a stratum with the same levels, and numbers in the same group.

    ``edges`` are, for each number, the bounds between its groups; ``groups`` only those of at least 10 patients.
    """

    edges: Mapping[str, tuple[float, ...]]
    groups: tuple[LikePatients, ...]


@dataclass(frozen=True, slots=True)
class Support:
    """Whom the estimate of a stratum rests on."""

    patients: int
    deaths: int | None
    """None where the source does not say."""
    source: str
    """``published`` (the size of a published group) or ``registry``."""


@dataclass(frozen=True, eq=False)
class Stratum:
    """One recurrence pattern (or whatever divides the patients): its fits, and its predictors' distribution.

    ``months`` (G,) is 0, 1, … up to the last supported time. ``cuts`` are the months that divide it into segments of
    time in which effects may differ; a death at a cut belongs to the segment that ends there.
    """

    name: str
    months: NDArray[np.int64]
    terms: tuple[Term, ...]
    centre: Array
    fits: Fits
    blocks: tuple[Block, ...]
    support: Support
    cuts: tuple[int, ...] = ()
    likeness: Likeness | None = None
    """How many patients were like a given one; None where nobody can know."""

    @property
    def last_month(self) -> int:
        """The last time that the data support."""
        return int(self.months[-1])

    @cached_property
    def segments(self) -> tuple[tuple[int, int], ...]:
        """The K segments of time, each from after its first month up to and including its last."""
        bounds = (0, *self.cuts, self.last_month)
        return tuple(itertools.pairwise(bounds))

    @cached_property
    def counts_in(self) -> Array:
        """(K, p) 1 where a column of the design counts in a segment of time, and 0 elsewhere."""
        own = [[term.segment is None or term.segment == k for term in self.terms] for k in range(len(self.segments))]
        return np.array(own, dtype=float).reshape(len(self.segments), len(self.terms))

    def within(self, cumulative: Array) -> Array:
        """(K, G, …) What each segment of time adds to a cumulative sum (G, …) up to each month."""
        grown = [np.clip(self.months, first, last) for first, last in self.segments]
        return np.array([cumulative[at] - cumulative[at[0]] for at in grown])

    @cached_property
    def hazard_within(self) -> Array:
        """(K, G) The pooled cumulative hazard by segment of time."""
        return self.within(self.hazard)

    def ratios(self, rows: Array) -> Array:
        """(J, K) exp(β̄·x) of J centred design rows in each segment of time."""
        return np.asarray(np.exp(rows @ (self.counts_in * self.coefficients).T))

    @cached_property
    def hazard(self) -> Array:
        """(G,) The pooled cumulative hazard at the centre: the mean over the fits, not of its logarithm.

        It stays finite where a fit has no death in a window, and keeps S(t) = S(s)·S(t|s).
        """
        return np.asarray(self.fits.hazard.mean(axis=0))

    @cached_property
    def hazard_variance(self) -> Array:
        """(G,) The mean over the fits of A."""
        return np.asarray(self.fits.hazard_variance.mean(axis=0))

    @cached_property
    def coefficients(self) -> Array:
        """(p,) The pooled log hazard ratios."""
        return np.asarray(self.fits.coefficients.mean(axis=0))

    @cached_property
    def coefficient_covariance(self) -> Array:
        """(p, p) Their covariance by Rubin's rules: within the fits, and between them."""
        within = self.fits.covariance.mean(axis=0)
        deviation = self.fits.coefficients - self.coefficients
        return np.asarray(within + self.between_weight * deviation.T @ deviation)

    @property
    def between_weight(self) -> float:
        """What turns a sum of squares over the fits into Rubin's between part: (1 + 1/M)/(M - 1); 0 for one fit."""
        m = self.fits.count
        return (1 + 1 / m) / (m - 1) if m > 1 else 0.0

    @cached_property
    def spread(self) -> Array:
        """(G, p + 1, M·p + M) Square root of everything that makes an estimate uncertain but the deaths' own noise.

        ``(Σ aⱼxⱼ, Σ aⱼ)`` times it gives the error of a cumulative hazard in independent pieces: within each
        fit through its coefficients, H·Lᵀx - Lᵀ·Q with V = L·Lᵀ, and between the fits,
        H̄·(β_m - β̄)·x + (H_m - H̄). The variance is the sum of their squares, so it cannot come out negative.
        """
        fits, m, p = self.fits, self.fits.count, len(self.terms)
        root = np.linalg.cholesky(fits.covariance) if p else np.zeros((m, 0, 0))
        within = np.concatenate(
            [
                np.einsum("mg,mqp->gmpq", fits.hazard, root),
                -np.einsum("mgq,mqp->gmp", fits.hazard_gradient, root)[..., None],
            ],
            axis=3,
        ).reshape(len(self.months), m * p, p + 1) / math.sqrt(m)
        between = np.concatenate(
            [
                self.hazard[:, None, None] * (fits.coefficients - self.coefficients)[None],
                (fits.hazard - self.hazard).T[:, :, None],
            ],
            axis=2,
        ) * math.sqrt(self.between_weight)
        pieces = np.concatenate([within, between], axis=1)
        return np.ascontiguousarray(pieces.transpose(0, 2, 1))

    @cached_property
    def atom_rows(self) -> tuple[Array, ...]:
        """For each block (J, p): its atoms in their columns of the design, not centred; 0 in the other columns."""
        return tuple(
            np.array([self._row(atom) for atom in block.atoms]).reshape(len(block.atoms), len(self.terms))
            for block in self.blocks
        )

    def design(self, values: Mapping[str, float | str]) -> Array:
        """(p,) The centred design row of these answers; a column whose feature is not among them counts as 0."""
        return self._row(values) - self.centre

    def _row(self, values: Mapping[str, float | str]) -> Array:
        return np.array([term.evaluate(values[term.feature]) if term.feature in values else 0.0 for term in self.terms])


@dataclass(frozen=True, eq=False)
class Model:
    """Everything a prediction needs, and the names under which its result is filed."""

    name: str
    version: str
    digest: str
    """SHA-256 of the document it was read from."""
    about: About
    features: Features
    strata: Mapping[str, Stratum]
    horizons: tuple[int, ...]
    headline: int
    """The horizon, in months, at which a prediction is explained."""
    record: Record | None = None
    """How a hospital's record says what is asked; None where nobody has said."""
