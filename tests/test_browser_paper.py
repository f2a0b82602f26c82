"""What a browser prints: whose sheet it is, what was closed, and nothing to fill in or that nobody asked for."""

from __future__ import annotations

import unicodedata
from io import BytesIO

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from tests.browsing import SUBMIT, answer, compare, predict, tab
from tests.web import BOTH, UNKNOWN

TO_DO = ("Change the answers", "Predict survival", "Clear everything", "Copy the note", "Curve as CSV", "New patient")

# Everything that is printed and has a hue, and how many parts were looked at.
HUES = """() => {
  const parts = [...document.querySelectorAll('body *')].filter(e => e.checkVisibility());
  const names = ['color', 'backgroundColor', 'borderTopColor', 'borderLeftColor', 'outlineColor', 'fill', 'stroke'];
  const hues = parts.flatMap(e => names.map(name => [e.tagName, e.className.baseVal ?? e.className, name,
    getComputedStyle(e)[name]])).filter(([, , , colour]) => {
    const [r, g, b, a] = (colour.match(/[0-9.]+/g) || []).map(Number);
    return r !== undefined && a !== 0 && Math.max(r, g, b) - Math.min(r, g, b) > 2;
  });
  return [parts.length, hues];
}"""


def sheets(page: Page) -> list[str]:
    """The words on each sheet that the browser prints, letters that were drawn together taken apart."""
    printed = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True))).pages
    return [" ".join(unicodedata.normalize("NFKC", sheet.extract_text()).split()) for sheet in printed]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_paper_has_what_is_closed_and_nothing_to_do(browser: Browser, address: str, *, scripts: bool) -> None:
    """E35: inputs and receipt head every sheet, closed parts are printed, forms are not; the label has a box."""
    with tab(browser, address, options={"java_script_enabled": scripts}) as page:
        page.goto(address)
        answer(page, {**UNKNOWN, "alive_months": 7})
        page.click(SUBMIT)
        expect(page.locator("h1")).to_have_text("Predicted survival")
        receipt = page.locator('.record input[name="receipt.id"]').first.get_attribute("value") or ""
        inputs = [" ".join(text.split()) for text in page.locator("dl.inputs dd").all_inner_texts()]
        assert len(inputs) == 4
        screen = page.locator("main").inner_text()
        within = page.eval_on_selector_all(
            "article details:not(.comparison)",
            "es => es.flatMap(e => [...e.querySelectorAll('p, dd, td, caption')])"
            ".map(e => e.textContent.trim().replace(/\\s+/g, ' '))",
        )
        closed = [words for words in within if words not in screen]
        assert len(closed) > 10
        assert not page.get_by_text("Patient label").is_visible()
        printed = sheets(page)
        assert len(printed) > 2
        for sheet in printed:
            head = sheet[:600]
            assert f"Receipt {receipt}" in head.replace("- ", "-")
            assert all(value in head for value in inputs), head
        everything = " ".join(printed)
        assert [words for words in ("Patient label", "As a table", *closed) if words not in everything] == []
        assert not any(words in everything for words in (*TO_DO, "Compare with a different patient", "Show both"))
        assert page.locator("details[open]").count() == 0
        assert page.locator("main").inner_text() == screen


def test_a_comparison_is_printed_when_it_was_asked_for(page: Page, address: str) -> None:
    """E24, E35: what was asked for is on paper with both intervals, without the form that it was asked with."""
    predict(page, address, UNKNOWN)
    page.click(".comparison > summary")
    compare(page, interval_months="81.5")
    heading = page.locator(".compared h3").inner_text()
    everything = " ".join(sheets(page))
    assert heading in everything
    assert page.locator(".compared > p").first.inner_text() in everything
    assert "Show both" not in everything
    assert "as for this patient" not in everything


def test_figures_that_a_patient_did_not_open_are_not_printed(page: Page, address: str) -> None:
    """E29: on paper as on the screen, a figure that was left closed stays unseen, and one that was opened is there."""
    predict(page, address, BOTH)
    alive = page.locator(".figures .alive").all_inner_texts()
    page.click('button[name="clinician"]')
    expect(page.locator("#plain-title")).to_be_visible()
    closed = " ".join(sheets(page))
    assert "What may lie ahead" in closed
    assert not any(f" {figure} " in closed for figure in alive)
    assert "Back to the clinician" not in closed
    page.click(".numbers summary >> nth=1")
    opened = " ".join(sheets(page))
    assert [f" {figure} " in opened for figure in alive] == [figure == alive[1] for figure in alive]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_needs_no_hue(browser: Browser, address: str, scheme: str) -> None:
    """E35: readable in grey; text, fills, lines and edges of all pages have no hue in print, whatever the screen."""
    with tab(browser, address, options={"color_scheme": scheme}) as page:
        predict(page, address, {**UNKNOWN, "interval_months": 200})
        page.click(".comparison > summary")
        compare(page, interval_months="81.5")
        expect(page.locator(".compared")).to_be_visible()
        for shown in ("comparison", "refused", "patient"):
            if shown == "refused":
                compare(page, interval_months="7,5")
                expect(page.locator("div.problem")).to_be_visible()
            elif shown == "patient":
                page.click('button[name="clinician"]')
                page.click(".numbers summary >> nth=0")
            page.emulate_media(media="screen")
            assert page.evaluate(HUES)[1] != []
            page.emulate_media(media="print")
            parts, hues = page.evaluate(HUES)
            assert parts > 40
            assert hues == [], shown
            page.emulate_media(media="screen")
