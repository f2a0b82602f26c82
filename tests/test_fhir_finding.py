"""What a record fills in, and what it does not: codes, days, and everything that speaks against a value."""

from __future__ import annotations

from typing import Any

import pytest

from server.fhir.events import CLINICAL, VERIFICATION
from server.fhir.finding import findings_of, has_come_back
from server.fhir.found import (
    NO_DAY,
    PARTIAL,
    RECORDED,
    UNCONFIRMED,
    UNKNOWN_CODE,
    UNREADABLE_DAY,
    UNSURE,
    Findings,
    Found,
)
from tests.invented import small_model
from tests.records import (
    BASE,
    BEGIN,
    DDLPS,
    END,
    FILLED,
    HISTOLOGY_IS,
    ICD_10,
    ICD_O_3,
    LMS,
    LOINC,
    NOT_ASKED,
    RETROPERITONEUM,
    TODAY,
    WHOLE,
    Coded,
    by_kind,
    concept,
    condition,
    filled,
    findings,
    histology,
    metastasis,
    operation,
    patient,
    primary,
    recurrence,
    says,
    status,
    told,
)
from tests.web import another_artefact


def test_a_whole_record_fills_in_every_question_with_source_and_day() -> None:
    """E21: a pre-filled value shows its source and date."""
    found = findings(*WHOLE)
    assert dict(found.filled) == FILLED
    assert found.found == (
        Found("pattern", "local", "Condition/recurrence", RETROPERITONEUM[2], "2020-06-05"),
        Found(BEGIN, "2018-03-01", "Procedure/operation", "Excision of tumour", "2018-03-01"),
        Found(END, "2020-06-05", "Condition/recurrence", RETROPERITONEUM[2], "2020-06-05"),
        Found("resection", "yes", "Procedure/again", "Excision of tumour", "2020-09-01"),
        Found("subtype", "ddlps", "Observation/histology", DDLPS[2], "2018-03-08"),
    )
    assert not any(found.conflicts(feature.name) for feature in small_model().features.all)


def test_an_empty_record_fills_in_nothing() -> None:
    """Nothing is assumed from absence: not that there was no operation, not that there is no metastasis."""
    assert findings() == findings(patient()) == findings(primary()) == Findings()
    assert filled(primary(), recurrence()) == {END: "2020-06-05"}


def test_a_model_without_a_part_about_records_finds_nothing() -> None:
    """Where a model does not say how a record says its answers, no record says any."""
    model = another_artefact().model
    assert findings_of(model, by_kind(*WHOLE), BASE, TODAY) == Findings()
    assert not has_come_back(model, by_kind(*WHOLE), BASE)


@pytest.mark.parametrize("kind", ["Condition", "Procedure", "Observation"])
def test_what_could_not_be_read_takes_its_values_along(kind: str) -> None:
    """Of a part of a record that could not be read nothing is filled in, and of the rest nothing else."""
    rest = [one for one in WHOLE if one["resourceType"] != kind]
    assert filled(*rest).items() < FILLED.items()


@pytest.mark.parametrize(
    "code",
    [
        {"coding": [{"system": "http://hl7.org/fhir/sid/icd-9-cm", "code": "C48.0"}]},
        {"coding": [{"system": f"{ICD_10}/", "code": "C48.0"}]},
        {"coding": [{"system": ICD_10, "code": "C48"}]},
        {"coding": [{"system": ICD_10, "code": "C48.01"}]},
        {"coding": [{"system": ICD_10, "code": "c48.0"}]},
        {"coding": [{"system": ICD_10, "code": "C48.0 "}]},
        {"coding": [{"system": ICD_10, "code": "C49.4", "display": RETROPERITONEUM[2]}]},
        {"coding": [{"system": ICD_10, "code": "C48.1"}]},
        {"coding": [{"code": "C48.0"}]},
        {"coding": {"system": ICD_10, "code": "C48.0"}},
        {"text": "C48.0 Malignant neoplasm of retroperitoneum"},
    ],
)
def test_another_disease_is_not_this_one(code: dict[str, Any]) -> None:
    """A code is known by its system and identifier together, never by a part of them, a word, or a likeness."""
    others = [primary(code=code), operation(), recurrence(code=code), operation("again", "2020-09-01", ["recurrence"])]
    assert filled(*others) == {}
    assert not has_come_back(small_model(), by_kind(*others), BASE)


def test_every_code_of_the_model_says_its_answer() -> None:
    """Each code that stands for an answer fills that answer in, and no other."""
    record = small_model().record
    assert record is not None
    for one in record.says:
        for code in one.codes:
            coded = (code.system, code.code, code.display or "")
            if one.event is not None:
                done = operation("again", "2020-09-01", ["recurrence"], code=concept(coded))
                assert filled(primary(), recurrence(), done) == {END: "2020-06-05", one.feature: one.level}
                continue
            report = histology("report", coded, about=["primary", "recurrence"])
            assert filled(primary(), recurrence(), report) == {END: "2020-06-05", one.feature: one.level}


@pytest.mark.parametrize(
    "code",
    [
        NOT_ASKED,
        (ICD_O_3, "8858", ""),
        (ICD_O_3, "8858/1", ""),
        (ICD_O_3, "88583", ""),
        (ICD_10, "8858/3", ""),
        ("", "8858/3", "Dedifferentiated liposarcoma"),
    ],
)
def test_a_histology_that_is_not_asked_about_speaks_against_one_that_is(code: Coded) -> None:
    """A diagnosis that the questions do not know is not passed over beside one that is filled in."""
    strange = histology("strange", code)
    assert filled(primary(), strange) == {}
    assert told("subtype", primary(), strange) == [("Observation/strange", None, UNKNOWN_CODE)]
    assert filled(primary(), histology(), strange) == {}
    assert findings(primary(), histology(), strange).conflicts("subtype")
    in_condition = primary(extension=[says(HISTOLOGY_IS, code)])
    assert "subtype" not in filled(in_condition, histology())


def test_a_histology_in_words_is_not_read() -> None:
    """A text or a number that says the diagnosis is no code: it fills nothing in, and speaks against a code."""
    words = histology("words", valueCodeableConcept=None, valueString="Dedifferentiated liposarcoma")
    assert filled(primary(), words) == filled(primary(), words, histology()) == {}


def test_two_histologies_are_not_chosen_between() -> None:
    """E21: conflicting values are never chosen silently, wherever in the record they stand."""
    assert filled(primary(), histology(), histology("same")) == {"subtype": "ddlps"}
    for other in (histology("other", LMS), histology("both", DDLPS, LMS)):
        assert filled(primary(), histology(), other) == {}
        assert findings(primary(), histology(), other).conflicts("subtype")
    of_leiomyosarcoma = primary(extension=[says(HISTOLOGY_IS, LMS)])
    assert filled(of_leiomyosarcoma) == {"subtype": "lms"}
    assert filled(of_leiomyosarcoma, histology()) == {}


@pytest.mark.parametrize(
    ("given_status", "subtype"),
    [
        ("final", "ddlps"),
        ("amended", "ddlps"),
        ("corrected", "ddlps"),
        ("preliminary", None),
        ("registered", None),
        ("entered-in-error", None),
        ("cancelled", None),
        ("unknown", None),
        ("FINAL", None),
        (None, None),
    ],
)
def test_only_a_report_that_stands_is_used(given_status: str | None, subtype: str | None) -> None:
    """A histology counts when its report is final; one that is not yet speaks against another that is."""
    report = histology(status=given_status)
    assert filled(primary(), report).get("subtype") == subtype
    withdrawn = given_status in {"entered-in-error", "cancelled", "unknown"}
    other = histology("other", LMS)
    assert filled(primary(), report, other) == ({"subtype": "lms"} if withdrawn else {})


def test_a_histology_of_another_tumour_is_not_this_ones() -> None:
    """The report of another tumour says nothing; one that does not say of which tumour it is fills nothing in."""
    uterus = condition("uterus", code=concept((ICD_10, "C54.1", "Endometrium")))
    of_uterus = histology("of-uterus", LMS, about=["uterus"])
    assert findings(primary(), uterus, of_uterus) == Findings()
    assert filled(primary(), uterus, of_uterus, histology()) == {"subtype": "ddlps"}
    for about in (None, [], [{"display": "the tumour"}], [{"reference": "https://other.example/Condition/primary"}]):
        of_any = histology("of-any", LMS, focus=about)
        assert told("subtype", primary(), uterus, of_any) == [("Observation/of-any", None, UNSURE)]
        assert filled(primary(), uterus, of_any, histology()) == {}
    assert filled(primary(), uterus, histology(about=["primary", "uterus"])) == {}


def test_another_observation_is_not_a_histology() -> None:
    """A value counts only under the codes that were asked for: the same code may answer another question elsewhere."""
    for code in (concept((LOINC, "59847-4", "Histology")), concept((ICD_O_3, "31206-6", "")), {"text": "31206-6"}):
        assert findings(primary(), histology(code=code)) == Findings()


@pytest.mark.parametrize(
    ("extra", "begin"),
    [
        ("2018-03-01", "2018-03-01"),
        ("2018-03-01T23:30:00-05:00", "2018-03-01"),
        ("2018-03", "2018-03-01"),
        ("2018-03-02", None),
        ("2018-02", None),
        ("2018", None),
        ("2017", None),
        ("", None),
        ("2018-02-30", None),
        ("20180301", None),
        ("01.03.2018", None),
        ("2018-03-01 or 02", None),
    ],
)
def test_two_days_are_not_chosen_between(extra: str, begin: str | None) -> None:
    """E21: two days of one thing fill nothing in; a month that holds the day does not speak against it."""
    both = findings(primary(), operation(), operation("second", extra))
    assert both.filled.get(BEGIN) == begin
    assert both.conflicts("interval_months") == (begin is None)
    assert both == findings(operation("second", extra), operation(), primary())


@pytest.mark.parametrize(
    "day", ["2018-03", "2018", "2018-02-30", "0000-00-00", "2018-03-1", "tomorrow", "\u0661\u0669\u0669\u0669-01-01"]
)
def test_half_a_day_is_no_day(day: str) -> None:
    """Of a month no day is chosen, and what is no day in any calendar is none."""
    assert filled(primary(), operation(day=day)) == {}
    assert filled(primary(), recurrence(day=day)) == {}
    remark = PARTIAL if day in {"2018-03", "2018"} else UNREADABLE_DAY
    assert told(BEGIN, primary(), operation(day=day)) == [("Procedure/operation", None, remark)]


def test_the_day_of_writing_down_is_not_the_day_of_the_diagnosis() -> None:
    """recordedDate, an age and a text are no onset; the beginning of a period is."""
    written = recurrence(onsetDateTime=None, recordedDate="2020-07-01")
    assert told(END, primary(), written) == [("Condition/recurrence", None, RECORDED)]
    for onset in ({"onsetAge": {"value": 63}}, {"onsetString": "2020-06-05"}, {"onsetPeriod": {"end": "2020-06-05"}}):
        assert told(END, primary(), recurrence(onsetDateTime=None, **onset)) == [("Condition/recurrence", None, NO_DAY)]
    period = recurrence(onsetDateTime=None, onsetPeriod={"start": "2020-06-05"}, recordedDate="2020-07-01")
    assert filled(primary(), period) == {END: "2020-06-05"}


@pytest.mark.parametrize(
    ("verification", "stands"),
    [
        (status(VERIFICATION, "confirmed"), True),
        (None, True),
        (status(VERIFICATION, "unconfirmed"), False),
        (status(VERIFICATION, "provisional"), False),
        (status(VERIFICATION, "differential"), False),
        (status(VERIFICATION, "refuted"), False),
        (status(VERIFICATION, "entered-in-error"), False),
        (status(CLINICAL, "confirmed"), False),
        ({"coding": [{"code": "refuted"}]}, False),
        ({"text": "confirmed"}, False),
        ("confirmed", False),
    ],
)
def test_a_diagnosis_that_is_not_confirmed_fills_nothing_in(verification: object, *, stands: bool) -> None:
    """Neither its day, nor where it came back, nor its histology; nor that it was operated on."""
    met = metastasis(verificationStatus=verification, extension=[*metastasis()["extension"], says(HISTOLOGY_IS, LMS)])
    expected = {"pattern": "distant", END: "2020-06-05"}
    assert filled(primary(), met) == (expected if stands else {})
    of_primary = primary(verificationStatus=verification, extension=[says(HISTOLOGY_IS, LMS)])
    assert filled(of_primary) == ({"subtype": "lms"} if stands else {})
    back = recurrence(verificationStatus=verification)
    again = operation("again", "2020-09-01", ["recurrence"])
    assert ("resection" in filled(primary(), back, again)) == stands


def test_the_kind_of_a_recurrence_is_not_that_of_the_primary_tumour() -> None:
    """Asked is what the tumour was at first; it may come back as another kind, and then nothing is filled in."""
    met = metastasis(extension=[*metastasis()["extension"], says(HISTOLOGY_IS, LMS)])
    assert "subtype" not in filled(primary(), met)
    assert [(value, remark) for _, value, remark in told("subtype", primary(), met)] == [(None, UNSURE)]
    for code, agrees in ((LMS, True), (DDLPS, False)):
        assert ("subtype" in filled(primary(extension=[says(HISTOLOGY_IS, code)]), met)) == agrees


def test_what_is_not_confirmed_speaks_against_what_is() -> None:
    """A provisional recurrence is shown and keeps another from being filled in; a refuted one is gone."""
    for code, expected in (("provisional", {}), ("refuted", {END: "2020-06-05"})):
        other = recurrence("other", "2019-01-01", verificationStatus=status(VERIFICATION, code))
        assert filled(primary(), recurrence(), other) == expected
    assert ("Condition/other", None, UNCONFIRMED) in told(
        END, primary(), recurrence("other", "2019-01-01", verificationStatus=status(VERIFICATION, "provisional"))
    )


@pytest.mark.parametrize("member", ["modifierExtension", "implicitRules"])
def test_what_may_mean_something_else_is_not_used(member: str) -> None:
    """FHIR forbids to read a resource past a modifier that is not understood: it may turn its meaning around."""
    for position, one in enumerate(WHOLE[1:], 1):
        changed = [
            *WHOLE[:position],
            {**one, member: [{"url": "urn:negated", "valueBoolean": True}]},
            *WHOLE[position + 1 :],
        ]
        lost = FILLED.keys() - filled(*changed).keys()
        assert lost, one["id"]
        assert filled(*changed).items() < FILLED.items()
