"""A form that was sent, answered: the result, or everything that is wrong with it. How it is printed comes after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from model.patient import InvalidPatient, Problem
from server.entering.bodies import CannotAnswer
from server.entering.documents import MODEL, entry_of_form
from server.entering.entry import Entry, patient_of
from server.entering.sent import RECEIPT_DIGEST, RECEIPT_ID, RECEIPT_TIME, Fields, sent
from server.pages.comparison import Compared, NotCompared, compare
from server.pages.questions import Refusal, entered_values, refusals_in_order
from server.pages.result import Result, result_of
from server.served import Served, default
from server.wording.refusing import Reader, Unreadable, at_form, echo, problem_sentences


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

    @property
    def carried(self) -> dict[str, str]:
        """The fields that ask for this very result again: what was entered, and its receipt."""
        receipt = self.result.receipt
        return {
            **{name: value for name, value in self.entered.items() if value},
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


def answer_form(models: Mapping[str, Served], fields: Fields, today: date) -> Answered | Refused:
    """The result of a form, or what is wrong with it. Raises CannotAnswer (409) where the model is another by now."""
    form = sent(fields)
    one, problem = _addressed(models, form.answers)
    reader = at_form(one.language)
    if problem is not None:
        return _refused(one, form.answers, {MODEL: problem}, reader)
    if form.digest not in (None, one.model.digest):
        raise CannotAnswer(409, Unreadable("another_model"))
    entry = entry_of_form(one.model.features, form.answers, today)
    try:
        patient = patient_of(one.model.features, entry, reader)
    except InvalidPatient as invalid:
        return _refused(one, form.answers, invalid.problems, reader)
    result = result_of(one, patient, _computed(one, entry), form.issue)
    return Answered(
        served=one,
        entered=entered_values(one.model.features, form.answers, {}),
        result=result,
        compared=compare(one, result.prediction, entry, form, reader) if form.compares else None,
        other=form.other,
        clinician=form.clinician,
    )


def _addressed(models: Mapping[str, Served], answers: Fields) -> tuple[Served, Problem | None]:
    """The model that a form is for, and what is wrong with how it names it."""
    names = list(dict.fromkeys(name for name in answers.get(MODEL, []) if name.strip()))
    if len(names) > 1:
        return default(models), Problem("given_twice", allowed={"values": [echo(name) for name in names]})
    if names and names[0] not in models:
        return default(models), Problem("no_such_model", names[0], {"models": list(models)})
    return (models[names[0]] if names else default(models)), None


def _refused(one: Served, answers: Fields, problems: Mapping[str, Problem], reader: Reader) -> Refused:
    features = one.model.features
    told = problem_sentences(problems, features, one.model.about.time_zero, reader)
    return Refused(one, entered_values(features, answers, problems), told, refusals_in_order(one.questions, told))


def _computed(one: Served, entry: Entry) -> Mapping[str, str]:
    """The answers that were computed from dates, with those dates."""
    language, units = one.language, {feature.name: feature.unit for feature in one.model.features.predictors}
    return {
        name: language.sentences.say(
            "computed_months",
            value=language.quantity(dated.months, units.get(name) or language.sentences.say("alive_unit")),
            begin=language.day(dated.begin),
            end=language.day(dated.end),
        )
        for name, dated in entry.dated.items()
    }
