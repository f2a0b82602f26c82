"""What a patient leaves behind in the browser: nothing, whichever way the page is left."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.browsing import SUBMIT, TITLE, answer, compare, predict, tab

PATIENT = {"pattern": "local", "interval_months": "73.5", "resection": "unknown", "alive_months": "13"}
OTHER = "81.5"

FILLED = """() => [...document.querySelectorAll('input, select, textarea')]
  .filter(e => e.type !== 'hidden' && (/radio|checkbox/.test(e.type) ? e.checked : e.value)).length"""


def transition(page: Page, event: str, *, persisted: bool) -> None:
    """What a browser does when it puts a page aside as it is, or takes it out again."""
    page.evaluate(f"dispatchEvent(new PageTransitionEvent('{event}', {{persisted: {str(persisted).lower()}}}))")


def check_empty(page: Page, address: str) -> None:
    """The empty form, with nothing of the patient anywhere in the document or its place in the history."""
    expect(page.locator(".start form.patient")).to_be_visible()
    assert page.url == f"{address}/"
    assert page.title() == TITLE
    assert page.evaluate(FILLED) == 0
    assert page.locator("article, table, .stale").count() == 0
    assert page.get_by_role("status").text_content() == ""
    assert page.evaluate("history.state") is None
    html = page.content()
    assert not [value for value in ("73.5", OTHER, "Receipt", "receipt.id") if value in html]


@pytest.mark.parametrize("where", ["typed", "refused", "result", "comparison"])
def test_clear_everything_leaves_no_trace(page: Page, address: str, where: str) -> None:
    """S2: fields, document, title and history are as before; tab() sees that no storage and no cookie holds a thing."""
    page.goto(address)
    check_empty(page, address)
    entries = page.evaluate("history.length")
    answer(page, {**PATIENT, "alive_months": "x"} if where == "refused" else PATIENT)
    if where != "typed":
        page.click(SUBMIT)
        expect(page.locator(".summary" if where == "refused" else "article.result")).to_be_visible()
        assert page.evaluate(FILLED) > 3
    if where == "comparison":
        page.click(".comparison > summary")
        compare(page, interval_months=OTHER)
        expect(page.locator(".compared")).to_be_visible()
        assert OTHER in page.content()
    assert "73.5" in page.content() or where == "typed"
    page.get_by_role("link", name="Clear everything").click()
    check_empty(page, address)
    assert page.evaluate("history.length") == entries
    page.go_back()
    page.go_forward()
    check_empty(page, address)


def test_clearing_after_a_link_to_a_field_leaves_no_trace(page: Page, address: str) -> None:
    """S2: the links of the error summary are entries of the history, and lead back to an empty form."""
    page.goto(address)
    answer(page, {**PATIENT, "alive_months": "x"})
    page.click(SUBMIT)
    page.click(".summary a")
    expect(page).to_have_url(f"{address}/#q4")
    page.fill('input[name="alive_months"]', "13")
    page.click(SUBMIT)
    expect(page.locator("article.result")).to_be_visible()
    page.get_by_role("link", name="Clear everything").click()
    check_empty(page, address)
    page.go_back()
    check_empty(page, address)


@pytest.mark.parametrize("way", ["away and back", "typed, away and back", "reload", "patient's page, away and back"])
def test_going_back_never_shows_a_patient(page: Page, address: str, way: str) -> None:
    """Mistake 11, S2: whoever comes back to the page finds the empty form, and going forward shows no patient."""
    if way.startswith("typed"):
        page.goto(address)
        answer(page, PATIENT)
    else:
        predict(page, address, PATIENT)
    if way.startswith("patient"):
        page.click('button[name="clinician"]')
        expect(page.locator(".plain-words")).to_be_visible()
    if way == "reload":
        page.reload()
    else:
        page.goto(f"{address}/model")
        expect(page.locator("article.card")).to_be_visible()
        assert "73.5" not in page.content()
        page.go_back()
    check_empty(page, address)
    if way != "reload":
        page.go_forward()
        expect(page.locator("article.card")).to_be_visible()


@pytest.mark.parametrize("plain", [False, True])
def test_a_page_that_was_put_aside_as_it_was_shows_no_patient(page: Page, address: str, *, plain: bool) -> None:
    """Mistake 11: browsers keep whole pages to go back to; ours is emptied before, and is new when it is taken out."""
    predict(page, address, PATIENT)
    if plain:
        page.click('button[name="clinician"]')
        expect(page.locator(".plain-words")).to_be_visible()
    transition(page, "pagehide", persisted=False)
    assert "73.5" in page.content()
    transition(page, "pagehide", persisted=True)
    assert page.locator("main").inner_html() == ""
    assert page.get_by_role("status").text_content() == ""
    assert "73.5" not in page.content()
    page.evaluate("window.marker = 'old'")
    transition(page, "pageshow", persisted=False)
    assert page.evaluate("window.marker") == "old"
    with page.expect_navigation():
        transition(page, "pageshow", persisted=True)
    assert page.evaluate("window.marker") is None
    check_empty(page, address)


def test_without_scripts_a_result_is_not_shown_again_unasked(browser: Browser, address: str) -> None:
    """S2: no-store; going back to a result, the browser asks before it sends the form again, and shows nothing."""
    with tab(browser, address, "ERR_CACHE_MISS", options={"java_script_enabled": False}) as page:
        page.goto(address)
        answer(page, PATIENT)
        page.click(SUBMIT)
        expect(page.locator("article.result")).to_be_visible()
        page.get_by_role("navigation").get_by_role("link", name="About this model").click()
        expect(page.locator("article.card")).to_be_visible()
        with pytest.raises(Error, match="ERR_CACHE_MISS"):
            page.go_back()


WATCHED = {
    "storage": "localStorage.setItem('value', 1)",
    "session": "sessionStorage.setItem('value', 1)",
    "database": "new Promise(done => indexedDB.open('value').onsuccess = done)",
    "cookie": "document.cookie = 'value=1'",
    "error": "console.error('something')",
    "address": "fetch('/?interval_months=24').then(answer => answer.text())",
    "policy": "fetch('http://127.0.0.1:9/elsewhere').catch(() => null)",
}


def do(browser: Browser, address: str, what: str) -> None:
    with tab(browser, address) as page:
        page.goto(address)
        page.evaluate(what)
        page.evaluate("new Promise(requestAnimationFrame)")


@pytest.mark.parametrize("what", WATCHED)
def test_a_page_is_watched(browser: Browser, address: str, what: str) -> None:
    """S1, S2: what stores a thing, writes an error, breaks the policy or asks by address fails the test it is in."""
    do(browser, address, "null")
    with pytest.raises(AssertionError):
        do(browser, address, WATCHED[what])
