"""Tokens that were used: none counts twice."""

from __future__ import annotations

from hashlib import sha256
from heapq import heappop, heappush

MOST = 100_000
"""How many tokens of one issuer are remembered: at five minutes each, what a hospital sends that opens 300 records a
second. They take some twenty megabytes."""


class TooMany(Exception):
    """There is no room to remember another token."""


class Used:
    """The tokens of every issuer until they end by themselves, in the memory of this process.

    Each issuer has a room of its own, so that none can push out what another has used. A full one refuses: to forget a
    token that is still good would be to let it be used again.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._ends: dict[str, list[tuple[float, bytes]]] = {}
        self._known: dict[str, set[bytes]] = {}

    def first(self, issuer: str, identifier: str, ends: float, now: float) -> bool:
        """Whether a token is used for the first time; from now on it is not. Raises TooMany."""
        waiting, known = self._ends.setdefault(issuer, []), self._known.setdefault(issuer, set())
        while waiting and waiting[0][0] <= now:
            known.discard(heappop(waiting)[1])
        # An identifier can be as long as its issuer likes; what is remembered of it cannot.
        mark = sha256(identifier.encode("utf-8", "surrogatepass")).digest()
        if mark in known:
            return False
        if len(known) >= self._most:
            raise TooMany
        known.add(mark)
        heappush(waiting, (ends, mark))
        return True
