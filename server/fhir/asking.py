"""Ask a FHIR server: within its own address alone, for so long, for so much; every way of failing has a name."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from httpx2 import (
    URL,
    AsyncBaseTransport,
    AsyncClient,
    AsyncHTTPTransport,
    HTTPError,
    InvalidURL,
    Response,
    TimeoutException,
)

from server.connections import Ehr
from server.fhir.elements import Resource, part, parts, says_incomplete, text_at
from server.fhir.unanswered import Unanswered

SECONDS = 10.0
"""How long an EHR may take to answer one request, however slowly it sends."""
LARGEST_ANSWER = 8_388_608
MOST_RESOURCES = 1000
"""Of one type: a record with more is not read to its end, and what is not read to its end fills nothing in."""
MOST_PAGES = 50
"""However few resources a server puts on each."""
PAGE = 100
RECORD_SECONDS = 45.0
"""How long one reading of a record may take, all types and pages together: proxies give a page up after a minute."""
LARGEST_RECORD = 33_554_432
"""How much it may send in all: as many resources as are read of each of four types, with 8 KiB for each."""

FHIR_JSON = "application/fhir+json"

Network = Callable[[Ehr], AsyncBaseTransport]
"""How an EHR is reached."""


def over_tls(ehr: Ehr) -> AsyncBaseTransport:
    """The way to an EHR over the network, believing the certificates that the configuration says."""
    return AsyncHTTPTransport(verify=ehr.trust)


def client_for(ehr: Ehr, network: Network) -> AsyncClient:
    """A client for one EHR; it follows no redirect, lest a token follow."""
    return AsyncClient(transport=network(ehr), timeout=SECONDS, follow_redirects=False)


@dataclass(slots=True)
class Allowance:
    """How much may still be sent, whatever is asked."""

    left: int = field(default_factory=lambda: LARGEST_RECORD)


async def answer_of(
    client: AsyncClient,
    method: str,
    address: str | URL,
    allowance: Allowance | None = None,
    **more: Any,  # noqa: ANN401 - the library's own arguments
) -> tuple[Response, bytes]:
    """What an address answers, whatever its status. Raises Unanswered."""
    body, allowance = bytearray(), allowance or Allowance(LARGEST_ANSWER)
    try:
        async with asyncio.timeout(SECONDS), client.stream(method, address, **more) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                allowance.left -= len(chunk)
                if len(body) > LARGEST_ANSWER or allowance.left < 0:
                    raise Unanswered(sentence="ehr_too_large")
    except (TimeoutException, TimeoutError):
        raise Unanswered(sentence="ehr_too_slow") from None
    except (HTTPError, InvalidURL):
        # Its message may quote an address, and the address a patient's id.
        raise Unanswered(sentence="ehr_unreachable") from None
    return response, bytes(body)


def document_of(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is. Raises Unanswered."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Unanswered(sentence="ehr_unreadable") from None
    if not isinstance(document, dict):
        raise Unanswered(sentence="ehr_unreadable")
    return document


@dataclass(frozen=True, slots=True)
class RecordServer:
    """One EHR's FHIR server, with the right that one launch was given."""

    client: AsyncClient
    base: str
    token: str = field(repr=False)
    allowance: Allowance | None = None
    """For all that is asked of it; without one, each answer has its own."""

    async def read(self, path: str) -> dict[str, Any]:
        """One resource. Raises Unanswered."""
        return await self._get(f"{self.base}/{path}", {})

    async def search(self, kind: str, parameters: Mapping[str, str]) -> list[Resource]:
        """Every resource of a type that a search finds, over all pages. Raises Unanswered.

        A next page is only asked for below the server's own address: the token goes nowhere else.
        """
        found: list[Resource] = []
        address: str | URL = f"{self.base}/{kind}"
        query = {**parameters, "_count": str(PAGE)}
        for _ in range(MOST_PAGES):
            bundle = await self._get(address, query)
            if bundle.get("resourceType") != "Bundle":
                raise Unanswered(sentence="ehr_unreadable")
            entries = [part(entry, "resource") for entry in parts(bundle, "entry")]
            if any(says_incomplete(one) for one in entries):
                raise Unanswered(sentence="ehr_incomplete")
            found += [one for one in entries if one.get("resourceType") == kind]
            if len(found) > MOST_RESOURCES:
                raise Unanswered(sentence="ehr_too_many")
            links = [text_at(link, "url") for link in parts(bundle, "link") if link.get("relation") == "next"]
            if not links:
                return found
            address, query = self._within(links[0]), {}
        raise Unanswered(sentence="ehr_too_many")

    def _within(self, link: str) -> URL:
        """Where a link leads, when that is this server: its origin, and its path or one below. Raises Unanswered.

        The same object is compared and asked, so that no two readings of one text can differ.
        """
        base = URL(f"{self.base}/")
        try:
            address = base.join(link)
        except (InvalidURL, ValueError):
            raise Unanswered(sentence="ehr_unreadable") from None
        # On one host there may be several hospitals, each below a path of its own.
        names = re.split(r"[/\\]", address.path)
        below = f"{address.path}/".startswith(base.path) and not any(name.startswith("..") for name in names)
        if _origin(address) != _origin(base) or address.userinfo or not below:
            raise Unanswered(sentence="ehr_leads_elsewhere")
        return address

    async def create(self, resource: Resource, unless: str) -> tuple[int, str]:
        """Write a new resource, unless one with this identifier is there: the status, and where it is now.

        Raises Unanswered.
        """
        response, _ = await answer_of(
            self.client,
            "POST",
            f"{self.base}/{text_at(resource, 'resourceType')}",
            content=json.dumps(resource, ensure_ascii=False, allow_nan=False).encode(),
            headers={**self._headers, "content-type": FHIR_JSON, "if-none-exist": f"identifier={unless}"},
        )
        return response.status_code, response.headers.get("location", "")

    async def _get(self, address: str | URL, query: Mapping[str, str]) -> dict[str, Any]:
        more = {"params": query} if query else {}
        response, body = await answer_of(self.client, "GET", address, self.allowance, headers=self._headers, **more)
        if response.status_code != 200:
            raise Unanswered(sentence="ehr_refused", status=response.status_code)
        return document_of(body)

    @property
    def _headers(self) -> dict[str, str]:
        return {"accept": FHIR_JSON, "authorization": f"Bearer {self.token}"}


def _origin(address: URL) -> tuple[str, str, int | None]:
    """Scheme, host and port in one spelling: the library makes small letters of them, and leaves out a usual port."""
    return address.scheme, address.host, address.port
