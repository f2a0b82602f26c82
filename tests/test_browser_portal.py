"""The portal page of docs/portal in a real Chromium: a real server in a frame, and the frame is as high as it needs."""

from __future__ import annotations

import functools
import html
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, Route, ViewportSize, expect, sync_playwright

from model.artefact import Artefact
from server import application
from server.safeguards import security_headers
from tests.browsing import ARGUMENTS, SUBMIT, answer, chromium, compare, portal, serving
from tests.test_browser_axe import STILL, findings, show
from tests.web import LOCAL

ROOT = Path(__file__).parents[1]
PORTAL = ROOT / "docs" / "portal"
NARROW: ViewportSize = {"width": 400, "height": 700}

# Every message that the portal's window gets, as (origin, data).
HEAR = "if (window === top) { window.heard = []; addEventListener('message', e => heard.push([e.origin, e.data])); }"

# Wait until the frame is as high as what is in it, for 300 frames at most; then what can be seen of scroll bars.
SETTLED = """async () => {
  const root = document.documentElement, high = () => Math.ceil(root.getBoundingClientRect().height);
  for (let i = 0; i < 300 && innerHeight !== high(); i++) await new Promise(requestAnimationFrame);
  return {
    missing: high() - innerHeight, down: root.scrollHeight - innerHeight,
    across: root.scrollWidth - innerWidth, bar: innerWidth - root.clientWidth,
  };
}"""
FITS = {"missing": 0, "down": 0, "across": 0, "bar": 0}
MANY_FRAMES = "async () => { for (let i = 0; i < 10; i++) await new Promise(requestAnimationFrame); }"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for which every name under .example is this machine, and whose scroll bars take their place."""
    arguments = [*ARGUMENTS, "--host-resolver-rules=MAP *.example 127.0.0.1"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium(), args=arguments, ignore_default_args=["--hide-scrollbars"]
        )
        yield started
        started.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where the folder of the portal page is served, as docs/embedding.md says."""
    handler = functools.partial(_Quiet, directory=str(PORTAL))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@contextmanager
def opened(browser: Browser, *expected: str, options: Mapping[str, Any] | None = None) -> Iterator[Page]:
    """A page that hears what is said to it, and fails its test when it or the frame writes an error not expected."""
    context = browser.new_context(**(options or {"viewport": {"width": 1280, "height": 800}}))
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.add_init_script(HEAR)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    try:
        yield page
        assert context.cookies() == []
    finally:
        context.close()
    expected = ("status of 422", "frame-ancestors", *expected)
    assert [text for text in said if not any(words in text for words in expected)] == []


def shown(page: Page, origin: str, address: str) -> Frame:
    """The frame, once the form can be seen in it."""
    page.goto(f"{origin}/portal.html?server={address}")
    expect(page.frame_locator("iframe").locator("form.patient")).to_be_visible()
    return frame_of(page)


def frame_of(page: Page) -> Frame:
    """The only frame."""
    (frame,) = page.main_frame.child_frames
    return frame


def heard(page: Page) -> list[tuple[str, Mapping[str, object]]]:
    """What the portal has been told, once everything has been."""
    frame_of(page).evaluate(MANY_FRAMES)
    page.evaluate(MANY_FRAMES)
    told: list[tuple[str, Mapping[str, object]]] = page.evaluate("heard")
    return told


def test_the_frame_is_as_high_as_the_page(browser: Browser, artefact: Artefact, port: int) -> None:
    """S1, embedding: form, refusal, result, comparison, a narrow window, the pages besides: no scroll bar in any."""
    origin = f"http://127.0.0.1:{port}"
    with serving(artefact, origin) as address, opened(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        frame = shown(page, origin, address)
        assert frame.evaluate(SETTLED) == FITS
        expect(page.get_by_role("status")).to_have_text("The frame is as high as the page in it.")
        form = page.locator("iframe").evaluate("e => e.clientHeight")
        within = page.frame_locator("iframe")
        within.locator(SUBMIT).click()
        expect(within.locator(".summary")).to_be_visible()
        assert frame.evaluate(SETTLED) == FITS
        answer(within, LOCAL)
        within.locator(SUBMIT).click()
        expect(within.locator("article.result")).to_be_visible()
        assert frame.evaluate(SETTLED) == FITS
        assert page.locator("iframe").evaluate("e => e.clientHeight") > form
        within.locator(".comparison > summary").click()
        compare(within, interval_months="60")
        expect(within.locator(".compared")).to_be_visible()
        assert frame.evaluate(SETTLED) == FITS
        page.set_viewport_size(NARROW)
        assert frame.evaluate(SETTLED) == FITS
        page.set_viewport_size({"width": 1280, "height": 800})
        assert frame.evaluate(SETTLED) == FITS
        within.get_by_role("link", name="About this model").first.click()
        expect(within.locator("article.card")).to_be_visible()
        assert frame_of(page).evaluate(SETTLED) == FITS
        within.get_by_role("link", name="New patient").click()
        expect(within.locator(".start form.patient")).to_be_visible()
        assert frame_of(page).evaluate(SETTLED) == FITS
        assert page.locator("iframe").evaluate("e => e.clientHeight") == form
        told = heard(page)
        assert {told_by for told_by, _ in told} == {address}
        assert {(*data,) for _, data in told} == {("type", "height")}
        assert {url for url in asked if not url.startswith((address, "data:", f"{origin}/portal.html?"))} == set()


def test_the_height_does_not_follow_the_frame(browser: Browser, artefact: Artefact, port: int) -> None:
    """Embedding: a page that measured itself by its frame would grow with it for ever, and never shrink."""
    origin = f"http://127.0.0.1:{port}"
    with serving(artefact, origin) as address, opened(browser) as page:
        frame = shown(page, origin, address)
        assert frame.evaluate(SETTLED) == FITS
        before = heard(page)
        page.locator("iframe").evaluate("e => e.style.height = '9000px'")
        assert heard(page) == before
        page.set_viewport_size(NARROW)
        assert frame.evaluate(SETTLED) == FITS
        assert len(heard(page)) < len(before) + 5


def test_the_portal_believes_nobody_else(browser: Browser, artefact: Artefact, port: int) -> None:
    """ASVS 3.5.5: origin, window and shape of a message are looked at before the height is set, and that is capped."""
    origin = f"http://127.0.0.1:{port}"
    say = """([origin, data]) => {
      const frame = document.getElementById('rps');
      dispatchEvent(new MessageEvent('message', {origin, data, source: origin ? frame.contentWindow : window}));
      return frame.style.height;
    }"""
    with serving(artefact, origin) as address, opened(browser) as page:
        frame = shown(page, origin, address)
        assert frame.evaluate(SETTLED) == FITS
        height = page.locator("iframe").evaluate("e => e.style.height")
        good = {"type": "rps-prognosis:height", "height": 444}
        for told_by in ("http://127.0.0.1:9", origin, "null", f"{address}0", ""):
            assert page.evaluate(say, [told_by, good]) == height
        bad: list[object] = [None, 444, "444", {}, {**good, "type": "height"}, {"height": 444}, {"type": good["type"]}]
        bad += [{**good, "height": value} for value in (0, -1, "444", "1px", None, [444], float("inf"), float("nan"))]
        for data in bad:
            assert page.evaluate(say, [address, data]) == height, data
        assert page.evaluate(say, [address, good]) == "444px"
        assert page.evaluate(say, [address, {**good, "height": 1e9}]) == "20000px"


EXACT, UNDER = "http://portal.hospital.example:{port}", "http://*.hospital.example:{port}"


@pytest.mark.parametrize(
    ("listed", "host", "told"),
    [
        ([EXACT], "portal.hospital.example", True),
        (["https://first.example", EXACT], "portal.hospital.example", True),
        (["HTTP://Portal.HOSPITAL.example:{port}"], "portal.hospital.example", True),
        ([UNDER], "portal.hospital.example", True),
        ([UNDER], "a.b.hospital.example", True),
        ([UNDER], "hospital.example", False),
        ([UNDER], "evil-hospital.example", False),
        ([UNDER], "portal.hospital.example.evil.example", False),
        (["http://*.hospital.example:1"], "portal.hospital.example", False),
        (["http://*.hospital.example"], "portal.hospital.example", False),
        (["https://*.hospital.example:{port}"], "portal.hospital.example", False),
        (["http://*.hospital.example:99999"], "portal.hospital.example", False),
        (["'self'"], "portal.hospital.example", False),
        ([], "portal.hospital.example", False),
    ],
)
def test_only_a_portal_on_the_list_is_told(
    browser: Browser,
    artefact: Artefact,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    listed: Sequence[str],
    host: str,
    told: bool,
) -> None:
    """Embedding: the script looks at the list by itself, even where a browser would let anybody show the page."""
    origin = f"http://{host}:{port}"
    monkeypatch.setattr(application, "security_headers", lambda _: security_headers([origin]))
    with (
        serving(artefact, *(one.format(port=port) for one in listed)) as address,
        opened(browser) as page,
    ):
        shown(page, origin, address)
        assert {(told_by, data["type"]) for told_by, data in heard(page)} == (
            {(address, "rps-prognosis:height")} if told else set()
        )


@pytest.mark.parametrize(
    ("listed", "host", "framed"),
    [
        ([], "portal.hospital.example", False),
        (["http://other.example:{port}"], "portal.hospital.example", False),
        ([UNDER], "evil-hospital.example", False),
        ([UNDER], "portal.hospital.example", True),
    ],
)
def test_a_portal_off_the_list_shows_nothing_and_hears_nothing(
    browser: Browser, artefact: Artefact, port: int, listed: Sequence[str], host: str, framed: bool
) -> None:
    """S1: frame-ancestors is an allow-list, default none."""
    with serving(artefact, *(one.format(port=port) for one in listed)) as address, opened(browser) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        if framed:
            shown(page, f"http://{host}:{port}", address)
            assert heard(page)
        else:
            page.goto(f"http://{host}:{port}/portal.html?server={address}")
            assert page.frame_locator("iframe").locator("form").count() == 0
            assert heard(page) == []
            expect(page.get_by_role("status")).to_contain_text("If nothing appears in it")
        assert any("frame-ancestors" in text for text in said) != framed


def change_script(page: Page, before: str, after: str) -> None:
    """Let the pages have another script, in which something is written in another way."""
    script = (ROOT / "templates" / "static" / "page.js").read_text(encoding="utf-8")
    assert script.count(before) == 1

    def changed(route: Route) -> None:
        route.fulfill(body=script.replace(before, after), content_type="text/javascript")

    page.route(re.compile(r"/page\.js$"), changed)


def test_a_message_goes_to_an_exact_origin(browser: Browser, artefact: Artefact, port: int) -> None:
    """Embedding: never to "*". Taken for another portal of the list, the one that is there hears nothing."""
    origin, other = f"http://127.0.0.1:{port}", "http://other.example"
    with serving(artefact, origin, other) as address, opened(browser, "target origin") as page:
        change_script(page, "[location.ancestorOrigins[0]]", f'["{other}"]')
        shown(page, origin, address)
        assert heard(page) == []


@pytest.mark.parametrize("portals", [1, 2])
def test_a_browser_that_does_not_name_the_portal(browser: Browser, artefact: Artefact, port: int, portals: int) -> None:
    """Embedding, Firefox: the referrer tells whose frame it is; on later pages, that there is only one on the list."""
    origin = f"http://127.0.0.1:{port}"
    listed = [origin, "http://other.example"][:portals]
    with serving(artefact, *listed) as address, opened(browser) as page:
        change_script(page, "location.ancestorOrigins ?", "window.nothing ?")
        shown(page, origin, address)
        first = heard(page)
        assert {told_by for told_by, _ in first} == {address}
        page.frame_locator("iframe").get_by_role("link", name="About this model").first.click()
        expect(page.frame_locator("iframe").locator("article.card")).to_be_visible()
        assert len(heard(page)) > len(first) if portals == 1 else heard(page) == first


def test_in_a_sandbox_without_an_origin_of_its_own(browser: Browser, artefact: Artefact) -> None:
    """S1: without allow-same-origin it still predicts, by sending its forms; who hears of its height knows nobody."""
    frames: dict[str, str] = {}
    with (
        portal(frames, "allow-forms allow-scripts") as origin,
        serving(artefact, origin) as address,
        opened(browser) as page,
    ):
        frames["/"] = address
        page.goto(f"{origin}/")
        within = page.frame_locator("iframe")
        answer(within, LOCAL)
        with page.expect_request(f"{address}/") as sent:
            within.locator(SUBMIT).click()
        assert sent.value.method == "POST"
        expect(within.locator("article.result")).to_be_visible()
        answer(within, {"interval_months": "30"})
        within.locator('form.patient input[name="interval_months"]').blur()
        expect(within.locator(".stale")).to_be_visible()
        within.locator(SUBMIT).click()
        expect(within.locator(".inputs")).to_contain_text("30 months")
        assert {told_by for told_by, _ in heard(page)} == {"null"}


def test_axe_finds_nothing_on_the_portal_page(browser: Browser, port: int) -> None:
    """Access: an example that people copy has no barrier. The frame is empty: what it shows is seen elsewhere."""
    with opened(browser, options=STILL) as page:
        page.goto(f"http://127.0.0.1:{port}/portal.html?server=none")
        for appearance in ("light", "dark", "320 px"):
            show(page, appearance)
            met, found = findings(page)
            assert {"document-title", "frame-title", "region", "page-has-heading-one", "label"} <= {*met}
            assert [rule for _, rule, *_ in found if rule != "frame-tested"] == [], appearance
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("server", ["portal", "javascript:alert(1)", "http://", "ftp://127.0.0.1"])
def test_what_is_not_an_address_is_not_shown(browser: Browser, port: int, server: str) -> None:
    """The page is opened with whatever stands behind the question mark."""
    with opened(browser) as page:
        page.goto(f"http://127.0.0.1:{port}/portal.html?server={server}")
        expect(page.get_by_role("status")).to_contain_text("This is not an address")
        assert page.locator("iframe").get_attribute("src") is None


def test_the_example_in_the_document_is_the_one_that_works() -> None:
    """What is copied from docs/embedding.md is what these tests have seen at work."""
    page = (PORTAL / "portal.html").read_text(encoding="utf-8")
    document = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```js\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    assert snippet in page
    (sandbox,) = set(re.findall(r'sandbox="([^"]+)"', document))
    assert f'sandbox="{sandbox}"' in page
    assert not re.search(r'(?:src|href)="(?!data:)', html.unescape(page))
