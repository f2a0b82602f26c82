"""What is written to the record is what was shown: its day, its figures, its document, by the same model; E4, RA3."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from io import BytesIO

import pytest
from pypdf import PdfReader

from model.artefact import Artefact
from tests.fake_ehr import WRITES, FakeEhr, Opened, fields_of, opened, said, save, written
from tests.records import WHOLE, patient
from tests.web import Page

CONFIRMED = ("pattern", "interval_months", "resection")
TYPED = {"alive_months": "0", "subtype": ""}
BOTH = {"pattern": "both", "interval_months.begin": "", "interval_months.end": "", "alive_months": ""}


@pytest.fixture(scope="module")
def program(artefact: Artefact) -> Opened:
    return opened(artefact, FakeEhr([]), write=WRITES)


@pytest.fixture
def ehr() -> FakeEhr:
    return FakeEhr(list(WHOLE))


@pytest.fixture
def app(program: Opened, ehr: FakeEhr) -> Opened:
    return program.anew(ehr)


TODAY = datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize(
    ("alive", "day"),
    [("", day) for day in ("", "2999-01-01", "9999-12-31", "0024-03-01", "1899-12-31", "2021-W03-4", "20210304")]
    + [("", day) for day in ("03/04/2021", "04.03.2021", "2021-3-4", "2021-02-30", "2021-03-04T00:00", "yesterday")]
    + [("", day) for day in ("\uff12021-03-04", "2021-03", ["2021-03-04", "2021-03-05"], "2021-03-04, 2021-03-05")]
    + [("1", TODAY), ("12", TODAY), ("12", "9999-12-31")],
)
def test_a_day_is_needed_where_no_answer_says_it(app: Opened, ehr: FakeEhr, alive: str, day: str | list[str]) -> None:
    """RA3: a whole one, written in one way, not to come, and with room for the months that the patient has lived."""
    page = app.result(app.open(ehr), {**BOTH, "alive_months": alive})
    assert page.all("input", name="save.time_zero", required="")
    assert said(save(app, page, 422, save__time_zero=day)).startswith("Nothing was written: the record needs the date")
    assert ("at least" in said(save(app, page, 422, save__time_zero=day))) == bool(alive)
    assert written(ehr) == []


@pytest.mark.parametrize(("alive", "start"), [("", "2020-02-29"), ("12", "2021-02-28")])
def test_the_day_that_was_given_is_the_one_that_is_written(app: Opened, ehr: FakeEhr, alive: str, start: str) -> None:
    """RA3: and where an answer says the day, that one is written and no other is asked for."""
    save(app, app.result(app.open(ehr), {**BOTH, "alive_months": alive}), 200, save__time_zero=" 2020-02-29 ")
    assert {one["whenPeriod"]["start"] for one in ehr.created[0]["prediction"]} == {start}
    page = app.result(app.open(ehr), TYPED, CONFIRMED)
    assert not page.all("input", name="save.time_zero")
    save(app, page, 200, save__time_zero="2001-01-01")
    assert {one["whenPeriod"]["start"] for one in ehr.created[1]["prediction"]} == {"2020-06-05"}


def test_by_that_day_nothing_is_written_of_somebody_who_was_too_young(app: Opened, ehr: FakeEhr) -> None:
    """E27: on the screen the day was not known yet, only that the patient is old enough today."""
    ehr.resources = [patient(birthDate="2002-06-06"), *WHOLE[1:]]
    page = app.result(app.open(ehr), BOTH)
    refused = save(app, page, 422, save__time_zero="2020-06-05")
    assert "this patient was under 18 when it happened" in refused.one("div", class_="summary").text
    assert written(ehr) == []
    save(app, page, 200, save__time_zero="2020-06-06")
    assert len(written(ehr)) == 1


def test_by_that_day_a_result_says_that_its_times_are_past(app: Opened, ehr: FakeEhr) -> None:
    """RA3: what is written says of that day what it would say had an answer given it; the page does, too."""
    page = save(app, app.result(app.open(ehr), BOTH), 200, save__time_zero="2015-06-05")
    (told,) = [note["text"] for note in ehr.created[0]["note"] if "Every time shown here is past" in note["text"]]
    assert "predicted on 5 June 2015" in told
    assert "Every time shown here is past" in page.text


def test_a_result_of_another_model_is_not_written(app: Opened, ehr: FakeEhr) -> None:
    """E4: what was shown was computed by the model that its page names, or nothing is written (409)."""
    page = app.result(app.open(ehr), TYPED, CONFIRMED)
    fields = {**fields_of(page, "save"), "receipt.digest": "0" * 64}
    app.post(page.one("form", class_="save").attributes["action"], fields, 409)
    assert written(ehr) == []


def figures_of(page: Page) -> list[tuple[str, int, int, int]]:
    """From the page: each time, how many are not alive, and between how many."""
    return [
        (re.findall(r"^\d years?", row[0])[0], int(row[3]), 100 - int(upper), 100 - int(lower))
        for row in page.table("figures")
        for lower, _, upper in [row[2].partition(" to ")]
    ]


def risks_in(texts: list[str]) -> list[tuple[str, int, int, int]]:
    """The same, from the sentences that were written."""
    found = re.compile(r"Predicted for (\d+) of 100 .* by (\d years?) after .*\(95 % interval (\d+) to (\d+)\)\.")
    matches = [found.fullmatch(text) for text in texts]
    return [(one[2], int(one[1]), int(one[3]), int(one[4])) for one in matches if one is not None]


@pytest.mark.parametrize("alive", ["0", "13"])
def test_the_written_figures_are_those_of_the_page(app: Opened, ehr: FakeEhr, alive: str) -> None:
    """E4: as sentences to the whole percent, as numbers to the digits of the file; with the receipt of both."""
    place = app.open(ehr)
    page = app.result(place, {**TYPED, "alive_months": alive}, CONFIRMED)
    fields = fields_of(page, "save")
    answer = app.client.post(f"{place}download/result.json", data=fields).json()
    percents = [100 * (1 - one["estimate"]) for one in answer["survival"]]
    save(app, page, 200)
    save(app, page, 200)
    (risk,) = ehr.created
    assert risks_in([one["rationale"] for one in risk["prediction"]]) == figures_of(page)
    assert [one["probabilityDecimal"] for one in risk["prediction"]] == pytest.approx(percents, abs=1e-9)
    page = app.result(place, {**TYPED, "alive_months": alive}, CONFIRMED)
    save(app, page, 200, "Observation")
    observed = ehr.created[1]
    assert risks_in([note["text"] for note in observed["note"]]) == figures_of(page)
    values = [one["valueQuantity"]["value"] for one in observed["component"]]
    assert values[::3] == pytest.approx(percents, abs=1e-9)
    assert observed["valueQuantity"]["value"] in values[::3]
    assert {fields["receipt.id"]} == {answer["receipt"]["id"], risk["identifier"][0]["value"].rpartition(":")[2]}


def test_the_written_document_is_the_one_that_can_be_downloaded(app: Opened, ehr: FakeEhr) -> None:
    """E4, RA10: the same text on the same pages, with the same receipt."""
    place = app.open(ehr)
    page = app.result(place, TYPED, CONFIRMED)
    download = app.client.post(f"{place}download/result.pdf", data=fields_of(page, "save")).content
    save(app, page, 200, "DocumentReference")
    attachment = ehr.created[0]["content"][0]["attachment"]
    stored = base64.b64decode(attachment["data"])
    assert attachment["size"] == len(stored)
    texts = [[one.extract_text() for one in PdfReader(BytesIO(pdf)).pages] for pdf in (download, stored)]
    assert texts[0] == texts[1]
    assert fields_of(page, "save")["receipt.id"] in texts[0][0]
    assert "Anna Maria Example" in texts[0][0]
