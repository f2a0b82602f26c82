"""Where each answer came from: the record, confirmed by somebody, or somebody alone; and from which day time counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from model.features import ALIVE_MONTHS
from model.patient import Patient
from server.entering.confirming import question_of
from server.entering.dates import END, date_field
from server.entering.entry import Entry
from server.pages.recorded import Recorded
from server.served import Served
from server.wording.naming import value_text
from server.wording.refusing import BEGIN


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the answers of one result came from."""

    confirmed: frozenset[str]
    """The questions whose answers the record gave and somebody has confirmed."""
    fields: frozenset[str]
    """The fields that the record gave, of those questions."""
    whole: frozenset[str]
    """Those of the questions of whose answer nobody has typed a part."""
    time_zero: date | None
    """The day from which time counts, where an answer says it."""


def origin_of(
    served: Served, patient: Patient, entry: Entry, *, confirmed: frozenset[str], taken: frozenset[str]
) -> Origin:
    """The origin of a patient's answers; ``taken`` are the fields that hold what the record gave."""
    used = {served.model.features.stratum.name, ALIVE_MONTHS, *patient.answers()}
    fields = frozenset(name for name in taken if question_of(name) in confirmed & used)
    zeros = [dated.begin if name == ALIVE_MONTHS else dated.end for name, dated in entry.dated.items()]
    questions = frozenset(question_of(name) for name in fields)
    whole = frozenset(name for name in questions if _parts(name, entry) <= fields)
    return Origin(questions, fields, whole, zeros[0] if zeros else None)


def _parts(question: str, entry: Entry) -> set[str]:
    """The fields that an answer was made of."""
    return {date_field(question, which) for which in (BEGIN, END)} if question in entry.dated else {question}


def sources(origin: Origin, recorded: Recorded | None) -> Mapping[str, tuple[str, ...]]:
    """By question, the resources that its answer was taken from: those that were listed to whoever confirmed it."""
    return {
        name: ()
        if recorded is None
        else tuple(
            dict.fromkeys(
                one.source
                for one in recorded.findings.listed(name)
                if one.field in origin.fields and one.value is not None
            )
        )
        for name in sorted(origin.confirmed)
    }


def told_inputs(
    served: Served, patient: Patient, entry: Entry, origin: Origin, recorded: Recorded | None
) -> Mapping[str, str]:
    """The answers that are told in other words than their value: computed from dates, or taken from the record."""
    language, features = served.language, served.model.features
    units = {feature.name: feature.unit for feature in features.predictors}
    told = {
        name: language.sentences.say(
            "computed_months",
            value=language.quantity(dated.months, units.get(name) or language.sentences.say("alive_unit")),
            begin=language.day(dated.begin),
            end=language.day(dated.end),
        )
        for name, dated in entry.dated.items()
    }
    answers = {features.stratum.name: patient.stratum, **patient.answers()}
    for name, of in sources(origin, recorded).items():
        value = told.get(name) or value_text(language, features.named(name), answers[name])
        told[name] = language.sentences.say("from_the_record", value=value, sources=of, whole=name in origin.whole)
    return told
