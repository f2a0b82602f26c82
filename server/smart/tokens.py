"""Ask for a token, and check who signed what came with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from httpx2 import AsyncClient, HTTPError, HTTPStatusError, TimeoutException
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from server.connections import Ehr
from server.fhir.asking import SECONDS, Network, answer_of, client_for, document_of
from server.fhir.elements import is_id, text_at
from server.fhir.unanswered import Unanswered
from server.smart.discovery import SmartConfiguration

LEEWAY = 60
"""Seconds by which clocks may differ."""
ASSERTION_SECONDS = 240
"""How long a client's proof of its key is good; SMART allows five minutes."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What an EHR gave: the right to speak to it, for whom, for how long, for what."""

    token: str = field(repr=False)
    patient: str
    scope: str
    seconds: int | None
    need_patient_banner: bool
    user: str | None
    """Who signed in, as the EHR names it; for an audit."""


def challenge_of(verifier: str) -> str:
    """The PKCE challenge that goes with a verifier."""
    return str(create_s256_code_challenge(verifier))


@dataclass(frozen=True, slots=True)
class Asked:
    """What an authorization request was made with, and its answer is checked against."""

    verifier: str
    nonce: str
    redirect_uri: str


async def ask_for_token(ehr: Ehr, network: Network, smart: SmartConfiguration, code: str, asked: Asked) -> Granted:
    """Change a code for a token. Raises Unanswered where it is refused, or where what comes back cannot be trusted."""
    try:
        async with _oauth_client(ehr, network, smart.token_endpoint) as client:
            with anyio.fail_after(SECONDS):
                answer = await client.fetch_token(
                    smart.token_endpoint, code=code, code_verifier=asked.verifier, redirect_uri=asked.redirect_uri
                )
    except (TimeoutException, TimeoutError):
        raise Unanswered(sentence="ehr_too_slow") from None
    except AuthlibBaseError:
        raise Unanswered(sentence="ehr_gave_no_token") from None
    except HTTPStatusError as error:
        raise Unanswered(sentence="ehr_refused", status=error.response.status_code) from None
    except HTTPError:
        raise Unanswered(sentence="ehr_unreachable") from None
    except (ValueError, TypeError, AttributeError):  # what is no JSON object
        raise Unanswered(sentence="ehr_unreadable") from None
    return await _granted(ehr, network, smart, answer, asked.nonce)


def _oauth_client(ehr: Ehr, network: Network, token_endpoint: str) -> AsyncOAuth2Client:
    """A client that proves who it is in the way that was agreed with this EHR."""
    method = "none" if ehr.client_key is None else "private_key_jwt"
    client = AsyncOAuth2Client(
        client_id=ehr.client_id,
        client_secret=ehr.client_secret or ehr.client_key,
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
    return client


async def _granted(
    ehr: Ehr, network: Network, smart: SmartConfiguration, answer: Mapping[str, Any], nonce: str
) -> Granted:
    token, seconds = text_at(answer, "access_token"), answer.get("expires_in")
    if not token or text_at(answer, "token_type").lower() != "bearer":
        raise Unanswered(sentence="ehr_unreadable")
    if not is_id(answer.get("patient")):
        raise Unanswered(sentence="ehr_named_no_patient")
    identity = text_at(answer, "id_token")
    claims = await _identity(ehr, network, smart, identity, nonce) if identity else {}
    return Granted(
        token=token,
        patient=answer["patient"],
        scope=text_at(answer, "scope"),
        seconds=seconds if isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0 else None,
        # Where the EHR does not say that it shows who the patient is, we do.
        need_patient_banner=answer.get("need_patient_banner") is not False,
        user=text_at(claims, "fhirUser") or text_at(claims, "sub") or None,
    )


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
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        decoded = jwt.decode(token, keys, algorithms=["RS256"])
        registry.validate(decoded.claims)
    except (JoseError, ValueError, TypeError):
        raise Unanswered(sentence="ehr_not_trusted") from None
    return decoded.claims


async def fetch_keys(client: AsyncClient, address: str) -> KeySet:
    """The public keys at an address. Raises Unanswered."""
    response, body = await answer_of(client, "GET", address, headers={"accept": "application/json"})
    if response.status_code != 200:
        raise Unanswered(sentence="ehr_refused", status=response.status_code)
    document = document_of(body)
    try:
        return KeySet.import_key_set({"keys": document["keys"]})
    except (JoseError, KeyError, ValueError, TypeError):
        raise Unanswered(sentence="ehr_unreadable") from None
