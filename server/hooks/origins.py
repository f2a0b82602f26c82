"""Pages of other origins: only those on the list may ask through a browser, here and nowhere else in the program."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

METHODS = "GET, POST"
HEADERS = "Authorization, Content-Type"
SECONDS = "600"
"""How long a browser need not ask again."""


def is_preflight(request: Request) -> bool:
    """Whether a browser asks whether it may ask."""
    return request.method == "OPTIONS" and "access-control-request-method" in request.headers


def preflight(request: Request, origins: Collection[str]) -> Response:
    """The answer to that; one from elsewhere is told nothing that would let it."""
    if request.headers.get("origin") not in origins:
        return Response(status_code=403)
    allowed = {
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": HEADERS,
        "access-control-max-age": SECONDS,
    }
    return Response(status_code=204, headers=allowed)


def shown_to(request: Request, response: Response, origins: Collection[str]) -> Response:
    """An answer, which a page of the origin that asked may read if it is on the list.

    Cookies are not allowed along: nothing here knows any.
    """
    response.headers.add_vary_header("Origin")
    origin = request.headers.get("origin")
    if origin is not None and origin in origins:
        response.headers["access-control-allow-origin"] = origin
    return response
