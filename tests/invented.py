"""Strata with invented numbers of every shape that a model may have, and the patients that a model may be asked about.

The strata are for laws that hold whatever the numbers are; no cohort stands behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.document import read_model
from model.features import UNKNOWN, Feature, Features, Level, Range
from model.fitted import Block, Fits, Model, Stratum, Support, Term
from tests.small_artefact import small_strata
from training.artefact import model_document
from training.published.description import default_description

Array = NDArray[np.float64]
Answers = Mapping[str, float | str]

EDGES = (2.0, 5.0, 12.0)
MIDDLES = (1.3, 3.1, 8.0, 20.0)
GRADES = ("g1", "g2", "g3")
SITES = ("here", "there")

NONE: tuple[Term, ...] = ()
ONE = (Term("size", "log"),)
THREE = (
    Term("size", "log"),
    Term("grade", "level", "g2"),
    Term("grade", "level", "g3"),
    Term("site", "level", "there"),
)


def stratum(
    seed: int, fits: int = 3, terms: Sequence[Term] = THREE, *, months: int = 14, joint: bool = False
) -> Stratum:
    """A stratum of invented numbers; with ``joint``, size and grade are distributed together."""
    rng = np.random.default_rng(seed)
    p = len(terms)
    centre = rng.normal(0.7, 0.3, p)
    root = rng.normal(0, 0.12, (fits, p, p))
    # Months without a death occur, in one fit and in all of them.
    deaths = rng.gamma(2.0, 0.02, (fits, months - 1)) * (rng.random((fits, months - 1)) < 0.8)
    deaths[:, rng.integers(1, months - 1)] = 0
    hazard = np.concatenate([np.zeros((fits, 1)), np.cumsum(deaths, axis=1)], axis=1)
    variance = np.concatenate([np.zeros((fits, 1)), np.cumsum(deaths * rng.uniform(0.005, 0.03), axis=1)], axis=1)
    steps = deaths[:, :, None] * rng.normal(0, 0.4, (fits, months - 1, p))
    return Stratum(
        name="invented",
        months=np.arange(months),
        terms=tuple(terms),
        centre=centre,
        fits=Fits(
            coefficients=rng.normal(0, 0.4, p) + rng.normal(0, 0.15, (fits, p)),
            covariance=root @ root.transpose(0, 2, 1) + 0.003 * np.eye(p),
            hazard=hazard,
            hazard_variance=variance,
            hazard_gradient=np.concatenate([np.zeros((fits, 1, p)), np.cumsum(steps, axis=1)], axis=1),
        ),
        blocks=_blocks(rng, fits, {term.feature for term in terms}, joint=joint),
        support=Support(patients=200, deaths=120, source="registry"),
    )


def _blocks(rng: np.random.Generator, fits: int, names: set[str], *, joint: bool) -> tuple[Block, ...]:
    blocks = []
    if joint:
        atoms: tuple[Answers, ...] = tuple({"size": size, "grade": grade} for size in MIDDLES for grade in GRADES)
        # Nobody in any cohort has the third grade and the smallest size.
        weights = rng.dirichlet(np.ones(len(atoms)), fits) * [atom != {"size": 1.3, "grade": "g3"} for atom in atoms]
        weights = weights / weights.sum(axis=1, keepdims=True)
        blocks.append(Block(("size", "grade"), atoms, weights, {"size": EDGES}))
        names = names - {"size", "grade"}
    if "size" in names:
        weights = rng.dirichlet(np.ones(len(MIDDLES)), fits)
        blocks.append(Block(("size",), tuple({"size": size} for size in MIDDLES), weights, {"size": EDGES}))
    for name, codes in (("grade", GRADES), ("site", SITES)):
        if name in names:
            weights = rng.dirichlet(np.ones(len(codes)), fits)
            blocks.append(Block((name,), tuple({name: code} for code in codes), weights, {}))
    return tuple(blocks)


def strata(*, min_fits: int = 1) -> st.SearchStrategy[Stratum]:
    """Strata with no, one and three predictors, distributed independently or together, of one and more fits."""
    shapes = st.sampled_from([(NONE, False), (ONE, False), (THREE, False), (THREE, True)])
    return st.builds(
        lambda seed, fits, shape: stratum(seed, fits, shape[0], joint=shape[1]),
        st.integers(0, 2**32 - 1),
        st.integers(min_fits, 5),
        shapes,
    )


ANSWERS: Mapping[str, st.SearchStrategy[float | str]] = {
    "size": st.one_of(st.sampled_from([*EDGES, *MIDDLES]), st.floats(0.5, 60)),
    "grade": st.sampled_from(GRADES),
    "site": st.sampled_from(SITES),
}


def known_answers(of: Stratum, *, complete: bool = False) -> st.SearchStrategy[Answers]:
    """Answers to some, or to all, of what an invented stratum asks."""
    asked = {name: ANSWERS[name] for block in of.blocks for name in block.features}
    return st.fixed_dictionaries(asked) if complete else st.fixed_dictionaries({}, optional=asked)


FEATURES = Features(
    predictors=(
        Feature(
            name="size",
            label="Size",
            question="How large is it?",
            definition="Largest diameter.",
            where="Imaging.",
            timing="At time zero.",
            reference=5.0,
            unit="cm",
            hard=Range(0, 60, low_open=True),
            soft={"invented": Range(1, 30)},
            unknown="Not measured",
        ),
        Feature(
            name="grade",
            label="Grade",
            question="Which grade?",
            definition="Grade.",
            where="Pathology.",
            timing="At time zero.",
            reference="g1",
            levels=tuple(Level(code, code, code) for code in GRADES),
            unknown="Not known",
        ),
        Feature(
            name="site",
            label="Site",
            question="Where?",
            definition="Site.",
            where="Imaging.",
            timing="At time zero.",
            reference="here",
            levels=tuple(Level(code, code, code) for code in SITES),
        ),
    ),
    stratum=Feature(
        name="kind",
        label="Kind",
        question="Which kind?",
        definition="Kind.",
        where="Record.",
        timing="At time zero.",
        levels=(Level("invented", "Invented", "an invented kind"),),
    ),
    support_months={"invented": 13},
)
"""Questions that the default model does not have: a number that may be unknown, and no stratum to choose from."""


@cache
def small_model() -> Model:
    """The model of the artefact for the tests, made without a folder, so that examples can be drawn from it."""
    return read_model(model_document(default_description(), small_strata()), "0" * 64)


def document(of: Stratum) -> dict[str, Any]:
    """A ``model.json`` around an invented stratum, with the questions that its predictors need."""
    asked = {name for block in of.blocks for name in block.features}
    description = default_description()
    bare: dict[str, Any] = {"stratum_feature": {}, "features": [], "not_asked": {}, "record": None}
    made = model_document(description | bare, [of])
    made["stratum_feature"] = question(FEATURES.stratum)
    made["features"] = [question(feature) for feature in FEATURES.predictors if feature.name in asked]
    return made


def question(feature: Feature) -> dict[str, Any]:
    """A feature as it stands in ``model.json``."""
    return {key: value for key, value in asdict(feature).items() if value is not None}


@st.composite
def valid_inputs(draw: st.DrawFn, features: Features | None = None, *, complete: bool = False) -> dict[str, Any]:
    """Whatever may be asked: ``features`` and ``alive_months``, as in the JSON interface.

    Over the whole hard range of every number and all levels, "unknown" included unless ``complete``.
    """
    asked = features or small_model().features
    stratum = draw(st.sampled_from([level.code for level in asked.stratum.levels]))
    values: dict[str, float | str] = {asked.stratum.name: stratum}
    for feature in asked.used_in(stratum):
        answers: st.SearchStrategy[float | str] = st.sampled_from([level.code for level in feature.levels])
        if feature.hard is not None:
            usual = feature.soft.get(stratum, feature.hard)
            hard = feature.hard
            answers = st.one_of(
                st.floats(usual.low, usual.high, exclude_min=usual.low_open, exclude_max=usual.high_open),
                st.floats(hard.low, hard.high, exclude_min=hard.low_open, exclude_max=hard.high_open),
            )
        if feature.unknown is not None and not complete:
            answers = st.one_of(answers, st.just(UNKNOWN))
        values[feature.name] = draw(answers)
    alive = draw(st.one_of(st.just(0), st.integers(0, asked.support_months[stratum] - 1)))
    return {"features": values, "alive_months": alive}
