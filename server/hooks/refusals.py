"""What is not answered, as problem details without an empty member: CDS Hooks has none in what a service sends."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from server.entering.bodies import JSON_TYPE, CannotAnswer, read_json
from server.failures import KINDS
from server.hooks.members import WrongBody
from server.wording.language import Language
from server.wording.refusing import Unreadable

HEADERS: Mapping[int, Mapping[str, str]] = {401: {"www-authenticate": "Bearer"}}
"""What a status must bring along."""


class Refused(Exception):
    """A request that is not answered: a status, a sentence, and the headers that go with them."""

    def __init__(self, status: int, reason: Unreadable, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.reason, self.headers = status, reason, headers or HEADERS.get(status, {})


async def read_body(request: Request, limit: int) -> dict[str, object]:
    """The JSON object in a body. Raises Refused (400, 413, 415)."""
    try:
        return await read_json(request, (JSON_TYPE,), limit)
    except CannotAnswer as refusal:
        status = refusal.status_code
        reason = Unreadable("hooks_too_large", limit=limit) if status == 413 else refusal.reason
        raise Refused(status, reason) from None


def refusal_of(refused: Refused | WrongBody, language: Language) -> Response:
    """The answer to a request that is not answered; every member that is wrong is named."""
    status = refused.status if isinstance(refused, Refused) else 400
    reason = refused.reason if isinstance(refused, Refused) else Unreadable("hooks_wrong_body")
    document: dict[str, object] = {
        "type": f"urn:problem-type:{KINDS[status]}" if status in KINDS else "about:blank",
        "title": language.refusals.say("title", status=status),
        "status": status,
        "detail": reason.said(language),
    }
    if isinstance(refused, WrongBody):
        document["problems"] = {place: problem.said(language) for place, problem in refused.problems.items()}
    headers = dict(refused.headers) if isinstance(refused, Refused) else {}
    return Response(
        json.dumps(document, ensure_ascii=False), status, media_type="application/problem+json", headers=headers
    )
