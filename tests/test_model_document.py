"""``model.json``: what is written is what is read, and what makes no sense is refused with the reason."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from model.document import FORMAT, UnreadableModel, read_model, stratum_document
from model.fitted import Fits, Model, Stratum
from model.patient import Patient
from model.plain import plain_prediction
from model.prediction import predict
from tests.invented import FEATURES, THREE, document, small_model, strata, stratum, valid_inputs
from tests.small_artefact import small_strata
from training.artefact import model_document
from training.published.description import default_description

Document = dict[str, Any]
Change = Callable[[Document], object]


@pytest.fixture(scope="module")
def default_document() -> Document:
    """The document of the small model, as read from JSON; to be copied before it is changed."""
    text = json.dumps(model_document(default_description(), small_strata(fits=2)), allow_nan=False)
    return dict(json.loads(text))


def same(one: Stratum, other: Stratum) -> None:
    """Two strata are the same to the last bit."""
    assert (one.name, one.terms, one.support) == (other.name, other.terms, other.support)
    np.testing.assert_array_equal(one.months, other.months)
    np.testing.assert_array_equal(one.centre, other.centre)
    for name in Fits.__slots__:
        np.testing.assert_array_equal(getattr(one.fits, name), getattr(other.fits, name))
        assert getattr(one.fits, name).shape == getattr(other.fits, name).shape
    for here, there in zip(one.blocks, other.blocks, strict=True):
        assert (here.features, here.atoms, here.edges) == (there.features, there.atoms, there.edges)
        np.testing.assert_array_equal(here.weights, there.weights)


@given(strata())
def test_a_stratum_survives_the_file_to_the_last_bit(of: Stratum) -> None:
    """DESIGN §4: plain numbers, readable by any language; with one fit, without predictors, distributed together."""
    text = json.dumps(document(of), allow_nan=False)
    same(of, read_model(json.loads(text), "").strata["invented"])
    assert stratum_document(of) == json.loads(text)["strata"]["invented"]


def test_questions_survive_the_file() -> None:
    """Names, codes, ranges, units, words: all that the form, the schema and the validation are made of."""
    model = read_model(json.loads(json.dumps(document(stratum(1, 2, THREE)))), "abc")
    assert model.features == FEATURES
    assert model.digest == "abc"


@cache
def reread() -> Model:
    text = json.dumps(model_document(default_description(), tuple(small_model().strata.values())))
    return read_model(json.loads(text), "")


@given(valid_inputs())
def test_a_model_that_was_written_and_read_predicts_the_same(inputs: dict[str, Any]) -> None:
    """To the last bit, for every valid patient."""
    found = [
        plain_prediction(predict(m, Patient.parse(m.features, inputs["features"], alive_months=inputs["alive_months"])))
        for m in (small_model(), reread())
    ]
    assert found[0] == found[1]


# Refusals: each is one change to a document that can be read.


def stratum_of(document: Document, name: str = "distant") -> Document:
    return dict.__getitem__(document["strata"], name)


def feature(document: Document, name: str) -> Document:
    return next(feature for feature in document["features"] if feature["name"] == name)


def fits(document: Document) -> Document:
    return dict.__getitem__(stratum_of(document), "fits")


def block(document: Document, number: int = 1) -> Document:
    return list.__getitem__(stratum_of(document)["blocks"], number)


def put(holder: Any, key: Any, value: Any) -> None:  # noqa: ANN401
    holder[key] = value


REFUSED: dict[str, tuple[Change, str]] = {
    "a later format": (lambda d: put(d, "format", FORMAT + 1), f"its format is {FORMAT + 1}, .* reads format {FORMAT}"),
    "no format": (lambda d: d.pop("format"), "its format is None"),
    "no strata": (lambda d: d.pop("strata"), "strata"),
    "strata in a list": (lambda d: put(d, "strata", [1]), "items"),
    "no name": (lambda d: d.pop("name"), "name"),
    "no words about it": (lambda d: d.pop("about"), "about"),
    "a word about it that is missing": (lambda d: d["about"].pop("origin"), "origin"),
    "a word about it that nobody knows": (lambda d: put(d["about"], "secret", 1), "secret"),
    "no questions": (lambda d: d.pop("features"), "features"),
    "a stratum that no level chooses": (lambda d: d["stratum_feature"]["levels"].pop(), "levels of the stratum"),
    "strata in another order": (lambda d: d["stratum_feature"]["levels"].reverse(), "levels of the stratum"),
    "a stratum that may be unknown": (lambda d: put(d["stratum_feature"], "unknown", "?"), "cannot be unknown"),
    "two questions of one name": (lambda d: put(feature(d, "resection"), "name", "subtype"), "same name"),
    "a question named as the time alive": (
        lambda d: put(feature(d, "resection"), "name", "alive_months"),
        "same name",
    ),
    "two levels of one code": (lambda d: put(feature(d, "subtype")["levels"][1], "code", "ddlps"), "same code"),
    "a level named unknown": (lambda d: put(feature(d, "subtype")["levels"][1], "code", "unknown"), "same code"),
    "a question of an unknown kind": (lambda d: put(feature(d, "subtype"), "colour", "red"), "colour"),
    "a number with levels": (
        lambda d: put(feature(d, "interval_months"), "levels", feature(d, "subtype")["levels"]),
        "interval_months must have either",
    ),
    "a question without answers": (lambda d: feature(d, "subtype").pop("levels"), "subtype must have either"),
    "a question without a reference": (lambda d: feature(d, "subtype").pop("reference"), "answered to subtype.*None"),
    "a reference that is no level": (lambda d: put(feature(d, "subtype"), "reference", "DDLPS"), "answered to subtype"),
    "a reference out of range": (lambda d: put(feature(d, "interval_months"), "reference", 0), "interval_months"),
    "a reference that is true": (lambda d: put(feature(d, "interval_months"), "reference", True), "interval_months"),  # noqa: FBT003
    "a logarithm of numbers that may be 0": (
        lambda d: put(feature(d, "interval_months")["hard"], "low_open", False),  # noqa: FBT003
        "questions do not answer",
    ),
    "a question that nothing uses": (lambda d: put(feature(d, "resection"), "strata", ["local", "distant"]), "asks"),
    "a predictor that nobody is asked for": (lambda d: put(feature(d, "subtype"), "strata", []), "asks"),
    "a predictor that is distributed twice": (lambda d: stratum_of(d)["blocks"].append(block(d)), "distributed in"),
    "a predictor that is not distributed": (lambda d: stratum_of(d)["blocks"].pop(), "distributed in"),
    "a column of a level that is none": (lambda d: put(stratum_of(d)["terms"][1], "level", "LMS"), "do not answer"),
    "a column of a level without the level": (lambda d: stratum_of(d)["terms"][1].pop("level"), "do not answer"),
    "a logarithm of a level": (lambda d: put(stratum_of(d)["terms"][1], "transformation", "log"), "do not answer"),
    "a column of nothing": (lambda d: put(stratum_of(d)["terms"][1], "feature", "age"), "do not answer"),
    "a transformation from the future": (
        lambda d: put(stratum_of(d)["terms"][0], "transformation", "spline"),
        "transformation 'spline' that this program does not know",
    ),
    "months that leave one out": (lambda d: put(stratum_of(d)["months"], 7, 8), "months must be 0, 1, 2"),
    "months that start at 1": (lambda d: put(stratum_of(d), "months", list(range(1, 62))), "months must be 0, 1, 2"),
    "no fit": (lambda d: put(fits(d), "hazard", []), "there must be a fit"),
    "a horizon at time zero": (lambda d: put(d, "horizons_months", [0, 36]), "a horizon is a whole number of months"),
    "a horizon before it": (lambda d: put(d, "horizons_months", [-5, 36]), "a horizon is a whole number of months"),
    "half a month": (lambda d: put(d, "horizons_months", [12.5, 36]), "a horizon is a whole number of months"),
    "a horizon past a life": (lambda d: put(d, "horizons_months", [36, 1300]), "a horizon is a whole number of months"),
    "bins without bounds": (lambda d: block(d, 0)["edges"].clear(), "are not rising bounds"),
    "bounds that fall": (lambda d: block(d, 0)["edges"]["interval_months"].reverse(), "are not rising bounds"),
    "support from nowhere": (lambda d: put(stratum_of(d)["support"], "source", "Published"), "support comes from one"),
    "a hazard that falls": (lambda d: put(fits(d)["hazard"][0], 30, 0.0), "does not start at 0, or falls"),
    "a hazard that starts late": (lambda d: put(fits(d)["hazard"][0], 0, 1e-9), "does not start at 0, or falls"),
    "a hazard below 0": (
        lambda d: put(fits(d)["hazard"], 0, [-h for h in fits(d)["hazard"][0]]),
        "does not start at 0, or falls",
    ),
    "a variance that falls": (lambda d: put(fits(d)["hazard_variance"][1], 60, 0.0), "does not start at 0, or falls"),
    "a hazard that is missing": (lambda d: put(fits(d)["hazard"][0], 30, None), "not finite"),
    "a hazard that is not a number": (lambda d: put(fits(d)["hazard"][0], 30, float("nan")), "not finite"),
    "an infinite hazard": (lambda d: put(fits(d)["hazard"][0], 60, float("inf")), "not finite"),
    "a coefficient that is not a number": (
        lambda d: put(fits(d)["coefficients"][0], 0, float("nan")),
        "not finite",
    ),
    "a coefficient too few": (lambda d: fits(d)["coefficients"][0].pop(), "ValueError|shape"),
    "coefficients of a fit too few": (lambda d: fits(d)["coefficients"].pop(), r"shape \(1, 4\).*\(2, 4\)"),
    "coefficients by column": (
        lambda d: put(fits(d), "coefficients", np.array(fits(d)["coefficients"]).T.tolist()),
        r"shape \(4, 2\).*\(2, 4\)",
    ),
    "a centre too short": (lambda d: stratum_of(d)["centre"].pop(), r"shape \(3,\).*\(4,\)"),
    "a covariance that is not symmetric": (
        lambda d: put(fits(d)["covariance"][0][0], 1, 0.7 * fits(d)["covariance"][0][0][1]),
        "not symmetric and positive definite",
    ),
    "a covariance below 0": (
        lambda d: put(fits(d), "covariance", (-np.array(fits(d)["covariance"])).tolist()),
        "not symmetric and positive definite",
    ),
    "a share below 0": (lambda d: put(block(d)["weights"], 0, [-0.1, 0.5, 0.5, 0.1]), "not shares"),
    "shares that do not sum to 1": (lambda d: put(block(d)["weights"], 0, [0.3, 0.5, 0.5, 0.1]), "not shares"),
    "shares of nobody": (lambda d: put(block(d)["weights"], 0, [0.0, 0.0, 0.0, 0.0]), "not shares"),
    "shares of too few kinds": (lambda d: block(d)["atoms"].pop(), "shape"),
    "a kind that is no answer": (lambda d: put(block(d)["atoms"], 0, ["DDLPS"]), "answered to subtype"),
    "a kind out of range": (lambda d: put(block(d, 0)["atoms"], 0, [0.0]), "answered to interval_months"),
    "a kind with a value too many": (lambda d: block(d)["atoms"][0].append("lms"), "ValueError"),
    "a headline that is no horizon": (lambda d: put(d, "headline_months", 30), "headline 30 is not among"),
    "horizons that do not rise": (lambda d: put(d, "horizons_months", [12, 36, 24]), "do not rise"),
    "no horizons": (lambda d: put(d, "horizons_months", []), "headline"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_document_that_makes_no_sense_is_refused_with_the_reason(name: str, default_document: Document) -> None:
    """DESIGN §4: refused, in words, rather than a number that means nothing."""
    change, reason = REFUSED[name]
    changed = copy.deepcopy(default_document)
    read_model(changed, "")
    change(changed)
    with pytest.raises(UnreadableModel, match=reason):
        read_model(changed, "")
