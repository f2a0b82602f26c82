"""The result page as data: everything that it prints, rounded and worded."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

from model.features import Feature
from model.fitted import Model
from model.patient import Patient
from model.prediction import Horizon, Prediction
from model.receipt import Receipt
from model.rounding import percent, percent_of_the_rest, whole
from model.spans import Spans
from server.pages.chart import Chart, chart_of
from server.wording.naming import value_text
from server.wording.telling import Told
from server.wording.words import duration, sentences

TABLE_STEP = 6
"""Months between the rows of the page's data table; the interface has every month."""


@dataclass(frozen=True)
class Input:
    """One answer, repeated."""

    label: str
    value: str


@dataclass(frozen=True)
class Headline:
    """How many of 100 are alive at one time. The limits are None where there are none yet."""

    time: str
    alive: str
    not_alive: str
    lower: str | None
    upper: str | None
    share: int
    lower_at: int
    upper_at: int


@dataclass(frozen=True)
class Step:
    """One line of the way from all patients to this one: whole points, and where its bar starts and how long it is."""

    label: str
    value: str
    points: str
    bar_from: int
    bar_width: int


@dataclass(frozen=True)
class Ratio:
    """One hazard ratio with its interval."""

    label: str
    value: str
    against: str
    estimate: str
    lower: str
    upper: str


@dataclass(frozen=True)
class Way:
    """The explanation in figures: from the reference over each predictor to the patient."""

    time: str
    start: str
    start_width: int
    steps: tuple[Step, ...]
    end: str
    end_width: int


@dataclass(frozen=True)
class Row:
    """One line of the data table."""

    month: int
    alive: str
    not_alive: str
    lower: str | None
    upper: str | None
    reference: str


@dataclass(frozen=True)
class Result:
    """One prediction as the page shows it."""

    group: str
    """Of whom the figures speak, as the beginning of a sentence."""
    inputs: tuple[Input, ...]
    headlines: tuple[Headline, ...]
    beyond: tuple[str, ...]
    """Headline times that the follow-up does not reach."""
    told: Told
    way: Way
    ratios: tuple[Ratio, ...]
    chart: Chart
    spans: tuple[str, ...]
    rows: tuple[Row, ...]
    stratum: str
    receipt: Receipt


def result_of(model: Model, prediction: Prediction, told: Told, receipt: Receipt) -> Result:
    """Round and word one prediction for the page."""
    patient = prediction.patient
    last = model.strata[patient.stratum].last_month
    return Result(
        group=sentences().say("headline", origin=model.about.origin, alive=patient.alive_months),
        inputs=inputs_of(model, patient),
        headlines=tuple(_headline(horizon) for horizon in prediction.survival),
        beyond=tuple(duration(months) for months in model.horizons if months > last),
        told=told,
        way=_way(model, prediction, told),
        ratios=_ratios(model, prediction),
        chart=chart_of(model, prediction),
        spans=_spans(model, prediction),
        rows=_rows(model, prediction),
        stratum=patient.stratum,
        receipt=receipt,
    )


def inputs_of(model: Model, patient: Patient) -> tuple[Input, ...]:
    """Every answer with its unit, unknown ones included."""
    answers = {model.features.stratum.name: patient.stratum, **patient.answers()}
    shown = [
        Input(feature.label, value_text(feature, answers[feature.name]))
        for feature in model.features.asked
        if feature.name in answers
    ]
    if patient.alive_months:
        months = sentences().say("months", number=patient.alive_months)
        shown.append(Input(sentences().say("alive_short"), months))
    return tuple(shown)


def _headline(horizon: Horizon) -> Headline:
    nothing = horizon.lower is None or horizon.upper is None
    return Headline(
        time=duration(horizon.months),
        alive=percent(horizon.estimate),
        not_alive=percent_of_the_rest(horizon.estimate),
        lower=None if horizon.lower is None else percent(horizon.lower),
        upper=None if horizon.upper is None else percent(horizon.upper),
        share=whole(horizon.estimate),
        lower_at=0 if nothing else whole(horizon.lower or 0),
        upper_at=0 if nothing else whole(horizon.upper or 0),
    )


def _way(model: Model, prediction: Prediction, told: Told) -> Way:
    explanation = prediction.explanation
    at, steps = whole(explanation.reference_survival), []
    for contribution, points in zip(explanation.contributions, told.whole_points, strict=True):
        feature = model.features.named(contribution.feature)
        steps.append(
            Step(
                label=feature.label,
                value=value_text(feature, contribution.value),
                points=f"+{points}" if points > 0 else str(points).replace("-", "−"),
                bar_from=min(at, at + points),
                bar_width=abs(points),
            )
        )
        at += points
    return Way(
        time=duration(explanation.horizon_months),
        start=percent(explanation.reference_survival),
        start_width=whole(explanation.reference_survival),
        steps=tuple(steps),
        end=percent(explanation.survival),
        end_width=whole(explanation.survival),
    )


def _ratios(model: Model, prediction: Prediction) -> tuple[Ratio, ...]:
    found: list[Ratio] = []
    say = sentences().say
    for contribution in prediction.explanation.contributions:
        feature: Feature = model.features.named(contribution.feature)
        value, changes = value_text(feature, contribution.value), len(contribution.hazard_ratios) > 1
        found += [
            Ratio(
                label=feature.label,
                value=say("ratio_value", value=value, after=ratio.first_month, to=ratio.last_month)
                if changes
                else value,
                against=value_text(feature, ratio.reference),
                estimate=f"{ratio.estimate:.2f}",
                lower=f"{ratio.lower:.2f}",
                upper=f"{ratio.upper:.2f}",
            )
            for ratio in contribution.hazard_ratios
        ]
    return tuple(found)


def _spans(model: Model, prediction: Prediction) -> tuple[str, ...]:
    spans: Spans = prediction.spans
    say, alive = sentences().say, prediction.patient.alive_months
    common = {
        "last": model.strata[prediction.patient.stratum].last_month,
        "origin": model.about.origin,
        "alive": alive,
    }
    begin, end = spans.middle_half_months
    return (
        say("worst_tenth", number=_whole_months(spans.worst_tenth_months), **common),
        say("middle_half", begin=_whole_months(begin), end=_whole_months(end), **common),
        say("best_tenth", number=_whole_months(spans.best_tenth_months), **common),
        say("median", number=_whole_months(spans.median_months), **common),
    )


def _whole_months(months: float | None) -> int | None:
    return None if months is None else int(months + 0.5)


def _rows(model: Model, prediction: Prediction) -> tuple[Row, ...]:
    curve, alive = prediction.curve, prediction.patient.alive_months
    last = model.strata[prediction.patient.stratum].last_month
    shown = {alive, last, *range(0, last + 1, TABLE_STEP), *(h.months for h in prediction.survival)}
    estimate, lower, upper = curve.estimate.tolist(), curve.lower.tolist(), curve.upper.tolist()
    everybody = prediction.reference.tolist()
    return tuple(
        Row(
            month=month,
            alive=percent(estimate[month - alive]),
            not_alive=percent_of_the_rest(estimate[month - alive]),
            lower=_limit(lower[month - alive]),
            upper=_limit(upper[month - alive]),
            reference=percent(everybody[month - alive]),
        )
        for month in sorted(shown)
        if month >= alive
    )


def _limit(share: float) -> str | None:
    return None if isnan(share) else percent(share)
