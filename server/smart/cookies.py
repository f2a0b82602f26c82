"""The cookie of one launch: for this host alone, unreadable by scripts, and kept apart for each portal around it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

PREFIX = "__Host-launch-"
"""It makes browsers insist on this host and on TLS."""


def cookie_name(identifier: str) -> str:
    """What the cookie of a launch is called."""
    return f"{PREFIX}{identifier}"


def set_cookie(response: Response, identifier: str, value: str, seconds: int) -> None:
    """Give the browser the cookie of a launch, or with no seconds take it away.

    Written by hand: the standard library cannot say ``Partitioned`` before Python 3.14, and without it browsers that
    block third-party cookies keep none in a portal's frame.
    """
    attributes = f"Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=None; Partitioned"
    response.headers.append("set-cookie", f"{cookie_name(identifier)}={value}; {attributes}")


def cookie_of(request: Request, identifier: str) -> str:
    """The cookie of a launch, empty where the browser sent none."""
    return request.cookies.get(cookie_name(identifier), "")


def launches_of(request: Request) -> list[str]:
    """The launches whose cookies the browser has."""
    return [name.removeprefix(PREFIX) for name in request.cookies if name.startswith(PREFIX)]


def has_others(request: Request, identifier: str) -> bool:
    """Whether the browser has been given the cookie of another launch, which may be for another patient."""
    return any(one != identifier for one in launches_of(request))
