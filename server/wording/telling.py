"""What is said about one prediction, in whole sentences: the page, the JSON and the command line all say this."""

from __future__ import annotations

from dataclasses import dataclass

from model.explanation import Contribution
from model.features import Feature
from model.fitted import Model, Support
from model.prediction import InputWarning, Prediction, UnknownInput
from model.rounding import whole_points
from server.wording.naming import phrase_of
from server.wording.words import number_text, sentences

MOST_CONTRIBUTIONS = 2
HIDDEN_BELOW = 10
"""A registry's counts under this many patients are not shown: they could point at somebody."""
FEW_BELOW = 20


@dataclass(frozen=True, slots=True)
class Caution:
    """What must stand beside a predictor so that nobody reads a cause into it."""

    feature: str
    text: str


@dataclass(frozen=True, slots=True)
class UnknownTold:
    """One unknown input: that it is, how it was handled, and what it leaves open."""

    feature: str
    named: str
    handling: str | None
    range: str


@dataclass(frozen=True, slots=True)
class WarningTold:
    """One warning."""

    code: str
    feature: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that is said about one prediction."""

    sentences: tuple[str, ...]
    whole_points: tuple[int, ...]
    """The contributions' points as they are shown: whole, and adding up to the difference that is shown."""
    cautions: tuple[Caution, ...]
    unknown: tuple[UnknownTold, ...]
    warnings: tuple[WarningTold, ...]
    like: str | None
    """How many of the registry's patients were like this one; None where nobody can know."""
    left_out: str | None
    """Which headline times are not shown because the patient is past them."""


def tell(model: Model, prediction: Prediction, *, withdrawn: bool = False) -> Told:
    """Put a prediction into words; ``withdrawn`` is what the card says of the model."""
    explanation = prediction.explanation
    points = whole_points(
        [contribution.points for contribution in explanation.contributions],
        explanation.reference_survival,
        explanation.survival,
    )
    return Told(
        sentences=(_estimate(model, prediction), *_contributions(model, prediction, points)),
        whole_points=tuple(points),
        cautions=_cautions(model, prediction),
        unknown=tuple(_unknown(model, prediction, unknown) for unknown in prediction.unknown),
        warnings=_warnings(model, prediction, withdrawn=withdrawn),
        like=_like(model, prediction),
        left_out=_left_out(model, prediction),
    )


def stratum_phrase(model: Model, stratum: str) -> str:
    """How a sentence names the patients of one stratum."""
    return model.features.stratum.level(stratum).phrase


def support_sentence(support: Support, phrase: str) -> str:
    """Whom the estimate rests on; small numbers of a registry are not shown."""
    patients, deaths = shown_support(support)
    if support.source == "published":
        return sentences().say("published_support", patients=patients, deaths=deaths, phrase=phrase)
    hidden = support.deaths is not None and deaths is None
    return sentences().say("registry_support", patients=patients, deaths=deaths, hidden=hidden, phrase=phrase)


def shown_support(support: Support) -> tuple[int | None, int | None]:
    """Patients and deaths as they may be shown."""
    if support.source == "published":
        return support.patients, support.deaths
    if support.patients < HIDDEN_BELOW:
        return None, None
    hidden = support.deaths is None or support.deaths < HIDDEN_BELOW
    return support.patients, None if hidden else support.deaths


def _estimate(model: Model, prediction: Prediction) -> str:
    explanation, patient = prediction.explanation, prediction.patient
    at = next(horizon for horizon in prediction.survival if horizon.months == explanation.horizon_months)
    return sentences().say(
        "estimate",
        phrase=stratum_phrase(model, patient.stratum),
        origin=model.about.origin,
        horizon=at.months,
        survival=at.estimate,
        lower=at.lower,
        upper=at.upper,
        reference=explanation.reference_survival,
        alive=patient.alive_months,
    )


def _contributions(model: Model, prediction: Prediction, points: list[int]) -> list[str]:
    explanation, patient = prediction.explanation, prediction.patient
    phrase = stratum_phrase(model, patient.stratum)
    if not model.features.used_in(patient.stratum):
        return [sentences().say("no_predictors", phrase=phrase)]
    if not explanation.contributions:
        return [sentences().say("nothing_known", phrase=phrase)]
    shown: list[tuple[Contribution, int]] = sorted(
        zip(explanation.contributions, points, strict=True), key=lambda pair: -abs(pair[0].points)
    )
    return [
        sentences().say(
            "contribution",
            predictor=phrase_of(model.features.named(contribution.feature), contribution.value),
            points=whole_points,
            phrase=phrase,
            origin=model.about.origin,
            horizon=explanation.horizon_months,
            alive=patient.alive_months,
        )
        for contribution, whole_points in shown[:MOST_CONTRIBUTIONS]
    ]


def _cautions(model: Model, prediction: Prediction) -> tuple[Caution, ...]:
    """The cautions of every answer given; of all a predictor's answers where it is unknown."""
    values, found = prediction.patient.values, []
    for feature in model.features.used_in(prediction.patient.stratum):
        given = [level for level in feature.levels if values.get(feature.name, level.code) == level.code]
        texts = dict.fromkeys(level.caution for level in given if level.caution is not None)
        found += [Caution(feature.name, text) for text in texts]
    return tuple(found)


def _unknown(model: Model, prediction: Prediction, unknown: UnknownInput) -> UnknownTold:
    feature: Feature = model.features.named(unknown.feature)
    return UnknownTold(
        feature=feature.name,
        named=sentences().say("unknown_input", label=feature.label),
        handling=feature.unknown_handling,
        range=sentences().say(
            "unknown_range",
            origin=model.about.origin,
            horizon=prediction.explanation.horizon_months,
            lowest=unknown.lowest,
            highest=unknown.highest,
            with_lowest=phrase_of(feature, unknown.lowest_value),
            with_highest=phrase_of(feature, unknown.highest_value),
            alive=prediction.patient.alive_months,
        ),
    )


def _warnings(model: Model, prediction: Prediction, *, withdrawn: bool) -> tuple[WarningTold, ...]:
    told = [WarningTold("withdrawn", None, sentences().say("withdrawn"))] if withdrawn else []
    told += [WarningTold(notice.code, notice.feature, _warning(model, notice)) for notice in prediction.warnings]
    support = prediction.support
    if support.source != "published" and support.patients < FEW_BELOW:
        text = sentences().say("few_patients", phrase=stratum_phrase(model, prediction.patient.stratum))
        told.append(WarningTold("few_patients", None, text))
    elif prediction.like is not None and (prediction.like.patients or 0) < FEW_BELOW:
        text = sentences().say("few_like", phrase=stratum_phrase(model, prediction.patient.stratum))
        told.append(WarningTold("few_like", None, text))
    return tuple(told)


def _warning(model: Model, notice: InputWarning) -> str:
    feature = model.features.named(notice.feature)
    return sentences().say(
        notice.code,
        label=feature.label,
        given=number_text(notice.given),
        unit=feature.unit,
        low=number_text(notice.expected.low),
        high=number_text(notice.expected.high),
    )


def _like(model: Model, prediction: Prediction) -> str | None:
    if prediction.like is None:
        return None
    return sentences().say(
        "like",
        patients=prediction.like.patients,
        deaths=prediction.like.deaths,
        phrase=stratum_phrase(model, prediction.patient.stratum),
    )


def _left_out(model: Model, prediction: Prediction) -> str | None:
    alive = prediction.patient.alive_months
    past = [horizon for horizon in model.horizons if horizon <= alive]
    if not past:
        return None
    return sentences().say("left_out", horizons=past, alive=alive, origin=model.about.origin)
