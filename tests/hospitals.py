"""A hospital in small: an EHR with its record, and the form that is opened from it, each on a site of its own, over TLS.

The EHR is at ``localhost`` and the form at ``127.0.0.1``: two sites, so that the form's cookies are a third party's.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page

from model.artefact import Artefact
from rps_prognosis import listen
from server.application import create_app
from server.connections import WRITABLE, Connections, Ehr
from server.connected import Connected, connect
from tests.ehr_peer import Peer, peering

CLIENT = "rps-prognosis"


@dataclass(frozen=True, slots=True)
class Hospital:
    """Both sides of a launch."""

    peer: Peer
    address: str
    """Of the form."""
    connected: Connected

    def open(self, name: str, patient: str, **more: Any) -> str:
        """A page of the EHR that shows the form for a patient in a frame."""
        return self.peer.launch(name, patient, app=self.address, **more)


@contextmanager
def hospital(folder: Path, artefact: Artefact, *, audit: Path | None = None, **ehr: Any) -> Iterator[Hospital]:
    """Start both, and end them."""
    with peering(folder) as peer:
        listening = listen("127.0.0.1", 0)
        address = f"https://127.0.0.1:{listening.getsockname()[1]}"
        connections = Connections(
            address=address,
            ehrs={peer.issuer: connected_ehr(peer, **ehr)},
            session_minutes=60,
            most_sessions=100,
            audit_file=audit,
            frame_ancestors=(peer.origin,),
        )
        connected = connect(connections)
        app = create_app([artefact], connected=connected)
        config = uvicorn.Config(
            app,
            log_level="error",
            lifespan="off",
            ssl_certfile=peer.certificates.certificate,
            ssl_keyfile=peer.certificates.key,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Hospital(peer, address, connected)
        finally:
            server.should_exit = True
            thread.join()


def connected_ehr(peer: Peer, **more: Any) -> Ehr:
    """The tests' EHR as the configuration would have it: a public client that may write in every form."""
    return Ehr(
        **{
            "name": "Test Hospital",
            "issuer": peer.issuer,
            "client_id": CLIENT,
            "trust": ssl.create_default_context(cafile=str(peer.ca)),
            "write": WRITABLE,
            **more,
        }
    )


@contextmanager
def visiting(browser: Browser, *, scripts: bool = True) -> Iterator[BrowserContext]:
    """A browser of somebody at the hospital, which trusts its certificates."""
    context = browser.new_context(
        ignore_https_errors=True, viewport={"width": 1280, "height": 900}, java_script_enabled=scripts
    )
    context.set_default_timeout(10_000)
    try:
        yield context
    finally:
        context.close()


def frame_of(page: Page) -> FrameLocator:
    """The form within the EHR's page."""
    return page.frame_locator("iframe")
