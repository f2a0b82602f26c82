"""Write a result to the record: only what is shown, only where its button was pressed, only of this patient."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from server.entering.bodies import CannotAnswer
from server.entering.confirming import question_of
from server.entering.dates import day_after, latest_day
from server.entering.sent import SAVE_AS, TIME_ZERO, Fields, only
from server.fhir.asking import RecordServer, client_for
from server.fhir.checking import Resource
from server.fhir.document_reference import document_reference
from server.fhir.elements import referred_path
from server.fhir.finding import findings_of
from server.fhir.observation import observation
from server.fhir.reading import banner_of
from server.fhir.risk_assessment import risk_assessment
from server.fhir.saying import Said
from server.fhir.unanswered import Unanswered
from server.pages.answering import Answered, Refused, answer_form
from server.pages.origin import sources
from server.pages.pages import Pages
from server.pages.site import file_in_thread, page_of
from server.smart.audit import CREATE, UNANSWERED, Access
from server.smart.launched import Launched, LaunchEnded, died_told, pages_of
from server.smart.sessions import Session
from server.smart.tokens import Granted
from server.wording.refusing import Unreadable

log = logging.getLogger("uvicorn.error")

EARLIEST = date(1900, 1, 1)
"""Before it a year was not written out: date fields take "24" for the year 24."""
TAKEN = (200, 201)
"""Statuses of a record server that has written a resource, or has it already."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a result in the record, as a whole sentence, and with which status the page says so."""

    text: str
    status: int


@dataclass(frozen=True, eq=False)
class Saving:
    """The answer to somebody who presses one of the buttons that write."""

    launched: Launched

    async def save(self, request: Request) -> Response:
        """The result once more, and above it what became of it in the record."""
        session, edition, fields, recorded = await self.launched.opened(request)
        # Typed here and not in the form, it still decides what must be said of the result, and to whom it is given.
        answered = answer_form(edition.served, fields, latest_day(), recorded, _typed_day(fields))
        pages, kind = pages_of(edition), only(fields, SAVE_AS)
        if isinstance(answered, Refused):
            return page_of(pages, answered, whole=True)
        if kind not in recorded.writes:
            raise CannotAnswer(403, Unreadable("may_not_write"))
        outcome = await self._saved(session, pages, answered, fields, kind)
        return HTMLResponse(pages.result(answered, whole=True, saved=outcome.text), outcome.status)

    async def _saved(self, session: Session, pages: Pages, answered: Answered, fields: Fields, kind: str) -> Outcome:
        say, receipt = answered.served.language.refusals.say, answered.result.receipt.id
        if receipt in session.written | session.writing:
            return Outcome(say("saved_already"), 200)
        zero, alive = answered.time_zero, _months_alive(answered)
        if zero is None or not _has_been(zero, alive):
            event = answered.served.model.about.time_zero
            return Outcome(say("save_needs_day", event=event, alive=alive), 422)
        # Marked before anything is waited for: a second press while the first is on its way must not write twice.
        session.writing.add(receipt)
        try:
            changed = await self._changed(session, answered, fields)
            if changed is not None:
                return changed
            resource = await _resource(pages, answered, session.granted, zero, kind)
            return await self._written(session, answered, resource, fields)
        finally:
            session.writing.discard(receipt)

    async def _changed(self, session: Session, answered: Answered, fields: Fields) -> Outcome | None:
        """Why nothing may be written: the record no longer says what was confirmed, or cannot be read again."""
        say, origin = answered.served.language.refusals.say, answered.origin
        if answered.recorded is None:
            return None
        read = await self.launched.read(session)
        if read.refused:
            self.launched.sessions.end(session)
            raise LaunchEnded(fields)
        before = {one.kind for one in answered.recorded.unread}
        missing = [one.failure for one in read.unread if one.kind not in before]
        if missing:
            why = say(missing[0].sentence, status=missing[0].status)
            return Outcome(say("save_not_read_again", why=why), 502)
        died = "" if read.patient is None else banner_of(read.patient).died
        if died:
            return Outcome(" ".join([say("saved_nothing"), *died_told(answered.served, died)]), 409)
        model = answered.served.model
        then, now = answered.recorded.findings, findings_of(model, read.resources, session.ehr.issuer, latest_day())
        names = {question_of(name) for name in origin.fields}
        differ = [
            one.label for one in model.features.all if one.name in names and then.tally(one.name) != now.tally(one.name)
        ]
        return Outcome(say("save_record_changed", labels=differ), 409) if differ else None

    async def _written(self, session: Session, answered: Answered, resource: Resource, fields: Fields) -> Outcome:
        say, receipt = answered.served.language.refusals.say, answered.result.receipt.id
        audit, kinds = self.launched.audit, [str(resource["resourceType"])]
        access = None if audit is None else await audit.begin(CREATE, session, kinds)
        try:
            async with client_for(session.ehr, self.launched.network) as client:
                server = RecordServer(client, session.ehr.issuer, session.granted.token)
                status, location = await server.create(resource, f"urn:ietf:rfc:3986|urn:uuid:{receipt}")
        except Unanswered as failure:
            await self._note(access, kinds, succeeded=False, why=UNANSWERED)
            return Outcome(say("save_unanswered", why=say(failure.sentence, status=failure.status)), 502)
        if status in TAKEN:
            session.written.add(receipt)
            await self._note(access, kinds, succeeded=True)
            return Outcome(say("saved", where=referred_path(location) or kinds[0]), 200)
        await self._note(access, kinds, succeeded=False, why=f"Refused: HTTP status {status}.")
        if status == 401:
            self.launched.sessions.end(session)
            raise LaunchEnded(fields)
        return Outcome(say("save_refused", ehr=session.ehr.name, status=status), 502)

    async def _note(
        self, access: Access | None, kinds: Sequence[str], *, succeeded: bool, why: str | None = None
    ) -> None:
        """Add to the audit how a writing ended; where that fails, whoever pressed the button is told all the same."""
        if self.launched.audit is None or access is None:
            return
        try:
            await self.launched.audit.end(access, kinds, succeeded=succeeded, why=why)
        except OSError as failure:
            message = "The audit lacks how a write ended: %s. The event urn:uuid:%s says only that it was begun."
            log.error(message, failure, access.id)  # noqa: TRY400 - where in the code it was noticed tells nobody anything


async def _resource(pages: Pages, answered: Answered, granted: Granted, zero: date, kind: str) -> Resource:
    """The result as one resource about the patient of the launch."""
    result, origin = answered.result, answered.origin
    basis = [source for of in sources(origin, answered.recorded).values() for source in of]
    whole = {answered.served.model.features.named(name).label for name in origin.whole}
    say, language = answered.served.language.sentences.say, answered.served.language
    by_hand = [say("note_pair", label=one.label, value=one.value) for one in result.inputs if one.label not in whole]
    if origin.time_zero is None:
        event = say("date_of", event=answered.served.model.about.time_zero)
        by_hand.append(say("note_pair", label=event, value=language.day(zero)))
    said = Said(
        served=answered.served,
        prediction=result.prediction,
        told=result.told,
        receipt=result.receipt,
        subject=f"Patient/{granted.patient}",
        time_zero=zero,
        basis=tuple(dict.fromkeys(basis)),
        by_hand=tuple(by_hand),
        user=granted.user,
    )
    match kind:
        case "RiskAssessment":
            return risk_assessment(said)
        case "Observation":
            return observation(said)
        case _:
            return document_reference(said, await file_in_thread(pages, "result.pdf", answered))


def _months_alive(answered: Answered) -> int:
    return answered.result.prediction.patient.alive_months


def _has_been(zero: date, alive: int) -> bool:
    """Whether the patient can have lived so many months since a day; nobody is known to be alive on a day to come."""
    return EARLIEST <= zero <= latest_day() and day_after(zero, alive) <= latest_day()


def _typed_day(fields: Fields) -> date | None:
    """The day of time zero that was typed beside the button, where it has been."""
    day = _day(only(fields, TIME_ZERO))
    return day if day is not None and _has_been(day, 0) else None


def _day(text: str) -> date | None:
    """A day as date fields write it; no other form, of which Python reads several."""
    try:
        return date.fromisoformat(text.strip()) if re.fullmatch(r"\s*\d{4}-\d{2}-\d{2}\s*", text, re.ASCII) else None
    except ValueError:
        return None
