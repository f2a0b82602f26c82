"""The interface for programs: JSON in, JSON out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from model.patient import InvalidPatient
from server.editions import Edition, edition_for
from server.entering.bodies import read_json
from server.entering.documents import MODEL
from server.failures import problem_response
from server.interface.answer import addressed, answer_document
from server.interface.request_schema import feature_description
from server.interface.schema import WRITTEN_ANSWER
from server.served import Served, named
from server.wording.refusing import of_json, problem_sentences


@dataclass(frozen=True, slots=True)
class Interface:
    """The answers of the interface."""

    editions: Mapping[str, Edition]

    async def predict(self, request: Request) -> Response:
        """Predict survival for one patient."""
        document, served = await read_json(request), edition_for(self.editions, request).served
        try:
            answer = WRITTEN_ANSWER.dump_json(answer_document(served, document))
        except InvalidPatient as invalid:
            return refusal_of(served, document, invalid)
        return Response(answer, media_type="application/json")

    async def describe(self, request: Request) -> dict[str, Any]:
        """A model with its questions and its card."""
        served = edition_for(self.editions, request).served
        return describe_model(served, named(served, request.query_params.get(MODEL)))

    async def healthy(self) -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "alive"}

    async def ready(self) -> dict[str, Any]:
        """Which models may be used. They were checked against their golden pairs before this could be asked."""
        return {
            "status": "ready",
            "models": [identity(one) for one in next(iter(self.editions.values())).served.values()],
        }


def refusal_of(served: Mapping[str, Served], document: Mapping[str, object], invalid: InvalidPatient) -> Response:
    """All problems of a document, in sentences."""
    one = addressed(served, document)
    about = one.model.about
    sentences = problem_sentences(invalid.problems, one.model.features, about.time_zero, of_json(one.language))
    return problem_response(one.language, 422, problems=sentences)


def describe_model(served: Mapping[str, Served], one: Served) -> dict[str, Any]:
    """A model as the interface describes it."""
    model = one.model
    return {
        **identity(one),
        "withdrawn": one.withdrawn,
        "title": model.about.title,
        "horizons_months": list(model.horizons),
        "features": [feature_description(feature) for feature in model.features.all],
        "models": [identity(other) for other in served.values()],
        "card": one.card,
    }


def identity(one: Served) -> dict[str, str]:
    """Exactly which model."""
    return {"name": one.model.name, "version": one.model.version, "digest": one.model.digest}
