"""Fixtures and settings for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from model.artefact import Artefact, read_artefact
from model.fitted import Model
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
