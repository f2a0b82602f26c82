"""The page for patients is in words that most people can read; the result of the clinician is not."""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact
from tests.web import BOTH, DISTANT, LOCAL, UNKNOWN, Page, client_of, read_page

HIGHEST = 8
"""Years of school, at most, that the page for patients asks for."""
FORMULAS = ("flesch_kincaid_grade", "smog_index", "automated_readability_index")
"""By syllables and words, by long words, by letters and words; each to a sentence."""

PATIENTS: list[tuple[Mapping[str, Any], int]] = [
    (LOCAL, 0),
    ({**LOCAL, "interval_months": 200}, 40),
    (UNKNOWN, 3),
    (DISTANT, 0),
    ({**DISTANT, "subtype": "ups_mpnst", "interval_months": 1}, 13),
    ({**DISTANT, "subtype": "unknown", "interval_months": 100}, 0),
    (BOTH, 0),
    (BOTH, 30),
]


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    """Of a withdrawn model, so that the page carries that warning too."""
    return client_of(Artefact(artefact.model, {**artefact.card, "withdrawn": True}, artefact.manifest))


@pytest.fixture(scope="module")
def grades() -> Any:  # noqa: ANN401 - the library has no types
    """The library that grades texts; it warns of its own way to find its data, which tests would take for an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return importlib.import_module("textstat")


def texts(page: Page, tags: set[str]) -> list[str]:
    """The texts of a result, closed parts included."""
    return [
        element.text
        for element in page.elements
        if element.tag in tags and "article" in element.inside and element.text and "li" not in element.inside
    ]


def everything(page: Page) -> str:
    """All of it: headings, labels, paragraphs and items, each ended like a sentence."""
    tags = {"h1", "h2", "h3", "p", "li", "summary", "dt", "dd"}
    return " ".join(text if text[-1] in ".?!:" else f"{text}." for text in texts(page, tags))


def sentences(page: Page) -> list[str]:
    """The whole sentences in it."""
    whole = " ".join(text for text in texts(page, {"p", "li"}) if text[-1] in ".?!")
    return re.split(r"(?<=[.?!]) (?=[A-Z])", whole)


@pytest.mark.parametrize(("features", "alive"), PATIENTS)
def test_the_page_for_patients_can_be_read_by_most(
    client: TestClient,
    grades: Any,  # noqa: ANN401 - the library has no types
    features: Mapping[str, Any],
    alive: int,
) -> None:
    """E29: at most eight years of school by three formulas, with every figure opened and every caution there."""
    page = read_page(client.post("/patient", data={**features, "alive_months": alive, "clinician": "seen"}).text)
    told = " ".join(sentences(page))
    assert re.search(r"\d", told)
    assert "must no longer be used" in told
    assert len(told.split()) > 250
    for text in (everything(page), told):
        for formula in FORMULAS:
            assert getattr(grades, formula)(text) <= HIGHEST, formula
    hardest = max(sentences(page), key=grades.flesch_kincaid_grade)
    assert grades.flesch_kincaid_grade(hardest) <= HIGHEST + 2, hardest


@pytest.mark.parametrize(("features", "alive"), PATIENTS)
def test_the_result_of_the_clinician_cannot(
    client: TestClient,
    grades: Any,  # noqa: ANN401 - the library has no types
    features: Mapping[str, Any],
    alive: int,
) -> None:
    """E29: the same measure of the clinician's sentences is above eight by each formula, so it can fail."""
    told = " ".join(sentences(read_page(client.post("/", data={**features, "alive_months": alive}).text)))
    for formula in FORMULAS:
        assert getattr(grades, formula)(told) > HIGHEST, formula
