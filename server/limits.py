"""How often somebody may ask: counted in memory, by address and by EHR."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from math import ceil
from typing import Literal

from limits import RateLimitItem, parse_many
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from server.addresses import whose
from server.entering.bodies import CannotAnswer
from server.wording.refusing import Unreadable

Kind = Literal["address", "issuer", "launch"]

# A whole hospital may stand behind one address: two hundred clinicians who each open a page every ten seconds.
PER_ADDRESS = "1200/minute"
# An EHR asks whenever anybody opens a chart, ten times a second in the largest hospitals.
PER_ISSUER = "600/minute"
# Signing in may take five minutes, and a thousand launches are remembered: nobody alone pushes out the others.
LAUNCHES_PER_ADDRESS = "120/minute"

MOST_KEYS = 4096
"""How many are counted apart at a time; those who come when there are so many are counted together."""

UNCOUNTED = ("/healthz", "/readyz")
LAUNCH = "/launch"


class TooOften(CannotAnswer):
    """A request that is one too many (429); it may be made again after these seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, Unreadable("too_often", seconds=seconds))
        self.headers = {"retry-after": str(seconds)}


class Limits:
    """Who has asked how often.

    A window begins with the first request of whoever is counted, and when it ends nothing of it is kept. The library's
    storage is the one for asyncio: the other one sweeps in a thread of its own, and fails where a key goes meanwhile.
    Of an address are counted all requests, and besides those that begin a launch; of an issuer, those that are signed.
    Rates are written as "1200/minute", or None for as often as they like; ValueError is raised for anything else.
    """

    def __init__(
        self,
        *,
        address: str | None = PER_ADDRESS,
        issuer: str | None = PER_ISSUER,
        launch: str | None = LAUNCHES_PER_ADDRESS,
    ) -> None:
        rates: dict[Kind, str | None] = {"address": address, "issuer": issuer, "launch": launch}
        self._counted = {kind: _Counted(_parsed(rate)) for kind, rate in rates.items() if rate is not None}

    async def allow(self, kind: Kind, key: str) -> int:
        """Count one request. 0 where it may be answered, or else in how many seconds the next one may."""
        counted = self._counted.get(kind)
        return 0 if counted is None else await counted.wait(key)


def unlimited() -> Limits:
    """Nobody is counted."""
    return Limits(address=None, issuer=None, launch=None)


class Throttle:
    """Pure ASGI, within the safeguards: a request too many from one address goes no further.

    Not counted are the files that pages are made of: a page is one request. ``files`` are their addresses.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        root_path: str,
        files: Collection[str],
        refuse: Callable[[Request, Exception], Awaitable[Response]],
    ) -> None:
        self.app, self.limits, self.root_path, self.refuse = app, limits, root_path, refuse
        self.uncounted = frozenset([*UNCOUNTED, *files])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or say when to ask again."""
        for kind in self._kinds(scope):
            if seconds := await self.limits.allow(kind, whose(scope)):
                response = await self.refuse(Request(scope, receive), TooOften(seconds))
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _kinds(self, scope: Scope) -> tuple[Kind, ...]:
        """As what a request is counted."""
        if scope["type"] != "http":
            return ()
        path = scope["path"].removeprefix(self.root_path)
        if path in self.uncounted:
            return ()
        return ("address", "launch") if path == LAUNCH and _is_visit(scope) else ("address",)


def _is_visit(scope: Scope) -> bool:
    """Whether somebody goes to a page; one that another page names as a picture, say, begins no launch."""
    mode = dict(scope["headers"]).get(b"sec-fetch-mode", b"navigate")
    return (scope["method"], mode) == ("GET", b"navigate")


class _Counted:
    """The requests of one kind."""

    def __init__(self, rate: RateLimitItem) -> None:
        self.rate, self.storage = rate, MemoryStorage()
        self.limiter = FixedWindowRateLimiter(self.storage)

    async def wait(self, key: str) -> int:
        windows = self.storage.expirations
        known = len(windows) < MOST_KEYS or self.rate.key_for(key) in windows
        whom = (key,) if known else ()
        if await self.limiter.hit(self.rate, *whom):
            return 0
        ends, _ = await self.limiter.get_window_stats(self.rate, *whom)
        return max(1, ceil(ends - time.time()))


def _parsed(rate: str) -> RateLimitItem:
    message = f"{rate!r} is not a rate such as 1200/minute"
    try:
        items = parse_many(rate)
    except ValueError as error:
        raise ValueError(message) from error
    if len(items) != 1 or items[0].amount < 1:
        raise ValueError(message)
    return items[0]
