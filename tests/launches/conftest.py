"""Both sides of a launch, started once for all the files here that one process runs, and somebody to go through it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from model.artefact import Artefact
from tests.hospitals import Hospital, browsing_at_work, hospital
from tests.visits import Visitor, visitor


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory, artefact: Artefact) -> Iterator[Hospital]:
    """Both sides, as the test before has left them."""
    with hospital(tmp_path_factory.mktemp("hospital"), artefact) as both:
        yield both


@pytest.fixture
def clinic(started: Hospital) -> Hospital:
    """Both sides as each test finds them."""
    started.furnish()
    return started


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium that keeps no cookies of third parties."""
    with browsing_at_work(tmp_path_factory.mktemp("profile")) as blocking:
        yield blocking


@pytest.fixture
def visit(clinic: Hospital) -> Iterator[Visitor]:
    """Somebody at the hospital."""
    with visitor(clinic) as somebody:
        yield somebody
