"""The operation for programs: confirmed answers in, risks out, for one patient or for many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from model.patient import InvalidPatient, Patient, Problem
from model.prediction import predict
from model.receipt import issue_receipt
from server.entering.bodies import CannotAnswer
from server.entering.entry import patient_of
from server.fhir.checking import Resource, checked
from server.fhir.outcome import Issue, encoded, operation_outcome
from server.fhir.response import RESPONSE, Response, read_response
from server.fhir.risk_assessment import risk_assessment
from server.fhir.saying import Said
from server.pages.heeding import heeded
from server.pages.result import inputs_of
from server.served import Served, default
from server.wording.refusing import Reader, Unreadable, echo, of_json, problem_sentences
from server.wording.telling import tell

MOST_ENTRIES = 1000
BUNDLES = ("batch", "collection", "searchset")
"""The types of Bundles whose entries are answered one by one; a transaction would be all or none."""

KINDS = {
    **dict.fromkeys(("missing", "no_time_zero", "one_date", "no_subject", "time_has_passed"), "required"),
    **dict.fromkeys(("not_fhir", "unknown_members", "unknown_links"), "structure"),
    **dict.fromkeys(("no_such_form", "another_version"), "not-found"),
    **dict.fromkeys(("not_completed", "only_responses"), "business-rule"),
    **dict.fromkeys(("wrong_bundle", "too_many_items"), "not-supported"),
}
"""The kind of issue that stands for each problem; the others are wrong values."""


class NotAssessed(Exception):
    """Nothing is predicted; every reason is there."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__(len(issues))
        self.issues = tuple(issues)


def evaluate(served: Mapping[str, Served], document: Mapping[str, Any], today: date) -> bytes:
    """The RiskAssessment to a QuestionnaireResponse, or the Bundle to a Bundle of them, as it is sent.

    What is answered is taken out of a Bundle on the way. Raises NotAssessed, and CannotAnswer (413).
    """
    document = _unwrapped(served, document)
    if document.get("resourceType") == "Bundle":
        return _answered_bundle(served, document, today)
    if document.get("resourceType") != RESPONSE:
        raise NotAssessed([_not_confirmed(served, "Resource", document)])
    return encoded(assess(served, document, today))


def assess(served: Mapping[str, Served], document: Mapping[str, Any], today: date, place: str = RESPONSE) -> Resource:
    """The RiskAssessment to one response; ``place`` is where it stands. Raises NotAssessed."""
    one, problems = _addressed(served, document)
    response = read_response(one, document, today)
    features, reader = one.model.features, of_json(one.language)
    try:
        patient = _patient(one, response, problems, reader)
    except InvalidPatient as invalid:
        sentences = problem_sentences(invalid.problems, features, one.model.about.time_zero, reader)
        raise NotAssessed(list(_issues(invalid.problems, sentences, place))) from None
    if response.time_zero is None:
        message = "an answered response without the day of time zero"
        raise ValueError(message)
    prediction = predict(one.model, patient)
    told = tell(one.language, one.model, prediction, withdrawn=one.withdrawn)
    warnings = heeded(one, prediction, response.time_zero, None, today)
    say = one.language.sentences.say
    inputs = inputs_of(one, patient, {})
    return risk_assessment(
        Said(
            served=one,
            prediction=prediction,
            told=replace(told, warnings=(*told.warnings, *warnings)),
            receipt=issue_receipt(one.model, patient),
            subject=response.subject,
            time_zero=response.time_zero,
            basis=response.basis,
            by_hand=()
            if response.basis
            else tuple(say("note_pair", label=given.label, value=given.value) for given in inputs),
        )
    )


def _patient(one: Served, response: Response, problems: Mapping[str, Problem], reader: Reader) -> Patient:
    """The patient whom a response describes. Raises InvalidPatient."""
    if problems:
        # To a form that is not here, no answer can be read; what the response says of itself can.
        of_itself = {name: problem for name, problem in response.entry.problems.items() if _is_of_the_head(name)}
        raise InvalidPatient({**of_itself, **problems})
    return patient_of(one.model.features, response.entry, reader)


def _unwrapped(served: Mapping[str, Served], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is to be answered: the body itself, or the only one of its Parameters."""
    if document.get("resourceType") != "Parameters":
        return document
    match document.get("parameter"):
        case [{"name": "response", "resource": dict(resource), **more}] if not more:
            return resource
    raise NotAssessed([Issue("structure", _say(served, "wrong_parameters"), "Parameters.parameter")])


def _answered_bundle(served: Mapping[str, Served], bundle: Mapping[str, Any], today: date) -> bytes:
    """Every entry answered in its place: with a RiskAssessment, or with what is wrong with it.

    Each is checked and written at once: a thousand as objects would take several times the memory of their text.
    """
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise NotAssessed([Issue("structure", _say(served, "not_fhir", name="Bundle.entry"), "Bundle.entry")])
    if len(entries) > MOST_ENTRIES:
        raise CannotAnswer(413, Unreadable("too_many_entries", limit=MOST_ENTRIES))
    issues = list(_wrong_with(served, bundle, entries))
    if issues:
        raise NotAssessed(issues)
    written = []
    for position in range(len(entries)):
        response, entries[position] = entries[position]["resource"], None
        answer = _answered_entry(served, response, today, f"Bundle.entry[{position}].resource")
        written.append(encoded(answer))
    return b'{"resourceType": "Bundle", "type": "batch-response", "entry": [%b]}' % b", ".join(written)


def _wrong_with(served: Mapping[str, Served], bundle: Mapping[str, Any], entries: Sequence[object]) -> Iterator[Issue]:
    """Why nothing in a Bundle can be answered: its type, or what it holds besides responses."""
    kind = bundle.get("type")
    if kind not in BUNDLES:
        sentence = _say(served, "wrong_bundle", given=echo(kind), allowed=BUNDLES)
        yield Issue("not-supported", sentence, "Bundle.type")
    if not entries:
        yield Issue("required", _say(served, "empty_bundle"), "Bundle.entry")
    for position, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or resource.get("resourceType") != RESPONSE:
            yield _not_confirmed(served, f"Bundle.entry[{position}]", resource)


def _answered_entry(served: Mapping[str, Served], response: Mapping[str, Any], today: date, place: str) -> Resource:
    try:
        return {"resource": assess(served, response, today, place), "response": {"status": "200 OK"}}
    except NotAssessed as refused:
        outcome = operation_outcome(refused.issues)
        return {"response": {"status": "422 Unprocessable Entity", "outcome": checked(outcome)}}


def _addressed(served: Mapping[str, Served], document: Mapping[str, Any]) -> tuple[Served, Mapping[str, Problem]]:
    """The model whose form a response answers, the default one where it names none; and what is wrong with the name."""
    place, form = f"{RESPONSE}.questionnaire", document.get("questionnaire")
    if form is None:
        return default(served), {}
    address, _, version = form.partition("|") if isinstance(form, str) else ("", "", "")
    found = re.search(r"(?:^|/)Questionnaire/([^/]+)$", address)
    one = served.get(found[1]) if found else None
    if one is None:
        return default(served), {place: Problem("no_such_form", form, {"models": list(served)})}
    if version not in ("", one.model.version):
        return one, {place: Problem("another_version", version, {"version": one.model.version})}
    return one, {}


def _issues(problems: Mapping[str, Problem], sentences: Mapping[str, str], place: str) -> Iterator[Issue]:
    for name, sentence in sentences.items():
        inside = name if _is_place(name) else f"{RESPONSE}.item.where(linkId = '{name}')"
        kind = KINDS.get(problems[name].code, "value") if name in problems else "value"
        yield Issue(kind, sentence, place + inside.removeprefix(RESPONSE))


def _is_place(name: str) -> bool:
    """Whether a problem stands under where it lies; every other one stands under the name of its item."""
    return name.startswith(f"{RESPONSE}.")


def _is_of_the_head(name: str) -> bool:
    return _is_place(name) and not name.startswith(f"{RESPONSE}.item")


def _not_confirmed(served: Mapping[str, Served], name: str, resource: object) -> Issue:
    kind = echo(_kind_of(resource))
    return Issue("business-rule", _say(served, "only_responses", name=name, kind=kind), name)


def _kind_of(resource: object) -> str:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    return kind if isinstance(kind, str) else ""


def _say(served: Mapping[str, Served], sentence: str, **placeholders: object) -> str:
    return default(served).language.refusals.say(sentence, **placeholders)
