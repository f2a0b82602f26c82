"""Changing a code for a token at an EHR without a network, which answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import MockTransport, Request, Response

from server.connections import Ehr
from server.fhir.unanswered import Unanswered
from server.smart.discovery import SmartConfiguration
from server.smart.tokens import Asked, Granted, ask_for_token
from tests.records import BASE, PATIENT

TOKEN_ENDPOINT = "https://login.hospital.example/token"  # noqa: S105 - an address
SMART = SmartConfiguration(
    authorization_endpoint="https://login.hospital.example/authorize",
    token_endpoint=TOKEN_ENDPOINT,
    issuer="https://login.hospital.example",
    jwks_uri="https://login.hospital.example/keys",
)
EHR = Ehr(name="Test Hospital", issuer=BASE, client_id="prognosis")
ASKED = Asked("the-verifier", "the-nonce", "https://rps.hospital.example/callback")
GRANT: dict[str, Any] = {
    "access_token": "the-token",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "launch patient/Condition.rs",
    "patient": PATIENT,
    "need_patient_banner": False,
}
CODE = "a code+with/signs&that=need%encoding"

Answer = Callable[[Request], Response]


def exchange(answer: Answer | dict[str, Any], ehr: Ehr = EHR, code: str = CODE) -> tuple[Granted, list[Request]]:
    """What a code is changed for, and what the EHR was asked."""
    asked: list[Request] = []

    def respond(request: Request) -> Response:
        asked.append(request)
        return Response(200, json=answer) if isinstance(answer, dict) else answer(request)

    return asyncio.run(ask_for_token(ehr, lambda _: MockTransport(respond), SMART, code, ASKED)), asked


def refused(answer: Answer | dict[str, Any], ehr: Ehr = EHR) -> tuple[str, int]:
    """Why there is no token; and that nothing secret stands in what says so."""
    with pytest.raises(Unanswered) as caught:
        exchange(answer, ehr)
    for secret in (CODE, ASKED.verifier, ASKED.nonce, GRANT["access_token"], PATIENT):
        assert secret not in repr(caught.value)
    return caught.value.sentence, caught.value.status
