"""Fixtures and settings for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page

from model.artefact import Artefact, read_artefact
from model.fitted import Model
from tests.browsing import browsing, serving, tab
from tests.small_artefact import build

# The same examples in every run, so that a red build is red again; no deadline, for machines of continuous
# integration stall. Session fixtures are read only, so sharing them between examples is right.
settings.register_profile(
    "tests",
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("tests")


@pytest.fixture(scope="session")
def artefact_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with the default model's questions and invented numbers; not to be written to."""
    return build(tmp_path_factory.mktemp("artefact") / "model")


@pytest.fixture(scope="session")
def artefact(artefact_folder: Path) -> Artefact:
    """That folder's content, read and checked."""
    return read_artefact(artefact_folder)


@pytest.fixture(scope="session")
def model(artefact: Artefact) -> Model:
    """That folder's model."""
    return artefact.model


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the module's own: while one is driven, no event loop can be run beside it."""
    with browsing() as started:
        yield started


@pytest.fixture(scope="module")
def address(artefact: Artefact) -> Iterator[str]:
    """Where the application answers with that folder's model, and a card that has tables of every width."""
    few = [{f"column_{i}": "a few words" for i in range(9)}] * 3
    long = [{"what": "word " * 40, "value": 1.5}] * 2
    card = {**artefact.card, "few": few, "many": few * 5, "long": long, "deep": {"list": few, "text": "x" * 80}}
    with serving(Artefact(artefact.model, card, artefact.manifest)) as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that is watched, as tests/browsing.py says."""
    with tab(browser, address) as opened:
        yield opened
