"""The addresses that a launch goes through, and what stands behind them."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from server.connections import Connections
from server.editions import Edition
from server.fhir.asking import Network
from server.smart.audit import Audit
from server.smart.launched import Launched, LaunchEnded
from server.smart.launching import CALLBACK, Launching
from server.smart.saving import Saving
from server.smart.sessions import Sessions


def add_launch_routes(
    app: FastAPI, editions: Mapping[str, Edition], connections: Connections, sessions: Sessions, network: Network
) -> None:
    """Let the form be opened from an EHR."""
    audit = None if connections.audit_file is None else Audit(connections.audit_file)
    launching = Launching(editions, connections, sessions, network)
    launched = Launched(editions, sessions, network, audit)
    saving = Saving(launched)

    async def ended(request: Request, ending: Exception) -> Response:
        if not isinstance(ending, LaunchEnded):
            raise ending
        return launched.ended(request, ending)

    app.add_exception_handler(LaunchEnded, ended)
    app.add_route("/launch", launching.launch, ["GET"], include_in_schema=False)
    app.add_route(CALLBACK, launching.callback, ["GET"], include_in_schema=False)
    app.add_route(f"{CALLBACK}/{{key}}", launching.callback, ["GET"], include_in_schema=False)
    app.add_route("/l/{launch}/", launched.form, ["GET"], include_in_schema=False)
    app.add_route("/l/{launch}/", launched.result, ["POST"], include_in_schema=False)
    app.add_route("/l/{launch}/fragment", launched.fragment, ["POST"], include_in_schema=False)
    app.add_route("/l/{launch}/download/{name}", launched.file, ["POST"], include_in_schema=False)
    app.add_route("/l/{launch}/patient", launched.for_patient, ["POST"], include_in_schema=False)
    app.add_route("/l/{launch}/save", saving.save, ["POST"], include_in_schema=False)
    app.add_route("/l/{launch}/end", launched.end, ["POST"], include_in_schema=False)
