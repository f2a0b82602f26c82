"""The faults of an EHR as somebody meets them in its frame, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browsing import SUBMIT
from tests.hospitals import (
    ANNA,
    BERT,
    FILLED,
    MINUTES,
    NAMES,
    Hospital,
    banners,
    confirm,
    frame_of,
    held,
    lines_of,
    opened,
    predict,
    save,
    text_of,
    visiting,
)

OVER = "This launch is over"
KEPT = "What you typed or confirmed is kept below, and you can go on by hand: check that it is about the right patient"


@pytest.mark.parametrize("scripts", [True, False])
def test_the_token_ends_before_the_result_is_written(clinic: Hospital, browser: Browser, *, scripts: bool) -> None:
    """SM12: pressed to write, the page says that the launch is over, keeps the answers, and predicts them by hand."""
    with visiting(browser, "status of 401", scripts=scripts) as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA))
        predict(form)
        figures = form.locator(".figures").inner_text()
        clinic.peer.revoke()
        form.get_by_role("button", name="Write to the record as a risk assessment").click()
        said = text_of(form, ".summary")
        assert said.startswith(OVER)
        assert KEPT in said
        assert form.locator(".banner, article, .from-record").count() == 0
        assert held(form) == {**FILLED[ANNA], "alive_months": "31"}
        form.locator(SUBMIT).click()
        expect(form.locator("article.result")).to_be_visible()
        assert form.locator(".figures").inner_text() == figures
        assert form.locator("form.save, .banner").count() == 0
        assert clinic.peer.created() == []


def test_the_session_ends_while_answers_are_given(clinic: Hospital, browser: Browser) -> None:
    """SM12, E21: the result that would follow does not come, and the button leads to what was typed and confirmed."""
    with visiting(browser, "status of 401") as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA))
        predict(form)
        clinic.clock.now += 60 * MINUTES
        form.locator('form.patient [name="confirmed.subtype"]').uncheck()
        form.locator('form.patient input[name="alive_months"]').fill("32")
        form.locator('form.patient input[name="alive_months"]').blur()
        expect(form.locator(".stale")).to_contain_text("The result could not be computed.")
        form.locator(SUBMIT).click()
        assert KEPT in text_of(form, ".summary")
        kept = {**FILLED[ANNA], "alive_months": "32"}
        del kept["subtype"]
        assert held(form) == kept
        form.locator('input[name="subtype"][value="ddlps"]').check()
        form.locator(SUBMIT).click()
        expect(form.locator("article .inputs")).to_contain_text("Dedifferentiated liposarcoma")
        expect(form.locator("article .inputs")).not_to_contain_text("from the record")


def test_the_right_to_read_ends_before_the_record_is_read_again(clinic: Hospital, browser: Browser) -> None:
    """SM12: the link to read again leads to the page that says so, and opened from the EHR again it goes on."""
    with visiting(browser, "status of 401") as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA))
        clinic.peer.expire()
        form.get_by_role("link", name="Read the record again").click()
        assert text_of(form, ".summary").startswith(OVER)
        assert held(form) == {}
        form = opened(page, clinic.open("two", ANNA))
        predict(form)
        assert save(form).startswith("Written")


@pytest.mark.parametrize("part", ["Patient", "Condition"])
def test_the_ehr_sends_another_patient(clinic: Hospital, browser: Browser, part: str) -> None:
    """SM10: what came is not used, nobody is named, and the page says first that it is not known whom it is about."""
    clinic.peer.fault("wrong_patient", f"/fhir/R4/{part}", value=BERT)
    with visiting(browser) as context:
        form = opened(context.new_page(), clinic.open("one", ANNA))
        assert "make sure in the EHR whom this form is about" in banners([form])[0]
        said = lines_of(form, ".unread")
        assert len(said) == 4
        assert all("data of another patient, so nothing of what it sent was used" in line for line in said)
        assert held(form) == {}
        assert not [name for name in NAMES.values() if name in form.locator("body").inner_text()]
        for name, value in {"pattern": "distant", "subtype": "lms"}.items():
            form.locator(f'input[name="{name}"][value="{value}"]').check()
        form.locator('input[name="interval_months"]').fill("27")
        form.locator(SUBMIT).click()
        expect(form.locator("article.result")).to_be_visible()
        assert lines_of(form, ".unread") == said
        assert form.locator("form.save").count() == 0


def test_the_ehr_refuses_what_is_written(clinic: Hospital, browser: Browser, tmp_path: Path) -> None:
    """RA10: the notice stands first, the result and its buttons stay, and the PDF and another form can be taken."""
    clinic.peer.fault("status", "/fhir/R4/RiskAssessment$", value=422)
    with visiting(browser, "status of 502") as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA))
        predict(form)
        receipt = form.locator(".receipt").last.inner_text()
        assert save(form).startswith("Nothing was written: Test Hospital refused it (status 422).")
        assert form.locator(".receipt").last.inner_text() == receipt
        expect(form.locator(".saved")).to_be_focused()
        with page.expect_download() as given:
            form.get_by_role("button", name="PDF", exact=True).click()
        given.value.save_as(tmp_path / "result.pdf")
        assert (tmp_path / "result.pdf").read_bytes().startswith(b"%PDF-")
        assert save(form, "As a document (PDF)").startswith("Written")
        assert [one["resourceType"] for one in clinic.peer.created()] == ["DocumentReference"]


def test_the_launch_fails(clinic: Hospital, browser: Browser) -> None:
    """SM7, S1: in the frame stands why, and the form goes on by hand there, without a cookie."""
    clinic.peer.fault("id_token_wrong_signature", "/auth/token")
    with visiting(browser, "status of 502") as context:
        page = context.new_page()
        page.goto(clinic.open("one", ANNA))
        form = frame_of(page)
        assert "is not signed as it must be, so it was not believed" in text_of(form, ".summary")
        assert context.cookies() == []
        confirm(form)
        assert held(form) == {}
        form.locator('input[name="pattern"][value="both"]').check()
        form.locator(SUBMIT).click()
        expect(form.locator("article.result")).to_be_visible()


def test_the_form_itself_cannot_be_reached(clinic: Hospital, browser: Browser) -> None:
    """RA10, S2: with scripts the result stays, and nobody is told that it was written, or that the launch is closed."""
    with visiting(browser, "ERR_FAILED") as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA))
        predict(form)
        page.route("**/save", lambda route: route.abort())
        page.route("**/end", lambda route: route.abort())
        form.get_by_role("button", name="Write to the record as a risk assessment").click()
        words = "It is not known whether the result was written. Look in the record before you try again."
        expect(form.locator("form.save .failed")).to_have_text(words)
        form.get_by_role("button", name="Close this launch").click()
        expect(form.locator(".banner .failed")).to_have_text(
            "The launch could not be closed. Press the button to try once more."
        )
        expect(form.locator("article.result")).to_be_visible()
        page.unroute_all()
        assert save(form).startswith("Written")
        form.get_by_role("button", name="Close this launch").click()
        expect(form.locator("h1")).to_have_text("This launch is closed")
        expect(form.locator("main")).to_be_focused()
        assert form.locator(".banner").count() == 0
        expect(form.get_by_role("link", name="New patient")).to_be_visible()
