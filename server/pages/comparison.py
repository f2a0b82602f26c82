"""A different patient beside this one (never this one, treated differently)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model.fitted import Model
from model.patient import InvalidPatient, Patient, Problem
from model.prediction import Horizon, Prediction, predict
from model.rounding import percent, percent_of_the_rest
from server.entering.entry import Entry, patient_of
from server.entering.sent import Sent
from server.served import Served
from server.wording.naming import phrase_of
from server.wording.refusing import Reader, problem_sentences
from server.wording.telling import UnknownTold, tell


@dataclass(frozen=True, slots=True)
class Alive:
    """How many of 100 are alive at one time, as it is shown."""

    alive: str
    lower: str | None
    upper: str | None


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One time, for both."""

    time: str
    alive: str
    lower: str | None
    upper: str | None
    other: Alive


@dataclass(frozen=True, slots=True)
class Compared:
    """Both predictions, side by side."""

    heading: str
    group: str
    rows: tuple[ComparedRow, ...]
    reading: str
    unknown: tuple[UnknownTold, ...]
    """What is not known of the different patient alone."""
    warnings: tuple[str, ...]
    cautions: tuple[str, ...]
    """What forbids to read the difference as an effect, in the same view as the difference."""


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Why there is no different patient to show: the whole of it, and what is wrong with each answer."""

    reason: str
    problems: Mapping[str, str]


def compare(served: Served, prediction: Prediction, entry: Entry, form: Sent, reader: Reader) -> Compared | NotCompared:
    """The prediction for a patient who differs in the answers that a form gives, beside that of this one."""
    model, say = served.model, served.language.sentences.say
    try:
        different = _different(model, prediction.patient.stratum, entry, form, reader)
    except InvalidPatient as invalid:
        told = problem_sentences(invalid.problems, model.features, model.about.time_zero, reader)
        return NotCompared(say("not_compared"), told)
    changed = _changed(prediction.patient, different)
    if not changed:
        return NotCompared(say("same_patient"), {})
    return _compared(served, prediction, predict(model, different), changed)


def _different(model: Model, stratum: str, entry: Entry, form: Sent, reader: Reader) -> Patient:
    """The different patient, of the same stratum: two strata answer different questions. Raises InvalidPatient."""
    asked = [feature.name for feature in model.features.used_in(stratum)]
    problems = {
        **{name: Problem("unknown_field", allowed={"fields": asked}) for name in form.other if name not in asked},
        **{name: Problem("given_twice", allowed={"values": values}) for name, values in form.other_twice.items()},
    }
    answers = {name: value for name, value in form.other.items() if name in asked}
    return patient_of(model.features, Entry({**entry.values, **answers}, entry.alive_months, problems), reader)


def _changed(patient: Patient, different: Patient) -> list[str]:
    before, after = patient.answers(), different.answers()
    return [name for name in after if before.get(name) != after[name]]


def _compared(served: Served, prediction: Prediction, other: Prediction, changed: list[str]) -> Compared:
    language, model, patient = served.language, served.model, prediction.patient
    say, answers = language.sentences.say, other.patient.answers()
    phrases = [
        phrase_of(language, feature, answers[feature.name])
        if feature.name not in other.patient.unknown
        else say("unknown_phrase", label=feature.label)
        for feature in (model.features.named(name) for name in changed)
    ]
    at = next(i for i, h in enumerate(prediction.survival) if h.months == prediction.explanation.horizon_months)
    ours, theirs = prediction.survival[at], other.survival[at]
    told, told_other = tell(language, model, prediction), tell(language, model, other)
    group = say("headline", origin=model.about.origin, alive=patient.alive_months)
    return Compared(
        heading=say("compared_with", phrase=say("both_phrases", phrases=phrases)),
        group=group,
        rows=tuple(
            _row(language.duration(ours.months), ours, theirs)
            for ours, theirs in zip(prediction.survival, other.survival, strict=True)
        ),
        reading=say(
            "compared_reading",
            horizon=ours.months,
            survival=ours.estimate,
            lower=ours.lower,
            upper=ours.upper,
            not_alive=percent_of_the_rest(ours.estimate),
            other_survival=theirs.estimate,
            other_lower=theirs.lower,
            other_upper=theirs.upper,
            other_not_alive=percent_of_the_rest(theirs.estimate),
            origin=model.about.origin,
            alive=patient.alive_months,
        ),
        unknown=tuple(unknown for unknown in told_other.unknown if unknown.feature in changed),
        warnings=tuple(warning.text for warning in told_other.warnings if warning not in told.warnings),
        cautions=tuple(
            dict.fromkeys(
                caution.text for caution in (*told.cautions, *told_other.cautions) if caution.feature in changed
            )
        ),
    )


def _row(time: str, ours: Horizon, theirs: Horizon) -> ComparedRow:
    own, other = _alive(ours), _alive(theirs)
    return ComparedRow(time, own.alive, own.lower, own.upper, other)


def _alive(at: Horizon) -> Alive:
    return Alive(
        percent(at.estimate),
        None if at.lower is None else percent(at.lower),
        None if at.upper is None else percent(at.upper),
    )
