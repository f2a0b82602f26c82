"""Whatever goes wrong while a result is written: the page says what became of it, and how else to keep it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from server.fhir import asking
from tests import records
from tests.ehr_peer import Kind
from tests.hospitals import ANNA, BERT, FILLED, MINUTES, Hospital
from tests.visits import NEVER, REFUSED, SLOW, UNREACHABLE, Visitor, asked, boxes, carried, changed, visitor
from tests.web import Page

CREATE, CONDITION, OBSERVATION = "/fhir/R4/RiskAssessment$", "/fhir/R4/Condition$", "/fhir/R4/Observation$"
FORMS = ["RiskAssessment", "Observation", "DocumentReference"]
OTHER_PATIENT = "The EHR sent data of another patient, so nothing of what it sent was used."
OVER = "Open the form from the EHR again. What you typed or confirmed is kept below, and you can go on by hand"


@pytest.fixture
def visit(clinic: Hospital) -> Iterator[Visitor]:
    """Somebody at the hospital, before the result for Anna."""
    with visitor(clinic) as somebody:
        somebody.open(ANNA)
        assert somebody.predict().status == 200
        yield somebody


def said(page: Page) -> str:
    """What the page says became of the result in the record; the result itself is there, too."""
    assert page.one("h1").text == "Predicted survival"
    return page.one("p", class_="saved").text


def figures(page: Page) -> list[list[str]]:
    """The result."""
    return page.table("figures")


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 412, 422, 500])
def test_a_write_that_is_refused(clinic: Hospital, visit: Visitor, status: int) -> None:
    """RA10: the page says so, with the status, and offers the other forms and the PDF, each of which then works."""
    before = figures(visit.page)
    clinic.peer.fault("status", CREATE, value=status)
    page = visit.save()
    assert page.status == 502
    assert said(page) == (
        f"Nothing was written: Test Hospital refused it (status {status})."
        " Try another form below if one is offered, or take the PDF and file it by hand."
    )
    assert figures(page) == before
    assert clinic.peer.created() == []
    offered = [one.attributes["value"] for one in page.all("button", name="save.as")]
    assert offered == FORMS
    pdf = visit.post("download/result.pdf", carried(page))
    assert pdf.content.startswith(b"%PDF-")
    page = visit.save("Observation")
    assert page.status == 200
    (written,) = clinic.peer.created()
    assert said(page).startswith(f"Written to the patient’s record as preliminary (Observation/{written['id']})")  # noqa: RUF001
    assert written["subject"]["reference"] == f"Patient/{ANNA}"


UNKNOWN: Mapping[str, tuple[Kind, Any, str, int]] = {
    "closes": ("close", None, UNREACHABLE, 0),
    "breaks off after writing": ("truncated", None, UNREACHABLE, 1),
    "never answers": ("delay", NEVER, SLOW, 0),
}


@pytest.mark.parametrize("wrong", UNKNOWN)
def test_a_write_without_an_answer(
    clinic: Hospital, visit: Visitor, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """RA10: nobody knows whether it was written, and the page says so; sent again, it has the same identifier."""
    kind, value, why, written = UNKNOWN[wrong]
    before = figures(visit.page)
    clinic.peer.fault(kind, CREATE, value=value)
    if kind == "delay":
        monkeypatch.setattr(asking, "SECONDS", 1.5)
    page = visit.save()
    assert page.status == 502
    assert said(page) == (
        f"It is not known whether the result was written. {why}"
        " Look in the record before you try again, or take the PDF."
    )
    assert figures(page) == before
    assert len(clinic.peer.created()) == written
    assert visit.save().status == 200
    first, second = asked(clinic, "/fhir/R4/RiskAssessment", "POST")
    for sent in (first, second):
        assert sent["headers"]["if-none-exist"].startswith("identifier=urn:ietf:rfc:3986|urn:uuid:")
    assert first["headers"]["if-none-exist"] == second["headers"]["if-none-exist"]


def test_a_write_whose_answer_is_garbage(clinic: Hospital, visit: Visitor) -> None:
    """The status says that it was written; what else the answer holds is not needed."""
    clinic.peer.fault("garbage", CREATE)
    page = visit.save()
    assert page.status == 200
    assert f"RiskAssessment/{clinic.peer.created()[0]['id']}" in said(page)


@pytest.mark.parametrize("why", ["revoked", "expired", "refused at writing", "the session's time"])
def test_a_launch_that_ends_before_it_is_written(clinic: Hospital, visit: Visitor, why: str) -> None:
    """SM12: nothing is written; what was typed and confirmed is kept and can be predicted by hand, without a record."""
    if why == "the session's time":
        clinic.clock.now += 60 * MINUTES
    elif why == "refused at writing":
        clinic.peer.fault("status", CREATE, value=401)
    else:
        (clinic.peer.revoke if why == "revoked" else clinic.peer.expire)()
    before = figures(visit.page)
    page = visit.save()
    assert page.status == 401
    assert page.texts("h2", id="ended-title") == ["This launch is over"]
    assert OVER in page.text
    assert "Nothing was written." in page.text
    assert page.all("article") == []
    assert "Example" not in page.html
    assert visit.held() == {**FILLED[ANNA], "alive_months": "31"}
    assert boxes(page) == []
    assert len(clinic.connected.sessions) == 0
    assert visit.place == f"{clinic.address}/"
    page = visit.send("", visit.fields())
    assert page.status == 200
    assert figures(page) == before
    assert page.all("form", class_="save") == []
    assert "from the record" not in page.text
    assert clinic.peer.created() == []


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [("status", 500, REFUSED.format(500)), ("wrong_patient", BERT, OTHER_PATIENT), ("close", None, UNREACHABLE)],
)
def test_a_record_that_cannot_be_read_again(
    clinic: Hospital, visit: Visitor, kind: Kind, value: object, why: str
) -> None:
    """RA6, SM10: what was confirmed is compared with the record before it is written; where that fails, nothing is."""
    clinic.peer.fault(kind, CONDITION, value=value)
    page = visit.save()
    assert page.status == 502
    assert said(page) == (
        "Nothing was written: before that, the record is read once more, and that failed."
        f" {why} Take the PDF, or try again."
    )
    assert asked(clinic, "/fhir/R4/RiskAssessment") == []
    assert visit.save().status == 200
    assert len(clinic.peer.created()) == 1


def test_a_record_that_says_something_else_by_now(clinic: Hospital, visit: Visitor) -> None:
    """E21, RA6: where the record no longer says what was confirmed, nothing is written, and what differs is named."""
    clinic.peer.put([records.histology("anna-histology", records.DDLPS, about=["anna-primary"], of=ANNA)])
    page = visit.save()
    assert page.status == 409
    assert said(page) == (
        "Nothing was written: the record no longer says what was confirmed (Histologic subtype)."
        " Read the record again and predict anew."
    )
    assert clinic.peer.created() == []
    visit.go(visit.place)
    assert visit.held() == {**FILLED[ANNA], "subtype": "ddlps"}
    visit.predict()
    assert visit.save().status == 200
    assert clinic.peer.created()[0]["subject"]["reference"] == f"Patient/{ANNA}"


def test_without_the_day_that_times_count_from(clinic: Hospital, visit: Visitor) -> None:
    """RA3: where no answer says the day, it is asked for beside the button; without one that has been, none writes."""
    answers = {"interval_months.begin": "", "interval_months.end": "", "interval_months": "27"}
    page = visit.send("", changed(visit.fields(), answers))
    assert page.status == 200
    sent = [pair for pair in carried(page) if pair[0] != "save.time_zero"]
    for day in ("", "2999-01-01", "5 June 2020"):
        page = visit.send("save", [*sent, ("save.as", "RiskAssessment"), ("save.time_zero", day)])
        assert page.status == 422
        assert said(page).startswith("Nothing was written: the record needs the date of this event")
    assert clinic.peer.created() == []
    page = visit.send("save", [*sent, ("save.as", "RiskAssessment"), ("save.time_zero", "2020-06-05")])
    assert page.status == 200
    (written,) = clinic.peer.created()
    assert written["prediction"][0]["whenPeriod"]["start"] == "2023-01-05"


@pytest.mark.parametrize("granted", [["RiskAssessment"], ["Observation", "DocumentReference"], []])
def test_only_what_may_be_written_is_offered(clinic: Hospital, visit: Visitor, granted: list[str]) -> None:
    """SM8, SM16: of what the hospital switched on, only what the EHR granted; all else is refused (403), unsent."""
    read = "patient/Patient.r patient/Condition.rs patient/Procedure.rs patient/Observation.rs"
    visit.open(ANNA, granted_scope=" ".join(["launch", "openid", read, *(f"patient/{kind}.c" for kind in granted)]))
    page = visit.predict()
    assert [one.attributes["value"] for one in page.all("button", name="save.as")] == granted
    sent = carried(page)
    for kind in (*FORMS, "Condition", ""):
        if kind not in granted:
            assert visit.post("save", [*sent, ("save.as", kind)]).status_code == 403
    assert clinic.peer.created() == []
    assert [one for one in clinic.peer.requests() if one["method"] == "POST" and "/fhir/" in one["path"]] == []
