"""Dates in place of months: what a form may give instead of a number, and how it is turned into one.

Months between two dates are their days over 30.4375, to one decimal place; months that somebody has lived are whole
ones, those that are complete. Both are shown as computed, so that nobody has to trust them.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from model.features import ALIVE_MONTHS, Feature, Features
from model.patient import Problem
from server.wording.refusing import BEGIN

END = "end"
DAYS_IN_A_MONTH = 30.4375


@dataclass(frozen=True, slots=True)
class Dated:
    """Months that were computed from two dates."""

    months: float
    begin: date
    end: date


def latest_day() -> date:
    """Today where it is latest: a date is only to come when it is to come everywhere."""
    return (datetime.now(UTC) + timedelta(hours=14)).date()


def date_field(name: str, which: str) -> str:
    """What a form calls a date of a question; a dot, which no question has in its name."""
    return f"{name}.{which}"


def dated_features(features: Features) -> tuple[Feature, ...]:
    """The questions about months that end at time zero."""
    return tuple(feature for feature in features.predictors if feature.since is not None)


def read_dates(
    features: Features, given: Mapping[str, str], today: date
) -> tuple[Mapping[str, Dated], Mapping[str, Problem]]:
    """The months by question that the date fields of a form give, and what is wrong with them.

    The months before time zero end on the day on which those after it begin: given once, that day counts for both.
    """
    names = (*(feature.name for feature in dated_features(features)), ALIVE_MONTHS)
    typed = {name: {which: given.get(date_field(name, which), "").strip() for which in (BEGIN, END)} for name in names}
    sides = {name: (END, BEGIN) if name == ALIVE_MONTHS else (BEGIN, END) for name in names}
    zero = next((typed[name][at_zero] for name, (_, at_zero) in sides.items() if typed[name][at_zero]), "")
    for name, (far, at_zero) in sides.items():
        if typed[name][far]:
            typed[name][at_zero] = typed[name][at_zero] or zero
    read: dict[str, Dated] = {}
    problems: dict[str, Problem] = {}
    for name, dates in typed.items():
        if not any(dates.values()):
            continue
        problem = _problem(dates, today, number=given.get(name, "").strip())
        if problem is None:
            read[name] = _dated(name, date.fromisoformat(dates[BEGIN]), date.fromisoformat(dates[END]))
        else:
            problems[name] = problem
    zeros = {dated.begin if name == ALIVE_MONTHS else dated.end for name, dated in read.items()}
    if len(zeros) > 1:
        problems[ALIVE_MONTHS] = Problem("dates_differ")
    elif zeros and ALIVE_MONTHS not in (*read, *problems):
        since = _time_since(features, int(complete_months(zeros.pop(), today)), given.get(ALIVE_MONTHS, "").strip())
        problems |= {} if since is None else {ALIVE_MONTHS: since}
    return read, problems


def _time_since(features: Features, passed: int, lived: str) -> Problem | None:
    """What is wrong with what is said, as a number or not at all, of the months that have passed by the dates."""
    last = max(features.support_months.values())
    if not lived:
        # Dates show how long ago it was; to say nothing of the time since then would predict for a day long past.
        too_long = Problem("too_long_ago", allowed={"months": passed, "last": last})
        return (
            too_long if passed >= last else Problem("time_has_passed", allowed={"months": passed}) if passed else None
        )
    if re.fullmatch(r"\d{1,4}", lived, re.ASCII) and int(lived) > passed:
        return Problem("more_than_has_passed", lived, {"months": passed})
    return None


def _problem(typed: Mapping[str, str], today: date, number: str) -> Problem | None:
    """What is wrong with two dates, the one that comes first."""
    missing = [which for which, text in typed.items() if not text]
    wrong = [text for text in typed.values() if _day(text) is None]
    to_come = [text for text in typed.values() if (day := _day(text)) is not None and day > today]
    if number:
        return Problem("months_and_dates")
    if missing:
        return Problem("one_date", allowed={"which": missing[0]})
    if wrong:
        return Problem("not_a_date", wrong[0])
    if to_come:
        return Problem("date_to_come", to_come[0])
    if typed[END] < typed[BEGIN]:
        return Problem("dates_reversed", allowed={"begin": typed[BEGIN], "end": typed[END]})
    return None


def _day(text: str) -> date | None:
    """A day as date fields write it; no other form, so that days and months are never taken for each other."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else None
    except ValueError:
        return None


def _dated(name: str, begin: date, end: date) -> Dated:
    months = complete_months if name == ALIVE_MONTHS else _months
    return Dated(months(begin, end), begin, end)


def _months(begin: date, end: date) -> float:
    return round((end - begin).days / DAYS_IN_A_MONTH, 1)


def complete_months(begin: date, end: date) -> float:
    """The months from one day to another that are over."""
    months = 12 * (end.year - begin.year) + end.month - begin.month
    return float(months - (end.day < begin.day))


def date_fields(features: Features) -> Iterator[str]:
    """The names of all date fields of a form."""
    for name in (*(feature.name for feature in dated_features(features)), ALIVE_MONTHS):
        yield from (date_field(name, which) for which in (BEGIN, END))


def day_after(day: date, months: int) -> date:
    """The same day so many months later; the last of a month that has no such day, as FHIR counts."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))
