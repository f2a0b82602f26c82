"""The pages in a real Chromium: what is shown first, and how little it takes."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import SUBMIT, answer, predict, until
from tests.web import BOTH, DISTANT, LOCAL, ONE_OF_EACH, UNKNOWN

WIDTHS = {1280: 800, 768: 1024}
SIZE_LIMIT = 100_000
"""Bytes of a page with everything that it needs, compressed."""

SHIFTS = """() => {
  window.shifts = [];
  window.observer = new PerformanceObserver(list => shifts.push(...list.getEntries().map(entry => entry.value)));
  observer.observe({type: 'layout-shift', buffered: true});
}"""

SHIFTED = """async () => {
  for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
  shifts.push(...observer.takeRecords().map(entry => entry.value));
  return shifts.reduce((sum, value) => sum + value, 0);
}"""


@pytest.mark.parametrize("features", ONE_OF_EACH)
@pytest.mark.parametrize("width", WIDTHS)
def test_figures_and_whom_it_is_not_for_are_on_the_first_screen(
    page: Page, address: str, width: int, features: Mapping[str, Any]
) -> None:
    """E27: within the first screen of the result, with the figures and what the model was made from."""
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    predict(page, address, features)
    for part in (".sheet > .notice", ".figures", ".not-for h2", ".not-for > :last-child"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= WIDTHS[width]


def test_only_the_questions_of_the_chosen_pattern_are_shown(page: Page, address: str) -> None:
    """Issue 2: conditional questions without scripts; E16: before a choice none of them is asked."""
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


def test_nothing_is_chosen_and_nothing_predicted_before_an_answer(page: Page, address: str) -> None:
    """E16: no field has a value, no choice is made, no figure is there; the units are there before a number is."""
    page.goto(address)
    assert page.locator(":checked").count() == 0
    fields = page.locator("input[type=text], input[type=date]")
    assert {field.input_value() for field in fields.all()} == {""}
    assert page.locator("table, svg, article.result").count() == 0
    page.check('input[value="local"]')
    assert page.locator(".unit:visible").all_inner_texts() == ["months", "months"]
    assert page.locator("form.patient :checked").count() == 1


def test_an_answer_of_another_pattern_does_not_get_lost(page: Page, address: str) -> None:
    """S4: it is hidden when the pattern is changed, still sent, refused by name, shown, and taken off."""
    page.goto(address)
    answer(page, LOCAL)
    page.check('input[value="both"]')
    page.click(SUBMIT)
    expect(page.locator('input[name="interval_months"]')).to_be_visible()
    expect(page.locator('input[name="resection"]').first).to_be_visible()
    expect(page.locator('input[name="resection"]:checked')).to_have_count(0)
    page.fill('input[name="interval_months"]', "")
    page.click(SUBMIT)
    expect(page.locator("h1")).to_have_text("Predicted survival")


@pytest.mark.parametrize("features", [None, *ONE_OF_EACH], ids=["form", "local", "unknown", "distant", "both"])
def test_nothing_moves_while_a_page_is_loading(page: Page, address: str, features: Mapping[str, Any] | None) -> None:
    """No layout shift, neither of the form nor of a result that a form was sent for; one that is made is seen."""
    page.add_init_script(f"({SHIFTS})()")
    page.goto(address)
    if features is not None:
        answer(page, features)
        with page.expect_navigation(wait_until="load"):
            page.evaluate("document.querySelector('form.patient').submit()")
        expect(page.locator("h1")).to_have_text("Predicted survival")
    assert page.evaluate(SHIFTED) == 0
    page.evaluate("document.body.prepend(Object.assign(document.createElement('hr'), {style: 'height: 200px'}))")
    until(page, "shifts.length > 0")
    assert page.evaluate(SHIFTED) > 0


@pytest.mark.parametrize(
    "features", [None, LOCAL, {**UNKNOWN, "alive_months": 7}, DISTANT, BOTH], ids=["form", *"1234"]
)
def test_a_page_is_small_with_all_that_it_needs(page: Page, address: str, features: Mapping[str, Any] | None) -> None:
    """Under 100 kB compressed: the page, style sheet, script and icon; it needs nothing else."""
    page.goto(address)
    answered = page.request.get(address) if features is None else page.request.post(address, form=dict(features))
    html = answered.text()
    needed = re.findall(r'(?:href|src)="([^"]+\.[a-z]+)"', html)
    assert [name.rsplit("/", 1)[1] for name in needed] == ["icon.svg", "style.css", "page.js"]
    contents = [html.encode(), *(page.request.get(f"{address}{name}").body() for name in needed)]
    assert all(len(content) > 100 for content in contents)
    assert sum(len(gzip.compress(content)) for content in contents) < SIZE_LIMIT
