"""The pages of one launch: the form filled in from the record, its result, and what is written back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from server.editions import Edition, edition_for
from server.entering.bodies import CannotAnswer, read_form
from server.entering.confirming import without_unconfirmed
from server.entering.dates import latest_day
from server.entering.documents import MODEL
from server.entering.sent import LAUNCH, Fields, only, sent
from server.fhir.asking import Network, RecordServer, client_for
from server.fhir.finding import findings_of
from server.fhir.found import DIED, UNNAMED
from server.fhir.reading import RecordRead, banner_of, read_record
from server.pages.answering import Answered, Refused, answer_form
from server.pages.pages import Pages
from server.pages.questions import entered_values
from server.pages.recorded import Recorded
from server.pages.site import file_named, in_plain_words, page_of, taken_along
from server.served import Served, named
from server.smart.audit import SEARCH, Audit
from server.smart.cookies import cookie_of, has_others, set_cookie
from server.smart.scopes import readable
from server.smart.sealing import check_launch, filled_before, sealed, unsealed
from server.smart.sessions import Session, Sessions
from server.wording.refusing import Unreadable


class LaunchEnded(Exception):
    """A session that is over, or that this browser has no right to; with the form that was sent to it."""

    def __init__(self, fields: Fields | None = None) -> None:
        super().__init__()
        self.fields = fields


@dataclass(frozen=True, eq=False)
class Launched:
    """The answers to somebody who has opened the form from an EHR."""

    editions: Mapping[str, Edition]
    sessions: Sessions
    network: Network
    audit: Audit | None = None

    async def form(self, request: Request) -> Response:
        """The form, filled in with what the record says now, all of it to be confirmed."""
        edition = edition_for(self.editions, request)
        session = self._session(request)
        served = named(edition.served, request.query_params.get(MODEL))
        read = await self.read(session)
        if read.refused:
            self.sessions.end(session)
            raise LaunchEnded
        died = "" if read.patient is None else banner_of(read.patient).died
        if died:
            return HTMLResponse(edition.pages.message(served, *died_told(served, died), wrong=False))
        # An EHR that shows one patient does not say whose page a browser with several goes back to.
        told = session.granted.need_patient_banner or has_others(request, session.id)
        return HTMLResponse(pages_of(edition).start(served, recorded_of(session, served, read, told=told)))

    async def result(self, request: Request) -> Response:
        """The form with its result."""
        return page_of(*await self._answered(request), whole=True)

    async def fragment(self, request: Request) -> Response:
        """What the page holds, for a page that is there already."""
        return page_of(*await self._answered(request), whole=False)

    async def file(self, request: Request) -> Response:
        """A result to take along."""
        name = file_named(request)
        pages, answered = await self._answered(request)
        return await taken_along(pages, name, answered)

    async def for_patient(self, request: Request) -> Response:
        """The result in plain words; the clinician's result where that has not been seen yet."""
        return in_plain_words(*await self._answered(request))

    async def end(self, request: Request) -> Response:
        """Forget the launch, and say so."""
        session, edition, fields = await self._sent(request)
        check_launch(session, only(fields, LAUNCH))
        self.sessions.end(session)
        say = edition.language.refusals.say
        title, detail = say("launch_closed"), say("launch_closed_detail")
        response = HTMLResponse(edition.pages.message(named(edition.served, None), title, detail, wrong=False))
        set_cookie(response, session.id, "", 0)
        return response

    async def read(self, session: Session) -> RecordRead:
        """The record of a launch's patient, as far as it may and can be read."""
        granted, allowed = session.granted, readable(session.granted.scope)
        access = await self.audit.begin(SEARCH, session, allowed) if self.audit is not None and allowed else None
        async with client_for(session.ehr, self.network) as client:
            server = RecordServer(client, session.ehr.issuer, granted.token)
            read = await read_record(server, granted.patient, allowed)
        if self.audit is not None and access is not None:
            kinds = [kind for kind in allowed if kind in read.resources]
            await self.audit.end(access, kinds or allowed, succeeded=bool(kinds))
        return read

    def ended(self, request: Request, ended: LaunchEnded) -> Response:
        """That a launch is over: open it again from the EHR, or go on by hand with what was typed.

        What the record had filled in and nobody has confirmed is taken out: nobody would ask for it any more.
        """
        edition = edition_for(self.editions, request)
        say = edition.language.refusals.say
        fields = ended.fields or {}
        form = sent(fields)
        answers = without_unconfirmed(form.answers, filled_before(only(fields, LAUNCH)).filled, form.confirmed)
        name = only(fields, MODEL) or request.query_params.get(MODEL)
        served = named(edition.served, name if name in edition.served else None)
        detail = say("launch_ended_detail", kept=bool(fields))
        entered = entered_values(served.model.features, answers, {})
        response = HTMLResponse(edition.pages.by_hand(served, entered, say("launch_ended"), detail), 401)
        identifier = str(request.path_params["launch"])
        if cookie_of(request, identifier) and self.sessions.forgot(identifier):
            set_cookie(response, identifier, "", 0)
        return response

    async def opened(self, request: Request) -> tuple[Session, Edition, Fields, Recorded]:
        """The session of a form that was sent, and what it was opened with. Raises LaunchEnded, and CannotAnswer."""
        session, edition, fields = await self._sent(request)
        return session, edition, fields, unsealed(session, only(fields, LAUNCH))

    async def _sent(self, request: Request) -> tuple[Session, Edition, Fields]:
        edition, fields = edition_for(self.editions, request), await read_form(request)
        try:
            return self._session(request), edition, fields
        except LaunchEnded:
            raise LaunchEnded(fields) from None

    async def _answered(self, request: Request) -> tuple[Pages, Answered | Refused]:
        _, edition, fields, recorded = await self.opened(request)
        return pages_of(edition), answer_form(edition.served, fields, latest_day(), recorded)

    def _session(self, request: Request) -> Session:
        identifier = request.path_params["launch"]
        session = self.sessions.of(identifier, cookie_of(request, identifier))
        if session is None:
            raise LaunchEnded
        return session


def recorded_of(session: Session, served: Served, read: RecordRead, *, told: bool) -> Recorded:
    """What was read, as the form of this launch knows it; ``told`` is whether it says who the patient is."""
    findings = findings_of(served.model, read.resources, session.ehr.issuer, latest_day())
    banner = replace(UNNAMED if read.patient is None else banner_of(read.patient), shown=told)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return unsealed(session, sealed(session, findings, banner, read.unread, now))


def died_told(served: Served, died: str) -> tuple[str, str]:
    """That nothing is predicted for somebody who has died: what stands above it, and why."""
    say, language = served.language.refusals.say, served.language
    return say("patient_died"), say("patient_died_detail", day="" if died == DIED else language.day_text(died))


def pages_of(edition: Edition) -> Pages:
    """The pages of launches in one language."""
    if edition.launched is None:
        raise CannotAnswer(404, Unreadable("no_such_launch"))
    return edition.launched
