"""Ask for a token, and check who signed what came with it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from httpx2 import AsyncClient, HTTPError, InvalidURL, Response, TimeoutException
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet

from server.connections import Ehr
from server.fhir.asking import SECONDS, Network, answer_of, client_for, document_of
from server.fhir.elements import is_id, parts, text_at
from server.fhir.unanswered import Unanswered
from server.signatures import LEEWAY, reading
from server.smart.discovery import SmartConfiguration

_SIGNED = reading(["RS256"])
ASSERTION_SECONDS = 240
"""How long a client's proof of its key is good; SMART allows five minutes."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What an EHR gave: the right to speak to it, for whom, for how long, for what."""

    token: str = field(repr=False)
    patient: str = field(repr=False)
    scope: str
    seconds: int | None
    need_patient_banner: bool
    user: str | None = field(repr=False)
    """Who signed in, as the EHR names it; for an audit."""


def challenge_of(verifier: str) -> str:
    """The PKCE challenge that goes with a verifier."""
    return str(create_s256_code_challenge(verifier))


@dataclass(frozen=True, slots=True)
class Asked:
    """What an authorization request was made with, and its answer is checked against."""

    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    redirect_uri: str


async def ask_for_token(ehr: Ehr, network: Network, smart: SmartConfiguration, code: str, asked: Asked) -> Granted:
    """Change a code for a token. Raises Unanswered where it is refused, or where what comes back cannot be trusted."""
    try:
        async with _oauth_client(ehr, network, smart.token_endpoint) as client:
            async with asyncio.timeout(SECONDS):
                answer = await client.fetch_token(
                    smart.token_endpoint, code=code, code_verifier=asked.verifier, redirect_uri=asked.redirect_uri
                )
    except (TimeoutException, TimeoutError):
        raise Unanswered(sentence="ehr_too_slow") from None
    except AuthlibBaseError:
        raise Unanswered(sentence="ehr_gave_no_token") from None
    except (HTTPError, InvalidURL):
        raise Unanswered(sentence="ehr_unreachable") from None
    except (ValueError, TypeError, OverflowError):  # a time that is none
        raise Unanswered(sentence="ehr_unreadable") from None
    return await _granted(ehr, network, smart, answer, asked.nonce)


def _oauth_client(ehr: Ehr, network: Network, token_endpoint: str) -> AsyncOAuth2Client:
    """A client that proves who it is in the way that was agreed with this EHR."""
    method = "none" if ehr.client_key is None else "private_key_jwt"
    # RFC 6749, 2.3.1: both are encoded before they are put together. A secret may hold any character.
    basic = None if ehr.client_secret is None else quote_plus(ehr.client_secret)
    client = AsyncOAuth2Client(
        client_id=ehr.client_id if basic is None else quote_plus(ehr.client_id),
        client_secret=basic or ehr.client_key,
        token_endpoint_auth_method="client_secret_basic" if ehr.client_secret is not None else method,
        transport=network(ehr),
        timeout=SECONDS,
        follow_redirects=False,
    )
    if ehr.client_key is not None:
        proof = PrivateKeyJWT(
            token_endpoint,
            claims={"exp": int(time.time()) + ASSERTION_SECONDS},
            headers={"kid": ehr.client_key.kid, "typ": "JWT"},
            alg="ES384" if isinstance(ehr.client_key, ECKey) else "RS384",
        )
        client.register_client_auth_method(proof)
    client.register_compliance_hook("access_token_response", _answer)
    return client


def _answer(response: Response) -> Response:
    """The answer of a token endpoint, where it is one: whatever else the library would read. Raises Unanswered."""
    if response.status_code == 200:
        document_of(response.content)
        return response
    try:
        sentence = "ehr_gave_no_token" if "error" in document_of(response.content) else "ehr_refused"
    except Unanswered:
        sentence = "ehr_refused"
    raise Unanswered(sentence=sentence, status=response.status_code)


async def _granted(
    ehr: Ehr, network: Network, smart: SmartConfiguration, answer: Mapping[str, Any], nonce: str
) -> Granted:
    token = text_at(answer, "access_token")
    # What cannot stand in the header of a request is no token.
    if not re.fullmatch(r"[!-~]+", token) or text_at(answer, "token_type").lower() != "bearer":
        raise Unanswered(sentence="ehr_unreadable")
    if not is_id(answer.get("patient")):
        raise Unanswered(sentence="ehr_named_no_patient")
    identity = text_at(answer, "id_token")
    claims = await _identity(ehr, network, smart, identity, nonce) if identity else {}
    return Granted(
        token=token,
        patient=answer["patient"],
        scope=text_at(answer, "scope"),
        seconds=_seconds(answer.get("expires_in")),
        # Where the EHR does not say that it shows who the patient is, we do.
        need_patient_banner=answer.get("need_patient_banner") is not False,
        user=text_at(claims, "fhirUser") or text_at(claims, "sub") or None,
    )


def _seconds(given: object) -> int | None:
    """How long a token lasts; some say so in a text. None where nothing sensible is said."""
    if isinstance(given, str) and re.fullmatch(r"\d{1,9}", given, re.ASCII):
        given = int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else None


async def _identity(ehr: Ehr, network: Network, smart: SmartConfiguration, token: str, nonce: str) -> Mapping[str, Any]:
    """The claims of an id_token: signed by this EHR, for us, now, for this very launch. Raises Unanswered."""
    if smart.jwks_uri is None or smart.issuer is None:
        raise Unanswered(sentence="ehr_not_trusted")
    async with client_for(ehr, network) as client:
        keys = await fetch_keys(client, smart.jwks_uri)
    registry = jwt.JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "value": smart.issuer},
        aud={"essential": True, "value": ehr.client_id},
        azp={"value": ehr.client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        decoded = jwt.decode(token, keys, algorithms=["RS256"], registry=_SIGNED)
        registry.validate(decoded.claims)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise Unanswered(sentence="ehr_not_trusted") from None
    return decoded.claims


async def fetch_keys(client: AsyncClient, address: str) -> KeySet:
    """The public keys at an address. Raises Unanswered."""
    response, body = await answer_of(client, "GET", address, headers={"accept": "application/json"})
    if response.status_code != 200:
        raise Unanswered(sentence="ehr_refused", status=response.status_code)
    keys = [key for one in parts(document_of(body), "keys") for key in _usable(one)]
    if not keys:
        raise Unanswered(sentence="ehr_unreadable")
    return KeySet(keys)


def _usable(document: Mapping[str, Any]) -> Iterable[Key]:
    """A key, where it is one: that an EHR publishes others which nobody here can use is no fault."""
    try:
        return KeySet.import_key_set({"keys": [dict(document)]}).keys
    except (JoseError, KeyError, ValueError, TypeError):
        return ()
