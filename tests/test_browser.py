"""The pages in a real Chromium: at every width, by keyboard alone, in a portal's frame, asking nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from model.artefact import Artefact
from tests.browsing import ARGUMENTS, chromium, serving
from tests.web import BOTH, DISTANT, LOCAL, UNKNOWN

WIDTHS = {1280: 800, 768: 1024, 320: 640}


@contextmanager
def portal(frames: Mapping[str, str]) -> Iterator[str]:
    """Another origin whose pages show an address each in a sandboxed frame."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sandbox = "allow-forms allow-scripts allow-same-origin"
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
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def address(artefact: Artefact) -> Iterator[str]:
    """Where the application answers, with a card that has tables of every width."""
    few = [{f"column_{i}": "a few words" for i in range(9)}] * 3
    long = [{"what": "word " * 40, "value": 1.5}] * 2
    card = {**artefact.card, "few": few, "many": few * 5, "long": long, "deep": {"list": few, "text": "x" * 80}}
    with serving(Artefact(artefact.model, card, artefact.manifest)) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test when it writes an error or asks anybody else for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    context.close()
    # Chromium itself writes down that a page came with status 422.
    assert not [error for error in errors if "status of 422" not in error]
    assert asked
    assert all(url.startswith(address) for url in asked)


def answer(page: Page, features: Mapping[str, Any]) -> None:
    """Fill the form as somebody with a mouse would."""
    for name, value in features.items():
        if page.locator(f'input[name="{name}"][type="text"]').count():
            page.fill(f'input[name="{name}"]', str(value))
        else:
            page.check(f'input[name="{name}"][value="{value}"]')


def predict(page: Page, address: str, features: Mapping[str, Any]) -> None:
    page.goto(address)
    answer(page, features)
    page.click("button")
    expect(page.locator("h1")).to_have_text("Predicted survival")


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


@pytest.mark.parametrize(
    "features", [None, {}, LOCAL, UNKNOWN, DISTANT, BOTH], ids=["form", "card", "local", "unknown", "distant", "both"]
)
def test_the_form_and_every_kind_of_result_fit(page: Page, address: str, features: Mapping[str, Any] | None) -> None:
    """Issue 2, access: 1280, 768 and 320 px without scrolling sideways, details shut and open, no console error."""
    page.goto(address if features is None else f"{address}/model")
    if features:
        predict(page, address, features)
    for state in ("shut", "open"):
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            assert overflow(page) == 0, (state, width)
            boxes = page.evaluate(
                "[...document.querySelectorAll('svg.chart text')].filter(e => e.getClientRects().length)"
                ".map(e => e.getBoundingClientRect()).map(b => [b.left, b.right])"
            )
            assert all(left >= 0 and right <= width for left, right in boxes), (state, width)
        for summary in page.locator("details:not([open]) > summary:visible").all()[::-1]:
            summary.click()


@pytest.mark.parametrize("width", [1280, 768])
def test_figures_and_whom_it_is_not_for_are_on_the_first_screen(page: Page, address: str, width: int) -> None:
    """E27: within the first screen of the result, with the figures and what the model was made from."""
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    predict(page, address, LOCAL)
    for part in (".notice", ".figures", ".not-for"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= WIDTHS[width] + 16


def test_only_the_questions_of_the_chosen_pattern_are_shown(page: Page, address: str) -> None:
    """Issue 2: conditional questions without scripts."""
    page.goto(address)
    shown = {
        None: set(),
        "local": {"interval_months", "resection"},
        "distant": {"interval_months", "subtype"},
        "both": set(),
    }
    for pattern, names in shown.items():
        if pattern is not None:
            page.check(f'input[value="{pattern}"]')
        for name in ("interval_months", "resection", "subtype"):
            assert page.locator(f'input[name="{name}"]').first.is_visible() == (name in names)


def test_the_keyboard_alone_completes_the_form(page: Page, address: str) -> None:
    """Access: Tab, arrows, Space, digits and Enter; what has the focus is always to be seen."""

    def focused() -> dict[str, str]:
        found: dict[str, str] = page.evaluate(
            "(e => ({tag: e.tagName, name: e.name || '', outline: getComputedStyle(e.closest('label.choice') || e)"
            ".outlineStyle}))(document.activeElement)"
        )
        return found

    def tab_to(tag: str, name: str = "") -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            now = focused()
            assert now["outline"] != "none", now
            if (now["tag"], now["name"]) == (tag, name):
                return
        pytest.fail(f"The keyboard does not reach {tag} {name}")

    page.goto(address)
    tab_to("INPUT", "pattern")
    page.keyboard.press("Space")
    tab_to("INPUT", "interval_months")
    page.keyboard.type("24")
    tab_to("INPUT", "resection")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    tab_to("INPUT", "alive_months")
    page.keyboard.type("6")
    tab_to("BUTTON")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Predicted survival")
    assert "No, and none is planned" in page.inner_text(".inputs")
    assert "6 months" in page.inner_text(".inputs")


def test_the_error_summary_has_the_focus_and_leads_to_the_fields(page: Page, address: str) -> None:
    """Access: error summary first, each line linked to its field."""
    page.goto(address)
    answer(page, {"pattern": "distant", "interval_months": "7,5"})
    page.click("button")
    expect(page).to_have_title("Error: Survival after a first recurrence of retroperitoneal sarcoma")
    assert page.evaluate("document.activeElement.className") == "summary"
    links = page.locator(".summary a")
    assert links.count() == 2
    links.nth(0).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "interval_months"
    assert page.input_value('input[name="interval_months"]') == "7,5"
    links.nth(1).click()
    assert page.evaluate("document.activeElement.name") == "subtype"
    page.fill('input[name="interval_months"]', "7.5")
    page.check('input[value="lms"]')
    page.click("button")
    expect(page.locator("h1")).to_have_text("Predicted survival")


def test_an_answer_of_another_pattern_does_not_get_lost(page: Page, address: str) -> None:
    """S4: it is hidden when the pattern is changed, still sent, refused by name, shown, and taken off."""
    page.goto(address)
    answer(page, LOCAL)
    page.check('input[value="both"]')
    page.click("button")
    assert page.locator('input[name="interval_months"]').is_visible()
    assert page.locator('input[name="resection"]').first.is_visible()
    page.fill('input[name="interval_months"]', "")
    page.click("button")
    expect(page.locator("h1")).to_have_text("Predicted survival")


def test_targets_are_large_enough(page: Page, address: str) -> None:
    """Access: at least 24 px, or the height of a line of text for links within it."""
    page.goto(address)
    page.check('input[value="local"]')
    for target in page.locator("label.choice:visible, input[type=text]:visible, button, summary:visible").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 24
        assert box["width"] >= 24


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(page: Page, address: str, scheme: Any) -> None:  # noqa: ANN401 - one of two words
    """Access: at least 4.5 to 1, light and dark."""
    page.emulate_media(color_scheme=scheme)
    predict(page, address, UNKNOWN)
    poor = page.evaluate(CONTRASTS)
    assert poor == []


CONTRASTS = """() => {
  const parse = c => (c.match(/[0-9.]+/g) || []).map(Number);
  const light = c => {
    const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || e.closest('svg')) continue;
    const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.push([e.tagName, e.className, ratio.toFixed(2), e.textContent.slice(0, 40)]);
  }
  return poor;
}"""


def test_it_prints_without_the_form(page: Page, address: str) -> None:
    """Issue 2: a print style; the result, and not the questions."""
    predict(page, address, LOCAL)
    page.emulate_media(media="print")
    assert not page.locator("form").is_visible()
    assert page.locator(".figures").is_visible()
    assert page.locator(".receipt").is_visible()


def test_a_portal_on_the_list_shows_it_in_a_frame_and_another_does_not(browser: Browser, artefact: Artefact) -> None:
    """S1: frame-ancestors is an allow-list, default none; it works in the sandbox that portals use."""
    frames: dict[str, str] = {}
    with portal(frames) as origin, serving(artefact, origin) as allowed, serving(artefact) as refused:
        frames |= {"/allowed": allowed, "/refused": refused}
        page = browser.new_page()
        page.goto(f"{origin}/allowed")
        frame = page.frame_locator("iframe")
        frame.locator('input[value="both"]').check()
        frame.locator("button").click()
        expect(frame.locator("h1")).to_have_text("Predicted survival")
        blocked: list[str] = []
        page.on("console", lambda message: blocked.append(message.text))
        page.goto(f"{origin}/refused")
        assert page.frame_locator("iframe").locator("form").count() == 0
        assert any("frame-ancestors" in text for text in blocked)
        page.close()
