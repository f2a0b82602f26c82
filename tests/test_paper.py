"""On paper, printed by a browser or taken as PDF: everything that the page says, and on every sheet whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any
from unicodedata import normalize

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from playwright.sync_api import Page as BrowserPage
from pypdf import PdfReader
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.wording.language import english
from tests.browsing import ARGUMENTS, chromium, serving
from tests.renderings import hidden
from tests.web import BOTH, DISTANT, LOCAL, UNKNOWN, Page, ask, client_of, read_page

PATIENTS: list[tuple[Mapping[str, Any], int]] = [
    (LOCAL, 0),
    ({**LOCAL, "interval_months": 200}, 0),
    ({**LOCAL, "resection": "no", "interval_months": 0.1}, 30),
    (UNKNOWN, 5),
    ({**UNKNOWN, "interval_months": 1}, 59),
    (DISTANT, 0),
    ({**DISTANT, "interval_months": 150}, 2),
    ({**DISTANT, "subtype": "unknown"}, 13),
    (BOTH, 0),
    (BOTH, 48),
]
"""Every pattern, from time zero and later, known and unknown, usual and not."""

HUES = """() => [...document.querySelectorAll('body, body *')]
  .filter(e => e.checkVisibility() || e.closest('svg'))
  .flatMap(e => {
    const style = getComputedStyle(e);
    return ['color', 'backgroundColor', 'borderTopColor', 'borderLeftColor', 'fill', 'stroke']
      .map(name => [e.tagName, e.className.baseVal ?? e.className, name, style[name]]);
  })
  .filter(([, , , colour]) => {
    const [r, g, b] = (colour.match(/[0-9.]+/g) || [0, 0, 0]).map(Number);
    return colour.startsWith('rgb') && !(r === g && g === b);
  })"""


@pytest.fixture(scope="module")
def address(artefact: Artefact) -> Iterator[str]:
    with serving(artefact) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


def result_in(window: BrowserContext, address: str, fields: Mapping[str, Any]) -> BrowserPage:
    """A result in a browser, asked for as somebody at the form would."""
    opened = window.new_page()
    opened.goto(address)
    for name, value in fields.items():
        if opened.locator(f'input[name="{name}"][type="text"]').count():
            opened.fill(f'input[name="{name}"]', str(value))
        else:
            opened.check(f'input[name="{name}"][value="{value}"]')
    opened.click("form.patient button[type=submit]")
    expect(opened.locator("h1")).to_have_text("Predicted survival")
    return opened


def compact(text: str) -> str:
    """Text without what a printer is free to do: spaces, hyphens at the ends of lines, two letters set as one."""
    return re.sub(r"[\s\u00ad]+", "", normalize("NFKC", text))


def as_sent(content: str) -> str:
    """A page as a browser has it, written as it was sent: shapes end where they begin."""
    return re.sub(r"></(rect|line|circle|polyline|polygon)>", "/>", content)


def sheets_of(pdf: bytes) -> list[str]:
    """What stands on each sheet."""
    return [compact(page.extract_text()) for page in PdfReader(BytesIO(pdf)).pages]


def check_paper(sheets: list[str], page: Page, answer: Mapping[str, Any]) -> None:
    """Everything that must be on paper; ``page`` is the page that was printed, ``answer`` the interface's figures."""
    receipt, model = hidden(page), answer["receipt"]["model"]
    running = f"Receipt {receipt['receipt.id']} · {english().moment(receipt['receipt.time'])} · {model['name']}"
    inputs = page.texts("div", within="inputs")
    assert len(inputs) == len(answer["receipt"]["inputs"]) - (answer["receipt"]["inputs"]["alive_months"] == 0)
    for sheet in sheets:
        for words in (
            f"{running} {model['version']}, {model['digest'][:12]}",
            *page.one("div", class_="running").text.split("; "),
        ):
            assert compact(words) in sheet, words
    everything = "".join(sheets)
    blocks = [
        *inputs,
        *("".join(row) for row in page.table("figures")),
        *page.texts("caption", within="figures"),
        *page.texts("li", within="hundreds"),
        *page.texts("li", within="words"),
        *page.texts("li", within="spans"),
        *page.texts("p", within="figcaption"),
        *page.texts("p", class_="warning"),
        *page.texts("p", class_="caution"),
        *page.texts("p", class_="said"),
        *page.texts("div", class_="unknown"),
        *page.texts("li", within="not-for"),
        *page.texts("dd", within="sure"),
    ]
    for block in blocks:
        assert any(compact(block) in sheet for sheet in sheets), block
    standing = [model["digest"], answer["support"]["text"], *answer["statements"]["method"]]
    for words in (*standing, answer["statements"]["data_period"], answer["statements"]["made_from"]):
        assert compact(words) in everything, words
    for kind, least in (("warning", len(answer["warnings"])), ("unknown", len(answer["unknown"]))):
        assert len(page.all("p" if kind == "warning" else "div", class_=kind)) == least
    table = [row for sheet in sheets for row in page.table("rows") if compact("".join(row)) in sheet]
    assert len(table) >= len(page.table("rows"))


@pytest.mark.parametrize(("features", "alive"), PATIENTS)
def test_the_pdf_says_everything_on_every_sheet_whose_it_is(
    client: TestClient, features: Mapping[str, Any], alive: int
) -> None:
    """E35, E4, E10, E12, E14, E15, E17, E18, E27, E38: figures with intervals, inputs, unknowns, warnings."""
    page = read_page(client.post("/", data={**features, "alive_months": alive}).text)
    response = client.post("/download/result.pdf", data=hidden(page))
    check_paper(sheets_of(response.content), page, ask(client, features, alive_months=alive))


@pytest.mark.parametrize(("features", "alive"), PATIENTS)
def test_a_browser_prints_everything_and_on_every_sheet_whose_it_is(
    window: BrowserContext, client: TestClient, address: str, features: Mapping[str, Any], alive: int
) -> None:
    """E35, E4, E10, E12, E14, E15, E17, E18, E27, E38: the same of what a browser prints."""
    opened = result_in(window, address, {**features, "alive_months": alive or ""})
    printed = opened.pdf(prefer_css_page_size=True)
    check_paper(sheets_of(printed), read_page(as_sent(opened.content())), ask(client, features, alive_months=alive))


def test_nothing_that_is_printed_needs_a_colour(window: BrowserContext, address: str) -> None:
    """E35: readable in grey, since nothing on paper has a hue; on the screen something has, so the check can fail."""
    opened = result_in(window, address, {**UNKNOWN, "interval_months": 200})
    assert opened.evaluate(HUES) != []
    opened.emulate_media(media="print")
    assert opened.evaluate(HUES) == []


def test_whom_it_is_not_for_begins_on_the_first_screen(window: BrowserContext, address: str) -> None:
    """E27: at 1280 by 900 its heading and first line are above the fold, beside the figures."""
    opened = result_in(window, address, BOTH)
    for part in (".figures", ".not-for h2", ".not-for li:first-child"):
        box = opened.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 900


def test_paper_for_the_patient_shows_only_what_was_opened(window: BrowserContext, address: str) -> None:
    """E29: a figure that nobody has opened is not printed either; the one that was opened is."""
    opened = result_in(window, address, LOCAL)
    opened.click("button[name=clinician]")
    expect(opened.locator("h1")).to_have_text("What may lie ahead")
    told = [compact(text) for text in opened.locator(".numbers details p").all_text_contents()]
    assert len(told) == 4
    closed = "".join(sheets_of(opened.pdf()))
    opened.locator(".numbers summary").nth(1).click()
    beside = "".join(sheets_of(opened.pdf()))
    assert [text in closed for text in told] == [False] * 4
    assert [text in beside for text in told] == [False, True, False, False]
