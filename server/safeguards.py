"""What holds for every answer: its headers, its place under the portal, and that no failure shows or logs a value."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Sequence

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("uvicorn.error")

_ORIGIN = re.compile(r"https?://(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", re.IGNORECASE | re.ASCII)


class Safeguards:
    """Pure ASGI, and the outermost layer of ours."""

    def __init__(
        self, app: ASGIApp, headers: dict[str, str], root_path: str, on_failure: Callable[[Request], Response]
    ) -> None:
        self.app, self.root_path, self.on_failure = app, root_path, on_failure
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request under the safeguards."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["root_path"] = self.root_path
        if scope["path"] in ("", self.root_path):
            scope["path"] = f"{self.root_path}/"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                stated = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in self.headers if header[0] not in stated),
                ]
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except ClientDisconnect:
            return  # who has gone needs no answer, and nothing of ours has failed
        except Exception as failure:  # noqa: BLE001 - whatever it is, neither page nor log may show a patient's value
            # No logging.exception: its traceback ends in the failure's message, which may quote a value.
            log.error("A request failed: %s at %s", type(failure).__name__, places(failure))  # noqa: TRY400
            response = self.on_failure(Request(scope, receive))
            await response(scope, receive, send_with_headers)


def places(failure: BaseException) -> str:
    """Where a failure came from: files, lines and functions. Its message is left out, for it may quote a value."""
    frames = traceback.extract_tb(failure.__traceback__)
    return " < ".join(f"{frame.filename}:{frame.lineno} ({frame.name})" for frame in reversed(frames))


def security_headers(frame_ancestors: Sequence[str]) -> dict[str, str]:
    """The headers of every answer; ``frame_ancestors`` are the origins whose pages may show this one in a frame.

    Raises ValueError when one of them is not an origin.
    """
    for origin in frame_ancestors:
        if origin != "'self'" and not _ORIGIN.fullmatch(origin):
            message = f"{origin!r} is not an origin such as https://portal.hospital.example"
            raise ValueError(message)
    policy = (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors " + (" ".join(frame_ancestors) or "'none'"),
    )
    return {
        "content-security-policy": "; ".join(policy),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "cache-control": "no-store",
    }
