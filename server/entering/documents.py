"""What JSON texts and forms say about a patient: read strictly, judged by nobody yet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import NoReturn
from urllib.parse import parse_qsl

from model.features import ALIVE_MONTHS, Features
from model.patient import Problem
from server.entering.dates import date_fields, read_dates
from server.entering.entry import Entry
from server.wording.refusing import Unreadable, echo

MODEL = "model"
"""The member, field or query name by which one of several models is chosen."""

MOST_FIELDS = 1000


class UnreadableDocument(Unreadable):
    """A text is not what it claims to be."""


def json_object(text: str) -> dict[str, object]:
    """The object that a JSON text is: no member twice, no NaN, not nested too deeply.

    Raises UnreadableDocument.
    """
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_not_json_value)
    except json.JSONDecodeError as error:
        _refuse("not_json", line=error.lineno, column=error.colno)
    except RecursionError:
        _refuse("too_deep")
    except ValueError:
        _refuse("not_json_value")
    if not isinstance(document, dict):
        _refuse("not_json_object")
    return document


def form_fields(text: str) -> dict[str, list[str]]:
    """The fields of an urlencoded form, each with every value given. Raises UnreadableDocument."""
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        _refuse("not_a_form")
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def entry_of_json(document: Mapping[str, object]) -> Entry:
    """What a JSON document says about a patient; members that it should not have are problems."""
    members = ["features", ALIVE_MONTHS, MODEL]
    problems = {name: Problem("unknown_field", allowed={"fields": members}) for name in document if name not in members}
    values = document.get("features", {})
    if not isinstance(values, dict):
        problems["features"] = Problem("not_an_object")
        values = {}
    return Entry(values=values, alive_months=document.get(ALIVE_MONTHS), problems=problems)


def entry_of_form(features: Features, fields: Mapping[str, list[str]], today: date) -> Entry:
    """What a form says about a patient: an empty field is not given, a field with two values is a problem.

    Dates stand for the months between them.
    """
    problems: dict[str, Problem] = {}
    values: dict[str, object] = {feature.name: None for feature in features.all}
    single: dict[str, str] = {}
    for name, given in fields.items():
        different = list(dict.fromkeys(value for value in given if value.strip()))
        if len(different) == 1:
            single[name] = different[0]
        elif different:
            problems[name] = Problem("given_twice", allowed={"values": [echo(value) for value in different]})
            values[name] = None
    dated, wrong_dates = read_dates(features, single, today)
    dates = set(date_fields(features))
    values |= {name: value for name, value in single.items() if name not in dates and name != MODEL}
    values |= {name: one.months for name, one in dated.items()}
    problems |= {name: problem for name, problem in wrong_dates.items() if name not in problems}
    for name in (MODEL, *dates):
        values.pop(name, None)
    return Entry(values=values, alive_months=values.pop(ALIVE_MONTHS, None), problems=problems, dated=dated)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        _refuse("duplicate_member", name=next(name for name, count in counts.items() if count > 1))
    return members


def _not_json_value(_literal: str) -> NoReturn:
    _refuse("not_json_value")


def _refuse(sentence: str, **placeholders: object) -> NoReturn:
    raise UnreadableDocument(sentence, **placeholders)
