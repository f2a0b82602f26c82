"""The addresses that a launch goes through, and what stands behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from server.connections import Connections
from server.editions import Edition
from server.fhir.asking import Network, over_tls
from server.smart.audit import Audit
from server.smart.launched import Launched, LaunchEnded
from server.smart.launching import CALLBACK, Launching
from server.smart.saving import Saving
from server.smart.sessions import Sessions


@dataclass(frozen=True, eq=False)
class Connected:
    """The EHRs, how they are reached, and what is remembered of launches from them."""

    connections: Connections
    sessions: Sessions
    network: Network = over_tls


def connect(connections: Connections, instance: str = "", network: Network = over_tls) -> Connected:
    """Nothing is asked of anybody yet; ``instance`` tells this process from others that serve the same address."""
    sessions = Sessions(connections.most_sessions, connections.session_minutes, instance)
    return Connected(connections, sessions, network)


def add_launch_routes(app: FastAPI, editions: Mapping[str, Edition], connected: Connected) -> None:
    """Let the form be opened from an EHR."""
    connections, sessions, network = connected.connections, connected.sessions, connected.network
    audit = None if connections.audit_file is None else Audit(connections.audit_file)
    launching = Launching(editions, connections, sessions, network)
    launched = Launched(editions, connections, sessions, network, audit)
    saving = Saving(launched)

    async def ended(request: Request, ending: Exception) -> Response:
        if not isinstance(ending, LaunchEnded):
            raise ending
        return launched.ended(request, ending)

    app.add_exception_handler(LaunchEnded, ended)
    app.add_route("/launch", launching.launch, ["GET"], include_in_schema=False)
    app.add_route(CALLBACK, launching.callback, ["GET"], include_in_schema=False)
    app.add_route("/l/{launch}/", launched.form, ["GET"], include_in_schema=False)
    app.add_route("/l/{launch}/", launched.result, ["POST"], include_in_schema=False)
    app.add_route("/l/{launch}/fragment", launched.fragment, ["POST"], include_in_schema=False)
    app.add_route("/l/{launch}/download/{name}", launched.file, ["POST"], include_in_schema=False)
    app.add_route("/l/{launch}/patient", launched.for_patient, ["POST"], include_in_schema=False)
    app.add_route("/l/{launch}/save", saving.save, ["POST"], include_in_schema=False)
    app.add_route("/l/{launch}/end", launched.end, ["POST"], include_in_schema=False)
