"""What other programs of a hospital ask over HTTP: the operation, the forms, and what this server can do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from server.editions import Edition, edition_for
from server.entering.bodies import FHIR_TYPE, JSON_TYPE, LARGEST_BUNDLE, CannotAnswer, read_json
from server.entering.dates import latest_day
from server.fhir.capability import OPERATION, capability_statement, operation_definition
from server.fhir.checking import checked
from server.fhir.operation import NotAssessed, evaluate
from server.fhir.outcome import fhir_response, operation_outcome
from server.fhir.questionnaire import questionnaire
from server.fhir.turns import Turns
from server.served import named
from server.wording.refusing import Unreadable

BODY_SECONDS = 10.0
"""How long a body may take to come, in its turn: the largest needs 3.4 Mbit/s for that."""


@dataclass(frozen=True, slots=True)
class FhirInterface:
    """The answers under /fhir. What only gives something out runs beside the server's loop: so the framework has it."""

    editions: Mapping[str, Edition]
    version: str
    """Of this program."""
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    turns: Turns = field(default_factory=Turns)
    """For the operation."""

    def routes(self) -> Iterator[tuple[str, Callable[..., Any], str]]:
        """Each address with its answer and its method."""
        yield f"/fhir/RiskAssessment/${OPERATION}", self.evaluate, "POST"
        yield "/fhir/Questionnaire", self.forms, "GET"
        yield "/fhir/Questionnaire/{name}", self.form, "GET"
        yield f"/fhir/OperationDefinition/{OPERATION}", self.definition, "GET"
        yield "/fhir/metadata", self.metadata, "GET"

    async def evaluate(self, request: Request) -> Response:
        """Risks for one patient or for many."""
        served = edition_for(self.editions, request).served
        # Before anything of the body is read: what waits must not fill the memory, or the threads that pages need.
        async with self.turns.one():
            try:
                # A thousand patients take seconds, and others are to be answered meanwhile.
                content = await run_in_threadpool(evaluate, served, await _document(request), latest_day())
            except NotAssessed as refused:
                return fhir_response(operation_outcome(refused.issues), 422)
        return Response(content, media_type=FHIR_TYPE)

    def form(self, request: Request) -> Response:
        """The form of one model."""
        served = edition_for(self.editions, request).served
        return fhir_response(questionnaire(named(served, request.path_params["name"]), _address(request)))

    def forms(self, request: Request) -> Response:
        """The forms of all models."""
        served = edition_for(self.editions, request).served
        forms = [questionnaire(one, _address(request)) for one in served.values()]
        return fhir_response(
            checked(
                {
                    "resourceType": "Bundle",
                    "type": "searchset",
                    "total": len(forms),
                    "link": [{"relation": "self", "url": f"{_address(request)}/Questionnaire"}],
                    "entry": [
                        {"fullUrl": form["url"], "resource": form, "search": {"mode": "match"}} for form in forms
                    ],
                }
            )
        )

    def definition(self, request: Request) -> Response:
        """What the operation takes and gives."""
        language = edition_for(self.editions, request).language
        return fhir_response(operation_definition(language, _address(request)))

    def metadata(self, request: Request) -> Response:
        """What this server can do."""
        language = edition_for(self.editions, request).language
        return fhir_response(capability_statement(language, _address(request), self.version, self.started))


async def _document(request: Request) -> dict[str, object]:
    """What is asked. Whoever sends it slowly is not waited for: others wait meanwhile. Raises CannotAnswer."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await read_json(request, (FHIR_TYPE, JSON_TYPE), LARGEST_BUNDLE)
    except TimeoutError:
        raise CannotAnswer(408, Unreadable("too_slow", seconds=int(BODY_SECONDS))) from None


def _address(request: Request) -> str:
    """Where the resources of this server are, as whoever asks knows it."""
    return f"{request.base_url}fhir"
