"""Answers to what cannot be answered: problem details for programs (RFC 9457), a page for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from server.pages.pages import Pages
from server.served import Served, default
from server.wording.words import refusals

KINDS = {400: "unreadable", 413: "too-large", 415: "wrong-type", 422: "invalid-patient"}


@dataclass(frozen=True, slots=True)
class Failures:
    """How refusals and failures are told, to whoever asked."""

    served: Mapping[str, Served]
    pages: Pages
    root: str

    async def refused(self, request: Request, refusal: Exception) -> Response:
        """A request that cannot be answered as it is."""
        if not isinstance(refusal, HTTPException):
            raise refusal
        # The framework's own refusals carry the bare phrase of the status; ours carry a sentence.
        own = refusal.detail != HTTPStatus(refusal.status_code).phrase
        return self._tell(request, refusal.status_code, refusal.detail if own else None, refusal.headers)

    def unexpected(self, request: Request) -> Response:
        """A failure of the program; nothing of it is shown."""
        return self._tell(request, 500)

    def _tell(
        self, request: Request, status: int, detail: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        detail = refusals().say("detail", status=status) if detail is None else detail
        if request.url.path.removeprefix(self.root).startswith("/api/"):
            return problem_response(status, detail, headers=headers)
        page = self.pages.message(default(self.served), refusals().say("title", status=status), detail)
        return HTMLResponse(page, status, headers=dict(headers or {}))


def problem_response(
    status: int, detail: str, problems: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A refusal as problem details."""
    kind = KINDS.get(status)
    document = {
        "type": "about:blank" if kind is None else f"urn:problem-type:{kind}",
        "title": refusals().say("title", status=status),
        "status": status,
        "detail": detail,
        "problems": dict(problems or {}),
    }
    return Response(json.dumps(document), status, media_type="application/problem+json", headers=dict(headers or {}))
