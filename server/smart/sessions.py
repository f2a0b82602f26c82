"""What a launch leaves in memory, and for how long: one session for each launch, never one for a browser.

Two patients opened in one browser are two sessions, each known by the id in its address and by a cookie of its own.
A session holds the token, whose record it opens and what may be done; nothing that the record says, and nothing that
anybody has typed.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

from server.connections import Ehr
from server.smart.discovery import SmartConfiguration
from server.smart.tokens import Asked, Granted

SIGN_IN_SECONDS = 300
"""How long somebody may take to sign in at the EHR."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class SigningIn:
    """A launch whose answer from the EHR is awaited."""

    id: str
    ehr: Ehr
    smart: SmartConfiguration
    asked: Asked
    cookie: str = field(repr=False)
    """SHA-256 of the cookie."""
    ends: float


@dataclass(frozen=True, slots=True)
class Session:
    """One launch for one patient."""

    id: str
    ehr: Ehr
    granted: Granted = field(repr=False)
    cookie: str = field(repr=False)
    key: bytes = field(repr=False)
    """What seals the forms of this launch, so that none of another one is taken for it."""
    ends: float
    writing: set[str] = field(default_factory=set, repr=False)
    """The receipts that are on their way to the record."""
    written: set[str] = field(default_factory=set, repr=False)
    """The receipts that have been written to the record, so that none is written twice."""


class Sessions:
    """All launches of this process; when there are too many, those that are nearest to their end go first."""

    def __init__(self, most: int, minutes: int, instance: str = "", clock: Clock = time.monotonic) -> None:
        self._most, self._seconds, self._instance, self._clock = most, 60.0 * minutes, instance, clock
        self._signing_in: OrderedDict[str, SigningIn] = OrderedDict()
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        """How many launches are remembered."""
        return len(self._sessions) + len(self._signing_in)

    def new_id(self) -> str:
        """A name for a launch that nobody can guess; it begins with the name of the process that knows it."""
        return f"{self._instance}-{secrets.token_urlsafe(18)}" if self._instance else secrets.token_urlsafe(18)

    def sign_in(self, state: str, identifier: str, ehr: Ehr, smart: SmartConfiguration, asked: Asked) -> str:
        """Remember a launch until its answer comes; gives the cookie that must come with the answer."""
        self._forget_ended()
        cookie = secrets.token_urlsafe(32)
        ends = self._clock() + SIGN_IN_SECONDS
        self._signing_in[_hashed(state)] = SigningIn(identifier, ehr, smart, asked, _hashed(cookie), ends)
        while len(self._signing_in) > self._most:
            self._signing_in.popitem(last=False)
        return cookie

    def waiting(self, state: str) -> SigningIn | None:
        """The launch that an answer belongs to, which is then no longer awaited: no answer counts twice."""
        self._forget_ended()
        return self._signing_in.pop(_hashed(state), None)

    def begin(self, signing_in: SigningIn, granted: Granted) -> tuple[Session, str, int]:
        """A session for a launch that was granted: it, a new cookie for it, and how many seconds it lasts."""
        self._forget_ended()
        seconds = min(self._seconds, granted.seconds or self._seconds)
        cookie = secrets.token_urlsafe(32)
        session = Session(
            id=signing_in.id,
            ehr=signing_in.ehr,
            granted=granted,
            cookie=_hashed(cookie),
            key=secrets.token_bytes(32),
            ends=self._clock() + seconds,
        )
        # Room is made before: one that has just begun would go first, were it the shortest.
        while len(self._sessions) >= self._most:
            self._sessions.pop(min(self._sessions.values(), key=lambda one: one.ends).id)
        self._sessions[session.id] = session
        return session, cookie, int(seconds)

    def of(self, identifier: str, cookie: str) -> Session | None:
        """The session of this name, for a browser that has its cookie."""
        self._forget_ended()
        session = self._sessions.get(identifier)
        return session if session is not None and compare_digest(session.cookie, _hashed(cookie)) else None

    def forgot(self, identifier: str) -> bool:
        """Whether a launch that was begun in this process is over."""
        known = identifier in self._sessions or any(one.id == identifier for one in self._signing_in.values())
        ours = identifier.startswith(f"{self._instance}-") if self._instance else True
        return ours and not known

    def end(self, session: Session) -> None:
        """Forget a session, its token with it."""
        self._sessions.pop(session.id, None)

    def _forget_ended(self) -> None:
        now = self._clock()
        for ended in [one.id for one in self._sessions.values() if one.ends <= now]:
            del self._sessions[ended]
        for state in [state for state, one in self._signing_in.items() if one.ends <= now]:
            del self._signing_in[state]


def is_cookie_of(signing_in: SigningIn, cookie: str) -> bool:
    """Whether a browser has the cookie that it was given when this launch began."""
    return compare_digest(signing_in.cookie, _hashed(cookie))


def _hashed(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
