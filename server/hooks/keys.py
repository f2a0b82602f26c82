"""The keys by which an EHR signs what it asks: from its file, or from the one address that was agreed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from joserfc.jwk import KeySet

from server.connections import Ehr, Hooks
from server.fhir.asking import Network, client_for
from server.fhir.unanswered import Unanswered
from server.smart.tokens import fetch_keys

KEPT = 600.0
"""Seconds for which fetched keys are good: a key that an EHR withdraws stops counting within ten minutes."""
ANEW = 60.0
"""Seconds that lie between two fetches at least.

An EHR may sign with a new key at any moment, and must then not wait until the old ones are ten minutes old; so an
unknown key id fetches anew. But whoever knows the name of an issuer can send unknown key ids, without any key, as fast
as they like: a minute lets through what a change of keys needs, and lets nobody use this server to flood the EHR.
"""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Held:
    keys: KeySet | None
    fetched: float
    asked: float
    """When they were last asked for, whether they came or not."""


class Keys:
    """The keys of every issuer, in the memory of this process."""

    def __init__(self, network: Network, clock: Clock = time.monotonic) -> None:
        self._network, self._clock = network, clock
        self._held: dict[str, _Held] = {}
        self._fetching: dict[str, asyncio.Lock] = {}

    async def of(self, ehr: Ehr, hooks: Hooks, kid: str) -> KeySet | None:
        """The keys of an EHR, with this one among them if it is to be had; None where there are none."""
        if hooks.keys is not None or hooks.jku is None:
            return hooks.keys
        if not _has(self._good(hooks.issuer), kid):
            # Those who know a key that is known wait for nobody who does not.
            async with self._fetching.setdefault(hooks.issuer, asyncio.Lock()):
                if not _has(self._good(hooks.issuer), kid):
                    await self._fetch(ehr, hooks.issuer, hooks.jku)
        return self._good(hooks.issuer)

    def _good(self, issuer: str) -> KeySet | None:
        held = self._held.get(issuer)
        return held.keys if held is not None and self._clock() - held.fetched < KEPT else None

    async def _fetch(self, ehr: Ehr, issuer: str, address: str) -> None:
        held, now = self._held.get(issuer), self._clock()
        if held is not None and now - held.asked < ANEW:
            return
        try:
            async with client_for(ehr, self._network) as client:
                self._held[issuer] = _Held(await fetch_keys(client, address), now, now)
        except Unanswered:
            # The keys that were there stay good for as long as they are.
            self._held[issuer] = _Held(None, now, now) if held is None else _Held(held.keys, held.fetched, now)


def _has(keys: KeySet | None, kid: str) -> bool:
    return keys is not None and any(key.kid == kid for key in keys)
