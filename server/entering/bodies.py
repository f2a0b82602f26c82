"""Read a request's body: of the stated type, no larger than a patient can be, and strictly what it claims to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from fastapi import Request
from starlette.exceptions import HTTPException

from server.entering.documents import UnreadableDocument, form_fields, json_object
from server.wording.refusing import Unreadable

LARGEST_BODY = 65_536
LARGEST_BUNDLE = 4_194_304
"""How large many patients at once may be."""
DRAINED = 1_048_576
"""How much of a body that is too large is still read, so that the refusal reaches whoever sends it."""

JSON_TYPE, FORM_TYPE, FHIR_TYPE = "application/json", "application/x-www-form-urlencoded", "application/fhir+json"


class CannotAnswer(HTTPException):
    """A request that cannot be answered, with the sentence that says why in the reader's language."""

    def __init__(self, status: int, reason: Unreadable) -> None:
        super().__init__(status)
        self.reason = reason


async def read_json(
    request: Request, types: Sequence[str] = (JSON_TYPE,), limit: int = LARGEST_BODY
) -> dict[str, object]:
    """The JSON object in a request's body, of one of these types. Raises CannotAnswer (400, 413, 415)."""
    text = await _read_text(request, types, limit)
    try:
        return json_object(text)
    except UnreadableDocument as error:
        raise CannotAnswer(400, error) from error


async def read_form(request: Request) -> dict[str, list[str]]:
    """The fields of an urlencoded form, each with every value given. Raises CannotAnswer (400, 413, 415)."""
    text = await _read_text(request, (FORM_TYPE,), LARGEST_BODY)
    try:
        return form_fields(text)
    except UnreadableDocument as error:
        raise CannotAnswer(400, error) from error


async def _read_text(request: Request, types: Sequence[str], limit: int) -> str:
    content_type, *parameters = (
        request.headers.get("content-type", "").lower().replace(" ", "").replace('"', "").split(";")
    )
    charset = next((value for value in parameters if value.startswith("charset=")), "charset=utf-8")
    if content_type not in types or charset != "charset=utf-8":
        _refuse(415, "wrong_type", expected=types[0])
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit:
            body += chunk
        elif size > max(DRAINED, 2 * limit):
            break
    if size > limit:
        _refuse(413, "too_large", limit=limit)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse(400, "not_utf8")


def _refuse(status: int, sentence: str, **placeholders: object) -> NoReturn:
    raise CannotAnswer(status, Unreadable(sentence, **placeholders))
