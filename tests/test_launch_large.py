"""However much a record says, and however long its texts are, its form can be sent: result, saving and closing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.artefact import Artefact
from server.entering.bodies import LARGEST_BODY
from server.entering.confirming import question_of
from server.fhir.events import OCCURRED_FOLLOWING
from server.fhir.found import MOST_LISTED, PARTIAL, Banner, Findings, Found, Unread
from server.fhir.unanswered import Unanswered
from server.pages.answering import Answered, Refused, answer_form
from server.pages.origin import Origin, sources
from server.pages.recorded import Recorded, record_shown
from server.served import prepare
from server.smart.sealing import LONGEST_NAME, recorded_for, sealed, unsealed
from server.wording.language import english
from tests.fake_ehr import WRITES, FakeEhr, Opened, fields_of, opened, said, save, written
from tests.records import LOCAL, WHERE_IS, WHOLE, Resource, concept, link, patient, recurrence, says
from tests.test_confirming import BEGIN, END, QUESTIONS, READ, TODAY, Desk, session_of
from tests.web import Page

NAME = "Ánna王" * 10_000
TEXT = "腹膜后去分化脂肪肉瘤术后局部复发" * 5
MANY = 1000 - 1
"""How many recurrences are read to the end, beside the primary tumour."""
CONFIRMED = ("pattern", "interval_months")
TYPED = {"alive_months": "0", "resection": "yes", "subtype": ""}


def many(day: str = "2020-06-05") -> list[Resource]:
    """A record that says the same a thousand times, each time with the longest text that is listed."""
    code = concept(("http://hl7.org/fhir/sid/icd-10", "C48.0", ""), text=TEXT)
    where = [*link(OCCURRED_FOLLOWING, "primary"), says(WHERE_IS, LOCAL)]
    again = [recurrence(f"{'recurrence':x<60}{number:04}", day, code=code, extension=where) for number in range(MANY)]
    return [patient(name=[{"text": NAME}]), *WHOLE[1:3], *again]


@pytest.fixture(scope="module")
def program(artefact: Artefact) -> Opened:
    return opened(artefact, FakeEhr([]), write=WRITES)


@pytest.fixture
def ehr() -> FakeEhr:
    return FakeEhr(many())


@pytest.fixture
def app(program: Opened, ehr: FakeEhr) -> Opened:
    return program.anew(ehr)


def sizes(page: Page) -> dict[str, int]:
    """By class, how large what a form of a page sends is; the banner has the form that closes the launch."""
    return {name: len(urlencode(fields_of(page, name))) for name in ("patient", "take", "save", "banner")}


def named(page: Page) -> str:
    """Whom a page names."""
    return page.one("p", class_="opened").text.partition(", born ")[0]


def test_a_record_of_a_thousand_recurrences_is_no_larger_than_its_form(app: Opened, ehr: FakeEhr) -> None:
    """SM10, RA8: each form of each page stays far from what is refused, and does what it is there for."""
    place = app.open(ehr)
    form = app.form(place)
    assert fields_of(form)["pattern"] == "local"
    assert f"and {MANY - MOST_LISTED} more entries" in form.text
    assert len(named(form)) < LONGEST_NAME + 10
    page = app.result(place, TYPED, CONFIRMED)
    wrong = app.post(place, fields_of(form), 422)
    for one in (form, page, wrong):
        assert max(sizes(one).values()) < LARGEST_BODY / 2
        assert sizes(one)["banner"] < 500
        assert named(one) == named(form)
    assert app.client.post(f"{place}download/result.pdf", data=fields_of(page, "take")).status_code == 200
    assert " record as preliminary (RiskAssessment/1)" in said(save(app, page, 200))
    (resource,) = ehr.created
    basis = [one["reference"] for one in resource["basis"]]
    assert "Procedure/operation" in basis
    assert MOST_LISTED <= len(basis) <= len(CONFIRMED) * MOST_LISTED
    assert all(f"({source})" in form.text for source in basis)
    app.post(f"{place}end", fields_of(page, "banner"))
    assert len(app.sessions) == 0


@pytest.mark.parametrize("number", [0, MOST_LISTED, MANY // 2, MANY - 1])
def test_a_change_of_what_is_not_listed_is_a_change(app: Opened, ehr: FakeEhr, number: int) -> None:
    """E21: of one entry among a thousand, be it only what it is called; or one that is gone, or new."""
    page = app.result(app.open(ehr), TYPED, CONFIRMED)
    at = 3 + number
    before = ehr.resources
    changed = {**before[at], "code": {**before[at]["code"], "text": "Recurrence"}}
    for resources in ([*before[:at], changed, *before[at + 1 :]], [*before[:at], *before[at + 1 :]]):
        ehr.resources = resources
        assert "no longer says what was confirmed (" in said(save(app, page, 409))
    assert written(ehr) == []
    ehr.resources = list(reversed(before))
    save(app, page, 200)


def test_only_the_form_that_closes_a_launch_closes_it(app: Opened, ehr: FakeEhr) -> None:
    """SM10: what it sends is of one launch, says nothing of the record, and opens nothing else."""
    first, second = app.open(ehr), app.open(ehr, "anna")
    closing, other = (fields_of(app.form(place), "banner") for place in (first, second))
    assert list(closing) == ["launch.form"]
    app.post(f"{first}end", other, 400)
    app.post(f"{first}end", {"launch.form": closing["launch.form"][:-2]}, 400)
    app.post(f"{first}end", {"model": "anything"}, 400)
    for way in ("", "fragment", "save", "patient", "download/result.json"):
        app.post(f"{first}{way}", {**closing, "pattern": "both"}, 400)
    assert len(app.sessions) == 2
    app.post(f"{first}end", closing)
    app.form(first, 401)
    app.form(second)


FIELDS: Mapping[str, Sequence[str]] = {
    "pattern": ("local", "distant", "both"),
    BEGIN: ("2021-03-04", "2021-03-05"),
    END: tuple(f"2023-07-{day:02}" for day in range(1, 12)),
    "resection": ("yes",),
    "subtype": ("lms", "ddlps"),
}


@st.composite
def found(draw: st.DrawFn, name: str, values: Sequence[str]) -> Found:
    """One thing that a record may say about a field: what fills it in, what agrees with that, what does not."""
    value = draw(st.sampled_from([*values, *values, None]))
    remark = None if value else draw(st.sampled_from([PARTIAL, "unsure"]))
    day = value or draw(st.sampled_from(["2021-03", "2023-07", "2021", ""]))
    return Found(name, value, f"Condition/{draw(st.integers(0, 30))}", draw(st.text(max_size=3)), day, remark)


@st.composite
def records(draw: st.DrawFn) -> Findings:
    """What a record may say, often about one field alone and more of it than is listed."""
    some: list[Found] = []
    for name, values in FIELDS.items():
        few = values[: draw(st.integers(1, len(values)))]
        some += draw(st.lists(found(name, few), max_size=draw(st.sampled_from([2, 20]))))
    return Findings(tuple(draw(st.permutations(list(dict.fromkeys(some))))))


def with_everything(findings: Findings) -> Recorded:
    """A launch whose page would be told all that was found."""
    return recorded_for(session_of(), "", findings, None, (), READ)


def as_sent(findings: Findings) -> Recorded:
    """The same as a form brings it back."""
    return unsealed(session_of(), sealed(session_of(), findings, None, (), READ))


@pytest.fixture(scope="module")
def desk(artefact: Artefact) -> Desk:
    return Desk(prepare(artefact, english()))


@given(findings=records())
def test_an_excerpt_shows_and_fills_in_what_everything_would(desk: Desk, findings: Findings) -> None:
    """E21: the lines, what is filled in, what is in conflict, how much more there is, and where values come from."""
    whole, sent = with_everything(findings), as_sent(findings)
    kept = sent.findings
    assert kept.filled == findings.filled
    assert record_shown(desk.served, sent, frozenset()) == record_shown(desk.served, whole, frozenset())
    for name in QUESTIONS:
        assert kept.conflicts(name) == findings.conflicts(name)
        assert kept.tally(name) == findings.tally(name)
        listed = findings.listed(name)
        assert len(listed) == min(MOST_LISTED, len(findings.of(name)))
        assert kept.listed(name) == listed
        assert all(
            field in {one.field for one in listed if one.value}
            for field in findings.filled
            if question_of(field) == name
        )
    assert kept.excerpt() == kept
    assert len(kept.found) <= len(FIELDS) * (MOST_LISTED + 3)
    fields = frozenset(findings.filled)
    origin = Origin(frozenset(question_of(one) for one in fields), fields, frozenset(), None)
    assert sources(origin, sent) == sources(origin, whole)
    assert all(sources(origin, sent).values())


@given(findings=records(), pattern=st.sampled_from(["local", "distant", "both"]))
def test_an_excerpt_leads_to_the_result_that_everything_would(desk: Desk, findings: Findings, pattern: str) -> None:
    """E21: or to the same refusal."""
    asked = {
        "local": {BEGIN: "2021-03-04", END: "2023-07-01", "resection": "yes"},
        "distant": {BEGIN: "2021-03-04", END: "2023-07-01", "subtype": "lms"},
    }
    answers = {
        **asked.get(pattern, {}),
        **{name: value for name, value in findings.filled.items() if name != "pattern"},
    }
    answers = {name: answers[name] for name in asked.get(pattern, {})}
    confirmed = {f"confirmed.{question_of(name)}": ["yes"] for name in (*answers, "pattern")}
    fields = {name: [value] for name, value in {"pattern": pattern, "alive_months": "0", **answers}.items()} | confirmed
    first, second = (
        answer_form({desk.served.model.name: desk.served}, fields, TODAY, recorded)
        for recorded in (with_everything(findings), as_sent(findings))
    )
    if isinstance(first, Answered) and isinstance(second, Answered):
        assert second.result.inputs == first.result.inputs
        assert second.result.told == first.result.told
        assert second.origin == first.origin
    else:
        assert isinstance(first, Refused)
        assert isinstance(second, Refused)
        assert second.sentences == first.sentences


@given(findings=records(), data=st.data())
def test_what_differs_has_another_tally(findings: Findings, data: st.DataObject) -> None:
    """E21: be it one entry, or one of its words; and nothing else has."""
    sent = as_sent(findings).findings
    other = list(findings.found)
    if other:
        place = data.draw(st.integers(0, len(other) - 1))
        instead = data.draw(st.sampled_from([[], [other[place]], [replace(other[place], text="other")]]))
        other[place : place + 1] = instead
    now = Findings(tuple(other))
    for name in QUESTIONS:
        assert (sent.tally(name) == now.tally(name)) == (findings.of(name) == now.of(name))


@pytest.mark.parametrize("character", ["x", "é", "王", "🩺", "\x01", '"', "\\"])
def test_the_largest_excerpt_leaves_room_for_a_form(character: str) -> None:
    """SM10: whatever the characters, with ids and names that no record should have."""
    some = [
        Found(name, value, f"Condition/{number}{character * 600}", character * 80, "2023-07-01", remark)
        for name, values in FIELDS.items()
        for number in range(50)
        for value, remark in [*((value, None) for value in values), (None, PARTIAL), (None, "unsure")]
    ]
    unread = tuple(Unread(kind, Unanswered("ehr_refused", 503)) for kind in ("Patient", "Procedure"))
    text = sealed(
        session_of(),
        Findings(tuple(some), excluded=tuple(some)),
        Banner(character * 60_000, "1957-02-03"),
        unread,
        READ,
    )
    assert len(text) < LARGEST_BODY - 4096
    back = unsealed(session_of(), text)
    assert back.banner is not None
    assert len(back.banner.name) == LONGEST_NAME
