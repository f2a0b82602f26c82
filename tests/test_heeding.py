"""What days and the record say against a result, besides what its answers say."""

from __future__ import annotations

from datetime import date

import pytest

from model.artefact import Artefact
from model.prediction import predict
from server.fhir.found import NOT_DONE, NOT_NAMED, TO_COME, UNSURE, Banner, Findings, Found
from server.pages.answering import Answered, Refused, answer_form
from server.pages.for_patients import for_patient
from server.pages.heeding import EXCLUDED, PAST, SETTLED_AFTER, heeded
from server.pages.recorded import Recorded
from server.served import Served, serve_models
from server.wording.language import english

TODAY = date(2026, 11, 25)
LOCAL = {"pattern": ["local"], "resection": ["no"], "interval_months.begin": ["2018-03-01"]}


@pytest.fixture(scope="module")
def served(artefact: Artefact) -> Served:
    """The model, to be asked."""
    return next(iter(serve_models([artefact], english()).values()))


def recorded(born: str = "1957-02-03", excluded: tuple[Found, ...] = (), found: tuple[Found, ...] = ()) -> Recorded:
    """A record of somebody born on a day."""
    return Recorded(
        launch="l",
        sealed="s",
        closing="c",
        ehr="The hospital",
        banner=Banner("Anna", born),
        needs_banner=True,
        read="2026-11-25T08:00:00+00:00",
        findings=Findings(found, excluded=excluded),
        unread=(),
        writes=(),
    )


def answered(served: Served, end: str, alive: str, of: Recorded | None = None) -> Answered | Refused:
    """A form with these days."""
    fields = {**LOCAL, "interval_months.end": [end], "alive_months": [alive]}
    return answer_form({served.model.name: served}, fields, TODAY, of)


@pytest.mark.parametrize(
    ("end", "alive", "past"), [("2015-06-05", "0", True), ("2021-11-24", "12", True), ("2021-11-26", "12", False)]
)
def test_a_result_for_a_time_that_is_over_says_so(served: Served, end: str, alive: str, *, past: bool) -> None:
    """Nobody takes for a prediction from today what would have been predicted years ago."""
    fields = {**LOCAL, "interval_months.begin": ["2014-03-01"], "interval_months.end": [end], "alive_months": [alive]}
    result = answer_form({served.model.name: served}, fields, TODAY)
    assert isinstance(result, Answered)
    told = [one.text for one in result.result.told.warnings if one.code == PAST]
    assert len(told) == past
    assert all("Every time shown here is past" in text and text in result.result.note for text in told)


@pytest.mark.parametrize(
    ("born", "refused"),
    [("2003-06-06", True), ("2003-06-05", False), ("2003", False), ("2004", True), ("2003-06", False)],
)
def test_nobody_under_the_age_that_the_model_is_for(served: Served, born: str, *, refused: bool) -> None:
    """E27: by the birth date of the record, on the day of the recurrence; of a part of a date the first day counts."""
    result = answered(served, "2021-06-05", "59", recorded(born))
    assert isinstance(result, Refused) == refused
    if isinstance(result, Refused):
        (sentence,) = result.sentences.values()
        assert sentence.startswith("By the birth date in the record this patient was under 18 when it happened.")


@pytest.mark.parametrize(("born", "refused"), [("2008-11-26", True), ("2008-11-25", False), ("", False)])
def test_nobody_under_that_age_today_where_the_day_is_not_known(served: Served, born: str, *, refused: bool) -> None:
    """E27: who is under 18 now was so when it happened, whenever that was."""
    fields = {"pattern": ["local"], "resection": ["no"], "interval_months": ["24"], "alive_months": ["3"]}
    result = answer_form({served.model.name: served}, fields, TODAY, recorded(born))
    assert isinstance(result, Refused) == refused
    if isinstance(result, Refused):
        (sentence,) = result.sentences.values()
        assert sentence.startswith("By the birth date in the record this patient is under 18.")


def test_a_day_that_no_answer_says_counts_as_one_that_an_answer_says(served: Served) -> None:
    """E27: it may be typed where the result is written; then age and what is past are judged by it."""
    fields = {"pattern": ["local"], "resection": ["no"], "interval_months": ["24"], "alive_months": ["3"]}
    models, zero = {served.model.name: served}, date(2021, 6, 5)
    assert isinstance(answer_form(models, fields, TODAY, recorded("2003-06-06"), zero), Refused)
    result = answer_form(models, fields, TODAY, recorded("2003-06-05"), zero)
    assert isinstance(result, Answered)
    assert [one.code for one in result.result.told.warnings if one.code == PAST] == [PAST]


def test_the_age_is_only_known_from_a_record(served: Served) -> None:
    """The form alone asks for no birth date."""
    assert isinstance(answered(served, "2021-06-05", "59"), Answered)


def test_a_diagnosis_that_the_model_is_not_for_stands_beside_the_figures(served: Served) -> None:
    """E27: on the page, in the note, and so in whatever is written."""
    found = Found("", None, "Condition/1", "Liposarcoma, well differentiated", "2018-03-08")
    result = answered(served, "2021-06-05", "59", recorded(excluded=(found,)))
    assert isinstance(result, Answered)
    (told,) = [one.text for one in result.result.told.warnings if one.code == EXCLUDED]
    assert "Liposarcoma, well differentiated" in told
    assert "8 March 2018" in told
    assert told in result.result.note


@pytest.mark.parametrize(
    ("day", "alive", "later"),
    [
        ("2021-11-05", "4", True),
        ("2021-11-05", "5", False),
        ("2021-11-04", "4", False),
        ("2021-11", "4", False),
        ("2021-12", "4", True),
        ("2022", "4", True),
        ("", "4", False),
    ],
)
def test_an_operation_later_than_the_patient_is_said_to_have_lived(
    served: Served, day: str, alive: str, *, later: bool
) -> None:
    """E23: immortal time; whoever was operated on had lived until then, and the result says so with the source."""
    said = Found("resection", "yes", "Procedure/7", "Excision of sarcoma", day)
    fields = {**LOCAL, "resection": ["yes"], "interval_months.end": ["2021-06-05"], "alive_months": [alive]}
    fields["confirmed.resection"] = ["yes"]
    result = answer_form({served.model.name: served}, fields, TODAY, recorded(found=(said,)))
    assert isinstance(result, Answered)
    told = [one.text for one in result.result.told.warnings if one.code == SETTLED_AFTER]
    assert len(told) == later
    for text in told:
        assert text.startswith("“Resection of the recurrence”: “Excision of sarcoma”, ")
        assert ("5 November 2021" if day == "2021-11-05" else day) in text
        assert f"more than {alive} months after the day on which the first recurrence was diagnosed" in text
        assert text in result.result.note


@pytest.mark.parametrize(("remark", "later"), [(NOT_NAMED, True), (NOT_DONE, False), (UNSURE, False), (TO_COME, False)])
def test_an_operation_of_any_kind_shows_that_the_patient_was_alive(served: Served, remark: str, *, later: bool) -> None:
    """E23: most records do not say which kind it was; one that may not have been done shows nothing."""
    said = Found("resection", None, "Procedure/7", "Laparotomy", "2021-11-05", remark)
    fields = {**LOCAL, "resection": ["yes"], "interval_months.end": ["2021-06-05"], "alive_months": ["1"]}
    result = answer_form({served.model.name: served}, fields, TODAY, recorded(found=(said,)))
    assert isinstance(result, Answered)
    assert bool([one for one in result.result.told.warnings if one.code == SETTLED_AFTER]) == later


def test_another_answer_than_the_record_gives_rests_on_none_of_its_days(served: Served) -> None:
    """Nothing was done, says who filled the form in."""
    said = Found("resection", "yes", "Procedure/7", "Excision of sarcoma", "2021-11-05")
    result = answered(served, "2021-06-05", "4", recorded(found=(said,)))
    assert isinstance(result, Answered)
    assert not [one for one in result.result.told.warnings if one.code == SETTLED_AFTER]


def test_the_page_for_the_patient_says_the_same_in_plain_words(served: Served) -> None:
    """E29: what days and the record say against a result is there too, and is no sentence about something else."""
    said = Found("resection", "yes", "Procedure/7", "Excision of sarcoma", "2021-11-05")
    kind = Found("", None, "Condition/1", "Liposarcoma, well differentiated", "2018-03-08")
    fields = {**LOCAL, "resection": ["yes"], "alive_months": ["4"], "confirmed.resection": ["yes"]}
    told = {}
    for end in ("2021-06-05", "2021-11-30"):
        of = recorded(excluded=(kind,), found=(said,))
        result = answer_form({served.model.name: served}, {**fields, "interval_months.end": [end]}, TODAY, of)
        assert isinstance(result, Answered)
        plain = for_patient(served, result.result)
        assert plain is not None
        told[end] = plain.cautions
    assert "The numbers do not count all the time that you have lived since the first day." in told["2021-06-05"]
    assert [one for one in told["2021-06-05"] if one not in told["2021-11-30"]] == [
        "All the times shown here have passed. The numbers do not say how long people live from today.",
        "The numbers do not count all the time that you have lived since the first day.",
    ]
    assert "Your record names a kind of tumour that these numbers are not for." in told["2021-11-30"]
    assert not [one for one in told["2021-11-30"] if "Little is known" in one]


def test_without_a_day_nothing_is_past(served: Served) -> None:
    """A number of months does not say when."""
    fields = {"pattern": ["local"], "resection": ["no"], "interval_months": ["24"]}
    result = answer_form({served.model.name: served}, fields, TODAY)
    assert isinstance(result, Answered)
    assert result.result.told.warnings == tuple(
        one for one in result.result.told.warnings if one.code not in (PAST, EXCLUDED)
    )
    assert heeded(served, predict(served.model, result.result.prediction.patient), None, None, TODAY) == ()
