"""A real Chromium, and the application where it can see it."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright

from model.artefact import Artefact
from rps_prognosis import listen
from server.application import create_app
from server.wording.language import Language
from tests.web import BOTH, DISTANT, LOCAL, UNKNOWN

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SANDBOX = "allow-forms allow-scripts allow-same-origin"
"""What portals put on a frame."""

SUBMIT = "form.patient button[type=submit]"
TITLE = "Survival after a first recurrence of retroperitoneal sarcoma"

# Addresses of ours: none has a place for a value, behind a question mark or elsewhere.
ADDRESSES = (
    r"/(fragment|patient|model|nowhere|download/[a-z]+\.[a-z]+|static/[0-9a-f]{12}/[a-z]+\.[a-z]+)?(#[a-z0-9-]+)?"
)

LEFT_BEHIND = """async () => [
  document.cookie, localStorage.length, sessionStorage.length, (await indexedDB.databases()).length,
  (await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length]"""
NOTHING = ["", 0, 0, 0, 0, 0]


# For scripts that measure how far colours stand apart, as WCAG does.
COLOURS = """
  const parse = c => (c.match(/[0-9.]+/g) || []).map(Number);
  const light = c => {
    const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)];
    return (Math.max(x, y) + .05) / (Math.min(x, y) + .05);
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c.slice(0, 3);
    }
    return parse(getComputedStyle(document.body).backgroundColor).slice(0, 3);
  };
"""


def chromium() -> str:
    """The browser's program. The test fails, and says what to install, where there is none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if found is None:
        pytest.fail("Chromium is needed to see the pages: apt-get install chromium, or name one in CHROMIUM")
    return found


@contextmanager
def browsing() -> Iterator[Browser]:
    """The browser, started and ended."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield started
        started.close()


@contextmanager
def serving(artefact: Artefact, *portals: str, languages: Sequence[Language] = ()) -> Iterator[str]:
    """The application in a thread of its own; where it answers."""
    listening = listen("127.0.0.1", 0)
    app = create_app([artefact], frame_ancestors=portals, languages=languages)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def portal(frames: Mapping[str, str], sandbox: str = SANDBOX) -> Iterator[str]:
    """Another origin whose pages show an address each in a sandboxed frame."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            frame = f'<iframe width="1000" height="700" sandbox="{sandbox}" src="{frames.get(self.path, "")}"></iframe>'
            body = f"<!doctype html><title>Portal</title><link rel=icon href=data:,>{frame}".encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def tab(browser: Browser, address: str, *expected: str, options: Mapping[str, Any] | None = None) -> Iterator[Page]:
    """A page that fails its test when it writes an error, asks anybody else, has a value in an address, keeps a thing.

    An error that holds one of the words ``expected`` is none; Chromium itself writes down that a page had status 422.
    """
    settings = {"viewport": {"width": 1280, "height": 800}, "java_script_enabled": True, **(options or {})}
    context, scripts = browser.new_context(**settings), settings["java_script_enabled"]
    page = context.new_page()
    page.set_default_timeout(10_000)
    errors: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    try:
        yield page
        cookies, kept = context.cookies(), page.evaluate(LEFT_BEHIND) if scripts else NOTHING
    finally:
        context.close()
    assert not [error for error in errors if not any(words in error for words in ("status of 422", *expected))]
    assert kept == NOTHING
    assert cookies == []
    assert asked
    assert [url for url in asked if not re.fullmatch(re.escape(address) + ADDRESSES, url)] == []


def answer(page: Page | FrameLocator, features: Mapping[str, Any]) -> None:
    """Fill the form as somebody with a mouse would."""
    for name, value in features.items():
        if page.locator(f'form.patient input[name="{name}"][type="text"]').count():
            page.locator(f'form.patient input[name="{name}"]').fill(str(value))
        else:
            page.locator(f'form.patient input[name="{name}"][value="{value}"]').check()


def predict(page: Page, address: str, features: Mapping[str, Any]) -> None:
    """From the empty form to the result."""
    page.goto(address)
    answer(page, features)
    page.click(SUBMIT)
    expect(page.locator("article.result")).to_be_visible()


def compare(page: Page | FrameLocator, **other: str) -> None:
    """Ask for the different patient who is open on the page."""
    for name, value in other.items():
        field = page.locator(f'[name="other.{name}"]')
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.locator("form.other button").click()


def open_all(page: Page) -> None:
    """Open everything that is closed and can be seen."""
    for summary in page.locator("details:not([open]) > summary:visible").all()[::-1]:
        summary.click()


def until(page: Page, condition: str) -> None:
    """Wait until a condition holds in the page, for 600 frames at most.

    Playwright's own waiting evaluates text within the page, which our policy forbids.
    """
    held = page.evaluate(
        f"async () => {{ for (let i = 0; i < 600 && !({condition}); i++) await new Promise(requestAnimationFrame);"
        f" return {condition} }}"
    )
    assert held, condition


RESULTS: Mapping[str, Mapping[str, Any]] = {
    "local": LOCAL,
    "local, unknown, later": {**UNKNOWN, "interval_months": 200, "alive_months": 6},
    "distant, unknown": {**DISTANT, "subtype": "unknown"},
    "both": BOTH,
    "both, later": {**BOTH, "alive_months": 30},
}


def _forms(page: Page, address: str) -> Iterator[str]:
    page.goto(address)
    yield "the form"
    for pattern in ("local", "distant", "both"):
        page.check(f'input[value="{pattern}"]')
        yield f"the form, {pattern}"
        open_all(page)
        yield f"the form, {pattern}, open"
    page.check('input[value="local"]')
    page.fill('input[name="interval_months"]', "7;5")
    page.click(SUBMIT)
    expect(page.locator(".summary")).to_be_visible()
    yield "the form, refused"


def _results(page: Page, address: str) -> Iterator[str]:
    for name, features in RESULTS.items():
        predict(page, address, features)
        yield f"a result, {name}"
    predict(page, address, RESULTS["local, unknown, later"])
    for name in ("people", "spans", "words", "table"):
        page.check(f"#as-{name}")
        yield f"a result as {name}"
    open_all(page)
    yield "a result, open"


def _comparisons(page: Page, address: str) -> Iterator[str]:
    predict(page, address, DISTANT)
    page.click(".comparison > summary")
    yield "a comparison, open"
    compare(page, subtype="ddlps")
    expect(page.locator(".compared")).to_be_visible()
    yield "a comparison"
    compare(page, interval_months="7;5")
    expect(page.locator("div.problem")).to_be_visible()
    yield "a comparison, refused"


def _others(page: Page, address: str) -> Iterator[str]:
    predict(page, address, UNKNOWN)
    page.click('button[name="clinician"]')
    expect(page.locator(".plain-words")).to_be_visible()
    yield "the page for a patient"
    open_all(page)
    yield "the page for a patient, open"
    page.goto(f"{address}/model")
    yield "the card"
    open_all(page)
    yield "the card, open"
    page.goto(f"{address}/nowhere")
    yield "a message"


PLACES: Mapping[str, Callable[[Page, str], Iterator[str]]] = {
    "forms": _forms,
    "results": _results,
    "comparisons": _comparisons,
    "others": _others,
}
"""Ways through everything that a page can show; each says what it shows now."""
