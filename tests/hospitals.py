"""A hospital in small: an EHR with its record, and the form that is opened from it, each on its own site, over TLS.

The EHR is at ``localhost`` and the form at ``127.0.0.1``: two sites, so that the form's cookies are a third party's.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Frame,
    FrameLocator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from model.artefact import Artefact
from rps_prognosis import listen
from server.application import create_app
from server.connected import Connected
from server.connections import WRITABLE, Connections, Ehr
from server.fhir.events import OCCURRED_FOLLOWING
from server.smart.sessions import Sessions
from tests import records
from tests.browsing import ARGUMENTS, SUBMIT, chromium
from tests.ehr_peer import Peer, Resource, peering

CLIENT = "rps-prognosis"
MINUTES = 60
"""How long a launch lasts."""

ANNA, BERT = "anna", "bert"
"""Two patients. Anna's sarcoma came back far away, Bert's where it had been."""
NAMES = {ANNA: "Anna Maria Example", BERT: "Bert Other"}
BORN = {ANNA: "3 February 1957", BERT: "17 November 1961"}
FILLED: Mapping[str, Mapping[str, str]] = {
    ANNA: {
        "pattern": "distant",
        "interval_months.begin": "2018-03-01",
        "interval_months.end": "2020-06-05",
        "subtype": "lms",
    },
    BERT: {
        "pattern": "local",
        "interval_months.begin": "2015-05-04",
        "interval_months.end": "2022-09-10",
        "resection": "yes",
    },
}
"""What their records fill in."""


@dataclass(slots=True)
class Clock:
    """What the sessions take for the time."""

    now: float = 0.0

    def __call__(self) -> float:
        """The seconds that have passed."""
        return self.now


@dataclass(frozen=True, slots=True)
class Hospital:
    """Both sides of a launch."""

    peer: Peer
    address: str
    """Of the form."""
    connected: Connected
    clock: Clock
    app: FastAPI

    def open(
        self, name: str, patient: str, *, need_patient_banner: bool | None = True, granted_scope: str | None = None
    ) -> str:
        """A page of the EHR that shows the form for a patient in a frame; with "?window" after it, a link to it."""
        return self.peer.launch(
            name,
            patient,
            app=self.address,
            need_patient_banner=need_patient_banner,
            granted_scope=granted_scope,
        )

    def furnish(self) -> None:
        """Forget what was before: two patients in the record, the form known to it, and nobody signed in."""
        self.clock.now += 1_000_000.0
        self.connected.sessions.waiting("")  # whatever is asked of them, they forget what has ended
        self.peer.reset()
        self.peer.register_client(CLIENT, [f"{self.address}/callback"])
        self.peer.put([*record_of_anna(), *record_of_bert()])


def record_of_anna() -> list[Resource]:
    """Leiomyosarcoma, operated on, and metastases."""
    return [
        records.patient(ANNA),
        records.primary("anna-primary"),
        records.metastasis("anna-metastasis", "2020-06-05", ["anna-primary"]),
        records.operation("anna-operation", "2018-03-01", ["anna-primary"]),
        records.histology("anna-histology", records.LMS, about=["anna-primary"]),
    ]


def record_of_bert() -> list[Resource]:
    """A local recurrence, which was operated on as well."""
    his = {"subject": records.reference("Patient", BERT)}
    where = records.says(records.WHERE_IS, records.LOCAL)
    link = records.link(OCCURRED_FOLLOWING, "bert-primary")
    return [
        records.patient(BERT, name=[{"use": "official", "family": "Other", "given": ["Bert"]}], birthDate="1961-11-17"),
        records.primary("bert-primary", **his),
        records.recurrence("bert-recurrence", "2022-09-10", ["bert-primary"], **his, extension=[*link, where]),
        records.operation("bert-operation", "2015-05-04", ["bert-primary"], of=BERT),
        records.operation("bert-second", "2022-10-01", ["bert-recurrence"], of=BERT),
    ]


@contextmanager
def hospital(
    folder: Path, artefact: Artefact, *, audit: Path | None = None, ehr: Mapping[str, Any] | None = None
) -> Iterator[Hospital]:
    """Start both, and end them; ``ehr`` is what the configuration says of the EHR instead of the usual."""
    with peering(folder) as peer:
        listening = listen("127.0.0.1", 0)
        address = f"https://127.0.0.1:{listening.getsockname()[1]}"
        connections = Connections(
            address=address,
            ehrs={peer.issuer: connected_ehr(peer, ehr or {})},
            session_minutes=MINUTES,
            most_sessions=100,
            audit_file=audit,
            frame_ancestors=(peer.origin,),
        )
        clock = Clock()
        connected = Connected(connections, Sessions(connections.most_sessions, MINUTES, clock=clock))
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
            yield Hospital(peer, address, connected, clock, app)
        finally:
            server.should_exit = True
            thread.join()


def connected_ehr(peer: Peer, changes: Mapping[str, Any]) -> Ehr:
    """The tests' EHR as the configuration would have it: a public client that may write in every form."""
    usual = Ehr(
        name="Test Hospital",
        issuer=peer.issuer,
        client_id=CLIENT,
        trust=ssl.create_default_context(cafile=str(peer.ca)),
        write=WRITABLE,
    )
    return replace(usual, **changes)


@contextmanager
def browsing_at_work(folder: Path, *, cached: bool = False) -> Iterator[Browser]:
    """A Chromium set not to keep cookies of third parties; ``cached`` lets it keep whole pages to go back to.

    Playwright would switch that off.
    """
    with sync_playwright() as playwright, staying(playwright, folder, cached=cached) as context:
        if context.browser is None:
            message = "Chromium has no browser of its own"
            raise RuntimeError(message)
        yield context.browser


@contextmanager
def staying(playwright: Playwright, folder: Path, *, cached: bool = False) -> Iterator[BrowserContext]:
    """The same as somebody's own browser, whose profile in this folder outlasts it."""
    profile = folder / "Default"
    profile.mkdir(parents=True)
    settings = {"profile": {"cookie_controls_mode": 1}}
    (profile / "Preferences").write_text(json.dumps(settings), encoding="utf-8")
    context = playwright.chromium.launch_persistent_context(
        folder,
        executable_path=chromium(),
        args=ARGUMENTS,
        ignore_default_args=["--disable-back-forward-cache"] if cached else None,
        ignore_https_errors=True,
    )
    context.set_default_timeout(10_000)
    try:
        yield context
    finally:
        context.close()


@contextmanager
def visiting(
    browser: Browser, *expected: str, scripts: bool = True, options: Mapping[str, Any] | None = None
) -> Iterator[BrowserContext]:
    """A browser of somebody at the hospital, which trusts its certificates; nothing of the form writes an error.

    An error that holds one of the words ``expected`` is none; nor is what the EHR's own pages write, nor what Chromium
    does: that a page had status 422, and that a page in a frame would have taken the focus.
    """
    settings = {"viewport": {"width": 1280, "height": 900}, **(options or {})}
    context = browser.new_context(ignore_https_errors=True, java_script_enabled=scripts, **settings)
    context.set_default_timeout(10_000)
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location["url"].startswith("https://localhost:"):
            errors.append(message.text)

    context.on("console", hear)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    try:
        yield context
    finally:
        context.close()
    expected = ("status of 422", "autofocusing", *expected)
    unexpected = [error for error in errors if not any(words in error for words in expected)]
    assert unexpected == [], unexpected


def frame_of(page: Page) -> FrameLocator:
    """The form within the EHR's page."""
    return page.frame_locator("iframe")


def inside(page: Page) -> Frame:
    """The same as a document, to be asked things."""
    (frame,) = page.main_frame.child_frames
    return frame


Place = Page | FrameLocator
"""Where the form is: in a window of its own, or in a frame."""


def opened(page: Page, address: str) -> FrameLocator:
    """The form in the EHR's page, once it is there."""
    page.goto(address)
    place = frame_of(page)
    expect(place.locator("form.patient")).to_be_visible()
    return place


def opened_here(page: Page, address: str, app: str) -> None:
    """The form in place of the EHR's page, or whatever came instead, once the form's own site has answered.

    A page that is left can still be asked things; so this waits for the address, not for something on a page.
    """
    page.goto(f"{address}?window")
    page.get_by_role("link", name="Open the application").click()
    page.wait_for_url(f"{app}/**")


def held(place: Place) -> dict[str, str]:
    """What the form holds now, by the names of its fields, confirmations and what is hidden left out."""
    fields: dict[str, str] = place.locator("form.patient").evaluate(
        "form => Object.fromEntries([...new FormData(form)]"
        ".filter(([name, value]) => value && !/^(launch|confirmed)[.]|^model$/.test(name)))"
    )
    return fields


def confirm(place: Place, *names: str) -> None:
    """Tick the boxes of these questions, or of all that are shown."""
    expect(place.locator("form.patient")).to_be_visible()
    boxes = place.locator(".confirm input:visible")
    chosen = [place.locator(f'[name="confirmed.{name}"]') for name in names] if names else boxes.all()
    for box in chosen:
        box.check()


def predict(place: Place, alive_months: str = "31") -> None:
    """From the form that the record filled in to the result."""
    confirm(place)
    place.locator('form.patient input[name="alive_months"]').fill(alive_months)
    place.locator(SUBMIT).click()
    expect(place.locator("article.result")).to_be_visible()


def save(place: Place, button: str = "Write to the record as a risk assessment") -> str:
    """Write the result; what the page then says about that."""
    pressed = place.get_by_role("button", name=button)
    with pressed.page.expect_response(lambda response: response.url.endswith("/save")):
        pressed.click()
    expect(place.locator(".saved:not([data-seen])")).to_be_visible()
    said = text_of(place, ".saved")
    place.locator(".saved").evaluate("notice => notice.setAttribute('data-seen', '')")
    return said


def text_of(place: Place, selector: str) -> str:
    """What one element says, once it can be seen."""
    expect(place.locator(selector)).to_be_visible()
    return " ".join(place.locator(selector).inner_text().split())


def lines_of(place: Place, selector: str) -> list[str]:
    """The same, line by line."""
    expect(place.locator(selector)).to_be_visible()
    return [line for line in place.locator(selector).inner_text().split("\n") if line]


def banners(places: Sequence[Place]) -> list[str]:
    """Whose form it says above each."""
    return [text_of(place, ".opened") for place in places]
