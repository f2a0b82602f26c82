"""The form opened from an EHR, in a real Chromium: in the EHR's page, filled in, confirmed, predicted, written back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from model.fitted import Model
from server.smart import launching
from tests import records
from tests.browsing import SUBMIT
from tests.hospitals import (
    ANNA,
    BERT,
    BORN,
    FILLED,
    NAMES,
    Hospital,
    banners,
    confirm,
    frame_of,
    held,
    inside,
    lines_of,
    opened,
    predict,
    save,
    visiting,
)
from tests.validators import problems_of

QUESTIONS = {
    "pattern": "Where it came back",
    "interval_months": "Interval to recurrence",
    "subtype": "Histologic subtype",
}


def test_cookies_of_third_parties_are_blocked(clinic: Hospital, browser: Browser) -> None:
    """SM15: what these tests rest on. Of two cookies that differ in Partitioned alone, only that one comes back."""

    async def probe(request: Request) -> Response:
        response = HTMLResponse(f"<link rel=icon href=data:,><p>{'; '.join(sorted(request.cookies))}</p>")
        for name, last in (("plain", ""), ("parted", "; Partitioned")):
            response.headers.append("set-cookie", f"{name}=1; Path=/; Secure; HttpOnly; SameSite=None{last}")
        return response

    clinic.app.add_route("/probe", probe)
    with visiting(browser) as context:
        page = context.new_page()
        opened(page, clinic.open("one", ANNA))
        inside(page).goto(f"{clinic.address}/probe")
        expect(frame_of(page).locator("p")).to_contain_text("__Host-launch-")
        expect(frame_of(page).locator("p")).not_to_contain_text("parted")
        inside(page).goto(f"{clinic.address}/probe")
        expect(frame_of(page).locator("p")).to_contain_text("parted")
        expect(frame_of(page).locator("p")).not_to_contain_text("plain")
        page.goto(f"{clinic.address}/probe")
        page.goto(f"{clinic.address}/probe")
        expect(page.locator("p")).to_contain_text("plain")


def test_a_cookie_that_is_not_partitioned_opens_nothing(
    clinic: Hospital, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SM15: with SameSite=None alone no launch would work in the frame; the one word makes the difference."""

    def unparted(response: Response, identifier: str, value: str, seconds: int) -> None:
        attributes = f"Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=None"
        response.headers.append("set-cookie", f"__Host-launch-{identifier}={value}; {attributes}")

    monkeypatch.setattr(launching, "set_cookie", unparted)
    with visiting(browser, "status of 400") as context:
        page = context.new_page()
        page.goto(clinic.open("one", ANNA))
        expect(frame_of(page).locator(".summary")).to_contain_text("does not belong to a launch that this browser")
        assert clinic.peer.created() == []


def test_from_the_record_to_the_record(clinic: Hospital, browser: Browser) -> None:
    """SM15, E21, RA1 to RA3, RA6 to RA8: filled in, confirmed, predicted, written, and nothing before the click."""
    with visiting(browser) as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA))
        assert inside(page).url.startswith(f"{clinic.address}/l/")
        assert held(form) == FILLED[ANNA]
        assert form.locator(".confirm input:checked").count() == 0
        predict(form)
        inputs = form.locator("article .inputs").inner_text()
        for source in ("Condition/anna-metastasis", "Procedure/anna-operation", "Observation/anna-histology"):
            assert f"{source}" in inputs
        assert inputs.count("from the record (") == inputs.count("), confirmed") == 3
        alive = [int(text) for text in form.locator(".figures .alive").all_inner_texts()]
        assert [one["method"] for one in clinic.peer.requests() if one["path"].startswith("/fhir/")] == ["GET"] * 5
        assert clinic.peer.created() == []
        said = save(form)
        (written,) = clinic.peer.created()
        reference = f"RiskAssessment/{written['id']}"
        assert re.fullmatch(rf"Written to .* as preliminary \({reference}\), with the receipt below\.", said)
        resource = clinic.peer.read(reference)
        assert problems_of([resource]) == []
        assert resource["status"] == "preliminary"
        assert resource["subject"]["reference"] == f"Patient/{ANNA}"
        assert {one["reference"] for one in resource["basis"]} == {
            *("Condition/anna-metastasis", "Procedure/anna-operation", "Observation/anna-histology")
        }
        dead = [one["probabilityDecimal"] for one in resource["prediction"]]
        assert len(dead) == len(alive)
        assert all(abs(100 - shown - percent) <= 0.5 for shown, percent in zip(alive, dead, strict=True))
        assert [(one["whenPeriod"]["start"], one["whenPeriod"]["end"]) for one in resource["prediction"]] == [
            ("2023-01-05", "2023-06-05"),
            ("2023-01-05", "2025-06-05"),
        ]
        assert form.locator(".receipt").last.inner_text().split()[1] in str(resource["identifier"])
        assert form.locator("article .inputs").inner_text() == inputs
        assert "What is written to the record is kept there" in form.locator("footer").inner_text()


@pytest.mark.parametrize(
    ("button", "kind"), [("As an observation", "Observation"), ("As a document (PDF)", "DocumentReference")]
)
def test_in_other_forms(clinic: Hospital, browser: Browser, button: str, kind: str) -> None:
    """RA1, RA7, RA8: what is offered beside the risk assessment is as preliminary, and about the same patient."""
    with visiting(browser) as context:
        form = opened(context.new_page(), clinic.open("one", ANNA))
        predict(form)
        assert f"({kind}/" in save(form, button)
        (written,) = clinic.peer.created()
        assert written["resourceType"] == kind
        assert written["subject"]["reference"] == f"Patient/{ANNA}"
        assert written.get("docStatus", written["status"]) == "preliminary"
        assert problems_of([written]) == []


def test_a_result_is_written_once(clinic: Hospital, browser: Browser) -> None:
    """RA8: pressed again, whichever button, the same result is not written a second time; a new one is."""
    with visiting(browser) as context:
        form = opened(context.new_page(), clinic.open("one", ANNA))
        predict(form)
        assert save(form).startswith("Written")
        assert "record already" in save(form)
        assert "record already" in save(form, "As an observation")
        assert len(clinic.peer.created()) == 1
        form.locator('form.patient input[name="alive_months"]').fill("32")
        form.locator(SUBMIT).click()
        expect(form.locator(".saved")).to_have_count(0)
        expect(form.locator("article.result")).to_contain_text("32 months")
        assert save(form).startswith("Written")
        assert len(clinic.peer.created()) == 2


def test_each_value_has_its_source_and_day(clinic: Hospital, browser: Browser, model: Model) -> None:
    """E21: beside each answer stands what the record calls it, of which day, in which resource, and what it leaves."""
    assert model.record is not None
    with visiting(browser) as context:
        form = opened(context.new_page(), clinic.open("one", ANNA))
        said = {name: lines_of(form, f'.question:has([name^="{name}"]) .from-record') for name in QUESTIONS}
        metastasis = "“Secondary malignant neoplastic disease”, 5 June 2020 (Condition/anna-metastasis)"
        caution = next(one.caution for one in model.record.says if one.level == "distant")
        expected = {
            "pattern": [(metastasis, f"read as “Distant metastasis only”. {caution}")],
            "interval_months": [
                ("“Excision of tumour”, 1 March 2018 (Procedure/anna-operation)", "primary resection"),
                (metastasis, "the day on which the first recurrence was diagnosed"),
            ],
            "subtype": [("“Leiomyosarcoma”, 8 March 2018 (Observation/anna-histology)", "read as “Leiomyosarcoma”")],
        }
        for name, (title, *lines) in said.items():
            assert title == "In the record:"
            for line, (source, meaning) in zip(lines, expected[name], strict=True):
                assert line.startswith(f"{source}: ")
                assert meaning in line
        assert form.locator('.question:has([name="alive_months"]) .from-record').count() == 0


@pytest.mark.parametrize("scripts", [True, False])
def test_nothing_counts_before_it_is_confirmed(clinic: Hospital, browser: Browser, *, scripts: bool) -> None:
    """E21: without a tick there is no result; the error names each question, and leads to it. One tick is for one."""
    with visiting(browser, scripts=scripts) as context:
        form = opened(context.new_page(), clinic.open("one", ANNA))
        form.locator('input[name="alive_months"]').fill("31")
        for done in range(len(QUESTIONS)):
            form.locator(SUBMIT).click()
            expect(form.locator(".summary li")).to_have_count(len(QUESTIONS) - done)
            named = form.locator(".summary li").all_inner_texts()
            for label, text in zip(list(QUESTIONS.values())[done:], named, strict=True):
                assert text == (
                    f"“{label}” was filled in from the record."
                    " Compare it with the record and tick the box below it, or change it."
                )
            assert form.locator("article.result").count() == 0
            assert held(form) == {**FILLED[ANNA], "alive_months": "31"}
            confirm(form, list(QUESTIONS)[done])
        form.locator(SUBMIT).click()
        expect(form.locator("article.result")).to_be_visible()


def test_what_is_changed_is_no_longer_the_records(clinic: Hospital, browser: Browser) -> None:
    """E21, RA6: an answer of somebody's own needs no tick, and the result does not say that the record gave it."""
    with visiting(browser) as context:
        form = opened(context.new_page(), clinic.open("one", ANNA))
        form.locator('input[name="subtype"][value="ddlps"]').check()
        form.locator('input[name="alive_months"]').fill("31")
        confirm(form, "pattern", "interval_months")
        form.locator(SUBMIT).click()
        inputs = form.locator("article .inputs")
        expect(inputs).to_contain_text("Dedifferentiated liposarcoma")
        expect(inputs).not_to_contain_text("anna-histology")
        save(form)
        (written,) = clinic.peer.created()
        assert "Observation/anna-histology" not in str(written["basis"])
        assert "Histologic subtype: Dedifferentiated liposarcoma" in str(written["note"])


def test_of_different_things_none_is_chosen(clinic: Hospital, browser: Browser) -> None:
    """E21: conflicting values are all listed with source and day, and none is chosen; nor is there one to confirm."""
    clinic.peer.put(
        [
            records.histology(
                "second-opinion", records.DDLPS, about=["anna-primary"], of=ANNA, effectiveDateTime="2018-04-02"
            )
        ]
    )
    with visiting(browser) as context:
        form = opened(context.new_page(), clinic.open("one", ANNA))
        question = form.locator('.question:has([name="subtype"])')
        lms, ddlps = "Leiomyosarcoma", "Dedifferentiated liposarcoma"
        assert lines_of(form, '.question:has([name="subtype"]) .from-record') == [
            "In the record: different things, so nothing was filled in. Choose what is right.",
            f"“{ddlps}”, 2 April 2018 (Observation/second-opinion): read as “{ddlps}”.",
            f"“{lms}”, 8 March 2018 (Observation/anna-histology): read as “{lms}”.",
        ]
        assert question.locator("input:checked, .confirm").count() == 0
        predict_without = {name: value for name, value in FILLED[ANNA].items() if name != "subtype"}
        assert held(form) == predict_without
        confirm(form)
        form.locator('input[name="alive_months"]').fill("31")
        form.locator(SUBMIT).click()
        expect(form.locator(".summary li")).to_have_text(
            ["“Histologic subtype” has no answer. Choose one of those shown."]
        )


@pytest.mark.parametrize("patient", [ANNA, BERT])
@pytest.mark.parametrize("shown", [True, None])
def test_the_page_says_who_the_patient_is(clinic: Hospital, browser: Browser, patient: str, shown: bool | None) -> None:
    """SM11: need_patient_banner true, or left out: name and birth date above the form, the result and the answers."""
    with visiting(browser) as context:
        form = opened(context.new_page(), clinic.open("one", patient, need_patient_banner=shown))
        (said,) = banners([form])
        assert said.startswith(f"Patient: {NAMES[patient]}, born {BORN[patient]}. Opened from Test Hospital;")
        predict(form)
        assert banners([form]) == [said]
        save(form)
        assert banners([form]) == [said]


def test_where_the_ehr_says_who_it_is_the_page_does_not(clinic: Hospital, browser: Browser) -> None:
    """SM11: need_patient_banner false: the EHR shows name and birth date, and the page neither of them."""
    with visiting(browser) as context:
        page = context.new_page()
        form = opened(page, clinic.open("one", ANNA, need_patient_banner=False))
        (said,) = banners([form])
        assert said.startswith("Opened from Test Hospital")
        predict(form)
        text = form.locator("body").inner_text()
        assert "Example" not in text
        assert "1957" not in text
