"""What the one script adds: a result that follows the answers, and never one that is another patient's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browsing import SUBMIT, TITLE, answer, compare, predict, tab, until
from tests.web import DISTANT, LOCAL, UNKNOWN

FRAGMENT = "**/fragment"
FAILED = "The result could not be computed. Press the button to try once more."

# Answers of the server that the page has dealt with, counted after all that the page does with them.
COUNT_ANSWERS = """
  window.answered = 0;
  const ask = window.fetch;
  window.fetch = (...asked) => {
    const answer = ask(...asked), done = () => setTimeout(() => setTimeout(() => window.answered++));
    answer.then(given => { const read = given.text.bind(given); given.text = () => {
      const text = read(); text.then(done, done); return text; }; }, done);
    return answer;
  };
"""

ENTERED = """() => [...document.querySelectorAll('input, select, textarea')]
  .filter(e => e.name !== 'model' && e.name !== 'format')
  .map(e => /radio|checkbox/.test(e.type) ? (e.checked ? e.value : '') : e.value).filter(value => value)"""


@pytest.fixture
def troubled(browser: Browser, address: str) -> Iterator[Page]:
    """A page on which the browser itself writes down that a request has failed."""
    with tab(browser, address, "Failed to load resource", "ERR_", "redirect") as opened:
        yield opened


def alive_at_3_years(page: Page) -> str:
    """The figure of the table."""
    return page.locator(".figures tbody tr").nth(2).locator(".alive").inner_text()


def test_a_form_is_answered_without_leaving_the_page(page: Page, address: str) -> None:
    """Issue 2: the document stays, the focus goes to the result's heading, the title says result; no entry is added."""
    page.goto(address)
    page.evaluate("window.marker = 'here'")
    entries = page.evaluate("history.length")
    answer(page, LOCAL)
    page.click(SUBMIT)
    expect(page.locator("h1")).to_have_text("Predicted survival")
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("h1")).to_be_in_viewport()
    assert page.title() == f"Result · {TITLE}"
    page.click(".comparison > summary")
    compare(page, interval_months="60")
    expect(page.locator(".compared")).to_be_focused()
    page.click('button[name="clinician"]')
    expect(page.locator("#plain-title")).to_be_focused()
    assert page.title() == "What may lie ahead: a page to read together"
    assert page.get_by_role("status").text_content() == ""
    page.get_by_role("button", name="Back to the clinician").click()
    expect(page.locator("#result-title")).to_be_focused()
    assert page.evaluate("window.marker") == "here"
    assert page.evaluate("history.length") == entries
    assert page.url == f"{address}/"


def test_mistake_11_a_changed_answer_takes_the_result_away_at_once(page: Page, address: str) -> None:
    """Mistake 11: with the first letter that is typed the old result is gone, and a typo never brings one back."""
    page.add_init_script(COUNT_ANSWERS)
    predict(page, address, DISTANT)
    until(page, "answered === 1")
    before = alive_at_3_years(page)
    field = page.locator('form.patient input[name="interval_months"]')
    field.focus()
    page.keyboard.press("End")
    page.keyboard.type("r")
    assert page.locator("article.result").count() == 0
    stale = page.get_by_text("An answer has changed, so the result has been taken away.").first
    expect(stale).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("An answer has changed")
    with page.expect_response(FRAGMENT) as refused:
        page.keyboard.press("Tab")
    assert refused.value.status == 422
    until(page, "answered === 2")
    assert stale.is_visible()
    assert page.locator("article.result, table.figures").count() == 0
    field.fill("55")
    assert page.locator("article.result").count() == 0
    page.keyboard.press("Tab")
    expect(page.locator("article.result")).to_be_visible()
    assert alive_at_3_years(page) != before
    assert "55 months" in page.inner_text(".inputs")
    assert not stale.is_visible()
    assert page.evaluate("document.activeElement.closest('form.patient') !== null")


def test_an_answer_that_divides_patients_waits_for_the_button(page: Page, address: str) -> None:
    """E24, mistake 12: with and without an operation are different patients, never flicked between."""
    predict(page, address, LOCAL)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.check('form.patient input[value="no"]')
    assert page.locator("article.result").count() == 0
    expect(page.get_by_text("It now describes a different patient.").first).to_be_visible()
    page.fill('form.patient input[name="interval_months"]', "30")
    page.keyboard.press("Tab")
    assert asked == []
    page.click(SUBMIT)
    expect(page.locator("article.result")).to_be_visible()
    assert "30 months" in page.inner_text(".inputs")


@pytest.mark.parametrize("late", ["answered", "failed"])
def test_an_older_answer_never_takes_the_place_of_a_newer_one(troubled: Page, address: str, late: str) -> None:
    """Mistakes 7 and 11: an answer that comes late is another patient's; whether it comes or fails, nothing changes."""
    page = troubled
    page.add_init_script(COUNT_ANSWERS)
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    predict(page, address, DISTANT)
    page.route(FRAGMENT, hold_the_first)
    field = page.locator('form.patient input[name="interval_months"]')
    with page.expect_request(FRAGMENT):
        field.fill("100")
        page.keyboard.press("Tab")
    field.fill("50")
    page.keyboard.press("Tab")
    expect(page.locator(".inputs")).to_contain_text("50 months")
    newer = page.locator("article.result").inner_html()
    answered = page.evaluate("answered")
    (older,) = held
    if late == "answered":
        older.continue_()
    else:
        older.abort()
    until(page, f"answered > {answered}")
    assert page.locator("article.result").inner_html() == newer
    assert page.locator(".stale, .failed").count() == 0


def test_an_older_answer_is_not_shown_while_a_newer_one_is_awaited(page: Page, address: str) -> None:
    """Mistakes 7 and 11: an answer to what was typed before is never shown, neither by itself nor after the button."""
    page.add_init_script(COUNT_ANSWERS)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    predict(page, address, DISTANT)
    page.route(FRAGMENT, hold)
    field = page.locator('form.patient input[name="interval_months"]')
    for months in ("100", "50"):
        with page.expect_request(FRAGMENT):
            field.fill(months)
            page.keyboard.press("Tab")
    answered = page.evaluate("answered")
    held[0].continue_()
    until(page, f"answered > {answered}")
    assert page.locator(".stale").is_visible()
    assert page.locator("article.result, table").count() == 0
    held[1].continue_()
    expect(page.locator(".inputs")).to_contain_text("50 months")
    with page.expect_request(FRAGMENT):
        page.click(SUBMIT)
    field.fill("60")
    answered = page.evaluate("answered")
    held[2].continue_()
    until(page, f"answered > {answered}")
    assert field.input_value() == "60"
    assert page.locator("article.result, table").count() == 0


def abort(route: Route) -> None:
    route.abort()


def fail(route: Route) -> None:
    route.fulfill(status=500, content_type="text/html", body="<p>Something went wrong</p>")


def redirect(route: Route) -> None:
    route.fulfill(status=302, headers={"location": "/model"})


FAILURES: list[Callable[[Route], None]] = [abort, fail, redirect]


@pytest.mark.parametrize("trouble", FAILURES)
def test_a_failure_before_a_result_keeps_what_was_typed(
    troubled: Page, address: str, trouble: Callable[[Route], None]
) -> None:
    """A message says so and is announced; pressing the button again is all that has to be done."""
    page = troubled
    page.goto(address)
    answer(page, LOCAL)
    page.route(FRAGMENT, trouble)
    for _ in range(2):
        page.click(SUBMIT)
        expect(page.locator("form.patient > .failed")).to_have_text(FAILED)
        expect(page.get_by_role("status")).to_have_text(FAILED)
    assert page.locator(".failed").count() == 1
    assert page.evaluate(ENTERED) == ["local", "24", "yes"]
    page.unroute(FRAGMENT)
    page.fill('input[name="interval_months"]', "48")
    page.keyboard.press("Tab")
    page.click(SUBMIT)
    expect(page.locator("main > .answered > article.result")).to_be_visible()
    assert page.locator("form form, form article, .failed").count() == 0
    assert "48 months" in page.inner_text(".inputs")


@pytest.mark.parametrize("trouble", FAILURES)
def test_a_failure_beside_a_result_leaves_no_stale_one(
    troubled: Page, address: str, trouble: Callable[[Route], None]
) -> None:
    """Mistake 11: the message stands where the old result was; the next answer brings a new one."""
    page = troubled
    predict(page, address, DISTANT)
    page.route(FRAGMENT, trouble)
    field = page.locator('form.patient input[name="interval_months"]')
    field.fill("48")
    page.keyboard.press("Tab")
    expect(page.locator(".stale")).to_have_text(FAILED)
    assert page.locator("article.result, table").count() == 0
    assert page.evaluate(ENTERED) == ["distant", "48", "lms"]
    page.click(SUBMIT)
    expect(page.get_by_role("status")).to_have_text(FAILED)
    assert page.locator("article.result, table").count() == 0
    page.unroute(FRAGMENT)
    field.fill("50")
    page.keyboard.press("Tab")
    expect(page.locator(".inputs")).to_contain_text("50 months")
    assert page.locator(".stale, .failed").count() == 0


def test_a_failed_comparison_keeps_the_result_and_the_answers(troubled: Page, address: str) -> None:
    """The result is still this patient's, so it stays, with what was typed about the other one."""
    page = troubled
    predict(page, address, LOCAL)
    before = alive_at_3_years(page)
    page.click(".comparison > summary")
    page.route(FRAGMENT, abort)
    compare(page, interval_months="60")
    expect(page.locator("form.other > .failed")).to_have_text(FAILED)
    assert alive_at_3_years(page) == before
    assert page.input_value('[name="other.interval_months"]') == "60"
    page.unroute(FRAGMENT)
    compare(page)
    expect(page.locator(".compared")).to_be_visible()
    page.route("**/patient", abort)
    page.click('button[name="clinician"]')
    expect(page.locator(".failed")).to_have_text(FAILED)
    assert alive_at_3_years(page) == before


def test_the_chosen_form_of_the_result_outlasts_an_update(page: Page, address: str) -> None:
    """Access: the reader chose how to see it; a changed answer, a comparison and the button keep to that."""
    predict(page, address, DISTANT)
    assert page.locator("#as-curve").is_checked()
    page.check("#as-words")
    page.check('form.patient input[value="ddlps"]')
    expect(page.locator(".inputs")).to_contain_text("edifferentiated")
    assert page.locator("#as-words").is_checked()
    assert page.locator(".format.as-words").is_visible()
    assert not page.locator(".format.as-curve").is_visible()
    page.click(".comparison > summary")
    compare(page, interval_months="60")
    expect(page.locator(".compared")).to_be_visible()
    assert page.locator("#as-words").is_checked()
    page.click(SUBMIT)
    expect(page.locator(".compared")).to_have_count(0)
    assert page.locator("#as-words").is_checked()


def test_copy_puts_exactly_the_note_into_the_clipboard(browser: Browser, address: str) -> None:
    """E36: the note, letter by letter, and the page says that it has been copied; the focus stays on the button."""
    permissions = {"permissions": ["clipboard-read", "clipboard-write"]}
    with tab(browser, address, options=permissions) as page:
        predict(page, address, UNKNOWN)
        page.get_by_role("button", name="Copy the note").click()
        expect(page.locator(".done")).to_have_text("The note has been copied.")
        expect(page.get_by_role("status")).to_have_text("The note has been copied.")
        expect(page.get_by_role("button", name="Copy the note")).to_be_focused()
        note = page.locator("#note").input_value()
        assert len(note.splitlines()) > 5
        assert page.evaluate("navigator.clipboard.readText()") == note


@pytest.mark.parametrize("works", [True, False])
def test_where_the_clipboard_is_closed_the_note_is_copied_otherwise_or_selected(
    browser: Browser, address: str, *, works: bool
) -> None:
    """E36: in a frame without that permission the older way is tried; where that fails too, the page says so."""
    with tab(browser, address, options={"permissions": ["clipboard-read", "clipboard-write"]}) as page:
        page.add_init_script("Clipboard.prototype.writeText = () => Promise.reject(new Error('closed'));")
        if not works:
            page.add_init_script("Document.prototype.execCommand = () => false;")
        predict(page, address, LOCAL)
        page.get_by_role("button", name="Copy the note").click()
        expect(page.locator(".done")).to_contain_text("has been copied" if works else "could not be copied")
        note = page.locator("#note").input_value()
        assert page.evaluate("getSelection().toString()") == note
        assert (page.evaluate("navigator.clipboard.readText()") == note) == works
