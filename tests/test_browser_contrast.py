"""Whether words and graphics stand out from what is behind them, by the colours as they are rendered."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browsing import COLOURS, compare, open_all, predict, tab
from tests.web import DISTANT, LOCAL, UNKNOWN

POOR_WORDS = (
    "() => {"
    + COLOURS
    + """
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length) continue;
    const colour = e.closest('svg') ? getComputedStyle(e).fill : getComputedStyle(e).color;
    const found = ratio(parse(colour).slice(0, 3), behind(e));
    if (found < 4.5) poor.push([e.tagName, e.className, found.toFixed(2), e.textContent.slice(0, 40)]);
  }
  return poor;
}"""
)

# A part that must be told from what it lies on: its selector, the property that colours it, and what it lies on, which
# is "behind" (the nearest background) or another part's fill. Lines of the grid, the empty part of a bar, and the
# shading of months without data carry nothing that is not said beside them.
GRAPHICS = [
    [".chart .patient", "stroke", "behind"],
    [".chart .patient", "stroke", ".chart .band"],
    [".chart .everybody", "stroke", "behind"],
    [".chart .everybody", "stroke", ".chart .band"],
    [".chart .band", "stroke", "behind"],
    [".chart .read", "stroke", ".chart .band"],
    [".guide", "stroke", "behind"],
    [".figures .share", "fill", "behind"],
    [".figures .share", "fill", ".figures .all"],
    [".figures .sure", "fill", "behind"],
    [".figures .sure", "stroke", ".figures .share"],
    [".way .other", "fill", ".way .all"],
    [".way .step", "fill", ".way .all"],
    [".way .share", "fill", ".way .all"],
    [".hundred .alive", "fill", "behind"],
    [".hundred .gone", "stroke", "behind"],
    [".dot .alive", "fill", "behind"],
    [".dot .gone", "stroke", "behind"],
    ["form.patient input[type=text]", "borderTopColor", "behind"],
    [".other-answer select", "borderTopColor", "behind"],
    [".note", "borderTopColor", "behind"],
    ["button.minor", "borderTopColor", "behind"],
    ["form.patient button", "backgroundColor", "parent"],
    ["form.patient .choice:has(:checked)", "borderTopColor", "parent"],
]

CONTRASTS = (
    "(graphics) => {"
    + COLOURS
    + """
  const style = (selector, property) => parse(getComputedStyle(document.querySelector(selector))[property]);
  return graphics.map(([selector, property, on]) => {
    const element = document.querySelector(selector), parent = element.parentElement;
    const under = on === 'behind' ? behind(element) : on === 'parent' ? behind(parent) : style(on, 'fill');
    return [selector, property, on, ratio(style(selector, property).slice(0, 3), under.slice(0, 3))];
  });
}"""
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_graphics_stand_out_from_what_is_behind_them(browser: Browser, address: str, scheme: str) -> None:
    """Access: 3:1 for graphics, computed from the colours as rendered, light and dark."""
    with tab(browser, address, options={"color_scheme": scheme}) as page:
        predict(page, address, {**LOCAL, "interval_months": 200})
        open_all(page)
        found = page.evaluate(CONTRASTS, GRAPHICS)
        assert len(found) == len(GRAPHICS)
        assert [one for one in found if not one[3] >= 3] == []
        # The check can fail: the grid is fainter than that.
        assert page.evaluate(CONTRASTS, [[".grid line", "stroke", "behind"]])[0][3] < 3
        page.click('button[name="clinician"]')
        expect(page.locator(".plain-words")).to_be_visible()
        plain = [one for one in GRAPHICS if one[0].startswith((".hundred", "button"))]
        assert [one for one in page.evaluate(CONTRASTS, plain) if not one[3] >= 3] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(browser: Browser, address: str, scheme: str) -> None:
    """Access: at least 4.5 to 1, light and dark, in the chart too, with everything opened."""
    with tab(browser, address, options={"color_scheme": scheme}) as page:
        for features in (UNKNOWN, DISTANT):
            predict(page, address, features)
            page.click(".comparison > summary")
            compare(page, interval_months="60")
            expect(page.locator(".compared")).to_be_visible()
            open_all(page)
            assert page.evaluate(POOR_WORDS) == []
        page.goto(f"{address}/model")
        open_all(page)
        assert page.locator("th").count() > 9
        assert page.evaluate(POOR_WORDS) == []
