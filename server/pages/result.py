"""The result page as data: everything that it prints, rounded and worded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan

from model.features import ALIVE_MONTHS, Feature
from model.patient import Patient
from model.prediction import Horizon, Prediction
from model.receipt import Issue, Receipt, issue_receipt
from model.rounding import percent, percent_of_the_rest, whole
from model.spans import Limits
from server.pages.chart import Chart, chart_of, end_of
from server.pages.note import note_of
from server.served import Served
from server.wording.language import Language
from server.wording.naming import value_text
from server.wording.telling import Told, WarningTold, tell

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
    interval: str
    from_then: str | None
    """How long after the day on which the patient was last known to be alive; None where that is time zero."""
    words: str
    """The same as a sentence."""
    dots: str
    """What a picture of 100 people shows of it."""


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
    time: str
    """When it was computed, in words."""
    note: str
    """The same for a record: at most twelve lines of plain text."""
    prediction: Prediction


def result_of(
    served: Served,
    prediction: Prediction,
    computed: Mapping[str, str],
    issue: Issue | None = None,
    warnings: Sequence[WarningTold] = (),
) -> Result:
    """Round and word a prediction for the page.

    ``computed`` has the answers that were computed from dates, as they are to be shown; ``issue`` the receipt of a
    result that is computed once more; ``warnings`` are what days and the record say against it.
    """
    model, language, patient = served.model, served.language, prediction.patient
    receipt = issue_receipt(model, patient, issue)
    told = tell(language, model, prediction, withdrawn=served.withdrawn)
    told = replace(told, warnings=(*told.warnings, *warnings))
    last = model.strata[patient.stratum].last_month
    inputs = inputs_of(served, patient, computed)
    return Result(
        group=language.sentences.say("headline", origin=model.about.origin, alive=patient.alive_months),
        inputs=inputs,
        headlines=tuple(_headline(served, horizon, patient.alive_months) for horizon in prediction.survival),
        beyond=tuple(language.duration(months) for months in model.horizons if months > last),
        told=told,
        way=_way(served, prediction, told),
        ratios=_ratios(served, prediction),
        chart=chart_of(served, prediction),
        spans=spans_told(served, prediction),
        rows=_rows(served, prediction),
        stratum=patient.stratum,
        receipt=receipt,
        time=language.moment(receipt.time),
        note=note_of(served, prediction, told, [(given.label, given.value) for given in inputs], receipt),
        prediction=prediction,
    )


def inputs_of(served: Served, patient: Patient, computed: Mapping[str, str]) -> tuple[Input, ...]:
    """Every answer with its unit, unknown ones included."""
    features, language = served.model.features, served.language
    answers = {features.stratum.name: patient.stratum, **patient.answers()}
    shown = [
        Input(feature.label, computed.get(feature.name) or value_text(language, feature, answers[feature.name]))
        for feature in features.asked
        if feature.name in answers
    ]
    if patient.alive_months or ALIVE_MONTHS in computed:
        lived = language.sentences.say("alive_value", number=patient.alive_months, origin=served.model.about.origin)
        shown.append(Input(language.sentences.say("alive_short"), computed.get(ALIVE_MONTHS) or lived))
    return tuple(shown)


def _headline(served: Served, horizon: Horizon, alive: int) -> Headline:
    nothing, say = horizon.lower is None or horizon.upper is None, served.language.sentences.say
    not_alive, origin = percent_of_the_rest(horizon.estimate), served.model.about.origin
    return Headline(
        time=served.language.duration(horizon.months),
        alive=percent(horizon.estimate),
        not_alive=not_alive,
        lower=None if horizon.lower is None else percent(horizon.lower),
        upper=None if horizon.upper is None else percent(horizon.upper),
        share=whole(horizon.estimate),
        lower_at=0 if nothing else whole(horizon.lower or 0),
        upper_at=0 if nothing else whole(horizon.upper or 0),
        interval=say("interval", lower=horizon.lower, upper=horizon.upper),
        from_then=say("from_then", months=horizon.months - alive) if alive else None,
        words=say(
            "at_horizon",
            origin=origin,
            horizon=horizon.months,
            survival=horizon.estimate,
            lower=horizon.lower,
            upper=horizon.upper,
            not_alive=not_alive,
            alive=alive,
        ),
        dots=say("dots", horizon=horizon.months, survival=horizon.estimate, not_alive=not_alive, origin=origin),
    )


def _way(served: Served, prediction: Prediction, told: Told) -> Way:
    explanation, language = prediction.explanation, served.language
    at, steps = whole(explanation.reference_survival), []
    for contribution, points in zip(explanation.contributions, told.whole_points, strict=True):
        feature = served.model.features.named(contribution.feature)
        steps.append(
            Step(
                label=feature.label,
                value=value_text(language, feature, contribution.value),
                points=f"+{points}" if points > 0 else str(points).replace("-", "−"),
                bar_from=min(at, at + points),
                bar_width=abs(points),
            )
        )
        at += points
    return Way(
        time=language.duration(explanation.horizon_months),
        start=percent(explanation.reference_survival),
        start_width=whole(explanation.reference_survival),
        steps=tuple(steps),
        end=percent(explanation.survival),
        end_width=whole(explanation.survival),
    )


def _ratios(served: Served, prediction: Prediction) -> tuple[Ratio, ...]:
    found: list[Ratio] = []
    language = served.language
    for contribution in prediction.explanation.contributions:
        feature: Feature = served.model.features.named(contribution.feature)
        value, changes = value_text(language, feature, contribution.value), len(contribution.hazard_ratios) > 1
        found += [
            Ratio(
                label=feature.label,
                value=language.sentences.say("ratio_value", value=value, after=ratio.first_month, to=ratio.last_month)
                if changes
                else value,
                against=value_text(language, feature, ratio.reference),
                estimate=language.ratio(ratio.estimate),
                lower=language.ratio(ratio.lower),
                upper=language.ratio(ratio.upper),
            )
            for ratio in contribution.hazard_ratios
        ]
    return tuple(found)


def spans_told(served: Served, prediction: Prediction) -> tuple[str, ...]:
    """How long, as spans: the worst tenth, the middle half, the longest tenth, the median, each with its interval."""
    say, spans, limits = served.language.sentences.say, prediction.spans, prediction.spans.limits
    last, end = served.model.strata[prediction.patient.stratum].last_month, end_of(prediction)
    common = {"last": last, "origin": served.model.about.origin, "alive": prediction.patient.alive_months}

    def one(sentence: str, months: float | None, own: Limits, **more: object) -> str:
        interval = _span_interval(served.language, own, last)
        return say(sentence, number=_whole_months(months), interval=interval, **common, **more)

    return (
        one("worst_tenth", spans.worst_tenth_months, limits.worst_tenth_months),
        say(
            "middle_half",
            begin=_whole_months(spans.middle_half_months[0]),
            end=_whole_months(spans.middle_half_months[1]),
            begin_interval=_span_interval(served.language, limits.middle_half_months[0], last),
            end_interval=_span_interval(served.language, limits.middle_half_months[1], last),
            **common,
        ),
        one(
            "best_tenth",
            spans.best_tenth_months,
            limits.best_tenth_months,
            survival=end.estimate,
            survival_interval=say("interval", lower=end.lower, upper=end.upper),
        ),
        one("median", spans.median_months, limits.median_months),
    )


def _span_interval(language: Language, limits: Limits, last: int) -> str:
    lower, upper = (_whole_months(limit) for limit in limits)
    return language.sentences.say("span_interval", lower=lower, upper=upper, last=last)


def _whole_months(months: float | None) -> int | None:
    return None if months is None else int(months + 0.5)


def _rows(served: Served, prediction: Prediction) -> tuple[Row, ...]:
    curve, alive = prediction.curve, prediction.patient.alive_months
    last = served.model.strata[prediction.patient.stratum].last_month
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
