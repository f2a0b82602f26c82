"""One at a time: what takes long is done for one who asks after another, and only so many may wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.entering.bodies import CannotAnswer
from server.wording.refusing import Unreadable

MOST_WAITING = 4
"""A largest Bundle takes seconds: whoever comes after so many is better told to come back."""
AGAIN = 5
"""In how many seconds."""


class TooBusy(CannotAnswer):
    """There are too many who wait (503); it may be asked again after these seconds."""

    def __init__(self) -> None:
        super().__init__(503, Unreadable("too_busy", seconds=AGAIN))
        self.headers = {"retry-after": str(AGAIN)}


class Turns:
    """Whose turn it is. Who waits has sent nothing yet that would be kept."""

    def __init__(self) -> None:
        self._turn, self._inside = asyncio.Lock(), 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for the turn, and keep it. Raises TooBusy."""
        if self._inside > MOST_WAITING:
            raise TooBusy
        self._inside += 1
        try:
            async with self._turn:
                yield
        finally:
            self._inside -= 1
