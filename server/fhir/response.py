"""What a FHIR QuestionnaireResponse says about a patient: read by the form that it answers, judged by nobody yet.

Problems with an answer stand under the name of its item; others under where they lie, as FHIRPath writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from model.features import ALIVE_MONTHS
from model.patient import Problem
from server.entering.dates import END, Dated, date_field, day_after, read_dates
from server.entering.entry import Entry
from server.fhir.elements import is_id
from server.fhir.links import TIME_ZERO, UNKNOWN_SIDE, answers_address, side
from server.fhir.questionnaire import items_of
from server.served import Served
from server.wording.refusing import BEGIN, echo

RESPONSE = "QuestionnaireResponse"
MEMBERS = (
    *("resourceType", "id", "meta", "language", "text", "contained", "extension", "identifier", "basedOn", "partOf"),
    *("questionnaire", "status", "subject", "encounter", "authored", "author", "source", "item"),
)
"""Those that can be read, or left unread without reading the others wrongly."""
ITEM_MEMBERS = ("id", "extension", "linkId", "definition", "text", "answer", "item")
ANSWER_MEMBERS = ("id", "extension", "item")
"""What may stand beside the value of an answer."""
VALUES = {
    "choice": ("valueCoding",),
    "decimal": ("valueDecimal",),
    "integer": ("valueInteger",),
    "boolean": ("valueBoolean",),
    "date": ("valueDate",),
}
"""By the type of an item, how it is answered."""
CONFIRMED = ("completed", "amended")
MOST_ITEMS = 1000
_PATIENTS = re.compile(r"(https?://[^\s?#]+/)?Patient", re.ASCII)


@dataclass(frozen=True, slots=True)
class Response:
    """One patient's answers, and what ties them to a record."""

    entry: Entry
    subject: str
    time_zero: date | None
    """None where no date that can be read gives it; that is a problem of the entry."""
    basis: tuple[str, ...]
    """The response itself, where it says what it is called."""


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    served: Served
    kinds: Mapping[str, str]
    """The types of the form's items by name."""
    values: dict[str, object] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)


def read_response(served: Served, document: Mapping[str, Any], today: date) -> Response:
    """Read a response to the form of this model; what is wrong with it is among the problems of the entry."""
    kinds = {item["linkId"]: item["type"] for item in _all_items(items_of(served, ""))}
    reading = _Reading(served, kinds)
    _read_head(reading, document)
    _read_items(reading, document)
    values, alive, dated, zero = _with_dates(reading, today)
    identifier = document.get("id")
    return Response(
        entry=Entry(values=values, alive_months=alive, problems=reading.problems, dated=dated),
        subject=_patient(document.get("subject")) or "",
        time_zero=zero,
        basis=(f"{RESPONSE}/{identifier}",) if is_id(identifier) else (),
    )


def _all_items(items: object) -> Iterator[Any]:
    """Every item of a form or a response, whatever it stands in, in their order; what is no list of items, as None."""
    waiting = _listed(items)[::-1]
    while waiting:
        item = waiting.pop()
        yield item
        if isinstance(item, dict):
            answers = item["answer"] if isinstance(item.get("answer"), list) else []
            for holder in [item, *reversed(answers)]:
                if isinstance(holder, dict) and "item" in holder:
                    waiting += _listed(holder["item"])[::-1]


def _listed(items: object) -> list[Any]:
    return items if isinstance(items, list) else [None]


def _read_head(reading: _Reading, document: Mapping[str, Any]) -> None:
    """What a response says of itself."""
    problems = reading.problems
    strangers = _strangers(document, MEMBERS)
    if strangers:
        problems[f"{RESPONSE}.children()"] = Problem(
            "unknown_members", allowed={"members": [echo(name) for name in strangers], "known": MEMBERS}
        )
    if document.get("status") not in CONFIRMED:
        problems[f"{RESPONSE}.status"] = Problem("not_completed", document.get("status"))
    subject = document.get("subject")
    if _patient(subject) is None:
        given = subject.get("reference") if isinstance(subject, dict) else subject
        problems[f"{RESPONSE}.subject"] = Problem("no_subject", given)


def _patient(subject: object) -> str | None:
    """The reference to a patient, where it is one."""
    reference = subject.get("reference") if isinstance(subject, dict) else None
    if not isinstance(reference, str):
        return None
    place, _, identifier = reference.rpartition("/")
    return reference if _PATIENTS.fullmatch(place) and is_id(identifier) else None


def _read_items(reading: _Reading, document: Mapping[str, Any]) -> None:
    """The answers to the questions of the form, each once; nothing else may be answered."""
    place, strangers, members = f"{RESPONSE}.item", dict[str, None](), dict[str, None]()
    answered: set[str] = set()
    for position, item in enumerate(_all_items(document.get("item", []))):
        if position >= MOST_ITEMS:
            reading.problems[place] = Problem("too_many_items", allowed={"most": MOST_ITEMS})
            break
        if not isinstance(item, dict) or not isinstance(item.get("linkId"), str):
            reading.problems[place] = Problem("not_fhir")
            continue
        members |= dict.fromkeys(_strangers(item, ITEM_MEMBERS))
        link = item["linkId"]
        kind = reading.kinds.get(link)
        if kind is None or (kind == "display" and "answer" in item):
            strangers[link] = None
        elif kind != "display" and "answer" in item:
            if link in answered:
                reading.problems[link] = Problem("answered_twice")
            else:
                answered.add(link)
                _read_answer(reading, link, kind, item["answer"])
    if strangers:
        fields = [link for link, kind in reading.kinds.items() if kind != "display"]
        links = [echo(link) for link in strangers]
        reading.problems[f"{place}.linkId"] = Problem("unknown_links", allowed={"links": links, "fields": fields})
    if members:
        names = [echo(name) for name in members]
        found = Problem("unknown_members", allowed={"members": names, "known": ITEM_MEMBERS})
        reading.problems[f"{place}.children()"] = found


def _read_answer(reading: _Reading, link: str, kind: str, answers: object) -> None:
    """One answer of the type that its question has."""
    if not isinstance(answers, list) or not answers or not all(isinstance(answer, dict) for answer in answers):
        reading.problems[link] = Problem("not_fhir")
    elif len(answers) > 1:
        reading.problems[link] = Problem("answered_twice")
    else:
        (answer,) = answers
        given = [name for name in answer if name.removeprefix("_") not in ANSWER_MEMBERS and not name.startswith("_")]
        if len(given) != 1 or given[0] not in VALUES[kind]:
            told = ", ".join(given) or None
            reading.problems[link] = Problem("wrong_answer_type", told, {"expected": VALUES[kind]})
        else:
            _read_value(reading, link, kind, answer[given[0]])


def _read_value(reading: _Reading, link: str, kind: str, value: object) -> None:
    """The value as the parser takes it, which judges numbers and codes; of a coding, its code."""
    if value is None or (kind == "choice" and not isinstance(value, dict)):
        reading.problems[link] = Problem("not_fhir")
    elif isinstance(value, dict) and kind == "choice":
        system, code = value.get("system"), value.get("code")
        expected = answers_address("", reading.served.model.name, link)
        if system is not None and not (isinstance(system, str) and system.endswith(expected)):
            reading.problems[link] = Problem("wrong_system", system, {"expected": f"…{expected}"})
        reading.values[link] = code if isinstance(code, str) else value
    elif kind == "boolean" and not isinstance(value, bool):
        reading.problems[link] = Problem("not_a_truth_value", value)
    elif kind == "date" and not isinstance(value, str):
        reading.problems[link] = Problem("not_a_date", value)
    else:
        reading.values[link] = value


def _strangers(document: Mapping[str, object], known: tuple[str, ...]) -> list[str]:
    """The members that cannot be read. What stands beside a primitive value begins with a line, and is left unread."""
    return [name for name in document if name.removeprefix("_") not in known]


def _with_dates(reading: _Reading, today: date) -> tuple[dict[str, object], object, Mapping[str, Dated], date | None]:
    """The answers with what was given as dates, the months alive, which were computed, and the day of time zero."""
    features, given, problems = reading.served.model.features, reading.values, reading.problems
    sides = {name: (END, BEGIN) if name == ALIVE_MONTHS else (BEGIN, END) for name in _questions(reading)}
    zero, wrong = _time_zero(given, today)
    texts = {name: value if isinstance(value, str) else echo(value) for name, value in given.items()}
    for name, (far, at_zero) in sides.items():
        if zero is not None and texts.get(date_field(name, far)):
            texts.setdefault(date_field(name, at_zero), zero.isoformat())
    dated, wrong_dates = read_dates(features, texts, today)
    problems |= {name: problem for name, problem in {**wrong, **wrong_dates}.items() if name not in problems}
    values: dict[str, object] = {feature.name: given.get(feature.name) for feature in features.all}
    values |= {name: one.months for name, one in dated.items() if name != ALIVE_MONTHS}
    for name in sides:
        if given.get(side(name, UNKNOWN_SIDE)) is True:
            _not_known(reading, name, values, dated)
    alive = dated[ALIVE_MONTHS].months if ALIVE_MONTHS in dated else given.get(ALIVE_MONTHS)
    zeros = {one.begin if name == ALIVE_MONTHS else one.end for name, one in dated.items()}
    attempted = any(date_field(name, at_zero) in {*texts, *problems} for name, (_, at_zero) in sides.items())
    if zero is not None and zeros - {zero}:
        problems[TIME_ZERO] = Problem("dates_differ")
    elif zero is None and not zeros and not attempted and TIME_ZERO not in problems:
        event = reading.served.model.about.time_zero
        problems[TIME_ZERO] = Problem("no_time_zero", allowed={"event": event})
    found = zero or next(iter(zeros), None)
    _check_alive(reading, found, alive, today)
    return values, alive, dated, found


def _questions(reading: _Reading) -> list[str]:
    """The questions that are answered by a number."""
    return [link for link, kind in reading.kinds.items() if kind in {"decimal", "integer"}]


def _time_zero(given: Mapping[str, object], today: date) -> tuple[date | None, Mapping[str, Problem]]:
    """The day from which time counts, where it is answered itself, or what is wrong with the answer."""
    text = given.get(TIME_ZERO)
    if not isinstance(text, str):
        return None, {}
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else None
    except ValueError:
        day = None
    if day is None:
        return None, {TIME_ZERO: Problem("not_a_date", text)}
    return (day, {}) if day <= today else (None, {TIME_ZERO: Problem("date_to_come", text)})


def _not_known(reading: _Reading, name: str, values: dict[str, object], dated: Mapping[str, Dated]) -> None:
    """A number that is said not to be known, unless it was given all the same."""
    number = reading.values.get(name)
    if number is None and name not in dated:
        values[name] = UNKNOWN_SIDE
    elif name not in reading.problems:
        given = [echo(number) if number is not None else echo(dated[name].months), UNKNOWN_SIDE]
        reading.problems[name] = Problem("given_twice", allowed={"values": given})


def _check_alive(reading: _Reading, zero: date | None, alive: object, today: date) -> None:
    """Time since time zero is asked for where some has passed, and none that is still to come can have been lived."""
    if zero is None or ALIVE_MONTHS in reading.problems:
        return
    passed = 12 * (today.year - zero.year) + today.month - zero.month
    passed -= day_after(zero, passed) > today
    if alive is None and passed:
        reading.problems[ALIVE_MONTHS] = Problem("time_has_passed", allowed={"months": passed})
    elif isinstance(alive, int | float) and not isinstance(alive, bool) and alive > passed:
        limits = reading.served.model.features.alive_range()
        if not limits.above(alive):
            reading.problems[ALIVE_MONTHS] = Problem("alive_to_come", alive, {"day": zero.isoformat()})
