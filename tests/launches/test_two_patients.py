"""Two patients open in one browser: what is shown and what is written never crosses from one to the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browsing import SUBMIT
from tests.hospitals import (
    ANNA,
    BERT,
    BORN,
    FILLED,
    MINUTES,
    NAMES,
    Hospital,
    Place,
    banners,
    browsing_at_work,
    confirm,
    held,
    inside,
    opened,
    opened_here,
    predict,
    save,
    text_of,
    visiting,
)

OTHER = {ANNA: BERT, BERT: ANNA}
TYPED = {ANNA: "31", BERT: "17"}
OVER = "This launch is over"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium that keeps no cookies of third parties, and keeps whole pages to go back to."""
    with browsing_at_work(tmp_path_factory.mktemp("profile"), cached=True) as blocking:
        yield blocking


def check_is_of(place: Place, patient: str) -> None:
    """The page names this patient, its form holds what this patient's record fills in, and nothing is of the other."""
    assert banners([place])[0].startswith(f"Patient: {NAMES[patient]}, born {BORN[patient]}.")
    assert FILLED[patient].items() <= held(place).items()
    whole = str(place.locator("body").evaluate("body => body.parentElement.outerHTML"))
    other = OTHER[patient]
    assert [text for text in (NAMES[other], BORN[other], f"/{other}-", f"Patient/{other}") if text in whole] == []


def check_is_written(clinic: Hospital, *patients: str) -> None:
    """What was written so far is about these patients, in this order, and rests on nothing of another one's record."""
    written = clinic.peer.created()
    assert [one["subject"]["reference"] for one in written] == [f"Patient/{patient}" for patient in patients]
    for one, patient in zip(written, patients, strict=True):
        assert {source["reference"].split("/")[1].split("-")[0] for source in one["basis"]} == {patient}
        assert NAMES[OTHER[patient]] not in str(one)


def in_a_tab(context: BrowserContext, clinic: Hospital, patient: str) -> tuple[Page, Place]:
    """A new tab in which the EHR shows the form for a patient."""
    page = context.new_page()
    return page, opened(page, clinic.open(f"{patient}-{len(context.pages)}", patient))


def in_this_window(page: Page, clinic: Hospital, patient: str) -> None:
    """The EHR opens the form for a patient in place of whatever is there."""
    opened_here(page, clinic.open(f"{patient}-here", patient), clinic.address)
    expect(page.locator("form.patient")).to_be_visible()


def test_in_two_tabs(clinic: Hospital, browser: Browser) -> None:
    """SM10: two launches, two patients, two tabs: whatever is done in one, the other shows and writes its own."""
    with visiting(browser) as context:
        tabs = {patient: in_a_tab(context, clinic, patient) for patient in (ANNA, BERT)}
        for patient in (ANNA, BERT, ANNA):
            tabs[patient][0].bring_to_front()
            check_is_of(tabs[patient][1], patient)
        for patient in (BERT, ANNA):
            tabs[patient][0].bring_to_front()
            predict(tabs[patient][1], TYPED[patient])
            check_is_of(tabs[patient][1], patient)
        for patient in (ANNA, BERT):
            tabs[patient][0].bring_to_front()
            assert save(tabs[patient][1]).startswith("Written")
            check_is_of(tabs[patient][1], patient)
        check_is_written(clinic, ANNA, BERT)
        assert len({cookie["name"] for cookie in context.cookies()}) == 2


def test_in_two_frames_of_one_page(clinic: Hospital, browser: Browser) -> None:
    """SM10: two frames side by side on one page of the EHR keep apart as two tabs do."""
    with visiting(browser) as context:
        page = context.new_page()
        opened(page, clinic.open("left", ANNA))
        clinic.open("right", BERT)
        page.evaluate(
            """address => document.body.append(
              Object.assign(document.createElement('iframe'), {src: address, width: 1000, height: 900}))""",
            f"{clinic.address}/launch?iss={clinic.peer.issuer}&launch=right",
        )
        places = {ANNA: page.frame_locator("iframe >> nth=0"), BERT: page.frame_locator("iframe >> nth=1")}
        expect(places[BERT].locator("form.patient")).to_be_visible()
        for patient in (BERT, ANNA):
            check_is_of(places[patient], patient)
            predict(places[patient], TYPED[patient])
        for patient in (ANNA, BERT):
            check_is_of(places[patient], patient)
            save(places[patient])
        check_is_written(clinic, ANNA, BERT)


@pytest.mark.parametrize("scripts", [True, False])
def test_back_and_forward(clinic: Hospital, browser: Browser, *, scripts: bool) -> None:
    """SM10: one tab goes from Anna to Bert, back and forward: each page shows, and writes, whom it names.

    With scripts it is a new page each time, though the browser has kept the old one.
    """
    with visiting(browser, scripts=scripts) as context:
        page = context.new_page()
        places: dict[str, str] = {}
        for patient in (ANNA, BERT):
            in_this_window(page, clinic, patient)
            places[patient] = page.url
            page.locator('input[name="alive_months"]').fill(TYPED[patient])
        kept: list[str] = []
        page.on("console", lambda message: kept.append(message.text))
        for steps, patient in ((-2, ANNA), (2, BERT), (-2, ANNA)):
            for _ in range(abs(steps)):
                (page.go_back if steps < 0 else page.go_forward)(wait_until="commit")
            expect(page.locator(".opened")).to_contain_text(NAMES[patient])
            assert page.url == places[patient]
            if scripts:
                expect(page.locator('input[name="alive_months"]')).to_have_value("")
                assert page.locator(".confirm input:checked").count() == 0
            check_is_of(page, patient)
        predict(page, TYPED[ANNA])
        save(page)
        check_is_of(page, ANNA)
        check_is_written(clinic, ANNA)


def test_a_page_that_was_put_aside_names_nobody(clinic: Hospital, browser: Browser) -> None:
    """SM10, S2: a browser that keeps whole pages to go back to keeps none with a name, a birth date or an answer.

    The page is held here as it was kept: it would be read anew.
    """
    with visiting(browser) as context:
        page = context.new_page()
        page.add_init_script(
            "addEventListener('pageshow', e => {"
            " if (!e.persisted) return; e.stopImmediatePropagation(); document.body.append('As it was.') })"
        )
        in_this_window(page, clinic, ANNA)
        page.locator('input[name="alive_months"]').fill(TYPED[ANNA])
        page.goto(f"{clinic.address}/model")
        page.go_back(wait_until="commit")
        expect(page.locator("body")).to_contain_text("As it was.")
        kept = page.content()
        assert "Research and evaluation" in kept
        assert [word for word in ("Anna", "Example", "1957", "2020", "metastasis", "launch.form") if word in kept] == []


@pytest.mark.parametrize("banner", [True, False])
def test_back_within_one_frame(clinic: Hospital, browser: Browser, *, banner: bool) -> None:
    """SM10, SM11: the EHR goes on to Bert in the same frame, and somebody goes back: the page says that it is Anna's.

    So it does where the EHR said that it shows who the patient is: by now it shows another one.
    """
    with visiting(browser) as context:
        page = context.new_page()
        form = opened(page, clinic.open("first", ANNA, need_patient_banner=banner))
        assert (NAMES[ANNA] in banners([form])[0]) == banner
        clinic.open("second", BERT, need_patient_banner=banner)
        page.locator("iframe").evaluate(
            "(frame, address) => { frame.src = address }",
            f"{clinic.address}/launch?iss={clinic.peer.issuer}&launch=second",
        )
        expect(form.locator('input[name="resection"][value="yes"]')).to_be_checked()
        check_is_of(form, BERT)
        for going, patient, said in (
            ("back", ANNA, "subtype"),
            ("forward", BERT, "resection"),
            ("back", ANNA, "subtype"),
        ):
            page.evaluate(f"history.{going}()")
            expect(form.locator(f'input[name="{said}"][value="{FILLED[patient][said]}"]')).to_be_checked()
            check_is_of(form, patient)
            predict(form, TYPED[patient])
            check_is_of(form, patient)
        save(form)
        check_is_of(form, ANNA)
        check_is_written(clinic, ANNA)


@pytest.mark.parametrize("scripts", [True, False])
def test_reload(clinic: Hospital, browser: Browser, *, scripts: bool) -> None:
    """SM10, RA8: reloaded, a page is about the patient it was about; a form that is sent again writes nothing again."""
    with visiting(browser, scripts=scripts) as context:
        page = context.new_page()
        in_this_window(page, clinic, BERT)
        in_this_window(page, clinic, ANNA)
        page.locator('input[name="alive_months"]').fill(TYPED[ANNA])
        confirm(page)
        page.reload()
        check_is_of(page, ANNA)
        assert held(page) == FILLED[ANNA]
        assert page.locator(".confirm input:checked").count() == 0
        predict(page, TYPED[ANNA])
        page.reload()
        check_is_of(page, ANNA)
        assert page.locator("article.result").count() == (0 if scripts else 1)
        predict(page, TYPED[ANNA])
        save(page)
        page.reload()
        if scripts:
            assert held(page) == FILLED[ANNA]
        else:
            assert "record already" in text_of(page, ".saved")
        check_is_of(page, ANNA)
        check_is_written(clinic, ANNA)


PLACES = ("", "fragment", "save", "patient", "download/result.pdf", "download/result.json", "end")

SEND = """async ([address, extra]) => {
  const fields = new URLSearchParams(new FormData(document.querySelector('form.patient')));
  for (const [name, value] of Object.entries(extra)) fields.set(name, value);
  const answer = await fetch(address, {method: 'POST', body: fields});
  return [answer.status, await answer.text()];
}"""


def test_a_form_of_one_is_not_taken_at_the_address_of_the_other(clinic: Hospital, browser: Browser) -> None:
    """SM10, RA7: with both cookies in the browser, Anna's form is refused (400) at each of Bert's addresses, untold."""
    with visiting(browser, "status of 400") as context:
        first, anna = in_a_tab(context, clinic, ANNA)
        predict(anna, TYPED[ANNA])
        second, bert = in_a_tab(context, clinic, BERT)
        to_bert = inside(second).url
        seal = bert.locator('form.patient input[name="launch.form"]').input_value()
        for where in PLACES:
            extra = {"save.as": "RiskAssessment"} if where == "save" else {}
            status, said = inside(first).evaluate(SEND, [f"{to_bert}{where}", extra])
            assert status == 400, where
            assert "This form does not belong to the patient who was opened here, so it was not answered." in said
            assert [name for name in (*NAMES.values(), "2018-03-01", "2015-05-04") if name in said] == []
        # Nor is Anna's form taken at her own address once it carries what was read for Bert.
        status, said = inside(first).evaluate(SEND, [inside(first).url, {"launch.form": seal}])
        assert status == 400
        status, said = inside(first).evaluate(SEND, [inside(first).url, {"launch.form": ""}])
        assert status == 400
        assert clinic.peer.created() == []
        for page, place, patient in ((second, bert, BERT), (first, anna, ANNA)):
            page.bring_to_front()
            predict(place, TYPED[patient])
            save(place)
            check_is_of(place, patient)
        check_is_written(clinic, BERT, ANNA)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_form_that_is_sent_to_the_other_shows_nothing(clinic: Hospital, browser: Browser, *, scripts: bool) -> None:
    """SM10: sent there by its own button, it is answered by a page that says why, without any patient on it."""
    with visiting(browser, "status of 400", scripts=scripts) as context:
        page = context.new_page()
        in_this_window(page, clinic, BERT)
        to_bert = page.url
        in_this_window(page, clinic, ANNA)
        predict(page, TYPED[ANNA])
        page.locator("form.save").evaluate(
            "(form, address) => { form.action = form.dataset.fragment = address }", f"{to_bert}save"
        )
        page.get_by_role("button", name="Write to the record as a risk assessment").click()
        assert "This form does not belong to the patient who was opened here" in text_of(page, ".summary")
        text = page.content()
        assert [name for name in (*NAMES.values(), "1957", "1961") if name in text] == []
        assert clinic.peer.created() == []


def test_one_ends_and_the_other_goes_on(clinic: Hospital, browser: Browser) -> None:
    """SM10: a launch that is closed, and one whose time has run out, end alone; what is sent to them is not written."""
    with visiting(browser, "status of 401") as context:
        first, anna = in_a_tab(context, clinic, ANNA)
        predict(anna, TYPED[ANNA])
        clinic.clock.now += 60 * MINUTES - 1
        second, bert = in_a_tab(context, clinic, BERT)
        predict(bert, TYPED[BERT])
        clinic.clock.now += 2
        first.bring_to_front()
        anna.get_by_role("button", name="Write to the record as a risk assessment").click()
        assert OVER in text_of(anna, ".summary")
        assert held(anna) == {**FILLED[ANNA], "alive_months": TYPED[ANNA]}
        assert clinic.peer.created() == []
        second.bring_to_front()
        save(bert)
        check_is_of(bert, BERT)
        check_is_written(clinic, BERT)
        third, again = in_a_tab(context, clinic, ANNA)
        second.bring_to_front()
        bert.get_by_role("button", name="Close this launch").click()
        expect(bert.locator("h1")).to_have_text("This launch is closed")
        third.bring_to_front()
        predict(again, TYPED[ANNA])
        save(again)
        check_is_of(again, ANNA)
        check_is_written(clinic, BERT, ANNA)


def test_another_patient_in_the_tab_of_one_that_ended(clinic: Hospital, browser: Browser) -> None:
    """SM10, S2: opened in the same tab after the end of another launch, the form holds nothing typed or ticked then."""
    with visiting(browser, "status of 401") as context:
        page = context.new_page()
        form = opened(page, clinic.open("first", ANNA))
        confirm(form)
        form.locator('input[name="alive_months"]').fill(TYPED[ANNA])
        clinic.clock.now += 60 * MINUTES + 1
        form.locator(SUBMIT).click()
        assert OVER in text_of(form, ".summary")
        for patient in (BERT, ANNA):
            form = opened(page, clinic.open(f"again-{patient}", patient))
            check_is_of(form, patient)
            assert held(form) == FILLED[patient]
            assert form.locator(".confirm input:checked").count() == 0
            predict(form, TYPED[patient])
            save(form)
        check_is_written(clinic, BERT, ANNA)


def test_the_address_of_a_launch_opens_nothing_in_another_browser(clinic: Hospital, browser: Browser) -> None:
    """SM10, SM5: a launch is its browser's alone, whoever knows its address; and it goes on there."""
    with visiting(browser) as context, visiting(browser, "status of 401") as other:
        page = context.new_page()
        in_this_window(page, clinic, ANNA)
        stranger = other.new_page()
        stranger.goto(page.url)
        assert OVER in text_of(stranger, ".summary")
        assert held(stranger) == {}
        assert "Anna" not in stranger.content()
        page.bring_to_front()
        predict(page, TYPED[ANNA])
        check_is_of(page, ANNA)
