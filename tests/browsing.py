"""A real Chromium, and the application where it can see it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from model.artefact import Artefact
from rps_prognosis import listen
from server.application import create_app

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The browser's program. The test fails, and says what to install, where there is none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if found is None:
        pytest.fail("Chromium is needed to see the pages: apt-get install chromium, or name one in CHROMIUM")
    return found


@contextmanager
def serving(artefact: Artefact, *portals: str) -> Iterator[str]:
    """The application in a thread of its own; where it answers."""
    listening = listen("127.0.0.1", 0)
    app = create_app([artefact], frame_ancestors=portals)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
