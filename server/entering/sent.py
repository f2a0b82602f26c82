"""What a form sent, sorted: answers about the patient, answers about a different one, and the receipt given before.

A dot parts the kinds, which no question has in its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from model.receipt import Issue

OTHER = "other."
"""What stands before a question's name where it is asked of a different patient."""
RECEIPT_ID, RECEIPT_TIME, RECEIPT_DIGEST = "receipt.id", "receipt.time", "receipt.digest"
SAVE_AS, TIME_ZERO = "save.as", "save.time_zero"
"""As what a result is to be written to a record, and the day that its times count from where no answer says it."""
LAUNCH = "launch.form"
"""The field that ties a form to the launch that it was opened by."""
CONFIRMED = "confirmed."
"""What stands before a question's name where somebody has confirmed what the record says about it."""
CLINICIAN = "clinician"
"""The field that only the clinician's own result sends along: whoever has it has seen that result."""

Fields = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Sent:
    """The fields of one form."""

    answers: Fields
    other: Mapping[str, str]
    """What was answered about a different patient; nothing where that was not asked for."""
    other_twice: Mapping[str, list[str]]
    """The same questions where they were answered more than once, and differently."""
    compares: bool
    """Whether a different patient was asked for, whatever was answered."""
    issue: Issue | None
    """The receipt of a result that is asked for again, None for a new one."""
    digest: str | None
    """The model by which that result was computed."""
    clinician: bool
    confirmed: frozenset[str]
    """The questions about which the record was confirmed."""


def only(fields: Fields, name: str) -> str:
    """A field that is given once, empty otherwise."""
    given = fields.get(name, [])
    return given[0] if len(given) == 1 else ""


def sent(fields: Fields) -> Sent:
    """Sort the fields of a form."""
    own = {RECEIPT_ID, RECEIPT_TIME, RECEIPT_DIGEST, CLINICIAN, LAUNCH, TIME_ZERO, SAVE_AS}
    given = {name: list(dict.fromkeys(v.strip() for v in values if v.strip())) for name, values in fields.items()}
    last = {name: values[-1] for name, values in given.items() if values}
    other = {name.removeprefix(OTHER): values for name, values in given.items() if name.startswith(OTHER) and values}
    return Sent(
        answers={
            name: values
            for name, values in fields.items()
            if name not in own and not name.startswith((OTHER, CONFIRMED))
        },
        other={name: values[0] for name, values in other.items() if len(values) == 1},
        other_twice={name: values for name, values in other.items() if len(values) > 1},
        compares=any(name.startswith(OTHER) for name in fields),
        issue=_issue(last.get(RECEIPT_ID, ""), last.get(RECEIPT_TIME, "")),
        digest=last.get(RECEIPT_DIGEST) or None,
        clinician=CLINICIAN in last,
        confirmed=frozenset(name.removeprefix(CONFIRMED) for name in last if name.startswith(CONFIRMED)),
    )


def _issue(identifier: str, time: str) -> Issue | None:
    """The receipt that the page gave; anything else is none, and a new one is given."""
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", identifier):
        return None
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    universal = moment.utcoffset() == timedelta(0) and moment.isoformat(timespec="seconds") == time
    return Issue(identifier, time) if universal else None
