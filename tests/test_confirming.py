"""What a record filled in counts only when somebody has confirmed it: E21, as laws over whatever is found and sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.artefact import Artefact
from model.features import ALIVE_MONTHS
from model.fitted import Model
from server.connections import Ehr
from server.entering.bodies import CannotAnswer
from server.entering.confirming import as_asked, question_of, unchanged, unconfirmed, without_unconfirmed
from server.fhir.found import MOST_LISTED, Banner, Findings, Found, Unread
from server.fhir.unanswered import Unanswered
from server.pages.answering import Answered, Refused, answer_form
from server.pages.recorded import Recorded, record_shown
from server.served import Served, prepare
from server.smart.sealing import filled_before, recorded_for, sealed, unsealed
from server.smart.sessions import Session
from server.smart.tokens import Granted
from server.wording.language import english
from tests.fake_ehr import FakeEhr, Opened, fields_of, opened
from tests.records import LMS, WHOLE, histology, operation

TODAY = date(2026, 6, 1)
READ = "2026-06-01T08:00:00+00:00"
BEGIN, END = "interval_months.begin", "interval_months.end"
VALUES: Mapping[str, tuple[str, ...]] = {
    "pattern": ("local", "distant", "both"),
    BEGIN: ("2021-03-04", "2021-05-06"),
    END: ("2023-07-08", "2023-09-10"),
    "resection": ("yes", "no"),
    "subtype": ("lms", "ddlps"),
}
"""By field of the form, what a record may say and a reader answer."""
QUESTIONS = sorted({question_of(name) for name in VALUES})
LOCAL = {"pattern": "local", BEGIN: "2021-03-04", END: "2023-07-08", "resection": "yes", ALIVE_MONTHS: "0"}
EHR = Ehr("The hospital", "https://ehr.example/r4", "me")


@dataclass(frozen=True)
class Case:
    """One form of a launch that was sent: what the record said, what is answered, what is confirmed."""

    findings: Findings
    answers: Mapping[str, list[str]]
    confirmed: frozenset[str]

    @property
    def filled(self) -> Mapping[str, str]:
        return self.findings.filled

    def holds(self, field: str) -> bool:
        """Whether a field still says what the record says; told in other words than the program's."""
        said = [value.strip() for value in self.answers.get(field, []) if value.strip()]
        return field in self.filled and bool(said) and all(value == self.filled[field] for value in said)

    @property
    def waiting(self) -> set[str]:
        """The questions that need somebody to confirm them."""
        return {question_of(name) for name in self.filled if self.holds(name)} - self.confirmed


def found(field: str, value: str | None, source: str = "Condition/1", remark: str | None = None) -> Found:
    return Found(field, value, source, "What it is called", value if value and "-" in value else "2021-03-04", remark)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """What a record may say of every question, with whatever answers and confirmations."""
    some: list[Found] = []
    answers: dict[str, list[str]] = {ALIVE_MONTHS: ["0"]}
    for name, values in VALUES.items():
        said = draw(st.lists(st.sampled_from((*values, None)), max_size=2))
        some += [found(name, one, f"Condition/{number}", None if one else "unsure") for number, one in enumerate(said)]
        given = draw(st.sampled_from([*values, *(one for one in said if one), ""]))
        typed = given if name == "pattern" else draw(st.sampled_from([given, f" {given} "]))
        answers[name] = [typed] * draw(st.sampled_from([1, 1, 1, 2]))
    return Case(Findings(tuple(some)), answers, draw(st.frozensets(st.sampled_from(QUESTIONS))))


@st.composite
def answerable(draw: st.DrawFn) -> Case:
    """The same, but that whatever its pattern asks is answered and confirmed, and nothing else."""
    case, pattern = draw(cases()), draw(st.sampled_from(VALUES["pattern"]))
    asked = {"local": {"interval_months", "resection"}, "distant": {"interval_months", "subtype"}}.get(pattern, set())
    answers = {**case.answers, "pattern": [pattern]}
    for name, values in VALUES.items():
        if question_of(name) in asked:
            said = "".join(answers[name][:1]).strip() or values[0]
            answers[name] = [said] * len(answers[name])
        elif name != "pattern":
            answers[name] = [case.filled[name]] if name in case.filled and draw(st.booleans()) else []
    sure = replace(case, answers=answers)
    return replace(sure, confirmed=frozenset((sure.confirmed | sure.waiting) & {"pattern", *asked}))


def session_of(identifier: str = "here", key: bytes = b"k" * 32) -> Session:
    granted = Granted("the-token", "anna", "patient/*.rs", 60, need_patient_banner=True, user=None)
    return Session(identifier, EHR, granted, "", key, 1.0)


def recorded_with(findings: Findings) -> Recorded:
    session = session_of()
    return recorded_for(session, sealed(session, findings, None, (), READ), findings, None, (), READ)


class Desk:
    """Where forms are answered; no dataclass, for what it is would fill a page where an example is shown."""

    def __init__(self, served: Served) -> None:
        self.served = served

    def answer(self, fields: Mapping[str, Sequence[str]], findings: Findings) -> Answered | Refused:
        """The answer to the fields of a form that these findings filled in."""
        sent = {name: list(values) for name, values in fields.items()}
        return answer_form({self.served.model.name: self.served}, sent, TODAY, recorded_with(findings))

    def answer_case(self, case: Case, answers: Mapping[str, list[str]] | None = None) -> Answered | Refused:
        """The answer to a case, or to these of its answers."""
        confirmed = {f"confirmed.{name}": ["yes"] for name in case.confirmed}
        return self.answer({**(case.answers if answers is None else answers), **confirmed}, case.findings)


@pytest.fixture(scope="module")
def desk(artefact: Artefact) -> Desk:
    return Desk(prepare(artefact, english()))


@given(cases())
def test_what_is_unchanged_waits_for_somebody_to_confirm_it(case: Case) -> None:
    """E21: always; what was changed never does, and to confirm one question confirms no other."""
    found = unconfirmed(case.answers, case.filled, case.confirmed)
    assert set(found) == case.waiting
    assert {problem.code for problem in found.values()} <= {"not_confirmed"}
    assert unchanged(case.answers, case.filled) == {name for name in case.filled if case.holds(name)}
    everything = set(unconfirmed(case.answers, case.filled, frozenset()))
    for name in QUESTIONS:
        assert set(unconfirmed(case.answers, case.filled, frozenset({name}))) == everything - {name}


@given(case=cases() | answerable())
def test_nothing_reaches_a_prediction_that_nobody_confirmed_or_typed(desk: Desk, case: Case) -> None:
    """E21: a form is answered only where all that is asked is confirmed or typed, and as if the rest were not there."""
    answered = desk.answer_case(case)
    pattern = "".join({value.strip() for value in case.answers["pattern"]})
    used = {feature.name for feature in desk.served.model.features.predictors if pattern and feature.used_in(pattern)}
    waiting = case.waiting & {"pattern", *used}
    if waiting:
        assert isinstance(answered, Refused)
        assert waiting <= answered.sentences.keys()
    without = desk.answer_case(case, without_unconfirmed(case.answers, case.filled, case.confirmed))
    if isinstance(answered, Answered):
        assert isinstance(without, Answered)
        assert without.result.prediction.patient == answered.result.prediction.patient
        assert without.result.inputs == answered.result.inputs
        assert answered.origin.confirmed <= case.confirmed
        assert all(case.holds(name) for name in answered.origin.fields)


@given(case=cases())
def test_a_value_is_dropped_only_where_nobody_is_asked_for_it(model: Model, case: Case) -> None:
    """E21: the record's own, unconfirmed, to a question that this pattern does not ask; everything else stays."""
    kept = as_asked(model.features, case.answers, case.filled, case.confirmed)
    pattern = "".join({value.strip() for value in case.answers["pattern"]})
    dropped = {
        name
        for name in case.answers
        if pattern and name in VALUES and name != "pattern" and case.holds(name)
        if not model.features.named(question_of(name)).used_in(pattern) and question_of(name) not in case.confirmed
    }
    assert kept == {name: values for name, values in case.answers.items() if name not in dropped}


@given(case=cases())
def test_what_a_record_says_in_two_ways_is_not_filled_in(desk: Desk, case: Case) -> None:
    """E21: nor what something unsettled speaks against; both stand there to choose from."""
    shown = record_shown(desk.served, recorded_with(case.findings), case.confirmed)
    for name in VALUES:
        said = [one for one in case.findings.found if one.field == name]
        values = {one.value for one in said}
        assert (name in case.filled) == (len(values) == 1 and None not in values)
        if len(values - {None}) == 2:
            assert shown[question_of(name)].conflict
    for name, of in shown.items():
        boxes = {question_of(field) for field in case.filled}
        assert (of.field == f"confirmed.{name}") == (name in boxes)
        assert len(of.lines) == len(case.findings.of(name)) - of.left_out <= MOST_LISTED


@given(case=answerable())
def test_carried_fields_bring_the_same_result_again(desk: Desk, case: Case) -> None:
    """E4, E21: with the same receipt, the same origin, and nothing left to be confirmed."""
    first = desk.answer_case(case)
    assert isinstance(first, Answered)
    again = desk.answer({name: [value] for name, value in first.carried.items()}, case.findings)
    assert isinstance(again, Answered)
    assert again.result.prediction.survival == first.result.prediction.survival
    assert replace(again.result, prediction=first.result.prediction) == first.result
    assert again.carried == first.carried
    assert again.origin == first.origin


@pytest.mark.parametrize("name", QUESTIONS)
def test_one_value_that_nobody_confirmed_is_enough_to_predict_nothing(desk: Desk, name: str) -> None:
    """E21: alone among confirmed ones; confirmed as well, there is a result; typed otherwise, too."""
    pattern = {"pattern": "distant", "subtype": "lms"} if name == "subtype" else {}
    fields = {field: [value] for field, value in {**LOCAL, **pattern}.items()}
    if pattern:
        del fields["resection"]
    findings = Findings(tuple(found(field, values[0]) for field, values in fields.items() if field in VALUES))
    questions = {question_of(field) for field in findings.filled}
    confirmed = {f"confirmed.{one}": ["yes"] for one in questions - {name}}
    refused = desk.answer({**fields, **confirmed}, findings)
    assert isinstance(refused, Refused)
    assert list(refused.sentences) == [name]
    assert "was filled in from the record" in refused.sentences[name]
    both = desk.answer({**fields, **confirmed, f"confirmed.{name}": ["yes"]}, findings)
    assert isinstance(both, Answered)
    assert both.origin.confirmed == questions
    others = {"resection": "no", "subtype": "ddlps", BEGIN: "2021-01-02", END: "2023-01-02"}
    changes = {field: [other] for field, other in others.items() if question_of(field) == name}
    typed = desk.answer({**fields, **confirmed, **changes}, findings)
    assert isinstance(typed, Answered) == (name != "pattern")
    if isinstance(typed, Answered):
        assert typed.origin.confirmed == questions - {name}


def test_a_value_that_is_sent_twice_is_not_a_changed_one(desk: Desk) -> None:
    """E21: whatever sends it so has changed nothing."""
    fields = {**{field: [value] for field, value in LOCAL.items()}, "pattern": ["local", "local"]}
    refused = desk.answer(fields, Findings((found("pattern", "local"),)))
    assert isinstance(refused, Refused)
    assert list(refused.sentences) == ["pattern"]


def test_an_answer_of_two_dates_may_be_of_two_sources(desk: Desk) -> None:
    """RA6, E21: of which one was typed; it is told as what it is, and not as the record's."""
    fields = {**{field: [value] for field, value in LOCAL.items()}, "confirmed.interval_months": ["yes"]}
    findings = Findings((found(BEGIN, "2021-03-04", "Procedure/7"), found(END, "2023-07-08", "Condition/8")))
    part, lived = (
        "; in part from the record",
        {"alive_months.begin": ["2023-07-08"], "alive_months.end": ["2023-07-20"]},
    )
    since: dict[str, list[str]] = {END: [""], ALIVE_MONTHS: [""], **lived}
    for changes, told, whole in (
        ({}, "; from the record (Procedure/7, Condition/8), confirmed", True),
        ({END: ["2023-07-09"]}, f"{part} (Procedure/7), confirmed, in part entered by hand", False),
        ({BEGIN: ["2021-03-05"]}, f"{part} (Condition/8), confirmed, in part entered by hand", False),
        (since, f"{part} (Procedure/7), confirmed, in part entered by hand", False),
        ({BEGIN: ["2021-03-05"], END: ["2023-07-09"]}, "to 9 July 2023", False),
    ):
        answered = desk.answer({**fields, **changes}, findings)
        assert isinstance(answered, Answered)
        value = next(one.value for one in answered.result.inputs if one.label == "Interval to recurrence")
        assert value.endswith(told)
        assert ("interval_months" in answered.origin.whole) == whole


@given(case=cases(), more=st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=3))
def test_a_sealed_form_is_read_back_as_it_was(case: Case, more: Sequence[tuple[str, str]]) -> None:
    """SM10: whatever was found, of whomever, and whatever could not be read."""
    session = session_of()
    banner = Banner(*more[0]) if more else None
    unread = tuple(Unread(kind, Unanswered("ehr_refused", len(text))) for kind, text in more)
    findings = Findings((*case.findings.found, *(found(BEGIN, None, kind, text) for kind, text in more)))
    seal = sealed(session, findings, banner, unread, READ)
    back = unsealed(session, seal)
    assert replace(back, unread=()) == recorded_for(session, seal, findings.excerpt(), banner, (), READ)
    failures = [(one.kind, one.failure.sentence, one.failure.status) for one in back.unread]
    assert failures == [(kind, "ehr_refused", len(text)) for kind, text in more]
    assert filled_before(seal).filled == findings.filled


def refused_seal(session: Session, seal: str) -> bool:
    """Whether a seal is refused as one of nothing that was opened here."""
    try:
        unsealed(session, seal)
    except CannotAnswer as refusal:
        return (refusal.status_code, refusal.reason.sentence) == (400, "not_of_this_launch")
    return False


def test_a_seal_of_which_a_byte_was_changed_is_none() -> None:
    """SM10: any byte, changed, left out or doubled; nor one of another launch, another key or another making."""
    session = session_of()
    seal = sealed(session, Findings((found("pattern", "local"),)), None, (), READ)
    assert not refused_seal(session, seal)
    for place, byte in enumerate(seal):
        for other in ("A" if byte != "A" else "B", "_" if byte != "_" else "-", ".", "", byte * 2, "é", "\0"):
            if other != byte:
                assert refused_seal(session, seal[:place] + other + seal[place + 1 :]), place
    for text in ("", ".", "..", "é", "null", f"{seal}=", f" {seal}", seal[:-1], seal.rpartition(".")[0] + "."):
        assert refused_seal(session, text), text
    assert refused_seal(session_of("here", b"x" * 32), seal)
    assert refused_seal(session_of("there"), seal)


ODD: tuple[Any, ...] = (None, 0, 7, True, "", "x", [], ["x"], {}, {"x": "y"})


@pytest.mark.parametrize("name", ["field", "value", "source", "text", "day", "remark", "more"])
@pytest.mark.parametrize("remark", [None, "partial_day"])
def test_whatever_a_form_of_an_ended_launch_says_takes_nothing_down(name: str, remark: str | None) -> None:
    """SM12: nobody can check the seal of a launch that is over; what is none fills nothing in."""
    right = asdict(found("a", None if remark else "2021-03-04", remark=remark))
    spoilt = [{"found": [{**right, name: odd}, right]} for odd in ODD]
    for content in (*spoilt, *ODD, *({"found": odd} for odd in ODD), *({"found": [odd]} for odd in ODD)):
        parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, content)]
        head, body = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
        for text in (f"{head}.{body}.AAAA", f"{head}.{body}", body, json.dumps(content)):
            filled = filled_before(text).filled
            assert without_unconfirmed({"q": ["b"]}, filled, frozenset()) == {"q": ["b"]}


@pytest.fixture(scope="module")
def program(artefact: Artefact) -> Opened:
    return opened(artefact, FakeEhr([]))


def test_each_value_stands_with_its_source_and_day(program: Opened) -> None:
    """E21: at its question, with a box that nobody has ticked; sent as it is, each is refused by its name."""
    ehr = FakeEhr(list(WHOLE))
    app = program.anew(ehr)
    place = app.open(ehr)
    page = app.form(place)
    told = page.texts("div", class_="from-record")
    wanted = (
        ("Condition/recurrence", "5 June 2020", "Local recurrence only"),
        ("Procedure/operation", "1 March 2018", "Condition/recurrence"),
        ("Procedure/again", "1 September 2020", "Yes, resected"),
        ("Observation/histology", "8 March 2018", "Dedifferentiated liposarcoma"),
    )
    assert len(told) == len(wanted)
    assert all(text in line for line, texts in zip(told, wanted, strict=True) for text in texts)
    boxes = [one for one in page.all("input", type="checkbox") if one.attributes["name"].startswith("confirmed.")]
    assert [one.attributes["name"].removeprefix("confirmed.") for one in boxes] == [
        *("pattern", "interval_months", "resection", "subtype")
    ]
    assert not any("checked" in one.attributes for one in boxes)
    refused = app.post(place, {**fields_of(page), "alive_months": "0", "confirmed.resection": "yes"}, 422)
    links = [one.attributes["href"] for one in refused.all("a", within="summary")]
    assert links == ["#q0-0", "#q1"]
    ticked = [one.attributes["name"] for one in refused.all("input", checked="") if "confirmed" in str(one.attributes)]
    assert ticked == ["confirmed.resection"]
    assert not refused.all("article")


def test_of_two_dates_one_may_be_left_open(program: Opened) -> None:
    """E21: where the record says two things about one of them, the page says of which nothing was filled in."""
    ehr = FakeEhr([*WHOLE, operation("second", "2018-05-01")])
    app = program.anew(ehr)
    page = app.form(app.open(ehr))
    (told,) = [text for text in page.texts("div", class_="from-record") if "Procedure/second" in text]
    assert "about one of the dates, so that date was not filled in" in told
    assert (fields_of(page)[BEGIN], fields_of(page)[END]) == ("", "2020-06-05")
    ehr.resources.append(histology("other", LMS))
    page = app.form(app.open(ehr))
    (told,) = [text for text in page.texts("div", class_="from-record") if "Observation/other" in text]
    assert "different things, so nothing was filled in" in told
    assert "subtype" not in fields_of(page)


def test_what_differs_is_listed_before_what_is_said_again(desk: Desk) -> None:
    """E21: and in its order; how much more there is, is said."""
    some = [found("pattern", "local" if number != 5 else "both", f"Condition/{number}") for number in range(10)]
    shown = record_shown(desk.served, recorded_with(Findings(tuple(some))), frozenset())["pattern"]
    listed = [next(number for number in range(10) if f"Condition/{number})" in line) for line in shown.lines]
    assert (listed, shown.left_out) == ([0, 5, 1, 2, 3, 4, 6, 7], 2)
