"""Who asks through CDS Hooks: an EHR that is on the list, by a token that it signed for this very address, once.

Every check that needs nobody's help comes before the first that asks a network, and none is left out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError

from server.connections import Connections, Ehr
from server.fhir.asking import Network
from server.fhir.elements import text_at
from server.hooks.keys import Clock, Keys
from server.hooks.replay import TooMany, Used
from server.signatures import LEEWAY, reading

ALGORITHMS = ("ES384", "RS384")
"""The two that the specification names. A symmetric one would let whoever checks a token make one, too."""
LONGEST = 3600
"""Seconds for which a token counts from when it was signed, however long it says: used ones must be remembered."""

_CHECKED = reading(ALGORITHMS)


class NotTrusted(Exception):
    """A caller that is not believed. The reason is for the log: whoever asks is told no more than that."""

    def __init__(self, reason: str, ehr: Ehr | None = None) -> None:
        super().__init__(reason)
        self.reason, self.ehr = reason, ehr


class Callers:
    """Who may ask; it remembers keys, and the tokens that were used."""

    def __init__(
        self,
        connections: Connections,
        network: Network,
        *,
        now: Clock = time.time,
        clock: Clock = time.monotonic,
        used: Used | None = None,
    ) -> None:
        self._connections, self._now = connections, now
        self._keys, self._used = Keys(network, clock), Used() if used is None else used

    async def caller_of(self, authorization: str, addresses: Sequence[str]) -> Ehr:
        """The EHR that asks at one of these addresses. Raises NotTrusted."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            reason = "no_token"
            raise NotTrusted(reason)
        signed, unproven = _opened(token.strip())
        ehr = self._connections.by_hooks_issuer(unproven.get("iss"))
        if ehr is None or ehr.hooks is None:
            reason = "unknown_issuer"
            raise NotTrusted(reason)
        wrong = _wrong_header(signed.headers(), ehr.hooks.jku)
        if wrong is not None:
            raise NotTrusted(wrong, ehr)
        keys = await self._keys.of(ehr, ehr.hooks, signed.headers()["kid"])
        if keys is None:
            reason = "no_keys"
            raise NotTrusted(reason, ehr)
        try:
            valid = jws.validate_compact(signed, keys, ALGORITHMS, _CHECKED)
        except InvalidKeyIdError:
            reason = "unknown_key"
            raise NotTrusted(reason, ehr) from None
        except (JoseError, ValueError, TypeError):
            valid = False
        if not valid:
            reason = "wrong_signature"
            raise NotTrusted(reason, ehr)
        self._check(ehr, ehr.hooks.issuer, unproven, addresses)
        return ehr

    def _check(self, ehr: Ehr, issuer: str, claims: dict[str, Any], addresses: Sequence[str]) -> None:
        """Whether what was signed is for here and now, for the first time. Raises NotTrusted."""
        now = self._now()
        registry = jwt.JWTClaimsRegistry(
            now=int(now),
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "values": list(addresses)},
            exp={"essential": True},
            iat={"essential": True},
            jti={"essential": True},
        )
        try:
            registry.validate(claims)
        except ClaimError as error:
            raise NotTrusted(error.claim, ehr) from None
        ends = min(claims["exp"], claims["iat"] + LONGEST) + LEEWAY
        if ends <= now:
            reason = "exp"
            raise NotTrusted(reason, ehr)
        try:
            first = self._used.first(issuer, claims["jti"], ends, now)
        except TooMany:
            reason = "too_many_tokens"
            raise NotTrusted(reason, ehr) from None
        if not first:
            reason = "used_before"
            raise NotTrusted(reason, ehr)


def _opened(token: str) -> tuple[jws.CompactSignature, dict[str, Any]]:
    """A token and what it claims, none of which is proven yet. Raises NotTrusted."""
    reason = "unreadable"
    try:
        signed = jws.extract_compact(token.encode(), registry=_CHECKED)
        claims = json.loads(signed.payload or b"")
    except (JoseError, ValueError, TypeError, RecursionError):
        raise NotTrusted(reason) from None
    if not isinstance(claims, dict) or not isinstance(signed.headers(), dict):
        raise NotTrusted(reason)
    return signed, claims


def _wrong_header(header: Mapping[str, Any], jku: str | None) -> str | None:
    """What is wrong with the head of a token, before anything is fetched for it."""
    if header.get("alg") not in ALGORITHMS:
        return "alg"
    if header.get("typ") != "JWT":
        return "typ"
    if not text_at(header, "kid"):
        return "kid"
    return "jku" if "jku" in header and header["jku"] != jku else None
