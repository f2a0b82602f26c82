"""CDS Hooks 2.0: what is offered, the answer when a record is opened, and what became of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from model.fitted import Model
from server.connections import Connections, Ehr
from server.editions import Edition, edition_for
from server.entering.bodies import JSON_TYPE, LARGEST_BODY
from server.entering.dates import latest_day
from server.fhir.asking import Network
from server.fhir.elements import Resource
from server.fhir.finding import findings_of, has_come_back
from server.fhir.outcome import Issue, fhir_response, operation_outcome
from server.fhir.reading import banner_of
from server.hooks.callers import Callers, NotTrusted
from server.hooks.card import card_of
from server.hooks.feedback import read_feedback
from server.hooks.members import WrongBody
from server.hooks.origins import is_preflight, preflight, shown_to
from server.hooks.prefetch import NEEDED, Gathered, OtherPatient, gather, templates
from server.hooks.refusals import Refused, read_body, refusal_of
from server.hooks.request import HOOK, read_request
from server.limits import Limits
from server.served import Served
from server.wording.refusing import Unreadable

log = logging.getLogger("uvicorn.error")

SERVICES, FEEDBACK = "/cds-services", "/feedback"
LARGEST_REQUEST = 2_097_152
"""How large a request may be: what it brings along is a part of a record, of one patient."""
EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Answer = Callable[[Request], Awaitable[Response]]


def hooks_routes(
    editions: Mapping[str, Edition],
    connections: Connections,
    network: Network,
    limits: Limits,
    *,
    callers: Callers | None = None,
) -> list[BaseRoute]:
    """What an EHR may ask through CDS Hooks; nothing where no EHR is on the list for it."""
    hooks = [ehr.hooks for ehr in connections.ehrs.values() if ehr.hooks is not None]
    if not hooks:
        return []
    origins = frozenset(origin for one in hooks for origin in one.origins)
    known = Callers(connections, network) if callers is None else callers
    return HookService(editions, connections, network, limits, known, origins).routes()


@dataclass(frozen=True, eq=False)
class HookService:
    """The answers under /cds-services."""

    editions: Mapping[str, Edition]
    connections: Connections
    network: Network
    limits: Limits
    callers: Callers
    origins: frozenset[str]
    """Whose pages may ask through a browser."""

    def routes(self) -> list[BaseRoute]:
        """Each address with its answer."""
        return [
            self._route(SERVICES, "GET", self.discover),
            self._route(f"{SERVICES}/{{service}}", "POST", self.ask),
            self._route(f"{SERVICES}/{{service}}{FEEDBACK}", "POST", self.hear),
        ]

    async def discover(self, request: Request) -> Response:
        """What is offered, to whoever wants to know."""
        served = edition_for(self.editions, request).served
        return _json({"services": [_described(one) for one in served.values() if _is_offered(one)]})

    async def ask(self, request: Request) -> Response:
        """The card for a record that is opened, or none."""
        served = self._service(request)
        ehr = await self._caller(request, served)
        asked = read_request(await read_body(request, LARGEST_REQUEST), ehr.issuer)
        try:
            gathered = await gather(asked, ehr, self.network)
        except OtherPatient as other:
            message = "CDS Hooks: %s gave a %s of another patient, so that nothing was used"
            log.error(message, ehr.name, other.kind)  # noqa: TRY400 - where in the code it was noticed tells nobody anything
            return _json({"cards": []})
        if NEEDED in gathered.missing:
            sentence = served.language.refusals.say("hooks_nothing_to_read")
            return fhir_response(operation_outcome([Issue("incomplete", sentence)]), 412)
        return _json({"cards": self._cards(served, ehr, gathered)})

    async def hear(self, request: Request) -> Response:
        """What became of cards."""
        served = self._service(request)
        await self._caller(request, served, FEEDBACK)
        for outcome in read_feedback(await read_body(request, LARGEST_BODY)):
            message = "CDS Hooks: a card of %s was %s"
            log.info(message, served.model.name, outcome)
        return Response()

    def _service(self, request: Request) -> Served:
        """The model that a request is about. Raises Refused."""
        served = edition_for(self.editions, request).served
        one = served.get(request.path_params["service"])
        if one is None or one.model.record is None:
            names = [name for name, other in served.items() if _is_offered(other)]
            raise Refused(404, Unreadable("hooks_no_service", services=names))
        return one

    async def _caller(self, request: Request, served: Served, below: str = "") -> Ehr:
        """The EHR that asks. Raises Refused."""
        address = f"{self.connections.address}{SERVICES}/{quote(served.model.name, safe='')}"
        # What became of a card is told below the address of the service: the token may name the one or the other.
        addresses = list(dict.fromkeys([address, f"{address}{below}"]))
        try:
            ehr = await self.callers.caller_of(request.headers.get("authorization", ""), addresses)
        except NotTrusted as error:
            message = "CDS Hooks: a caller was not believed (%s)"
            log.warning(message, error.reason if error.ehr is None else f"{error.reason}, {error.ehr.name}")
            raise Refused(401, Unreadable("hooks_not_trusted")) from None
        # Counted only now: somebody without a key must not be able to use up what an EHR may ask.
        seconds = await self.limits.allow("issuer", ehr.issuer)
        if seconds:
            raise Refused(429, Unreadable("too_often", seconds=seconds), {"retry-after": str(seconds)})
        return ehr

    def _cards(self, served: Served, ehr: Ehr, gathered: Gathered) -> list[dict[str, Any]]:
        """A card where the form may be of use: the disease has come back, and the patient lives and is old enough."""
        model, resources, today = served.model, gathered.resources, latest_day()
        if not _is_offered(served) or not all(_is_for(model, one, today) for one in resources.get("Patient", ())):
            return []
        if not has_come_back(model, resources, ehr.issuer):
            return []
        whole = not set(gathered.missing) - {"Patient"}
        return [
            card_of(served, findings_of(model, resources, ehr.issuer, today), self.connections.address, whole=whole)
        ]

    def _route(self, path: str, method: str, answer: Answer) -> BaseRoute:
        """An address that answers one method; pages of the origins on the list may read the answer."""

        async def endpoint(request: Request) -> Response:
            if is_preflight(request):
                return shown_to(request, preflight(request, self.origins), self.origins)
            try:
                if request.method != method and (method, request.method) != ("GET", "HEAD"):
                    raise Refused(405, Unreadable("hooks_other_method", method=method), {"allow": method})  # noqa: TRY301
                response = await answer(request)
            except (Refused, WrongBody) as refused:
                response = refusal_of(refused, edition_for(self.editions, request).language)
            return shown_to(request, response, self.origins)

        return Route(path, endpoint, methods=EVERY_METHOD, include_in_schema=False)


def _is_offered(served: Served) -> bool:
    return served.model.record is not None and not served.withdrawn


def _is_for(model: Model, patient: Resource, today: date) -> bool:
    """Whether a model has something to foretell of somebody: nothing of the dead, nor of those too young for it."""
    known = banner_of(patient)
    return not known.died and not (model.record is not None and model.record.too_young(known.born, today))


def _described(served: Served) -> dict[str, Any]:
    say, model = served.language.sentences.say, served.model
    return {
        "hook": HOOK,
        "title": model.about.title,
        "description": say("service_description", title=model.about.title),
        "id": model.name,
        "prefetch": templates(),
        "usageRequirements": say("service_needs"),
    }


def _json(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document, ensure_ascii=False, allow_nan=False), media_type=JSON_TYPE)
