"""A result is written to the record once, of the right patient, as it was shown, or not at all: RA6 to RA10, E21."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from httpx2 import ASGITransport, AsyncClient, ConnectError, ReadTimeout

from model.artefact import Artefact
from server.fhir.events import OCCURRED_FOLLOWING
from tests.fake_ehr import APP, WRITES, FakeEhr, Instead, Opened, fields_of, opened, said, save, written
from tests.records import (
    LMS,
    WHERE_IS,
    WHOLE,
    Resource,
    histology,
    link,
    operation,
    patient,
    recurrence,
    says,
)
from tests.validators import problems_of
from tests.web import Page

CONFIRMED = ("pattern", "interval_months", "resection")
TYPED = {"alive_months": "0", "subtype": ""}
BOTH = {"pattern": "both", "interval_months.begin": "", "interval_months.end": "", "alive_months": ""}
ALL = ["Condition/recurrence", "Procedure/operation", "Procedure/again"]
GRANTED = "patient/Patient.r patient/*.rs"


@pytest.fixture(scope="module")
def program(artefact: Artefact) -> Opened:
    return opened(artefact, FakeEhr([]), write=WRITES)


@pytest.fixture
def ehr() -> FakeEhr:
    return FakeEhr(list(WHOLE))


@pytest.fixture
def app(program: Opened, ehr: FakeEhr) -> Opened:
    return program.anew(ehr)


def shown(app: Opened, ehr: FakeEhr, typed: Mapping[str, str] = TYPED, confirmed: tuple[str, ...] = CONFIRMED) -> Page:
    """The result of a launch."""
    return app.result(app.open(ehr), typed, confirmed)


def by_hand_of(resource: Resource) -> list[str]:
    """The answers that a resource says were entered by hand."""
    lines = [note["text"] for note in resource["note"] if note["text"].startswith("Entered by hand")]
    assert len(lines) <= 1
    return [] if not lines else lines[0].partition(": ")[2].rstrip(".").split("; ")


def basis_of(resource: Resource) -> list[str]:
    return [one["reference"] for one in resource.get("basis", [])]


@pytest.mark.parametrize(
    ("typed", "confirmed", "basis", "by_hand"),
    [
        (TYPED, CONFIRMED, ALL, []),
        ({**TYPED, "resection": "no"}, CONFIRMED, ALL[:2], ["Resection of the recurrence"]),
        ({**TYPED, "alive_months": "3"}, CONFIRMED, ALL, ["Known to be alive"]),
        ({**TYPED, "interval_months.begin": "2018-03-02"}, CONFIRMED, [ALL[0], ALL[2]], ["Interval to recurrence"]),
        (BOTH, (), [], ["Where it came back", "Date: "]),
        (BOTH, CONFIRMED[:2], [], ["Where it came back", "Date: "]),
    ],
)
def test_ra6_the_basis_is_what_was_used_and_the_rest_is_named(
    app: Opened, ehr: FakeEhr, typed: dict[str, str], confirmed: tuple[str, ...], basis: list[str], by_hand: list[str]
) -> None:
    """RA6: every resource whose value was confirmed and used, no other; and every answer of which a part was typed."""
    page = save(app, shown(app, ehr, typed, confirmed), 200, save__time_zero="2020-06-05")
    (resource,) = ehr.created
    assert sorted(basis_of(resource)) == sorted(basis)
    told = by_hand_of(resource)
    assert len([one for one in told if ":" in one]) == len(by_hand)
    assert all(any(one.startswith(label) for one in told) for label in by_hand)
    assert " record as preliminary (RiskAssessment/1), with the receipt below." in said(page)
    notes = [note["text"] for note in resource["note"]]
    assert len([text for text in notes if text.startswith("Counted from 2020-06-05: the day on which the first")]) == 1
    assert len([text for text in notes if "by the user signed in as" in text]) == 1


def test_ra6_other_resources_name_their_sources_too(app: Opened, ehr: FakeEhr) -> None:
    """RA1, RA6: as far as FHIR lets them; each passes every validator."""
    ehr.resources = [*WHOLE[:3], *WHOLE[4:], recurrence(extension=[*link(OCCURRED_FOLLOWING, "primary")])]
    typed = {"pattern": "distant", "resection": "", "alive_months": "1"}
    for kind in WRITES:
        save(app, shown(app, ehr, typed, ("interval_months", "subtype")), 200, kind)
    risk, observed, document = ehr.created
    used = ["Procedure/operation", "Condition/recurrence", "Observation/histology"]
    assert sorted(basis_of(risk)) == sorted(used)
    assert [one["reference"] for one in observed["derivedFrom"]] == used[2:]
    assert all(any(source in note["text"] for note in observed["note"]) for source in used[:2])
    assert sorted(one["reference"] for one in document["context"]["related"]) == sorted(used)
    assert problems_of(ehr.created) == []


@pytest.mark.parametrize("kind", WRITES)
@pytest.mark.parametrize("name", ["subject", "patient", "save.subject", "launch.patient", "patient.id"])
def test_ra7_the_patient_is_the_one_of_the_token(app: Opened, ehr: FakeEhr, kind: str, name: str) -> None:
    """RA7: whatever else a form says, nothing is written of anybody else."""
    page = shown(app, ehr)
    save(app, page, 422, kind, **{name.replace(".", "__"): "Patient/bert"})
    assert written(ehr) == []
    save(app, page, 200, kind)
    (resource,) = ehr.created
    assert (resource["resourceType"], resource["subject"]) == (kind, {"reference": "Patient/anna"})
    assert [one["authorization"] for one in (request.headers for request in ehr.asked(f"POST {kind}"))] == [
        "Bearer token-1-of-anna"
    ]


def test_ra8_nothing_is_written_before_the_button_is_pressed(app: Opened, ehr: FakeEhr) -> None:
    """RA8: not by any other form of the page, even with the button's name; then it is preliminary."""
    place = app.open(ehr)
    page = app.result(place, TYPED, CONFIRMED)
    fields = {**fields_of(page, "save"), "save.as": "RiskAssessment", "clinician": "seen"}
    for way in ("", "fragment", "download/result.pdf", "download/result.json", "patient"):
        assert app.client.post(f"{place}{way}", data=fields).status_code == 200
    assert app.go(f"{place}save").status_code == 405
    assert written(ehr) == []
    save(app, page, 200)
    (resource,) = ehr.created
    assert resource["status"] == "preliminary"
    save(app, shown(app, ehr), 200, "DocumentReference")
    assert ehr.created[1]["docStatus"] == "preliminary"


@pytest.mark.parametrize("status", [301, 400, 403, 404, 405, 409, 412, 422, 500, 503])
def test_ra10_a_refusal_is_told_and_other_ways_are_offered(app: Opened, ehr: FakeEhr, status: int) -> None:
    """RA10: never silent; the other forms and the PDF are there, and the button works again."""
    ehr.instead["POST RiskAssessment"] = status
    page = save(app, shown(app, ehr), 502)
    assert said(page).startswith(f"Nothing was written: The hospital refused it (status {status}).")
    assert [one.attributes["value"] for one in page.all("button", name="save.as")] == list(WRITES)
    assert page.all("form", action=f"{page.one('form', class_='save').attributes['action'][:-4]}download/result.pdf")
    save(app, page, 200, "DocumentReference")
    del ehr.instead["POST RiskAssessment"]
    assert "already" in said(save(app, page, 200))
    assert [one["resourceType"] for one in ehr.created] == ["DocumentReference"]


@pytest.mark.parametrize("instead", [ReadTimeout("no answer"), ConnectError("of Patient/anna")])
def test_ra10_an_unknown_end_is_told_as_one(app: Opened, ehr: FakeEhr, instead: Instead) -> None:
    """RA10: it may have been written, so the reader is sent to look; another press cannot write it twice."""
    ehr.instead["POST RiskAssessment"] = instead
    page = save(app, shown(app, ehr), 502)
    assert said(page).startswith("It is not known whether the result was written.")
    ehr.instead.clear()
    save(app, page, 200)
    first, second = (one.headers["if-none-exist"] for one in ehr.asked("POST RiskAssessment"))
    assert first == second
    assert len(ehr.created) == 1


@pytest.mark.parametrize(
    ("granted", "write", "offered"),
    [
        (GRANTED, (), ()),
        (GRANTED, WRITES, ()),
        (f"{GRANTED} patient/*.c", (), ()),
        (f"{GRANTED} patient/RiskAssessment.c", WRITES, ("RiskAssessment",)),
        (f"{GRANTED} patient/RiskAssessment.c patient/Observation.cud", ("Observation",), ("Observation",)),
        (f"{GRANTED} patient/*.write", WRITES[1:], WRITES[1:]),
        (f"{GRANTED} patient/RiskAssessment.ruds user/RiskAssessment.c patient/RiskAssessment.read", WRITES, ()),
    ],
)
def test_both_the_hospital_and_the_ehr_must_allow_it(
    artefact: Artefact, granted: str, write: tuple[str, ...], offered: tuple[str, ...]
) -> None:
    """SM16: configuration and scope; what is not offered is refused (403), and nothing is sent."""
    ehr = FakeEhr(list(WHOLE))
    app = opened(artefact, ehr, write=write)
    place = app.open(ehr, scope=granted)
    page = app.result(place, TYPED, CONFIRMED)
    assert tuple(one.attributes["value"] for one in page.all("button", name="save.as")) == offered
    fields = fields_of(page, "save") or {**fields_of(page), "confirmed.pattern": "yes"}
    others: list[str | list[str]] = [kind for kind in (*WRITES, "Patient", "riskassessment", "") if kind not in offered]
    others.append(["RiskAssessment", "Observation"])
    for kind in others:
        app.post(f"{place}save", {**fields, "save.as": kind}, 403)
    assert written(ehr) == []
    for kind in offered:
        app.post(f"{place}save", {**fields, "receipt.id": "", "save.as": kind})
    assert written(ehr) == [f"POST {kind}" for kind in offered]


def test_a_second_press_writes_nothing(app: Opened, ehr: FakeEhr) -> None:
    """RA8: in the same form or another; a record server is asked to mind it as well."""
    page = shown(app, ehr)
    receipt = fields_of(page, "save")["receipt.id"]
    after = save(app, page, 200)
    for again in (page, after):
        for kind in WRITES:
            assert "record already, or" in said(save(app, again, 200, kind))
    (request,) = ehr.asked("POST RiskAssessment")
    assert request.headers["if-none-exist"] == f"identifier=urn:ietf:rfc:3986|urn:uuid:{receipt}"
    assert request.headers["content-type"] == "application/fhir+json"
    (resource,) = ehr.created
    assert resource["identifier"] == [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{receipt}"}]
    save(app, shown(app, ehr), 200)
    assert len(ehr.created) == 2


@pytest.mark.parametrize("slow", ["GET Patient", "POST RiskAssessment"])
def test_two_presses_at_once_write_once(app: Opened, ehr: FakeEhr, slow: str) -> None:
    """RA8: while the first is on its way, be it at reading once more or at writing, to a server that minds nothing."""
    page = shown(app, ehr)
    ehr.conditional = False
    fields = {**fields_of(page, "save"), "save.as": "RiskAssessment"}
    address = page.one("form", class_="save").attributes["action"]
    cookies = {one.name: one.value or "" for one in app.client.cookies.jar}

    async def both() -> list[str]:
        waits, goes_on = asyncio.Event(), asyncio.Event()

        async def before(place: str) -> None:
            if place == slow and not waits.is_set():
                waits.set()
                await goes_on.wait()

        ehr.before = before
        transport = ASGITransport(app=app.client.app)
        async with AsyncClient(transport=transport, base_url=APP, cookies=cookies) as client:
            first = asyncio.create_task(client.post(address, data=fields))
            # Whichever comes first, so that a program that never asks there fails here and does not hang.
            await asyncio.wait([first, asyncio.create_task(waits.wait())], return_when=asyncio.FIRST_COMPLETED)
            assert waits.is_set()
            second = await client.post(address, data=fields)
            goes_on.set()
            return [second.text, (await first).text]

    second, first = asyncio.run(both())
    assert "record already, or" in second
    assert " record as preliminary (RiskAssessment/1), with the receipt below." in first
    assert len(ehr.asked("POST RiskAssessment")) == len(ehr.created) == 1


MOVED = recurrence(day="2020-06-06", extension=[*link(OCCURRED_FOLLOWING, "primary"), says(WHERE_IS)])


@pytest.mark.parametrize(
    ("now", "label"),
    [
        ([*WHOLE[:2], operation(day="2018-03-02"), *WHOLE[3:]], "Interval to recurrence"),
        ([*WHOLE, operation("more", "2018-04-05")], "Interval to recurrence"),
        ([one for one in WHOLE if one["id"] != "again"], "Resection of the recurrence"),
        ([*WHOLE[:3], MOVED, *WHOLE[4:]], "Where it came back; Interval to recurrence"),
        ([WHOLE[0]], "Where it came back; Interval to recurrence; Resection of the recurrence"),
    ],
)
def test_a_record_that_has_changed_is_not_written_to(
    app: Opened, ehr: FakeEhr, now: list[Resource], label: str
) -> None:
    """E21: between confirming and writing; the page says about which questions, and nothing is sent."""
    page = shown(app, ehr)
    ehr.resources = now
    assert f"no longer says what was confirmed ({label})" in said(save(app, page, 409))
    assert written(ehr) == []
    ehr.resources = list(WHOLE)
    save(app, page, 200)


def test_what_was_not_used_may_change(app: Opened, ehr: FakeEhr) -> None:
    """E21: another histology, or another name, says nothing about this result."""
    page = shown(app, ehr)
    ehr.resources = [patient(name=[{"text": "Anna Other"}]), *WHOLE[1:5], histology("histology", LMS)]
    save(app, page, 200)
    page = shown(app, ehr, BOTH, ())
    ehr.resources = list(WHOLE)
    save(app, page, 200, save__time_zero="2020-06-05")
    assert len(ehr.created) == 2


@pytest.mark.parametrize("place", ["GET Patient", "GET Condition", "GET Procedure", "GET Observation"])
@pytest.mark.parametrize("instead", [500, 403, ReadTimeout("x"), {}, patient("bert")])
def test_a_record_that_cannot_be_read_again_is_not_written_to(
    app: Opened, ehr: FakeEhr, place: str, instead: Instead
) -> None:
    """E21: not by halves either; nothing is sent, and the page says why."""
    page = shown(app, ehr)
    ehr.instead[place] = instead
    assert "before that, the record is read once more, and that failed" in said(save(app, page, 502))
    assert written(ehr) == []


def test_what_could_not_be_read_at_first_need_not_be_read_later(app: Opened, ehr: FakeEhr) -> None:
    """SM8: where histology may not be read, what rests on the rest can still be written."""
    place = app.open(ehr, scope="patient/Patient.r patient/Condition.rs patient/Procedure.rs patient/*.c")
    save(app, app.result(place, TYPED, CONFIRMED), 200)
    assert len(ehr.created) == 1


@pytest.mark.parametrize("at", ["GET Procedure", "POST RiskAssessment"])
def test_a_right_that_ends_at_writing_keeps_what_was_typed(app: Opened, ehr: FakeEhr, at: str) -> None:
    """SM12: the page says that the launch is over and that nothing was written, and has the answers to go on with."""
    page = shown(app, ehr)
    ehr.instead[at] = 401
    over = save(app, page, 401)
    assert over.one("h2", id="ended-title").text == "This launch is over"
    assert "Nothing was written." in over.text
    kept = {name: value for name, value in fields_of(over).items() if value and name != "model"}
    days = {"interval_months.begin": "2018-03-01", "interval_months.end": "2020-06-05"}
    assert kept == {"pattern": "local", **days, "resection": "yes", "alive_months": "0"}
    assert (len(app.sessions), ehr.created) == (0, [])
