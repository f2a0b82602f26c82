"""The pseudo-locale in a real Chromium: longer words and right to left break no page, wide or narrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from model.artefact import Artefact
from tests.browsing import PLACES, browsing, predict, serving, tab
from tests.pseudo import pseudo_language
from tests.web import BOTH, LOCAL

WIDTHS = {1280: 800, 320: 640}
DIRECTIONS = {"de": "ltr", "fa": "rtl"}

# What is read to those who cannot see it, what is closed, and tables that may be moved sideways within their frame.
UNSEEN = ".hidden, .skip, .on-paper, details:not([open]) > :not(summary)"
MISPLACED = f"""() => {{
  const wide = document.documentElement.clientWidth, found = [];
  const note = (why, e) => found.push([why, e.tagName, e.getAttribute('class'), e.textContent.trim().slice(0, 60)]);
  for (const e of document.querySelectorAll('body *')) {{
    if (!e.getClientRects().length || e.closest({UNSEEN!r})) continue;
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const box = e.getBoundingClientRect(), frame = e.closest('.scrolls');
    if (!frame && (box.left < -0.5 || box.right > wide + 0.5)) note('out of the page', e);
    if (e.closest('svg')) {{
      const around = e.closest('section');
      if (own && around) {{
        const sheet = around.getBoundingClientRect(), card = e.closest('.formats').getBoundingClientRect();
        if (box.left < card.left || box.right > card.right || sheet.width === 0) note('out of its sheet', e);
      }}
    }} else if (e !== frame && e.clientWidth && e.scrollWidth > e.clientWidth + 1 && e.tagName !== 'INPUT') {{
      note('cut off', e);
    }}
  }}
  return found;
}}"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

CHART = """() => {
  const box = e => e.getBoundingClientRect(), middle = b => (b.left + b.right) / 2;
  const figure = document.querySelector('figure'), plot = box(figure.querySelector('.grid line'));
  const written = document.createRange();
  written.selectNodeContents(figure.querySelector('.axis'));
  const ticks = [...figure.querySelectorAll('.ticks text')].sort((a, b) => box(a).top - box(b).top);
  const down = ticks.filter(e => e.hasAttribute('dx')), across = ticks.filter(e => !e.hasAttribute('dx'));
  return {
    plot: [plot.left, plot.right],
    down: down.map(e => [e.textContent, box(e).left, box(e).right]),
    across: across.map(e => [Number(e.textContent), middle(box(e))]),
    ends: [...figure.querySelectorAll('.end .figure')].map(e => box(e).left),
    axis: box(written).left,
    sheet: box(figure.closest('.formats')).left,
    figure: box(figure).left,
  };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as started:
        yield started


@pytest.fixture(scope="module", params=DIRECTIONS)
def address(request: pytest.FixtureRequest, artefact: Artefact) -> Iterator[str]:
    """Where the application answers in a pseudo-language."""
    with serving(artefact, languages=[pseudo_language(request.param, [artefact])]) as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with tab(browser, address, "status of 404") as opened:
        yield opened


@pytest.mark.parametrize("places", PLACES)
def test_longer_words_and_right_to_left_break_no_page(page: Page, address: str, places: str) -> None:
    """Issue, access: at 1280 and 320 px nothing to scroll to sideways, nothing cut off; lang and dir of the page."""
    for place in PLACES[places](page, address):
        assert "«" in page.inner_text("main")
        root = page.locator("html")
        language = root.get_attribute("lang") or ""
        assert root.get_attribute("dir") == DIRECTIONS[language]
        assert page.evaluate("getComputedStyle(document.body).direction") == DIRECTIONS[language]
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate(OVERFLOW) == 0, (place, width)
            assert page.evaluate(MISPLACED) == [], (place, width)


@pytest.mark.parametrize(
    ("style", "why"),
    [
        ("display: inline-block; width: 3000px", "out of the page"),
        ("position: absolute; left: -900px", "out of the page"),
        ("display: block; width: 60px; overflow: hidden; white-space: nowrap", "cut off"),
        ("display: block; width: 60px; white-space: nowrap", "cut off"),
        ("display: block", None),
    ],
)
def test_a_broken_page_would_be_found(page: Page, address: str, style: str, why: str | None) -> None:
    """Issue: the check above can fail, for what leaves the page and for what is cut off; and for nothing else."""
    page.goto(address)
    page.evaluate(
        "style => { const one = document.createElement('b'); one.textContent = 'Wordafterword wordafterword';"
        "one.style.cssText = style; document.querySelector('main').append(one); }",
        style,
    )
    found = [(reason, tag) for reason, tag, *_ in page.evaluate(MISPLACED)]
    assert ((why, "B") in found) == (why is not None)
    assert bool(found) == (why is not None)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("features", [LOCAL, {**LOCAL, "alive_months": 12}, BOTH])
def test_the_axes_of_the_curve_run_from_left_to_right(
    page: Page, address: str, width: int, features: Mapping[str, Any]
) -> None:
    """Issue, E7: in every language time runs to the right, its figures stand to the left and the ends to the right."""
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    predict(page, address, features)
    chart = page.evaluate(CHART)
    left, right = chart["plot"]
    assert right - left > 100
    months = [month for month, _ in chart["across"]]
    assert months == sorted(months)
    for month, middle in chart["across"]:
        assert middle == pytest.approx(left + (right - left) * month / months[-1], abs=1.5)
    assert [label for label, *_ in chart["down"]] == ["100", "75", "50", "25", "0"]
    assert all(chart["sheet"] <= begin < end < left for _, begin, end in chart["down"])
    assert chart["ends"]
    assert all(right < end < right + 112 for end in chart["ends"])
    assert chart["axis"] == pytest.approx(chart["figure"], abs=1)


def test_figures_keep_their_signs_in_front(page: Page, address: str) -> None:
    """E5: "<1" and "+13" read so in every language: the sign to the left of the figure, as it is written."""
    predict(page, address, LOCAL)
    spans = page.evaluate(
        """() => [...document.querySelectorAll('.points, .figures .alive, .figures .not')].map(e => {
          e.textContent = '<1';
          const at = i => {
            const one = document.createRange();
            one.setStart(e.firstChild, i);
            one.setEnd(e.firstChild, i + 1);
            return one.getBoundingClientRect().left;
          };
          return [at(0), at(1)];
        })"""
    )
    assert len(spans) > 8
    assert all(sign < figure for sign, figure in spans)
