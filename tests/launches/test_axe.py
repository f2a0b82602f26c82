"""What axe-core finds on the pages of a launch, in four appearances: nothing; and none is wider than its window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import records
from tests.browsing import SUBMIT, open_all
from tests.hospitals import ANNA, BERT, Hospital, opened_here, predict, save, visiting
from tests.test_browser_axe import APPEARANCES, STILL, objections


@pytest.fixture
def clinic(started: Hospital) -> Hospital:
    """Both sides, with a record that says two things, and things with long names."""
    started.furnish()
    long = "Retroperitoneal_dedifferentiated_liposarcoma/well-differentiated_liposarcoma_" * 2
    started.peer.put(
        [
            records.histology("anna-second", records.DDLPS, about=["anna-primary"], of=ANNA),
            records.operation("anna-another", "2018-03-01", ["anna-primary"], code={"text": long}, of=ANNA),
        ]
    )
    return started


def ways(page: Page, clinic: Hospital) -> Iterator[str]:
    """Through everything that a launch can show; each says what it shows now."""
    page.goto(f"{clinic.address}/launch")
    yield "the EHRs"
    clinic.peer.fault("status", "/fhir/R4/Observation", value=500)
    opened_here(page, clinic.open("unread", BERT), clinic.address)
    expect(page.locator(".unread")).to_be_visible()
    yield "a part that could not be read"
    opened_here(page, clinic.open("conflict", ANNA), clinic.address)
    expect(page.get_by_text("different things, so nothing was filled in").first).to_be_visible()
    yield "the form, with different things"
    page.locator(SUBMIT).click()
    expect(page.locator(".summary")).to_be_visible()
    yield "the form, refused"
    opened_here(page, clinic.open("result", BERT), clinic.address)
    yield "the form"
    open_all(page)
    yield "the form, open"
    predict(page, "30")
    yield "the result"
    open_all(page)
    yield "the result, open"
    clinic.peer.fault("status", "/fhir/R4/RiskAssessment$", value=403)
    save(page)
    yield "the result, refused by the EHR"
    save(page)
    yield "the result, written"
    page.get_by_role("button", name="Open the page for the patient").click()
    expect(page.locator(".plain-words")).to_be_visible()
    yield "the page for the patient"
    page.get_by_role("button", name="Back to the clinician").click()
    expect(page.locator("article.result")).to_be_visible()
    page.get_by_role("button", name="Close this launch").click()
    expect(page.locator("h1")).to_have_text("This launch is closed")
    yield "the launch, closed"
    opened_here(page, clinic.open("ended", BERT), clinic.address)
    predict(page, "30")
    clinic.peer.revoke()
    page.get_by_role("button", name="Write to the record as a risk assessment").click()
    expect(page.locator(".ended")).to_be_visible()
    yield "the launch, ended"
    clinic.peer.fault("status", "/auth/token", value=500)
    opened_here(page, clinic.open("failed", BERT), clinic.address)
    expect(page.locator(".summary")).to_be_visible()
    yield "the launch, failed"
    page.goto(f"{clinic.address}/callback?state=none")
    yield "an answer that nobody waits for"


def test_axe_finds_nothing(clinic: Hospital, browser: Browser) -> None:
    """Access (WCAG 2.2 AA): no rule of A, AA or best practice is broken, and no page is wider than its window."""
    narrow, *_ = APPEARANCES["320 px"]
    with visiting(browser, "status of", options={**STILL, "viewport": narrow}) as context:
        page = context.new_page()
        for state in ways(page, clinic):
            for appearance, found in objections(page, "320 px"):
                assert found == [], (state, appearance)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (state, appearance)
