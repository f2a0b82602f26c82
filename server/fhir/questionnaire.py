"""The questions of a model as a FHIR Questionnaire: whoever fills it in is asked what the page asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model.features import ALIVE_MONTHS, Range
from server.fhir.checking import Resource, checked
from server.fhir.elements import is_id
from server.fhir.links import TIME_ZERO, UNKNOWN_SIDE, answers_address, form_address, side
from server.pages.questions import Question
from server.served import Served

EXTENSIONS = "http://hl7.org/fhir/StructureDefinition"
INSTRUCTIONS = {
    "url": f"{EXTENSIONS}/questionnaire-displayCategory",
    "valueCodeableConcept": {
        "coding": [{"system": "http://hl7.org/fhir/questionnaire-display-category", "code": "instructions"}]
    },
}


def questionnaire(served: Served, address: str) -> Resource:
    """The form of one model (FHIR R4); ``address`` is where the resources of this server are.

    Raises ValueError when it is none.
    """
    model, say = served.model, served.language.sentences.say
    statements = next(iter(served.statements.values()))
    described = [
        *([say("withdrawn")] if served.withdrawn else []),
        statements.status,
        statements.made_from,
        statements.validation,
        say("note_not_for", groups=statements.not_for),
        *statements.cautions,
    ]
    resource: Resource = {
        "resourceType": "Questionnaire",
        "language": served.language.code,
        "url": form_address(address, model.name),
        "version": model.version,
        "title": model.about.title,
        "status": "retired" if served.withdrawn else "active",
        "subjectType": ["Patient"],
        "description": "\n\n".join(described),
        "item": items_of(served, address),
    }
    if is_id(model.name):
        resource["id"] = model.name
    return checked(resource)


def items_of(served: Served, address: str) -> list[Resource]:
    """Every item: the questions of the page in their order, each with its sides, and the day from which time counts."""
    items = [item for question in served.questions for item in _items(served, address, question)]
    say, event = served.language.sentences.say, served.model.about.time_zero
    helped = _help(TIME_ZERO, "definition", say("time_zero_needed"))
    return [*items, {**_item(TIME_ZERO, "date", say("date_of", event=event)), "item": [helped]}]


def _items(served: Served, address: str, question: Question) -> Iterator[Resource]:
    """A question, the dates that may be given in place of a number, and that the number is not known."""
    when = _asked_when(served, address, question)
    alternatives = bool(question.dates or question.optional)
    if question.number_range is None:
        system = answers_address(address, served.model.name, question.name)
        options = [
            {"valueCoding": {"system": system, "code": choice.value, "display": choice.label}}
            for choice in question.choices
        ]
        yield _asked(served, question, "choice") | when | {"required": True, "answerOption": options}
        return
    kind = "integer" if question.name == ALIVE_MONTHS else "decimal"
    required = not (alternatives or question.choices)
    limits = {"extension": [*_unit(question), *_limits(_range(served, question.name), kind)]}
    yield _asked(served, question, kind) | when | {"required": required} | limits
    for choice in question.choices:
        yield _item(side(question.name, UNKNOWN_SIDE), "boolean", choice.label) | when
    for date in question.dates:
        yield _item(date.name, "date", date.label) | when


def _asked(served: Served, question: Question, kind: str) -> Resource:
    """A question with what a reader needs to answer it beside it."""
    say = served.language.sentences.say
    helps = {
        "definition": question.definition,
        "where": None if question.where is None else say("question_where", where=question.where),
        "timing": None if question.timing is None else say("question_timing", timing=question.timing),
        "range": question.number_range,
        "strata": question.asked_for,
    }
    told = [_help(question.name, which, text) for which, text in helps.items() if text]
    return _item(question.name, kind, question.question) | {"item": told}


def _item(link: str, kind: str, text: str) -> Resource:
    return {"linkId": link, "type": kind, "text": text}


def _help(name: str, which: str, text: str) -> Resource:
    return _item(side(name, which), "display", text) | {"extension": [INSTRUCTIONS]}


def _asked_when(served: Served, address: str, question: Question) -> Resource:
    """In which strata it is asked; nothing where in all of them, or where nobody is asked for the only one."""
    if question.asked_in is None or served.model.features.only_stratum is not None:
        return {}
    stratum = served.model.features.stratum
    system = answers_address(address, served.model.name, stratum.name)
    when = [
        {
            "question": stratum.name,
            "operator": "=",
            "answerCoding": {"system": system, "code": stratum.levels[position].code},
        }
        for position in question.asked_in
    ]
    return {"enableWhen": when, "enableBehavior": "any"}


def _unit(question: Question) -> Iterator[Resource]:
    if question.unit is not None:
        yield {"url": f"{EXTENSIONS}/questionnaire-unit", "valueCoding": {"display": question.unit}}


def _limits(allowed: Range, kind: str) -> Iterator[Resource]:
    """The limits that are allowed themselves, for that is all that these extensions can say; the help says the rest."""
    whole = kind == "integer"
    limits: dict[str, Any] = {}
    if whole or not allowed.low_open:
        limits["minValue"] = int(allowed.low) + allowed.low_open if whole else allowed.low
    if whole or not allowed.high_open:
        limits["maxValue"] = int(allowed.high) - allowed.high_open if whole else allowed.high
    for name, limit in limits.items():
        yield {"url": f"{EXTENSIONS}/{name}", f"value{kind.title()}": limit}


def _range(served: Served, name: str) -> Range:
    features = served.model.features
    allowed = features.alive_range() if name == ALIVE_MONTHS else features.named(name).hard
    if allowed is None:
        message = f"{name} has no range"
        raise ValueError(message)
    return allowed
