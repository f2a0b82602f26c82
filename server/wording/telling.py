"""What is said about one prediction, in whole sentences: the page, the JSON and the command line all say this."""

from __future__ import annotations

from dataclasses import dataclass

from model.explanation import Contribution
from model.features import Feature
from model.fitted import Model, Support
from model.prediction import InputWarning, Prediction, UnknownInput
from model.rounding import whole_points
from server.wording.language import Language
from server.wording.naming import phrase_of, value_text

MOST_CONTRIBUTIONS = 2
HIDDEN_BELOW = 10
"""A registry's counts under this many patients are not shown: they could point at somebody."""
FEW_BELOW = 20
SAYS_NOTHING = 0.55
"""An interval wider than this leaves nearly everything open, and the page says so."""


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
    closed: bool
    """Whether its values are only settled after time zero, so that the range must not lie open like an effect."""


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
    since: str | None
    """What of the time since time zero is counted; None where no time has passed."""


def tell(language: Language, model: Model, prediction: Prediction, *, withdrawn: bool = False) -> Told:
    """Put a prediction into words; ``withdrawn`` is what the card says of the model."""
    explanation = prediction.explanation
    points = whole_points(
        [contribution.points for contribution in explanation.contributions],
        explanation.reference_survival,
        explanation.survival,
    )
    return Told(
        sentences=(_estimate(language, model, prediction), *_contributions(language, model, prediction, points)),
        whole_points=tuple(points),
        cautions=_cautions(model, prediction),
        unknown=tuple(_unknown(language, model, prediction, unknown) for unknown in prediction.unknown),
        warnings=_warnings(language, model, prediction, withdrawn=withdrawn),
        like=_like(language, model, prediction),
        left_out=_left_out(language, model, prediction),
        since=language.sentences.say("since_then") if prediction.patient.alive_months else None,
    )


def stratum_phrase(model: Model, stratum: str) -> str:
    """How a sentence names the patients of one stratum."""
    return model.features.stratum.level(stratum).phrase


def support_sentence(language: Language, support: Support, phrase: str) -> str:
    """Whom the estimate rests on; small numbers of a registry are not shown."""
    patients, deaths = shown_support(support)
    if support.source == "published":
        return language.sentences.say("published_support", patients=patients, deaths=deaths, phrase=phrase)
    hidden = support.deaths is not None and deaths is None
    return language.sentences.say("registry_support", patients=patients, deaths=deaths, hidden=hidden, phrase=phrase)


def shown_support(support: Support) -> tuple[int | None, int | None]:
    """Patients and deaths as they may be shown."""
    if support.source == "published":
        return support.patients, support.deaths
    if support.patients < HIDDEN_BELOW:
        return None, None
    hidden = support.deaths is None or support.deaths < HIDDEN_BELOW
    return support.patients, None if hidden else support.deaths


def _estimate(language: Language, model: Model, prediction: Prediction) -> str:
    explanation, patient = prediction.explanation, prediction.patient
    at = next(horizon for horizon in prediction.survival if horizon.months == explanation.horizon_months)
    return language.sentences.say(
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


def _contributions(language: Language, model: Model, prediction: Prediction, points: list[int]) -> list[str]:
    explanation, patient = prediction.explanation, prediction.patient
    phrase = stratum_phrase(model, patient.stratum)
    if not model.features.used_in(patient.stratum):
        return [language.sentences.say("no_predictors", phrase=phrase)]
    if not explanation.contributions:
        return [language.sentences.say("nothing_known", phrase=phrase)]
    shown: list[tuple[Contribution, int]] = sorted(
        zip(explanation.contributions, points, strict=True), key=lambda pair: -abs(pair[0].points)
    )
    return [
        language.sentences.say(
            "contribution",
            predictor=phrase_of(language, model.features.named(contribution.feature), contribution.value),
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


def _unknown(language: Language, model: Model, prediction: Prediction, unknown: UnknownInput) -> UnknownTold:
    feature: Feature = model.features.named(unknown.feature)
    return UnknownTold(
        feature=feature.name,
        named=language.sentences.say("unknown_input", label=feature.label),
        handling=feature.unknown_handling,
        range=language.sentences.say(
            "unknown_range",
            origin=model.about.origin,
            horizon=prediction.explanation.horizon_months,
            lowest=unknown.lowest,
            highest=unknown.highest,
            with_lowest=phrase_of(language, feature, unknown.lowest_value),
            with_highest=phrase_of(language, feature, unknown.highest_value),
            alive=prediction.patient.alive_months,
        ),
        closed=any(level.later for level in feature.levels),
    )


def _warnings(language: Language, model: Model, prediction: Prediction, *, withdrawn: bool) -> tuple[WarningTold, ...]:
    say, phrase = language.sentences.say, stratum_phrase(model, prediction.patient.stratum)
    told = [WarningTold("withdrawn", None, say("withdrawn"))] if withdrawn else []
    told += [
        WarningTold(notice.code, notice.feature, _warning(language, model, notice)) for notice in prediction.warnings
    ]
    support = prediction.support
    if support.source != "published" and support.patients < FEW_BELOW:
        told.append(WarningTold("few_patients", None, say("few_patients", phrase=phrase)))
    elif prediction.like is not None and (prediction.like.patients or 0) < FEW_BELOW:
        told.append(WarningTold("few_like", None, say("few_like", phrase=phrase)))
    wide = says_nothing(prediction)
    if wide:
        told.append(WarningTold("wide_interval", None, say("wide_interval", horizons=wide)))
    return tuple(told)


def says_nothing(prediction: Prediction) -> list[int]:
    """The headline times about which next to nothing is known: from the first whose interval is too wide, or missing.

    Later ones may have a narrower interval, because a curve cannot fall below nobody; more is not known of them.
    """
    times = prediction.survival
    first = next(
        (i for i, at in enumerate(times) if at.lower is None or (at.upper or 0.0) - at.lower > SAYS_NOTHING), len(times)
    )
    return [at.months for at in times[first:]]


def _warning(language: Language, model: Model, notice: InputWarning) -> str:
    feature, say = model.features.named(notice.feature), language.sentences.say
    if notice.expected is None or isinstance(notice.given, str):
        given = value_text(language, feature, notice.given)
        return say(notice.code, label=feature.label, given=given, time_zero=model.about.time_zero)
    return say(
        notice.code,
        label=feature.label,
        given=value_text(language, feature, notice.given),
        low=language.number(notice.expected.low),
        high=value_text(language, feature, notice.expected.high),
    )


def _like(language: Language, model: Model, prediction: Prediction) -> str | None:
    if prediction.like is None:
        return None
    return language.sentences.say(
        "like",
        patients=prediction.like.patients,
        deaths=prediction.like.deaths,
        phrase=stratum_phrase(model, prediction.patient.stratum),
    )


def _left_out(language: Language, model: Model, prediction: Prediction) -> str | None:
    alive = prediction.patient.alive_months
    past = [horizon for horizon in model.horizons if horizon <= alive]
    if not past:
        return None
    return language.sentences.say("left_out", horizons=past, alive=alive, origin=model.about.origin)
