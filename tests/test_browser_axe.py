"""What axe-core finds on every page, in every state, in four appearances: nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.browsing import PLACES, tab

AXE = files("axe_playwright_python").joinpath("axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

APPEARANCES: Mapping[str, tuple[ViewportSize, Literal["light", "dark"], Literal["active", "none"]]] = {
    "light": ({"width": 1280, "height": 800}, "light", "none"),
    "dark": ({"width": 1280, "height": 800}, "dark", "none"),
    "forced colours": ({"width": 1280, "height": 800}, "light", "active"),
    "320 px": ({"width": 320, "height": 640}, "light", "none"),
}
LOOKS = """[
  innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, matchMedia('(forced-colors: active)').matches]"""
STILL = {"reduced_motion": "reduce"}
"""For colours to be there at once when an appearance changes."""

# The rule target-size looks only at what its tag asks for, and is off unless that tag is named.
FINDINGS = """async (tags) => {
  const told = ['violations', 'incomplete'];
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: told});
  const nodes = told.flatMap(kind => found[kind].flatMap(rule => rule.nodes.map(node => [kind, rule.id, node])));
  const within = ([place]) => document.querySelector(place).closest('.scrolls') ? 'scrolls' : '';
  return [
    found.passes.map(rule => rule.id),
    nodes.map(([kind, rule, node]) => [kind, rule, node.target.join(' '), within(node.target)]),
  ];
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
    kind, rule, target, within = found
    return (kind, rule) == ("incomplete", "color-contrast") and (
        appearance == "forced colours" or target == 'th[rowspan="2"]' or within == "scrolls"
    )


def show(page: Page, appearance: str) -> None:
    """Let the page that is open look otherwise."""
    size, scheme, forced = APPEARANCES[appearance]
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme, forced_colors=forced)
    assert page.evaluate(LOOKS) == [size["width"], scheme == "dark", forced == "active"]


def objections(page: Page, walked: str = "light") -> Iterator[tuple[str, list[list[str]]]]:
    """By appearance, what axe-core finds on a page as it stands and nobody else looks at; ``walked`` comes last."""
    for appearance in APPEARANCES:
        show(page, appearance)
        met, found = findings(page)
        assert {"document-title", "html-has-lang", "region", "landmark-one-main", "page-has-heading-one"} <= {*met}
        yield appearance, [one for one in found if not undecided(one, appearance)]
    show(page, walked)


@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing(browser: Browser, address: str, place: str) -> None:
    """Access (WCAG 2.2 AA): no rule of levels A and AA and no best practice is broken, whatever is shown."""
    with tab(browser, address, "status of 404", options=STILL) as page:
        for state in PLACES[place](page, address):
            for appearance, found in objections(page):
                assert found == [], (state, appearance)


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
    assert {"image-alt", "color-contrast", "target-size"} <= {rule for _, rule, *_ in findings(page)[1]}
