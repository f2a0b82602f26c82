"""From an EHR, or from our own page, to a session: the steps of SMART App Launch that a browser takes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from server.connections import Connections, Ehr
from server.editions import Edition, edition_for
from server.entering.bodies import CannotAnswer
from server.fhir.asking import Network, client_for
from server.fhir.unanswered import Unanswered
from server.served import default
from server.smart.cookies import cookie_of, launches_of, set_cookie
from server.smart.discovery import SmartConfiguration, discover
from server.smart.scopes import asked_for
from server.smart.sessions import SIGN_IN_SECONDS, Sessions, SigningIn, is_cookie_of
from server.smart.tokens import Asked, Granted, ask_for_token, challenge_of
from server.wording.refusing import Unreadable

CALLBACK = "/callback"
MOST_TAKEN_AWAY = 20
"""How many cookies of launches that are over one answer takes away; more would make its head too long."""


@dataclass(frozen=True, eq=False)
class Launching:
    """The answers to somebody who opens the form from an EHR."""

    editions: Mapping[str, Edition]
    connections: Connections
    sessions: Sessions
    network: Network

    async def launch(self, request: Request) -> Response:
        """Send the browser to the EHR to sign in; without an EHR named, show those that there are.

        Raises CannotAnswer (403) for an issuer that is not in the configuration, before anything is asked of it; and
        HTTPException (400) for what is no visit: a page that names this address as a picture would use up the launches.
        """
        if request.method != "GET" or request.headers.get("sec-fetch-mode", "navigate") != "navigate":
            raise HTTPException(400)
        issuer = request.query_params.get("iss")
        if issuer is None:
            edition = edition_for(self.editions, request)
            names = {issuer: one.name for issuer, one in self.connections.ehrs.items()}
            return HTMLResponse(edition.pages.ehrs(default(edition.served), names))
        ehr = self.connections.ehrs.get(issuer.rstrip("/"))
        if ehr is None:
            raise CannotAnswer(403, Unreadable("unknown_ehr"))
        try:
            async with client_for(ehr, self.network) as client:
                smart = await discover(client, ehr.issuer)
        except Unanswered as failure:
            return self._by_hand(request, failure)
        response = self._signing_in(ehr, smart, request.query_params.get("launch"))
        for identifier in islice(filter(self.sessions.forgot, launches_of(request)), MOST_TAKEN_AWAY):
            set_cookie(response, identifier, "", 0)
        return response

    async def callback(self, request: Request) -> Response:
        """Change the EHR's answer for a session, and go on to its form at an address that holds nothing of the answer.

        Raises CannotAnswer (400) for an answer that this browser has not asked for, has had, or waited for too long,
        and for one that comes from another EHR than was asked (RFC 9700, section 4.4).
        """
        query = request.query_params
        waiting = self.sessions.waiting(query.get("state", ""))
        if waiting is None or not is_cookie_of(waiting, cookie_of(request, waiting.id)):
            raise CannotAnswer(400, Unreadable("no_such_launch"))
        if not _is_from(waiting, request):
            raise CannotAnswer(400, Unreadable("no_such_launch"))
        try:
            granted = await self._granted(waiting, query.get("code"))
        except Unanswered as failure:
            response = self._by_hand(request, failure)
            set_cookie(response, waiting.id, "", 0)
            return response
        session, cookie, seconds = self.sessions.begin(waiting, granted)
        response = RedirectResponse(f"{self.connections.address}/l/{session.id}/", 303)
        set_cookie(response, session.id, cookie, seconds)
        return response

    async def _granted(self, waiting: SigningIn, code: str | None) -> Granted:
        if code is None:
            raise Unanswered(sentence="ehr_refused_to_sign_in")
        return await ask_for_token(waiting.ehr, self.network, waiting.smart, code, waiting.asked)

    def _signing_in(self, ehr: Ehr, smart: SmartConfiguration, launch: str | None) -> Response:
        redirect_uri = "/".join(filter(None, [f"{self.connections.address}{CALLBACK}", ehr.key]))
        identifier = self.sessions.new_id()
        asked = Asked(secrets.token_urlsafe(64), secrets.token_urlsafe(32), redirect_uri)
        state = f"{identifier}.{secrets.token_urlsafe(32)}"
        cookie = self.sessions.sign_in(state, identifier, ehr, smart, asked)
        query = {
            "response_type": "code",
            "client_id": ehr.client_id,
            "redirect_uri": redirect_uri,
            "scope": asked_for(standalone=launch is None, write=ehr.write),
            "state": state,
            "aud": ehr.issuer,
            "code_challenge": challenge_of(asked.verifier),
            "code_challenge_method": "S256",
            "nonce": asked.nonce,
        }
        if launch is not None:
            query["launch"] = launch
        joint = "&" if urlsplit(smart.authorization_endpoint).query else "?"
        response = RedirectResponse(f"{smart.authorization_endpoint}{joint}{urlencode(query)}", 303)
        set_cookie(response, identifier, cookie, SIGN_IN_SECONDS)
        return response

    def _by_hand(self, request: Request, failure: Unanswered) -> Response:
        """What happened, with an empty form to go on by hand; a page that the browser does not take for a success."""
        edition = edition_for(self.editions, request)
        return by_hand(edition, failure, 502)


def _is_from(waiting: SigningIn, request: Request) -> bool:
    """Whether an answer comes from the EHR that was asked: at its own address, and by its name where it gives one."""
    issuer = waiting.smart.issuer
    return request.path_params.get("key", "") == waiting.ehr.key and request.query_params.get("iss", issuer) == issuer


def by_hand(edition: Edition, failure: Unanswered, status: int) -> Response:
    """A launch that cannot go on: what happened, and the form without a record."""
    say = edition.language.refusals.say
    title, why = say("launch_failed"), say(failure.sentence, status=failure.status)
    detail = say("go_on_by_hand", why=why)
    return HTMLResponse(edition.pages.by_hand(default(edition.served), {}, title, detail), status)
