"""The form of a specification: which keys a TOML file may have, and of which kind their values are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]
Months = Annotated[int, Field(ge=1, le=1200)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Bounds(_Form):
    """An interval of numbers."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False


class LevelForm(_Form):
    """One answer; ``codes`` is how the registry writes it, by default its own code."""

    code: Text
    label: Text
    phrase: Text
    caution: Text | None = None
    later: bool = False
    codes: list[str] | None = Field(default=None, min_length=1)


class FeatureForm(_Form):
    """A question, where the registry holds its answer, and how the model uses it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    label: Text
    question: Text
    definition: Text
    where: Text
    timing: Text
    reference: float | str | None = None
    levels: list[LevelForm] = []
    unit: Text | None = None
    unit_of_one: Text | None = None
    hard: Bounds | None = None
    soft: dict[str, Bounds] = {}
    phrase: Text | None = None
    phrase_of_one: Text | None = None
    unknown: Text | None = None
    unknown_handling: Text | None = None
    since: Text | None = None
    strata: list[str] | None = Field(default=None, min_length=1)
    evidence: dict[str, str] = {}
    column: Text | None = None
    scale: Annotated[float, Field(gt=0)] = 1.0
    transformation: Literal["identity", "log", "rcs"] | None = None
    knots: list[float] | None = None
    segments_months: list[Months] = []


class PopulationForm(_Form):
    """Who the patients are, where nothing divides them into strata."""

    label: Text
    phrase: Text


class NotAskedForm(_Form):
    """Something that a reader would expect among the questions, and why it is not there."""

    label: Text
    reason: Text


class ForPatientsForm(_Form):
    """The words of the page that a patient reads; without them there is no such page."""

    origin: Text
    made_from: Text


class CodeForm(_Form):
    """One concept of a code system."""

    system: Text
    code: Text
    display: Text | None = None


class SaysForm(_Form):
    """One answer, and what in a FHIR record says it: any of the codes, or an event."""

    feature: Text
    level: Text
    codes: list[CodeForm] = []
    event: Literal["primary_operation", "recurrence", "recurrence_operation"] | None = None
    caution: Text | None = None


class RecordForm(_Form):
    """How a FHIR record says what is asked; without it a form that is opened from an EHR is not filled in."""

    disease: list[CodeForm] = Field(min_length=1)
    time_zero: Literal["primary_operation", "recurrence", "recurrence_operation"]
    begins: dict[str, Literal["primary_operation", "recurrence", "recurrence_operation"]] = {}
    says: list[SaysForm] = []
    cautions: dict[Literal["primary_operation", "recurrence", "recurrence_operation"], Text] = {}
    excluded: list[CodeForm] = []
    youngest_years: Annotated[int, Field(ge=0, le=120)] | None = None


class EligibleForm(_Form):
    """A condition that a patient must meet; ``reason`` is said of those who do not."""

    column: Text
    reason: Text
    at_least: float | None = None
    at_most: float | None = None
    one_of: list[str] | None = Field(default=None, min_length=1)


class RegistryForm(_Form):
    """Where the registry holds the outcome, and what becomes of rows that cannot be right."""

    zero_times: Literal["exclude", "half_a_day_later", "refuse"]
    impossible: Literal["exclude", "refuse"]
    patient: Text | None = None
    time: Text = "time_months"
    time_unit: Literal["days", "weeks", "months", "years"] = "months"
    death: Text = "death"
    dead: list[str] = Field(default=["1"], min_length=1)
    alive: list[str] = Field(default=["0"], min_length=1)
    entry: Text | None = None
    count: Text | None = None
    centre: Text | None = None
    subgroups: list[str] = []
    missing: list[str] = ["", "NA"]
    eligible: list[EligibleForm] = []


class FittingForm(_Form):
    """How a model is fitted to the registry."""

    coefficients: Literal["separate", "shared"] = "separate"
    imputations: Annotated[int, Field(ge=2, le=1000)] = 20
    ridge: Annotated[float, Field(ge=0)] | Literal["aic"] = 0.0
    selection_p: Annotated[float, Field(gt=0, lt=1)] | None = None
    bootstraps: Annotated[int, Field(ge=0, le=100_000)] = 500


class SpecificationForm(_Form):
    """Everything that a specification may say."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Text
    title: Text
    origin: Text
    outcome: Text
    time_zero: Text
    horizons_months: list[Months] = Field(min_length=1)
    headline_months: Months
    support_months: Annotated[int, Field(ge=2, le=1200)]
    data_period: Text
    made_from: Text
    reconstructed: bool = False
    validation_sentence: Text | None = None
    not_for: list[Text]
    cautions: list[Text] = []
    stratum_feature: FeatureForm | None = None
    population: PopulationForm | None = None
    features: list[FeatureForm] = []
    not_asked: dict[str, list[NotAskedForm]] = {}
    for_patients: ForPatientsForm | None = None
    record: RecordForm | None = None
    registry: RegistryForm
    fitting: FittingForm = FittingForm()
    card: dict[str, Any] = {}
