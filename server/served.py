"""Models that are served, each with everything about it that does not depend on the patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from model.artefact import Artefact, ModelUnavailable
from model.fitted import Model
from server.entering.bodies import CannotAnswer
from server.entering.documents import MODEL
from server.entering.sent import CLINICIAN
from server.pages.questions import Question, questions_of
from server.wording.language import Language
from server.wording.own_words import in_own_words
from server.wording.refusing import Unreadable
from server.wording.telling import stratum_phrase, support_sentence


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
    ratios_source: str | None
    """That the hazard ratios are the model's own, where it was made from published figures; else None."""
    not_asked: tuple[Evidence, ...]
    """What a reader would expect among the questions, and why it is not there."""


@dataclass(frozen=True, eq=False)
class Served:
    """One model in one language: its card, its questions and its standing statements."""

    language: Language
    model: Model
    card: Mapping[str, Any]
    withdrawn: bool
    questions: tuple[Question, ...]
    statements: Mapping[str, Statements]
    """By stratum."""


def serve_models(artefacts: Iterable[Artefact], language: Language) -> Mapping[str, Served]:
    """The models by name; the first is the default. Raises ModelUnavailable when two have the same name, or none is."""
    served: dict[str, Served] = {}
    for artefact in artefacts:
        name = artefact.model.name
        if name in served:
            message = f"Two models are called {name!r}; a request could not say which one it means."
            raise ModelUnavailable(message)
        served[name] = prepare(artefact, language)
    if not served:
        message = "No model was given."
        raise ModelUnavailable(message)
    return served


def prepare(artefact: Artefact, language: Language) -> Served:
    """Everything about a model that can be said before a patient comes."""
    model = in_own_words(artefact.model, language.translated)
    taken = [
        feature.name for feature in model.features.all if feature.name in (MODEL, CLINICIAN) or "." in feature.name
    ]
    if taken:
        message = f"Features of {model.name} have names that a form needs for itself, or a dot in them: {taken}"
        raise ModelUnavailable(message)
    return Served(
        language=language,
        model=model,
        card=artefact.card,
        withdrawn=bool(artefact.card.get("withdrawn", False)),
        questions=questions_of(language, model.features, model.about.time_zero),
        statements={stratum: _statements(artefact.card, model, language, stratum) for stratum in model.strata},
    )


def default(served: Mapping[str, Served]) -> Served:
    """The model that answers when a request names none."""
    return next(iter(served.values()))


def _statements(card: Mapping[str, Any], model: Model, language: Language, stratum: str) -> Statements:
    about, say, phrase = model.about, language.sentences.say, stratum_phrase(model, stratum)
    validation = language.translated(card.get("validation", {}).get("sentence")) or say("no_validation")
    method = [
        say("interval_method", fits=model.strata[stratum].fits.count),
        say("interval_leaves_out"),
        say("spans_method"),
    ]
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
        support=support_sentence(language, model.strata[stratum].support, phrase),
        method=tuple(method),
        one_of_the_hundred=say("one_of_the_hundred"),
        how_sure=say("how_sure"),
        reference_label=say("reference_label", phrase=phrase),
        evidence=tuple(
            Evidence(feature.label, feature.evidence[stratum])
            for feature in model.features.used_in(stratum)
            if stratum in feature.evidence
        ),
        ratios_source=say("ratios_source") if about.reconstructed else None,
        not_asked=tuple(Evidence(one.label, one.reason) for one in about.not_asked.get(stratum, ())),
    )


def named(served: Mapping[str, Served], name: str | None) -> Served:
    """The model of that name, or the default one. Raises CannotAnswer (404)."""
    if name is None:
        return default(served)
    if name not in served:
        raise CannotAnswer(404, Unreadable("no_model_named", models=list(served)))
    return served[name]
