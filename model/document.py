"""Between ``model.json`` and a model: plain numbers and texts, readable by any language (docs/artefact.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from model.about import About, ForPatients, NotAsked
from model.features import ALIVE_MONTHS, UNKNOWN, Feature, Features, Level, Range
from model.fitted import Array, Block, Fits, Likeness, LikePatients, Model, Stratum, Support, Term
from model.likeness import likeness_document
from model.record import Record, problems_of_record, read_record

FORMAT = 3
"""The version of the layout; a reader refuses every other one."""

TRANSFORMATIONS = ("identity", "log", "rcs", "level")

HIDDEN_BELOW = 10
"""Counts of fewer patients are not kept: they could point at somebody."""

MOST_MONTHS = 1200
"""A hundred years: beyond them a number of months is a mistake."""

SOURCES = ("published", "registry")

Document = Mapping[str, Any]


class UnreadableModel(ValueError):
    """A document is not a model in this format; the message says where and why."""


def read_model(document: Document, digest: str) -> Model:
    """The model that a document describes. Raises UnreadableModel."""
    if document.get("format") != FORMAT:
        message = f"its format is {document.get('format')!r}, and this program reads format {FORMAT}"
        raise UnreadableModel(message)
    try:
        return _model(document, digest)
    except UnreadableModel:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        message = f"{type(error).__name__}: {error}"
        raise UnreadableModel(message) from error


def _model(document: Document, digest: str) -> Model:
    strata = {name: _stratum(name, stratum) for name, stratum in document["strata"].items()}
    features = Features(
        predictors=tuple(read_feature(feature) for feature in document["features"]),
        stratum=read_feature(document["stratum_feature"]),
        support_months={name: stratum.last_month for name, stratum in strata.items()},
    )
    if [level.code for level in features.stratum.levels] != list(strata):
        message = "the levels of the stratum question are not the names of the strata"
        raise UnreadableModel(message)
    _check_questions(features)
    for stratum in strata.values():
        _check_uses(stratum, features.used_in(stratum.name))
    horizons, headline = tuple(document["horizons_months"]), document["headline_months"]
    if any(type(months) is not int or not 1 <= months <= MOST_MONTHS for months in horizons):
        message = f"a horizon is a whole number of months from 1 to {MOST_MONTHS}, and these are {list(horizons)}"
        raise UnreadableModel(message)
    if headline not in horizons or list(horizons) != sorted(set(horizons)):
        message = f"the headline {headline!r} is not among the horizons {list(horizons)}, or these do not rise"
        raise UnreadableModel(message)
    return Model(
        name=document["name"],
        version=document["version"],
        digest=digest,
        about=_about(document["about"]),
        features=features,
        strata=strata,
        horizons=horizons,
        headline=headline,
        record=_record(document.get("record"), features),
    )


def _record(document: Document | None, features: Features) -> Record | None:
    if document is None:
        return None
    record = read_record(document)
    problems = list(problems_of_record(record, features))
    if problems:
        message = f"its part about records is wrong: {'; '.join(problems)}"
        raise UnreadableModel(message)
    return record


def _check_questions(features: Features) -> None:
    """Each name must mean one thing, for everything is found by name."""
    names = [*(feature.name for feature in features.all), ALIVE_MONTHS]
    if len(set(names)) < len(names):
        message = f"two questions have the same name among {names}"
        raise UnreadableModel(message)
    for feature in features.all:
        codes = [*(level.code for level in feature.levels), UNKNOWN]
        if len(set(codes)) < len(codes):
            message = f"two answers to {feature.name} have the same code among {codes}"
            raise UnreadableModel(message)
    for feature in features.all:
        if feature.since is not None and not feature.is_number:
            message = f"{feature.name} says since when its months count, but is no number"
            raise UnreadableModel(message)
    if features.stratum.is_number or features.stratum.unknown is not None:
        message = f"{features.stratum.name} chooses the stratum, so it must have levels and cannot be unknown"
        raise UnreadableModel(message)


def _check_uses(stratum: Stratum, features: tuple[Feature, ...]) -> None:
    """What is asked must be what is distributed, and each column must follow from an answer that can be given."""
    asked = {feature.name: feature for feature in features}
    mixed = [name for block in stratum.blocks for name in block.features]
    if sorted(asked) != sorted(mixed):
        message = f"stratum {stratum.name} asks {sorted(asked)} and is distributed in {sorted(mixed)}"
        raise UnreadableModel(message)
    for term in stratum.terms:
        feature = asked.get(term.feature)
        if feature is None or not _answerable(term, feature):
            message = f"stratum {stratum.name} has a term that its questions do not answer: {asdict(term)}"
            raise UnreadableModel(message)
    for block in stratum.blocks:
        for name in block.features:
            answers = {atom[name] for atom in block.atoms} | {asked[name].reference}
            if not all(_is_answer(asked[name], answer) for answer in answers):
                message = f"stratum {stratum.name}: not all of these can be answered to {name}: {answers}"
                raise UnreadableModel(message)


def _answerable(term: Term, feature: Feature) -> bool:
    if feature.hard is None:
        return term.transformation == "level" and any(level.code == term.level for level in feature.levels)
    if term.transformation == "rcs":
        knots, last_part = list(term.knots or ()), len(term.knots or ()) - 2
        return len(knots) >= 3 and knots == sorted(set(knots)) and term.part in range(last_part + 1)
    return term.transformation == "identity" or (term.transformation == "log" and feature.hard.below(0))


def _is_answer(feature: Feature, answer: object) -> bool:
    if feature.hard is None:
        return any(level.code == answer for level in feature.levels)
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return False
    return not feature.hard.below(answer) and not feature.hard.above(answer)


def _about(document: Document) -> About:
    fields = dict(document)
    fields["not_for"] = tuple(fields["not_for"])
    fields["cautions"] = tuple(fields["cautions"])
    fields["not_asked"] = {
        stratum: tuple(NotAsked(**item) for item in items) for stratum, items in fields["not_asked"].items()
    }
    if fields.get("for_patients") is not None:
        fields["for_patients"] = ForPatients(**fields["for_patients"])
    return About(**fields)


def read_feature(document: Document) -> Feature:
    """One question, from its description."""
    fields = dict(document)
    fields["levels"] = tuple(Level(**level) for level in fields.get("levels", ()))
    if fields.get("hard") is not None:
        fields["hard"] = Range(**fields["hard"])
    fields["soft"] = {stratum: Range(**soft) for stratum, soft in fields.get("soft", {}).items()}
    if fields.get("strata") is not None:
        fields["strata"] = frozenset(fields["strata"])
    feature = Feature(**fields)
    if feature.is_number == bool(feature.levels):
        message = f"{feature.name} must have either a hard range or levels"
        raise UnreadableModel(message)
    return feature


def _stratum(name: str, document: Document) -> Stratum:
    terms = tuple(_term(term) for term in document["terms"])
    cuts = tuple(document.get("cuts", ()))
    for term in terms:
        if term.transformation not in TRANSFORMATIONS:
            message = f"stratum {name} has a transformation {term.transformation!r} that this program does not know"
            raise UnreadableModel(message)
        if term.segment is not None and term.segment not in range(len(cuts) + 1):
            message = f"stratum {name} has a term in segment {term.segment}, and its cuts are {list(cuts)}"
            raise UnreadableModel(message)
    fits, m, g, p = document["fits"], len(document["fits"]["hazard"]), len(document["months"]), len(terms)
    if document["months"] != list(range(g)) or g < 2 or m < 1:
        message = f"stratum {name}: months must be 0, 1, 2, …, and there must be a fit"
        raise UnreadableModel(message)
    if list(cuts) != sorted(set(cuts)) or any(type(cut) is not int or not 0 < cut < g - 1 for cut in cuts):
        message = f"stratum {name}: cuts are rising months within the follow-up, and these are {list(cuts)}"
        raise UnreadableModel(message)
    return Stratum(
        name=name,
        months=np.arange(g),
        terms=terms,
        centre=_array(document["centre"], (p,)),
        fits=Fits(
            coefficients=_array(fits["coefficients"], (m, p)),
            covariance=_covariance(fits["covariance"], (m, p, p), name),
            hazard=_cumulative(fits["hazard"], (m, g), name),
            hazard_variance=_cumulative(fits["hazard_variance"], (m, g), name),
            hazard_gradient=_array(fits["hazard_gradient"], (m, g, p)),
        ),
        blocks=tuple(_block(block, m) for block in document["blocks"]),
        support=_support(document["support"], name),
        cuts=cuts,
        likeness=_likeness(document.get("likeness"), name),
    )


def _term(document: Document) -> Term:
    knots = document.get("knots")
    return Term(**{**document, "knots": None if knots is None else tuple(float(knot) for knot in knots)})


def _likeness(document: Document | None, name: str) -> Likeness | None:
    if document is None:
        return None
    groups = tuple(LikePatients(**group) for group in document["groups"])
    if any(group.patients < HIDDEN_BELOW or (group.deaths or HIDDEN_BELOW) < HIDDEN_BELOW for group in groups):
        message = f"stratum {name} counts fewer than {HIDDEN_BELOW} patients who are alike"
        raise UnreadableModel(message)
    return Likeness({feature: tuple(edges) for feature, edges in document["edges"].items()}, groups)


def _support(document: Document, name: str) -> Support:
    support = Support(**document)
    if support.source not in SOURCES:
        message = f"stratum {name}: support comes from one of {', '.join(SOURCES)}, not {support.source!r}"
        raise UnreadableModel(message)
    return support


def _block(document: Document, m: int) -> Block:
    features, atoms = tuple(document["features"]), document["atoms"]
    weights = _array(document["weights"], (m, len(atoms)))
    if (weights < 0).any() or not np.allclose(weights.sum(axis=1), 1, rtol=0, atol=1e-9):
        message = f"the shares of {', '.join(features)} are not shares of one cohort"
        raise UnreadableModel(message)
    values = tuple(dict(zip(features, atom, strict=True)) for atom in atoms)
    edges = {name: tuple(bounds) for name, bounds in document["edges"].items()}
    numbers = {name for name in features if not isinstance(values[0][name], str)}
    if edges.keys() != numbers or any(list(bounds) != sorted(set(bounds)) for bounds in edges.values()):
        message = f"the edges of {', '.join(features)} are not rising bounds, one list for each number"
        raise UnreadableModel(message)
    return Block(features=features, atoms=values, weights=weights, edges=edges)


def _array(values: object, shape: tuple[int, ...]) -> Array:
    array = np.array(values, dtype=float)
    if array.shape != shape and (array.size or 0 not in shape):
        message = f"numbers of shape {array.shape} stand where {shape} is expected"
        raise UnreadableModel(message)
    array = array.reshape(shape)
    if not np.isfinite(array).all():
        message = "a number is not finite"
        raise UnreadableModel(message)
    return array


def _cumulative(values: object, shape: tuple[int, ...], name: str) -> Array:
    array = _array(values, shape)
    if (array[:, 0] != 0).any() or (np.diff(array, axis=1) < 0).any():
        message = f"stratum {name}: a cumulative hazard does not start at 0, or falls"
        raise UnreadableModel(message)
    return array


def _covariance(values: object, shape: tuple[int, ...], name: str) -> Array:
    array = _array(values, shape)
    symmetric = np.allclose(array, array.transpose(0, 2, 1), rtol=1e-6, atol=0)
    if array.size and not (symmetric and (np.linalg.eigvalsh(array) > 0).all()):
        message = f"stratum {name}: a covariance is not symmetric and positive definite"
        raise UnreadableModel(message)
    return array


def stratum_document(stratum: Stratum) -> dict[str, Any]:
    """What ``model.json`` holds of one stratum; reading it back gives the same stratum."""
    fits = stratum.fits
    return {
        "months": stratum.months.tolist(),
        "terms": [{key: value for key, value in asdict(term).items() if value is not None} for term in stratum.terms],
        "centre": stratum.centre.tolist(),
        "fits": {
            "coefficients": fits.coefficients.tolist(),
            "covariance": fits.covariance.tolist(),
            "hazard": fits.hazard.tolist(),
            "hazard_variance": fits.hazard_variance.tolist(),
            "hazard_gradient": fits.hazard_gradient.tolist(),
        },
        "blocks": [
            {
                "features": list(block.features),
                "atoms": [[atom[name] for name in block.features] for atom in block.atoms],
                "weights": block.weights.tolist(),
                "edges": {name: list(edges) for name, edges in block.edges.items()},
            }
            for block in stratum.blocks
        ],
        "support": asdict(stratum.support),
        "cuts": list(stratum.cuts),
        "likeness": likeness_document(stratum.likeness),
    }
