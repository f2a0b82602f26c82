"""The whole task in a real Chromium: by keyboard alone, without scripts, in a portal's frame, with dates for months."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from model.artefact import Artefact
from tests.browsing import SANDBOX, SUBMIT, TITLE, answer, compare, portal, predict, serving, tab
from tests.web import LOCAL, UNKNOWN

FORMATS = ("curve", "people", "spans", "words", "table")
DATES = {"begin": "2021-03-01", "end": "2023-03-01"}


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press Tab until the focus is there; wherever it stops, it can be seen."""
    for _ in range(120):
        page.keyboard.press(key)
        at, outlined = page.evaluate(
            "selector => { const e = document.activeElement, shown = e.closest('label.choice, .chooser label') || e;"
            " return [e.matches(selector), getComputedStyle(shown).outlineStyle !== 'none'] }",
            selector,
        )
        assert outlined
        if at:
            return
    pytest.fail(f"The keyboard does not reach {selector}")


def test_the_keyboard_alone_completes_everything(page: Page, address: str) -> None:
    """Access: keyboard completes everything, from an empty form over errors, formats and a comparison to the end."""
    press, write = page.keyboard.press, page.keyboard.type
    page.goto(address)
    tab_to(page, 'input[value="local"]')
    press("Space")
    tab_to(page, SUBMIT)
    press("Enter")
    expect(page.locator(".summary")).to_be_focused()
    tab_to(page, ".summary a")
    press("Enter")
    expect(page.locator('input[name="interval_months"]')).to_be_focused()
    write("24")
    tab_to(page, 'input[name="resection"]')
    press("Space")
    press("ArrowDown")
    tab_to(page, 'input[name="alive_months"]')
    write("6")
    press("Enter")
    expect(page.locator("#result-title")).to_be_focused()
    inputs = page.inner_text(".inputs")
    assert "No, and none is planned" in inputs
    assert "6 months" in inputs
    tab_to(page, "#as-curve")
    for shown in (*FORMATS[1:], FORMATS[0]):
        press("ArrowRight")
        expect(page.locator(f"#as-{shown}")).to_be_focused()
        assert [name for name in FORMATS if page.locator(f".format.as-{name}").is_visible()] == [shown]
    tab_to(page, ".comparison > summary")
    press("Enter")
    tab_to(page, '[name="other.resection"]')
    press("ArrowDown")
    tab_to(page, "form.other button")
    press("Enter")
    expect(page.locator(".compared")).to_be_focused()
    tab_to(page, 'button[name="clinician"]', "Shift+Tab")
    press("Enter")
    expect(page.locator("#plain-title")).to_be_focused()
    tab_to(page, ".numbers summary")
    press("Enter")
    expect(page.locator(".numbers .hundred").first).to_be_visible()
    tab_to(page, "form.take button")
    press("Enter")
    expect(page.locator("#result-title")).to_be_focused()
    assert page.inner_text(".inputs") == inputs
    tab_to(page, "[data-clear]")
    press("Enter")
    expect(page).to_have_title(TITLE)
    assert page.locator("form.patient :checked").count() == 0


def take_along(page: Page, button: str, folder: Path) -> tuple[str, bytes]:
    """A file that a result can be taken along as."""
    with page.expect_download() as given:
        page.get_by_role("button", name=button).click()
    given.value.save_as(folder / "file")
    return given.value.suggested_filename, (folder / "file").read_bytes()


def test_everything_works_without_scripts(browser: Browser, address: str, tmp_path: Path) -> None:
    """Access: works with scripts off, conditional questions and formats included; E29: the patient's page is a step."""
    with tab(browser, address, options={"java_script_enabled": False}) as page:
        page.goto(address)
        page.check('input[value="distant"]')
        assert page.locator('input[name="subtype"]').first.is_visible()
        page.check('input[value="local"]')
        assert not page.locator('input[name="subtype"]').first.is_visible()
        assert page.locator('input[name="resection"]').first.is_visible()
        page.click(SUBMIT)
        expect(page).to_have_title(f"Error: {TITLE}")
        answer(page, UNKNOWN)
        page.click(SUBMIT)
        expect(page).to_have_title(f"Result · {TITLE}")
        assert not page.locator("[data-copy], [data-print]").first.is_visible()
        for shown in FORMATS:
            page.check(f"#as-{shown}")
            assert [name for name in FORMATS if page.locator(f".format.as-{name}").is_visible()] == [shown]
        figures = page.inner_text(".figures")
        receipt = page.locator('.record form >> input[name="receipt.id"]').first.get_attribute("value")
        alive = [int(text) for text in page.locator(".figures .alive").all_inner_texts()]
        name, content = take_along(page, "PDF", tmp_path)
        assert (name, content[:5]) == (f"{receipt}-result.pdf", b"%PDF-")
        name, content = take_along(page, "Curve as CSV", tmp_path)
        rows = list(csv.DictReader(StringIO(content.decode())))
        assert [round(100 * float(rows[month]["survival"])) for month in (12, 24, 36, 60)] == alive
        assert {row["receipt_id"] for row in rows} == {receipt}
        name, content = take_along(page, "Result as JSON", tmp_path)
        result = json.loads(content)
        assert [round(100 * at["estimate"]) for at in result["survival"]] == alive
        assert result["receipt"]["id"] == receipt
        page.click(".comparison > summary")
        compare(page, resection="yes")
        expect(page.locator(".compared")).to_be_visible()
        assert page.inner_text(".figures") == figures
        page.click('button[name="clinician"]')
        expect(page.locator("#plain-title")).to_be_visible()
        assert page.url == f"{address}/patient"
        page.get_by_role("button", name="Back to the clinician").click()
        expect(page.locator("#result-title")).to_be_visible()
        assert page.inner_text(".figures") == figures
        page.click("[data-clear]")
        expect(page).to_have_title(TITLE)
        assert page.locator("form.patient :checked").count() == 0


def whole_task(frame: FrameLocator) -> None:
    """From the empty form to the patient's page and back, whatever surrounds it."""
    frame.locator('input[value="local"]').check()
    frame.locator(SUBMIT).click()
    expect(frame.locator(".summary")).to_be_visible()
    answer(frame, LOCAL)
    frame.locator(SUBMIT).click()
    expect(frame.locator("h1")).to_have_text("Predicted survival")
    frame.locator("#as-people").check()
    expect(frame.locator(".hundred").first).to_be_visible()
    frame.locator(".comparison > summary").click()
    compare(frame, interval_months="60")
    expect(frame.locator(".compared")).to_be_visible()
    frame.locator('button[name="clinician"]').click()
    expect(frame.locator("#plain-title")).to_be_visible()
    frame.locator("form.take button").click()
    expect(frame.locator("h1")).to_have_text("Predicted survival")
    frame.locator("[data-clear]").click()
    expect(frame.locator(".start form.patient")).to_be_visible()


@pytest.mark.parametrize("sandbox", [SANDBOX, "allow-forms allow-same-origin"], ids=["scripts", "no scripts"])
def test_a_portal_on_the_list_shows_it_in_a_frame_and_another_does_not(
    browser: Browser, artefact: Artefact, sandbox: str
) -> None:
    """S1: frame-ancestors is an allow-list, default none; it works in the sandbox of portals, also without scripts."""
    frames: dict[str, str] = {}
    with (
        portal(frames, sandbox) as origin,
        serving(artefact, origin) as allowed,
        serving(artefact) as refused,
        browser.new_context() as context,
    ):
        frames |= {"/allowed": allowed, "/refused": refused}
        page = context.new_page()
        page.set_default_timeout(10_000)
        said: list[tuple[str, str]] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append((message.type, message.text)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{origin}/allowed")
        whole_task(page.frame_locator("iframe"))
        errors = [text for kind, text in said if kind == "error" and "status of 422" not in text]
        scripts = "allow-scripts" in sandbox
        assert [text for text in errors if scripts or "allow-scripts" not in text] == []
        assert any(url.endswith("/fragment") for url in asked) == scripts
        assert {url for url in asked if not url.startswith((allowed, "data:"))} == {f"{origin}/allowed"}
        assert context.cookies() == []
        page.goto(f"{origin}/refused")
        assert page.frame_locator("iframe").locator("form").count() == 0
        assert any("frame-ancestors" in text for _, text in said)


def give_dates(page: Page, name: str, dates: Mapping[str, str]) -> None:
    """Open the date fields of a question and fill them."""
    details = page.locator(f'details.dates:has([name="{name}.begin"])')
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    for which, day in dates.items():
        page.fill(f'form.patient input[name="{name}.{which}"]', day)


def test_dates_stand_for_the_months_between_them(page: Page, address: str) -> None:
    """E16, E20: what was computed from dates is shown as computed, with the dates in words, and is what months give."""
    page.goto(address)
    answer(page, {"pattern": "local", "resection": "no"})
    give_dates(page, "interval_months", DATES)
    give_dates(page, "alive_months", {"begin": DATES["end"], "end": "2023-10-15"})
    page.click(SUBMIT)
    expect(page.locator("h1")).to_have_text("Predicted survival")
    inputs = page.inner_text(".inputs").replace("\n", " ")
    assert "Interval to recurrence 24 months, computed from 1 March 2021 to 1 March 2023" in inputs
    assert " 7 months, computed from 1 March 2023 to 15 October 2023" in inputs
    figures = page.inner_text(".figures")
    assert page.input_value('form.patient input[name="interval_months.begin"]') == DATES["begin"]
    assert page.input_value('form.patient input[name="interval_months"]') == ""
    predict(page, address, {**LOCAL, "resection": "no", "alive_months": 7})
    assert page.inner_text(".figures") == figures


def test_dates_that_cannot_be_used_stay_open_with_what_was_given(page: Page, address: str) -> None:
    """E18, mistake 11: the details stay open with the dates; corrected, they give the result, and it follows them."""
    page.goto(address)
    answer(page, {"pattern": "local", "resection": "no", "alive_months": 7})
    give_dates(page, "interval_months", {"begin": DATES["end"], "end": DATES["begin"]})
    page.click(SUBMIT)
    expect(page.locator(".summary li")).to_have_count(1)
    fields = [page.locator(f'form.patient input[name="interval_months.{which}"]') for which in ("begin", "end")]
    assert [field.is_visible() for field in fields] == [True, True]
    assert [field.input_value() for field in fields] == [DATES["end"], DATES["begin"]]
    assert [field.get_attribute("aria-invalid") for field in fields] == ["true", "true"]
    assert not page.locator('input[name="alive_months.begin"]').is_visible()
    give_dates(page, "interval_months", DATES)
    page.click(SUBMIT)
    expect(page.locator("h1")).to_have_text("Predicted survival")
    assert fields[0].is_visible()
    fields[0].fill("2019-03-01")
    fields[0].press("Tab")
    fields[0].evaluate("e => e.blur()")
    expect(page.locator(".inputs")).to_contain_text("computed from 1 March 2019 to 1 March 2023")


def test_the_page_for_a_patient_is_a_step_of_its_own(page: Page, address: str) -> None:
    """E29: it cannot be asked for by address, nor without the clinician's step; its figures are closed at first."""
    answered = page.request.get(f"{address}/patient")
    assert answered.status == 405
    assert "plain-words" not in answered.text()
    for step, title in (({}, "Predicted survival"), ({"clinician": "seen"}, "What may lie ahead")):
        html = page.request.post(f"{address}/patient", form={**LOCAL, **step}).text()
        assert (f">{title}</h1>" in html) == (title in html)
        assert ("plain-words" in html) == bool(step)
    predict(page, address, LOCAL)
    alive = page.locator(".figures .alive").all_inner_texts()
    page.click('button[name="clinician"]')
    expect(page.locator("#plain-title")).to_be_visible()
    closed = page.locator("main").inner_text()
    for figure in alive:
        assert f" {figure} " not in closed
    assert page.locator(".hundred:visible").count() == 0
    for summary in page.locator(".numbers summary").all():
        summary.click()
    opened = page.locator("main").inner_text()
    assert all(f" {figure} " in opened for figure in alive)


def test_icons_are_squares_and_circles(page: Page, address: str) -> None:
    """E30: dots or squares, 100 of them for each time, as many squares as the table has people alive; no figures."""
    count = "es => es.map(e => (e.getAttribute('d').match(/M/g) || []).length)"
    predict(page, address, UNKNOWN)
    page.check("#as-people")
    alive = [int(text) for text in page.locator(".figures .alive").all_inner_texts()]
    squares = page.eval_on_selector_all(".hundred .alive", count)
    circles = page.eval_on_selector_all(".hundred .gone", count)
    assert squares == alive
    assert [a + b for a, b in zip(squares, circles, strict=True)] == [100] * len(alive)
    assert page.locator(".hundred > :not(path), main img, main image, main use").count() == 0
    boxes = page.eval_on_selector_all(".hundred:visible", "es => es.map(e => [e.clientWidth, e.clientHeight])")
    assert len(boxes) == len(alive)
    assert all(width == height > 60 for width, height in boxes)
