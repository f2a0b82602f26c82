"""What axe-core finds on every page, in every state, in four appearances: nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browsing import PLACES, tab

AXE = files("axe_playwright_python").joinpath("axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

APPEARANCES: Mapping[str, Mapping[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced colours": {"forced_colors": "active"},
    "320 px": {"viewport": {"width": 320, "height": 640}},
}

# The rule target-size looks only at what its tag asks for, and is off unless that tag is named.
FINDINGS = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
  const told = kind => found[kind].flatMap(rule => rule.nodes.map(node => [kind, rule.id, node.target.join(' ')]));
  return [found.passes.map(rule => rule.id), [...told('violations'), ...told('incomplete')]];
}"""


def findings(page: Page) -> tuple[list[str], list[list[str]]]:
    """The rules that were met, and what axe-core objects to or cannot decide."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text(encoding="utf-8"))
    met, found = page.evaluate(FINDINGS, RULES)
    return met, found


def undecided(found: Sequence[str], appearance: str) -> bool:
    """What axe-core cannot decide, and need not: contrast in places that others look at.

    Colours that are forced are the reader's own. A heading over two rows of a table is, for axe-core, under those rows,
    and a cell that has been scrolled out of a table is under nothing: test_browser_contrast measures both.
    """
    kind, rule, target = found
    return (kind, rule) == ("incomplete", "color-contrast") and (
        appearance == "forced colours" or target == 'th[rowspan="2"]' or ".scrolls" in target
    )


@pytest.mark.parametrize("appearance", APPEARANCES)
@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing(browser: Browser, address: str, place: str, appearance: str) -> None:
    """Access (WCAG 2.2 AA): no rule of levels A and AA and no best practice is broken, whatever is shown."""
    with tab(browser, address, "status of 404", options=APPEARANCES[appearance]) as page:
        for state in PLACES[place](page, address):
            met, found = findings(page)
            assert {"document-title", "html-has-lang", "region", "landmark-one-main", "page-has-heading-one"} <= {*met}
            assert [one for one in found if not undecided(one, appearance)] == [], state


def test_axe_finds_what_is_wrong(page: Page, address: str) -> None:
    """The check can fail: a picture without words, pale letters, and a link too small beside another one."""
    page.goto(address)
    assert findings(page)[1] == []
    page.evaluate("""() => {
        const main = document.getElementById('main');
        for (const words of ['One', 'Two']) {
            const link = Object.assign(document.createElement('a'), {href: '#main', textContent: words});
            Object.assign(link.style, {display: 'inline-block', color: '#ccc', width: '9px', height: '9px'});
            main.append(link);
        }
        main.append(document.createElement('img'));
    }""")
    assert {"image-alt", "color-contrast", "target-size"} <= {rule for _, rule, _ in findings(page)[1]}
