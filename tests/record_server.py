"""A record server without a network, which keeps what it was asked and answers as it is told; and reading from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from httpx2 import MockTransport, Request, Response

from server.connections import Ehr
from server.fhir.asking import RecordServer, client_for
from server.fhir.reading import KINDS, RecordRead, read_record
from tests.records import BASE, PATIENT, WHOLE, Resource, bundle, by_kind

EHR = Ehr(name="Test Hospital", issuer=BASE, client_id="prognosis")
TOKEN = "the-token-of-the-launch"  # noqa: S105 - of no server
ELSEWHERE = "https://elsewhere.example/fhir/R4/Condition?page=2"
RECORD = by_kind(*WHOLE)

Answer = Callable[[Request], Response]


class Server:
    """A record that answers as it should, but for the types whose answer is given; it keeps what it was asked.

    Addresses of no type are further pages of the diagnoses.
    """

    def __init__(self, **instead: Answer) -> None:
        self.instead, self.asked = instead, list[Request]()

    def __call__(self, request: Request) -> Response:
        """The answer to a request."""
        self.asked.append(request)
        kind = request.url.path.removeprefix("/fhir/R4/").split("/")[0]
        given = self.instead.get(kind if kind in RECORD else "Condition")
        if given is not None:
            return given(request)
        return ok(RECORD[kind][0] if kind == "Patient" else bundle(*RECORD[kind]))

    def times(self, kind: str) -> int:
        """How often a type was asked for."""
        return sum(kind in request.url.path for request in self.asked)


def ok(document: object) -> Response:
    """An answer that holds this."""
    return Response(200, json=document)


def as_answered(status: int, content: bytes | str = b"", **headers: str) -> Answer:
    """The same answer to everything."""
    return lambda _: Response(status, content=content, headers=headers)


def failing(failure: Exception) -> Answer:
    """No answer."""

    def fail(_: Request) -> Response:
        raise failure

    return fail


def pages(*following: str | None, resources: Sequence[Sequence[Resource]] = ()) -> Answer:
    """One page after another, each with the address of the next one; the last is given again and again."""
    given, left = list(resources), list(following)

    def answer(_: Request) -> Response:
        last = left.pop(0) if len(left) > 1 else left[0]
        return ok(bundle(*(given.pop(0) if given else ()), following=last))

    return answer


def read(server: Callable[[Request], Any], allowed: Sequence[str] = KINDS) -> RecordRead:
    """What is read of a record."""

    async def reading() -> RecordRead:
        async with client_for(EHR, lambda _: MockTransport(server)) as client:
            return await read_record(RecordServer(client, BASE, TOKEN), PATIENT, allowed)

    return asyncio.run(reading())


def why(record: RecordRead) -> dict[str, tuple[str, int]]:
    """By type, why it was not read."""
    return {one.kind: (one.failure.sentence, one.failure.status) for one in record.unread}
