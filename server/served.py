"""Models that are served, each with everything about it that does not depend on the patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException

from model.artefact import Artefact, ModelUnavailable
from model.fitted import Model
from server.entering.documents import MODEL
from server.pages.questions import Question, questions_of
from server.wording.telling import stratum_phrase, support_sentence
from server.wording.words import refusals, sentences


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the source found about one predictor."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Statements:
    """What stands on every result of one stratum, whoever the patient is."""

    status: str
    made_from: str
    data_period: str
    validation: str
    not_causes: str
    not_for: tuple[str, ...]
    cautions: tuple[str, ...]
    support: str
    method: tuple[str, ...]
    one_of_the_hundred: str
    how_sure: str
    reference_label: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, eq=False)
class Served:
    """One model, its card, its questions and its standing statements."""

    model: Model
    card: Mapping[str, Any]
    withdrawn: bool
    questions: tuple[Question, ...]
    statements: Mapping[str, Statements]
    """By stratum."""


def serve_models(artefacts: Iterable[Artefact]) -> Mapping[str, Served]:
    """The models by name; the first is the default. Raises ModelUnavailable when two have the same name, or none is."""
    served: dict[str, Served] = {}
    for artefact in artefacts:
        name = artefact.model.name
        if name in served:
            message = f"Two models are called {name!r}; a request could not say which one it means."
            raise ModelUnavailable(message)
        served[name] = prepare(artefact)
    if not served:
        message = "No model was given."
        raise ModelUnavailable(message)
    return served


def prepare(artefact: Artefact) -> Served:
    """Everything about a model that can be said before a patient comes."""
    model = artefact.model
    if any(feature.name == MODEL for feature in model.features.all):
        message = f"A feature of {model.name} is called {MODEL!r}, the name by which a form chooses among models."
        raise ModelUnavailable(message)
    return Served(
        model=model,
        card=artefact.card,
        withdrawn=bool(artefact.card.get("withdrawn", False)),
        questions=questions_of(model.features, model.about.time_zero),
        statements={stratum: _statements(artefact, stratum) for stratum in model.strata},
    )


def default(served: Mapping[str, Served]) -> Served:
    """The model that answers when a request names none."""
    return next(iter(served.values()))


def _statements(artefact: Artefact, stratum: str) -> Statements:
    model, about, say = artefact.model, artefact.model.about, sentences().say
    phrase = stratum_phrase(model, stratum)
    validation = artefact.card.get("validation", {}).get("sentence") or say("no_validation")
    method = [say("interval_method", fits=model.strata[stratum].fits.count), say("interval_leaves_out")]
    if about.reconstructed:
        method.append(say("reconstructed_leaves_out"))
    return Statements(
        status=say("status"),
        made_from=about.made_from,
        data_period=about.data_period,
        validation=validation,
        not_causes=say("not_causes"),
        not_for=about.not_for,
        cautions=about.cautions,
        support=support_sentence(model.strata[stratum].support, phrase),
        method=tuple(method),
        one_of_the_hundred=say("one_of_the_hundred"),
        how_sure=say("how_sure"),
        reference_label=say("reference_label", phrase=phrase),
        evidence=tuple(
            Evidence(feature.label, feature.evidence[stratum])
            for feature in model.features.used_in(stratum)
            if stratum in feature.evidence
        ),
    )


def named(served: Mapping[str, Served], name: str | None) -> Served:
    """The model of that name, or the default one. Raises HTTPException (404)."""
    if name is None:
        return default(served)
    if name not in served:
        raise HTTPException(404, refusals().say("no_model_named", models=list(served)))
    return served[name]
