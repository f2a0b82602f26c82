"""The page that a patient reads: few figures, plain words, and only after a clinician has seen the result."""

from __future__ import annotations

from dataclasses import dataclass

from model.prediction import Horizon
from model.rounding import percent_of_the_rest, whole
from model.spans import Limits
from server.pages.icons import circles, squares
from server.pages.result import Input, Result, inputs_of
from server.served import Served
from server.wording.telling import says_nothing, shown_support


@dataclass(frozen=True, slots=True)
class Picture:
    """100 people, and the same in words for who cannot see them."""

    described: str
    squares: str
    circles: str


@dataclass(frozen=True, slots=True)
class PlainTime:
    """How many of 100 are alive at one time; no figure and no picture where next to nothing is known."""

    time: str
    words: str
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class ForPatient:
    """What the page says of one patient."""

    inputs: tuple[Input, ...]
    times: tuple[PlainTime, ...]
    spans: tuple[str, ...]
    """How long people live."""
    known: bool
    """Whether there is any figure; where next to nothing is known at every time, none is promised."""
    made_from: str
    support: str
    cautions: tuple[str, ...]
    """Why the figures are less sure than others."""
    receipt_id: str
    receipt_time: str


def for_patient(served: Served, result: Result) -> ForPatient | None:
    """A result in plain words; None where the model has none."""
    plain = served.model.about.for_patients
    if plain is None:
        return None
    say, prediction, told = served.language.sentences.say, result.prediction, result.told
    group = say("plain_group", origin=plain.origin, alive=prediction.patient.alive_months)
    unsure = says_nothing(prediction)
    cautions = [
        *(say("plain_warning", code=warning.code) for warning in told.warnings),
        *(say("plain_unknown") for _ in told.unknown),
        *(say("plain_selected") for _ in told.cautions),
    ]
    patients, _ = shown_support(prediction.support)
    return ForPatient(
        inputs=inputs_of(served, result.prediction.patient, {}),
        times=tuple(
            _time(served, plain.origin, group, at, prediction.patient.alive_months, known=at.months not in unsure)
            for at in prediction.survival
        ),
        spans=_spans(served, result, plain.origin, group),
        known=len(unsure) < len(prediction.survival),
        made_from=plain.made_from,
        support=say("plain_support", patients=patients),
        cautions=tuple(dict.fromkeys(cautions)),
        receipt_id=result.receipt.id,
        receipt_time=result.time,
    )


def _time(served: Served, origin: str, group: str, at: Horizon, alive: int, *, known: bool) -> PlainTime:
    say, not_alive = served.language.sentences.say, percent_of_the_rest(at.estimate)
    words = say(
        "plain_horizon",
        group=group,
        horizon=at.months,
        survival=at.estimate,
        lower=at.lower if known else None,
        upper=at.upper if known else None,
        not_alive=not_alive,
        origin=origin,
        later=at.months - alive if alive else 0,
    )
    described = say("plain_dots", horizon=at.months, survival=at.estimate, not_alive=not_alive, origin=origin)
    picture = Picture(described, squares(whole(at.estimate)), circles(whole(at.estimate))) if known else None
    return PlainTime(served.language.duration(at.months), words, picture)


def _spans(served: Served, result: Result, origin: str, group: str) -> tuple[str, ...]:
    say, spans, limits = served.language.sentences.say, result.prediction.spans, result.prediction.spans.limits
    last = served.model.strata[result.prediction.patient.stratum].last_month

    def told(sentence: str, months: float | None, own: Limits, **more: str) -> str:
        lower, upper = (_whole(limit) for limit in own)
        reach = say("plain_range", lower=lower, upper=upper, last=last)
        return say(sentence, number=_whole(months), range=reach, last=last, origin=origin, **more)

    return (
        told("plain_shortest", spans.worst_tenth_months, limits.worst_tenth_months, group=group),
        told("plain_middle", spans.median_months, limits.median_months),
        told("plain_longest", spans.best_tenth_months, limits.best_tenth_months),
    )


def _whole(months: float | None) -> int | None:
    return None if months is None else int(months + 0.5)
