"""The EHRs that a server speaks with, how they are reached, and what is remembered of launches from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI

from server.connections import Connections
from server.editions import Edition
from server.fhir.asking import Network, over_tls
from server.fhir.checking import prepare
from server.hooks.service import hooks_routes
from server.limits import Limits
from server.smart.routes import add_launch_routes
from server.smart.sessions import Sessions


@dataclass(frozen=True, eq=False)
class Connected:
    """What is there only where an EHR is connected; a server without one loads none of it."""

    connections: Connections
    sessions: Sessions
    network: Network = over_tls

    def add_routes(self, app: FastAPI, editions: Mapping[str, Edition], limits: Limits) -> None:
        """Let the form be opened from these EHRs, and let them ask whether there is something to open."""
        add_launch_routes(app, editions, self.connections, self.sessions, self.network)
        app.router.routes.extend(hooks_routes(editions, self.connections, self.network, limits))


def connect(connections: Connections, instance: str = "", network: Network = over_tls) -> Connected:
    """Nothing is asked of anybody yet; ``instance`` tells this process from others that serve the same address."""
    prepare()
    sessions = Sessions(connections.most_sessions, connections.session_minutes, instance)
    return Connected(connections, sessions, network)
