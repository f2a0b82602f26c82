"""Answers to what cannot be answered: problem details (RFC 9457) or an OperationOutcome for programs, else a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from server.editions import Edition, edition_for
from server.entering.bodies import CannotAnswer
from server.fhir.outcome import refusal_response
from server.served import default
from server.wording.language import Language

KINDS = {400: "unreadable", 413: "too-large", 415: "wrong-type", 422: "invalid-patient", 429: "too-often"}


@dataclass(frozen=True, slots=True)
class Failures:
    """How refusals and failures are told, to whoever asked."""

    editions: Mapping[str, Edition]
    root: str

    async def refused(self, request: Request, refusal: Exception) -> Response:
        """A request that cannot be answered as it is."""
        if not isinstance(refusal, HTTPException):
            raise refusal
        return self._tell(request, refusal.status_code, refusal)

    def unexpected(self, request: Request) -> Response:
        """A failure of the program; nothing of it is shown."""
        return self._tell(request, 500)

    def _tell(self, request: Request, status: int, refusal: HTTPException | None = None) -> Response:
        edition = edition_for(self.editions, request)
        # The framework's own refusals carry the bare phrase of the status; ours carry a sentence.
        detail = refusal.reason.said(edition.language) if isinstance(refusal, CannotAnswer) else None
        headers = dict((refusal.headers if refusal is not None else None) or {})
        path = request.url.path.removeprefix(self.root)
        if path.startswith(("/api/", "/cds-services")):
            return problem_response(edition.language, status, detail, headers=headers)
        if path.startswith("/fhir/"):
            return refusal_response(status, detail or _detail(edition.language, status), headers)
        title = edition.language.refusals.say("title", status=status)
        page = edition.pages.message(default(edition.served), title, detail or _detail(edition.language, status))
        return HTMLResponse(page, status, headers=headers)


def problem_response(
    language: Language,
    status: int,
    detail: str | None = None,
    *,
    problems: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A refusal as problem details."""
    kind = KINDS.get(status)
    document = {
        "type": "about:blank" if kind is None else f"urn:problem-type:{kind}",
        "title": language.refusals.say("title", status=status),
        "status": status,
        "detail": detail or _detail(language, status),
        "problems": dict(problems or {}),
    }
    return Response(json.dumps(document), status, media_type="application/problem+json", headers=dict(headers or {}))


def _detail(language: Language, status: int) -> str:
    return language.refusals.say("detail", status=status)
