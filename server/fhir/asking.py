"""Ask a FHIR server: within its own address alone, for so long, for so much; every way of failing has a name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from httpx2 import (
    AsyncBaseTransport,
    AsyncClient,
    AsyncHTTPTransport,
    HTTPError,
    InvalidURL,
    Response,
    TimeoutException,
)

from server.connections import Ehr
from server.fhir.elements import Resource, part, parts, text_at
from server.fhir.unanswered import Unanswered

SECONDS = 10.0
"""How long an EHR may take to answer one request, however slowly it sends."""
LARGEST_ANSWER = 8_388_608
MOST_RESOURCES = 1000
"""Of one type: a record with more is not read to its end, and what is not read to its end fills nothing in."""
MOST_PAGES = 50
"""However few resources a server puts on each."""
PAGE = 100

FHIR_JSON = "application/fhir+json"

Network = Callable[[Ehr], AsyncBaseTransport]
"""How an EHR is reached."""


def over_tls(ehr: Ehr) -> AsyncBaseTransport:
    """The way to an EHR over the network, believing the certificates that the configuration says."""
    return AsyncHTTPTransport(verify=ehr.trust)


def client_for(ehr: Ehr, network: Network) -> AsyncClient:
    """A client for one EHR; it follows no redirect, lest a token follow."""
    return AsyncClient(transport=network(ehr), timeout=SECONDS, follow_redirects=False)


async def answer_of(client: AsyncClient, method: str, address: str, **more: Any) -> tuple[Response, bytes]:  # noqa: ANN401 - the library's own arguments
    """What an address answers, whatever its status. Raises Unanswered."""
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS), client.stream(method, address, **more) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_ANSWER:
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

    async def read(self, path: str) -> dict[str, Any]:
        """One resource. Raises Unanswered."""
        return await self._get(f"{self.base}/{path}", {})

    async def search(self, kind: str, parameters: Mapping[str, str]) -> list[Resource]:
        """Every resource of a type that a search finds, over all pages. Raises Unanswered.

        A next page is only asked for at the server's own origin: the token goes nowhere else.
        """
        found: list[Resource] = []
        address, query = f"{self.base}/{kind}", {**parameters, "_count": str(PAGE)}
        for _ in range(MOST_PAGES):
            bundle = await self._get(address, query)
            if bundle.get("resourceType") != "Bundle":
                raise Unanswered(sentence="ehr_unreadable")
            entries = [part(entry, "resource") for entry in parts(bundle, "entry")]
            if any(_says_incomplete(one) for one in entries):
                raise Unanswered(sentence="ehr_incomplete")
            found += [one for one in entries if one.get("resourceType") == kind]
            if len(found) > MOST_RESOURCES:
                raise Unanswered(sentence="ehr_too_many")
            links = [text_at(link, "url") for link in parts(bundle, "link") if link.get("relation") == "next"]
            if not links:
                return found
            address, query = self._within(links[0]), {}
        raise Unanswered(sentence="ehr_too_many")

    def _within(self, link: str) -> str:
        """Where a link leads, when that is this server. Raises Unanswered."""
        try:
            address = urljoin(f"{self.base}/", link)
            elsewhere = urlsplit(address)[:2] != urlsplit(self.base)[:2]
        except ValueError:
            raise Unanswered(sentence="ehr_unreadable") from None
        if elsewhere:
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

    async def _get(self, address: str, query: Mapping[str, str]) -> dict[str, Any]:
        response, body = await answer_of(
            self.client, "GET", address, headers=self._headers, **({"params": query} if query else {})
        )
        if response.status_code != 200:
            raise Unanswered(sentence="ehr_refused", status=response.status_code)
        return document_of(body)

    @property
    def _headers(self) -> dict[str, str]:
        return {"accept": FHIR_JSON, "authorization": f"Bearer {self.token}"}


def _says_incomplete(resource: Resource) -> bool:
    """Whether an answer says of itself that something is missing from it."""
    severe = ("error", "fatal")
    is_outcome = resource.get("resourceType") == "OperationOutcome"
    return is_outcome and any(text_at(issue, "severity") in severe for issue in parts(resource, "issue"))
