"""A model folder for the tests: the default model's questions on few, small, invented cohorts, made in two seconds.

Every number in it is invented, to give the tests something to compute with. Nothing of it may be read as prognosis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from model.fitted import Block, Fits, Stratum, Support, Term
from training.artefact import model_document, write_artefact
from training.fitting.risk_sets import RiskSets, risk_sets
from training.published.description import default_description, default_specification

Array = NDArray[np.float64]

SEED = 20170615
FITS = 20
LAST_MONTH = 60

CARD = {
    "provisional": True,
    "validation": {
        "sentence": "It has not been validated on patients other than the published ones it was made from.",
    },
}
"""What the card of this model says beside the description's part."""


@dataclass(frozen=True, slots=True)
class Predictor:
    """An invented predictor: how the cohorts are drawn, and what stands for whom in the model."""

    name: str
    draw: Callable[[np.random.Generator, int], Sequence[float | str]]
    terms: Mapping[Term, float]
    """Each column and its log hazard ratio in the cohorts."""
    levels: tuple[str, ...] = ()
    bins: tuple[float, ...] = ()
    """For a number, the lowest value, the bounds between bins, and the highest value."""

    def block(self, cohorts: Sequence[Sequence[float | str]]) -> Block:
        """How the predictor is distributed in each fit's cohort."""
        if self.levels:
            shares = [[cohort.count(level) / len(cohort) for level in self.levels] for cohort in cohorts]
            return Block((self.name,), tuple({self.name: level} for level in self.levels), np.array(shares), {})
        edges = self.bins[1:-1]
        weights = [
            np.bincount(np.searchsorted(edges, cohort, side="right"), minlength=len(edges) + 1) / len(cohort)
            for cohort in cohorts
        ]
        middles = np.sqrt(np.array(self.bins[:-1]) * np.array(self.bins[1:]))
        return Block(
            (self.name,), tuple({self.name: float(x)} for x in middles), np.array(weights), {self.name: tuple(edges)}
        )


def fit(design: Array, time: Array, event: NDArray[np.bool_]) -> tuple[Array, RiskSets]:
    """Cox's model with Efron's ties by Newton's method, to full precision."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(30):
        sums = risk_sets(design, time, event, coefficients)
        step = sums.covariance @ sums.score
        coefficients = coefficients + step
        if not step.size or np.abs(step).max() < 1e-13:
            break
    return coefficients, risk_sets(design, time, event, coefficients)


def small_stratum(
    rng: np.random.Generator, name: str, patients: int, median: float, predictors: Sequence[Predictor], fits: int
) -> Stratum:
    """A stratum of ``fits`` fits, each on its own invented cohort."""
    terms = [term for predictor in predictors for term in predictor.terms]
    effects = np.array([effect for predictor in predictors for effect in predictor.terms.values()])
    cohorts: dict[str, list[Sequence[float | str]]] = {predictor.name: [] for predictor in predictors}
    centre = np.zeros(len(terms))
    months = np.arange(LAST_MONTH + 1)
    columns: list[tuple[Array, ...]] = []
    for number in range(fits):
        drawn = {predictor.name: predictor.draw(rng, patients) for predictor in predictors}
        for predictor in predictors:
            cohorts[predictor.name].append(drawn[predictor.name])
        design = np.array([[term.evaluate(value) for value in drawn[term.feature]] for term in terms])
        design = design.reshape(len(terms), patients).T
        if number == 0:
            centre = design.mean(axis=0)
        design = design - centre
        scale = median / np.log(2) * np.exp(rng.normal(0.0, 0.05))
        death = rng.exponential(scale, patients) / np.exp(design @ effects)
        censored = rng.uniform(12, 110, patients)
        time, event = np.minimum(death, censored), death < censored
        coefficients, sums = fit(design, time, event)
        columns.append((coefficients, sums.covariance, *sums.cumulative(months.astype(float))))
    return Stratum(
        name=name,
        months=months,
        terms=tuple(terms),
        centre=centre,
        fits=Fits(*(np.array(column) for column in zip(*columns, strict=True))),
        blocks=tuple(predictor.block(cohorts[predictor.name]) for predictor in predictors),
        support=Support(patients=patients, deaths=None, source="published"),
    )


def small_strata(seed: int = SEED, fits: int = FITS) -> tuple[Stratum, ...]:
    """The three strata of the default model, invented."""
    rng = np.random.default_rng(seed)
    return (
        small_stratum(
            rng,
            "local",
            219,
            33.0,
            [
                _interval(22.0, 0.9, 3.0, 140.0, -0.40),
                _category("resection", {"yes": 0.5, "no": 0.5}, {"yes": -0.70}),
            ],
            fits,
        ),
        small_stratum(
            rng,
            "distant",
            146,
            25.0,
            [
                _interval(14.0, 0.85, 2.0, 84.0, -0.35),
                _category(
                    "subtype",
                    {"ddlps": 0.36, "lms": 0.42, "ups_mpnst": 0.12, "other": 0.10},
                    {"lms": -0.40, "ups_mpnst": 0.30, "other": -0.40},
                ),
            ],
            fits,
        ),
        small_stratum(rng, "both", 43, 12.0, [], fits),
    )


def build(folder: Path, seed: int = SEED, fits: int = FITS) -> Path:
    """Write the model to ``folder``, which must not hold anything else, and return it."""
    description = default_description()
    document = model_document(description, small_strata(seed, fits))
    # Only these made it; the manifest of a trained model names more, and they need not be installed here.
    with patch("training.artefact.PACKAGES", ("numpy", "joblib")):
        write_artefact(
            folder, document, {**description["card"], **CARD}, {}, seed, specification=default_specification().text
        )
    return folder


def _interval(median: float, spread: float, low: float, high: float, effect: float) -> Predictor:
    def draw(rng: np.random.Generator, patients: int) -> list[float | str]:
        return list(np.clip(np.exp(rng.normal(np.log(median), spread, patients)), low, high).tolist())

    name = "interval_months"
    bins = tuple(float(edge) for edge in np.geomspace(low, high, 15))
    return Predictor(name, draw, {Term(name, "log"): effect}, bins=bins)


def _category(name: str, shares: Mapping[str, float], effects: Mapping[str, float]) -> Predictor:
    def draw(rng: np.random.Generator, patients: int) -> list[float | str]:
        return list(rng.choice(list(shares), patients, p=list(shares.values())).tolist())

    terms = {Term(name, "level", level): effect for level, effect in effects.items()}
    return Predictor(name, draw, terms, levels=tuple(shares))
