"""What the interface answers, declared: the framework checks and writes it, and ``openapi.json`` describes it."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

# Typed dicts rather than classes: the answer is a dict from the start, whose members the type checker follows, and is
# written without a copy of it as objects.


class Horizon(TypedDict):
    """Survival at one headline time: the fraction of people alive, and its 95 % limits."""

    months: int
    estimate: float
    lower: float | None
    upper: float | None


class Curve(TypedDict):
    """Survival at each month, with its 95 % limits."""

    months: list[int]
    estimate: list[float]
    lower: list[float | None]
    upper: list[float | None]


class Reference(TypedDict):
    """Survival of all patients of the stratum at the same months."""

    months: list[int]
    estimate: list[float]
    label: str


class Spans(TypedDict):
    """Months by which shares of 100 people have died; null where the supported follow-up does not reach."""

    median_months: float | None
    worst_tenth_months: float | None
    middle_half_months: list[float | None]
    best_tenth_months: float | None


class SpanLimits(TypedDict):
    """95 % limits of each span, the lower one first; null where the supported follow-up does not reach."""

    median_months: list[float | None]
    worst_tenth_months: list[float | None]
    middle_half_months: list[list[float | None]]
    best_tenth_months: list[float | None]


class SegmentRatio(TypedDict):
    """A hazard ratio that holds from after one month to another."""

    after_month: int
    to_month: int
    estimate: float
    lower: float
    upper: float


class Contribution(TypedDict):
    """One known predictor's part in the difference to the reference, in percentage points.

    The hazard ratio is against another value of the predictor and does not add up to the points. Where the model lets
    it change with time it is null, and ``hazard_ratios`` holds one for each segment of time; else that is empty.
    """

    feature: str
    value: float | str
    hazard_ratio: float | None
    hazard_ratio_lower: float | None
    hazard_ratio_upper: float | None
    hazard_ratio_against: float | str
    hazard_ratios: list[SegmentRatio]
    points: float


class Caution(TypedDict):
    """What must stand beside a predictor."""

    feature: str
    text: str


class Explanation(TypedDict):
    """The way from all patients of the stratum to this one, at one horizon, and in words."""

    horizon_months: int
    reference_survival: float
    survival: float
    contributions: list[Contribution]
    sentences: list[str]
    statement: str
    cautions: list[Caution]


class Unknown(TypedDict):
    """One unknown input, how it was handled, and the estimates over its possible values."""

    feature: str
    lowest: float
    highest: float
    lowest_value: float | str
    highest_value: float | str
    handling: str | None
    text: str


class Warned(TypedDict):
    """Something that the reader must know about these inputs."""

    code: str
    feature: str | None
    text: str


class LikePatients(TypedDict):
    """Those of them with the same answers; null where they are too few to show."""

    patients: int | None
    deaths: int | None
    text: str


class Support(TypedDict):
    """Whom the estimate rests on; null where it is not known or too few to show."""

    patients: int | None
    deaths: int | None
    source: str
    last_month: int
    text: str
    like: LikePatients | None


class Statements(TypedDict):
    """What must be shown wherever the numbers are."""

    status: str
    made_from: str
    data_period: str
    validation: str
    method: list[str]
    not_for: list[str]
    cautions: list[str]


class ModelIdentity(TypedDict):
    """Exactly which model."""

    name: str
    version: str
    digest: str


class Receipt(TypedDict):
    """What ties a result to its model and inputs; the id is random."""

    id: str
    model: ModelIdentity
    inputs: dict[str, int | float | str]
    time: str


class Answer(TypedDict):
    """One patient's prediction. Survival is the probability of being alive, as a fraction."""

    survival: list[Horizon]
    curve: Curve
    reference: Reference
    spans: Spans
    span_limits: SpanLimits
    explanation: Explanation
    unknown: list[Unknown]
    warnings: list[Warned]
    not_shown: str | None
    support: Support
    statements: Statements
    receipt: Receipt


class ModelDescription(TypedDict):
    """One model: what it asks, what its card says, and which others there are."""

    name: str
    version: str
    digest: str
    withdrawn: bool
    title: str
    horizons_months: list[int]
    features: list[dict[str, Any]]
    models: list[ModelIdentity]
    card: dict[str, Any]


class Readiness(TypedDict):
    """Which models are loaded and meet their golden pairs."""

    status: str
    models: list[ModelIdentity]


class Health(TypedDict):
    """That the process answers."""

    status: str


class ProblemDetails(TypedDict):
    """Why a request was refused (RFC 9457); ``problems`` names every field that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    problems: dict[str, str]


WRITTEN_ANSWER = TypeAdapter(Answer)
"""Writes an answer as JSON, the quickest way there is."""
