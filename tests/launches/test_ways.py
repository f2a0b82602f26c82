"""Other ways through a launch, in a real Chromium: without an EHR's page around it, a mouse or scripts; and its end."""

from __future__ import annotations

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from tests.browsing import SUBMIT
from tests.hospitals import (
    ANNA,
    BERT,
    BORN,
    FILLED,
    NAMES,
    Hospital,
    Place,
    banners,
    confirm,
    frame_of,
    held,
    inside,
    opened,
    opened_here,
    predict,
    save,
    text_of,
    visiting,
)


def test_in_a_window_of_its_own(clinic: Hospital, browser: Browser) -> None:
    """SM15's other way: the EHR leads to the form in place of its own page."""
    with visiting(browser) as context:
        page = context.new_page()
        opened_here(page, clinic.open("one", BERT), clinic.address)
        expect(page.locator("form.patient")).to_be_visible()
        assert page.url.startswith(f"{clinic.address}/l/")
        assert banners([page])[0].startswith(f"Patient: {NAMES[BERT]}, born {BORN[BERT]}.")
        assert held(page) == FILLED[BERT]
        predict(page, "30")
        assert save(page).startswith("Written")
        (written,) = clinic.peer.created()
        assert written["subject"]["reference"] == f"Patient/{BERT}"


def test_from_our_own_page(clinic: Hospital, browser: Browser) -> None:
    """SM14: without an EHR to come from, one is chosen here and the patient there, who is then named above the form."""
    with visiting(browser) as context:
        page = context.new_page()
        page.goto(f"{clinic.address}/launch")
        expect(page).to_have_title("Sign in at an EHR · Survival after a first recurrence of retroperitoneal sarcoma")
        page.get_by_role("link", name="Test Hospital").click()
        page.get_by_role("button", name=NAMES[BERT]).click()
        expect(page.locator("form.patient")).to_be_visible()
        assert page.url.startswith(f"{clinic.address}/l/")
        (asked,) = [one["query"] for one in clinic.peer.requests() if one["path"] == "/auth/authorize"]
        assert "launch/patient" in asked["scope"].split()
        assert "launch" not in asked
        assert banners([page])[0].startswith(f"Patient: {NAMES[BERT]}, born {BORN[BERT]}.")
        assert held(page) == FILLED[BERT]
        predict(page, "30")
        save(page)
        assert clinic.peer.created()[0]["subject"]["reference"] == f"Patient/{BERT}"


def test_who_refuses_at_the_ehr_goes_on_by_hand(clinic: Hospital, browser: Browser) -> None:
    """SM14: signing in is broken off at the EHR: the page says so, and the form is there, with nothing filled in."""
    with visiting(browser, "status of 502") as context:
        page = context.new_page()
        page.goto(f"{clinic.address}/launch")
        page.get_by_role("link", name="Test Hospital").click()
        page.get_by_role("button", name="Refuse").click()
        assert "Signing in at the EHR was refused or broken off." in text_of(page, ".summary")
        assert held(page) == {}
        assert context.cookies() == []


def test_without_scripts(clinic: Hospital, browser: Browser) -> None:
    """Access: with scripts off, in the frame, from the record to the record and the page for the patient."""
    with visiting(browser, scripts=False) as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", BERT))
        assert held(form) == FILLED[BERT]
        predict(form, "30")
        assert inside(page).url.startswith(f"{clinic.address}/l/")
        assert save(form).startswith("Written")
        assert len(clinic.peer.created()) == 1
        form.get_by_role("button", name="Open the page for the patient").click()
        expect(form.locator(".plain-words")).to_be_visible()
        assert banners([form])[0].startswith(f"Patient: {NAMES[BERT]}")
        form.get_by_role("button", name="Back to the clinician").click()
        expect(form.locator("article.result")).to_be_visible()
        form.get_by_role("button", name="Close this launch").click()
        expect(form.locator("h1")).to_have_text("This launch is closed")


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, within the frame; wherever it stops, it can be seen."""
    look = """selector => { const e = document.activeElement, shown = e.closest('label.choice, .chooser label') || e;
      return [e.matches(selector), e === document.body || getComputedStyle(shown).outlineStyle !== 'none'] }"""
    for _ in range(120):
        page.keyboard.press("Tab")
        at, outlined = inside(page).evaluate(look, selector)
        assert outlined
        if at:
            return
    pytest.fail(f"The keyboard does not reach {selector}")


def test_by_keyboard_alone(clinic: Hospital, browser: Browser) -> None:
    """Access: in the EHR's frame every box is ticked, the result asked for, written and closed without a mouse."""
    press = "Space", "Enter"
    with visiting(browser) as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA))
        for name in ("pattern", "interval_months"):
            tab_to(page, f'[name="confirmed.{name}"]')
            page.keyboard.press(press[0])
        tab_to(page, SUBMIT)
        page.keyboard.press(press[1])
        expect(form.locator(".summary")).to_be_focused()
        tab_to(page, ".summary a")
        page.keyboard.press(press[1])
        expect(form.locator('input[name="subtype"]').first).to_be_focused()
        tab_to(page, '[name="confirmed.subtype"]')
        page.keyboard.press(press[0])
        tab_to(page, '[name="alive_months"]')
        page.keyboard.type("31")
        page.keyboard.press(press[1])
        expect(form.locator("#result-title")).to_be_focused()
        tab_to(page, 'button[name="save.as"]')
        page.keyboard.press(press[1])
        assert text_of(form, ".saved").startswith("Written")
        assert len(clinic.peer.created()) == 1
        tab_to(page, ".banner button")
        page.keyboard.press(press[1])
        expect(form.locator("h1")).to_have_text("This launch is closed")


def test_the_result_follows_the_answers(clinic: Hospital, browser: Browser) -> None:
    """E21, S2: scripts give the next result in place; where a confirmation is taken back, there is none."""
    with visiting(browser) as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA))
        predict(form)
        address = inside(page).url
        months = form.locator('form.patient input[name="alive_months"]')
        months.fill("33")
        expect(form.locator(".stale")).to_be_visible()
        months.blur()
        expect(form.locator("article .inputs")).to_contain_text("33 months")
        expect(form.locator("article .inputs")).to_contain_text(
            "from the record (Condition/anna-metastasis), confirmed"
        )
        form.locator('form.patient [name="confirmed.subtype"]').uncheck()
        expect(form.locator("article.result")).to_have_count(0)
        form.locator(SUBMIT).click()
        expect(form.locator(".summary li")).to_have_count(1)
        expect(form.locator(".summary li")).to_contain_text("“Histologic subtype” was filled in from the record.")
        assert inside(page).url == address


def take(place: Place, button: str, folder: Path) -> bytes:
    """A file that a result can be taken along as."""
    pressed = place.get_by_role("button", name=button, exact=True)
    with pressed.page.expect_download() as given:
        pressed.click()
    given.value.save_as(folder / "file")
    return (folder / "file").read_bytes()


def test_files_are_of_the_result_that_is_shown(clinic: Hospital, browser: Browser, tmp_path: Path) -> None:
    """E4, E21: PDF, CSV and JSON of a launch hold the figures of the page; the PDF says whose they are, and whence."""
    with visiting(browser) as context:
        form = opened(context.new_page(), clinic.open("one", ANNA))
        predict(form)
        receipt = form.locator(".receipt").last.inner_text().split()[1]
        alive = [int(text) for text in form.locator(".figures .alive").all_inner_texts()]
        pages = PdfReader(BytesIO(take(form, "PDF", tmp_path))).pages
        for sheet in pages:
            text = " ".join(sheet.extract_text().split())
            assert f"{NAMES[ANNA]}, born {BORN[ANNA]}" in text
            assert receipt in text
        assert "from the record (Observation/anna-histology), confirmed" in " ".join(pages[0].extract_text().split())
        document = json.loads(take(form, "Result as JSON, with the receipt", tmp_path))
        assert document["receipt"]["id"] == receipt
        rows = list(csv.DictReader(StringIO(take(form, "Curve as CSV", tmp_path).decode())))
        by_month = {float(row["months"]): 100 * float(row["survival"]) for row in rows}
        assert [round(by_month[month]) for month in (36, 60)] == alive
        assert clinic.peer.created() == []


def test_the_page_for_the_patient_and_back(clinic: Hospital, browser: Browser) -> None:
    """E29, S2: a deliberate step within the launch, under the same name; back is the very result, receipt and all."""
    with visiting(browser) as context:
        form = opened(context.new_page(), clinic.open("one", ANNA))
        predict(form)
        (said,), inputs = banners([form]), form.locator("article .inputs").inner_text()
        receipt = form.locator(".receipt").last.inner_text()
        form.get_by_role("button", name="Open the page for the patient").click()
        expect(form.locator(".plain-words")).to_be_visible()
        assert banners([form]) == [said]
        assert form.locator("form.save").count() == 0
        form.get_by_role("button", name="Back to the clinician").click()
        expect(form.locator("article.result")).to_be_visible()
        assert form.locator("article .inputs").inner_text() == inputs
        assert form.locator(".receipt").last.inner_text() == receipt
        assert save(form).startswith("Written")


def test_closing_ends_the_launch(clinic: Hospital, browser: Browser) -> None:
    """S2: "Close this launch" forgets it: no cookie, no token here, and its address opens nothing any more."""
    with visiting(browser, "status of 401") as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA))
        predict(form)
        address = inside(page).url
        assert len(clinic.connected.sessions) == 1
        form.get_by_role("button", name="Close this launch").click()
        expect(form.locator("h1")).to_have_text("This launch is closed")
        assert form.locator(".summary").count() == 0  # which would say that something is wrong
        assert len(clinic.connected.sessions) == 0
        assert context.cookies() == []
        text = form.locator("body").inner_text()
        assert [value for value in (NAMES[ANNA], "1957", "anna") if value in text] == []
        inside(page).goto(address)
        assert "This launch is over" in text_of(form, ".summary")
        assert held(form) == {}


def test_the_same_patient_once_more(clinic: Hospital, browser: Browser) -> None:
    """S2, E21: a second launch of the same patient stands alone: nothing is typed or confirmed, each has its end."""
    with visiting(browser, "status of 401") as context:
        first = context.new_page()
        one = opened(first, clinic.open("one", ANNA))
        predict(one)
        second = context.new_page()
        two = opened(second, clinic.open("two", ANNA))
        assert held(two) == FILLED[ANNA]
        assert two.locator(".confirm input:checked").count() == 0
        assert inside(first).url != inside(second).url
        first.bring_to_front()
        one.get_by_role("button", name="Close this launch").click()
        expect(one.locator("h1")).to_have_text("This launch is closed")
        second.bring_to_front()
        predict(two, "32")
        assert save(two).startswith("Written")
        assert len(clinic.peer.created()) == 1


def test_reading_the_record_again(clinic: Hospital, browser: Browser) -> None:
    """E21: what the record says by now is filled in, and has to be confirmed anew; what was typed is not taken over."""
    with visiting(browser) as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA))
        predict(form)
        histology = clinic.peer.read("Observation/anna-histology")
        histology["valueCodeableConcept"]["coding"][0]["code"] = "8858/3"
        clinic.peer.put([histology])
        form.get_by_role("link", name="Read the record again").click()
        expect(form.locator('input[name="subtype"][value="ddlps"]')).to_be_checked()
        assert held(form) == {**FILLED[ANNA], "subtype": "ddlps"}
        assert form.locator(".confirm input:checked").count() == 0


@pytest.mark.parametrize("scripts", [True, False])
def test_clearing_everything_takes_what_was_typed(clinic: Hospital, browser: Browser, *, scripts: bool) -> None:
    """S2: "Clear everything" stays with the patient of the launch and leaves nothing typed and nothing confirmed."""
    with visiting(browser, scripts=scripts) as context:
        form = opened(context.new_page(), clinic.open("one", ANNA))
        confirm(form)
        form.locator('form.patient input[name="alive_months"]').fill("31")
        form.get_by_role("link", name="Clear everything").click()
        expect(form.locator('input[name="alive_months"]')).to_have_value("")
        assert held(form) == FILLED[ANNA]
        assert form.locator(".confirm input:checked").count() == 0
        assert frame_of(form.locator("body").page).locator(".opened").count() == 1
