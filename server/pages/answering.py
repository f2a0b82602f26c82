"""A form that was sent, answered: the result, or everything that is wrong with it. How it is printed comes after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from model.patient import InvalidPatient, Problem
from model.prediction import predict
from server.entering.bodies import CannotAnswer
from server.entering.confirming import as_asked, unchanged, unconfirmed
from server.entering.documents import MODEL, entry_of_form
from server.entering.entry import patient_of
from server.entering.sent import CONFIRMED, LAUNCH, RECEIPT_DIGEST, RECEIPT_ID, RECEIPT_TIME, Fields, sent
from server.pages.comparison import Compared, NotCompared, compare
from server.pages.heeding import heeded, too_young
from server.pages.origin import Origin, origin_of, told_inputs
from server.pages.questions import Refusal, entered_values, refusals_in_order
from server.pages.recorded import Recorded
from server.pages.result import Result, result_of
from server.served import Served, default
from server.wording.refusing import Unreadable, at_form, echo, problem_sentences


@dataclass(frozen=True, slots=True)
class Answered:
    """A form with its result."""

    served: Served
    entered: Mapping[str, str]
    """What the form shows again."""
    result: Result
    compared: Compared | NotCompared | None
    other: Mapping[str, str]
    """What was answered about a different patient."""
    clinician: bool
    """Whether it was asked for from the clinician's own result."""
    origin: Origin
    time_zero: date | None
    """The day from which time counts, where it is known: an answer says it, or it was typed to be written."""
    recorded: Recorded | None = None
    """The record that the form was opened from."""

    @property
    def carried(self) -> dict[str, str]:
        """The fields that ask for this very result again: what was entered, and its receipt."""
        receipt = self.result.receipt
        launch = {} if self.recorded is None else {LAUNCH: self.recorded.sealed}
        return {
            **{name: value for name, value in self.entered.items() if value},
            **{f"{CONFIRMED}{name}": "yes" for name in sorted(self.origin.confirmed)},
            **launch,
            RECEIPT_ID: receipt.id,
            RECEIPT_TIME: receipt.time,
            RECEIPT_DIGEST: receipt.model_digest,
        }


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that cannot be answered, with every reason."""

    served: Served
    entered: Mapping[str, str]
    sentences: Mapping[str, str]
    refusals: tuple[Refusal, ...]
    confirmed: frozenset[str]
    recorded: Recorded | None


def answer_form(
    models: Mapping[str, Served],
    fields: Fields,
    today: date,
    recorded: Recorded | None = None,
    time_zero: date | None = None,
) -> Answered | Refused:
    """The result of a form, or what is wrong with it; ``recorded`` is the record that the form was opened from.

    ``time_zero`` is the day from which time counts, where it is known and no answer says it. Raises CannotAnswer (409)
    where the model is another by now.
    """
    form = sent(fields)
    one, problem = _addressed(models, form.answers)
    filled = {} if recorded is None else recorded.findings.filled
    answers = as_asked(one.model.features, form.answers, filled, form.confirmed)

    def refused(problems: Mapping[str, Problem]) -> Refused:
        return _refused(one, answers, problems, form.confirmed, recorded)

    reader = at_form(one.language)
    if problem is not None:
        return refused({MODEL: problem})
    if form.digest not in (None, one.model.digest):
        raise CannotAnswer(409, Unreadable("another_model"))
    entry = entry_of_form(one.model.features, answers, today)
    waiting = unconfirmed(answers, filled, form.confirmed)
    try:
        patient = patient_of(one.model.features, replace(entry, problems={**waiting, **entry.problems}), reader)
    except InvalidPatient as invalid:
        return refused(invalid.problems)
    origin = origin_of(one, patient, entry, confirmed=form.confirmed, taken=unchanged(answers, filled))
    zero = origin.time_zero or time_zero
    young = too_young(one, zero, recorded, today)
    if young is not None:
        return refused({MODEL: young})
    prediction = predict(one.model, patient)
    warnings = heeded(one, prediction, zero, recorded, today)
    inputs = told_inputs(one, patient, entry, origin, recorded)
    result = result_of(one, prediction, inputs, form.issue, warnings)
    return Answered(
        served=one,
        entered=entered_values(one.model.features, answers, {}),
        result=result,
        compared=compare(one, result.prediction, entry, form, reader) if form.compares else None,
        other=form.other,
        clinician=form.clinician,
        origin=origin,
        time_zero=zero,
        recorded=recorded,
    )


def _addressed(models: Mapping[str, Served], answers: Fields) -> tuple[Served, Problem | None]:
    """The model that a form is for, and what is wrong with how it names it."""
    names = list(dict.fromkeys(name for name in answers.get(MODEL, []) if name.strip()))
    if len(names) > 1:
        return default(models), Problem("given_twice", allowed={"values": [echo(name) for name in names]})
    if names and names[0] not in models:
        return default(models), Problem("no_such_model", names[0], {"models": list(models)})
    return (models[names[0]] if names else default(models)), None


def _refused(
    one: Served,
    answers: Fields,
    problems: Mapping[str, Problem],
    confirmed: frozenset[str],
    recorded: Recorded | None,
) -> Refused:
    features = one.model.features
    told = problem_sentences(problems, features, one.model.about.time_zero, at_form(one.language))
    return Refused(
        served=one,
        entered=entered_values(features, answers, problems),
        sentences=told,
        refusals=refusals_in_order(one.questions, told),
        confirmed=confirmed,
        recorded=recorded,
    )
