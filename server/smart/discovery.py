"""Where an EHR lets a program sign in: read from its ``.well-known/smart-configuration`` and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from httpx2 import AsyncClient

from server.fhir.asking import answer_of, document_of
from server.fhir.elements import text_at
from server.fhir.unanswered import Unanswered

WELL_KNOWN = "/.well-known/smart-configuration"


@dataclass(frozen=True, slots=True)
class SmartConfiguration:
    """What is needed of an EHR's own description."""

    authorization_endpoint: str
    token_endpoint: str
    issuer: str | None
    """Who signs its tokens; None where it signs none."""
    jwks_uri: str | None


async def discover(client: AsyncClient, issuer: str) -> SmartConfiguration:
    """The configuration of one FHIR server. Raises Unanswered where there is none that can be used safely."""
    response, body = await answer_of(client, "GET", f"{issuer}{WELL_KNOWN}", headers={"accept": "application/json"})
    if response.status_code != 200:
        raise Unanswered(sentence="ehr_refused", status=response.status_code)
    document = document_of(body)
    methods = document.get("code_challenge_methods_supported")
    if not isinstance(methods, list) or "S256" not in methods:
        raise Unanswered(sentence="ehr_without_s256")
    return SmartConfiguration(
        authorization_endpoint=_address(document, "authorization_endpoint"),
        token_endpoint=_address(document, "token_endpoint"),
        issuer=text_at(document, "issuer") or None,
        jwks_uri=_address(document, "jwks_uri") if "jwks_uri" in document else None,
    )


def _address(document: Mapping[str, Any], name: str) -> str:
    address = text_at(document, name)
    try:
        parts = urlsplit(address)
        usable = parts.scheme == "https" and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or parts.fragment or not address.isprintable() or " " in address:
        raise Unanswered(sentence="ehr_unreadable")
    return address
