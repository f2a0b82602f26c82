"""How much work a record is: twice as large a record takes twice the work, and no more. Counted, not timed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from types import FrameType
from typing import Any

import pytest

from model.fitted import Model
from server.fhir.elements import LONGEST_ADDRESS
from server.fhir.events import RELATED
from server.fhir.finding import findings_of, has_come_back
from tests.invented import small_model
from tests.records import (
    BASE,
    LOCAL,
    SITE,
    TODAY,
    WHERE_IS,
    by_kind,
    concept,
    histology,
    link,
    metastasis,
    operation,
    primary,
    recurrence,
    reference,
    says,
)

Record = dict[str, list[Any]]


class Counted(dict[str, Any]):
    """A resource that is compared in Python, so that a comparison counts as a call."""

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        """As a dict is compared."""
        return dict.__eq__(self, other)


def calls(work: Callable[[Model, Record, str], object], record: Record) -> int:
    """How many functions are called, comparisons of resources and steps of generators among them."""
    model, count = small_model(), 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        work(model, record, BASE)
    finally:
        sys.setprofile(None)
    return count


def day(number: int) -> str:
    """One of many days."""
    return (date(1990, 1, 1) + timedelta(days=number)).isoformat()


def counted(*resources: dict[str, Any]) -> Record:
    """A record of these."""
    return {kind: [Counted(one) for one in those] for kind, those in by_kind(*resources).items()}


def recurrences(size: int) -> Record:
    """Each with an operation of its own."""
    found = [
        recurrence(f"r{n}", day(n), extension=[*link(RELATED, "first"), says(WHERE_IS, LOCAL)]) for n in range(size)
    ]
    return counted(primary("first"), *found, *(operation(f"o{n}", day(n), [f"r{n}"]) for n in range(size)))


def recurrences_without_a_site(size: int) -> Record:
    """All of them operated on at once, and the first tumour many times."""
    found = [recurrence(f"r{n}", day(n), ["first"]) for n in range(size)]
    return counted(primary("first"), *found, *(operation(f"o{n}", day(9000 + n), ["first"]) for n in range(size)))


def diagnoses(size: int) -> Record:
    """The first tumour, noted with every visit, with an operation and a histology each time."""
    names = [f"p{n}" for n in range(size)]
    return counted(
        *(primary(name) for name in names),
        *(operation(f"o{name}", reasons=[name]) for name in names),
        *(histology(f"h{name}", about=[name]) for name in names),
    )


def metastases(size: int) -> Record:
    """What followed the tumour, and each other."""
    found = [metastasis(f"m{n}", day(n), [f"m{n - 1}" if n else "first"]) for n in range(size)]
    return counted(primary("first", bodySite=[concept(SITE)]), *found)


RECORDS = [recurrences, recurrences_without_a_site, diagnoses, metastases]


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("work", [partial(findings_of, today=TODAY), has_come_back], ids=["findings", "came back"])
def test_a_record_twice_as_large_is_twice_the_work(
    record: Callable[[int], Record], work: Callable[[Model, Record, str], object]
) -> None:
    """An EHR may send as many resources as are read of a type, and others are answered by the same process."""
    assert calls(work, record(400)) < 2.1 * calls(work, record(200))


def test_a_reference_of_any_length_is_looked_at_once() -> None:
    """A text that is too long for an address leads nowhere, and is not searched for one."""
    far = "x/" * LONGEST_ADDRESS
    stray = operation(reasonReference=[{"reference": f"{far}Condition/primary"}, reference("Condition", "primary")])
    assert (
        findings_of(small_model(), by_kind(primary(), stray), BASE, TODAY).filled
        == findings_of(small_model(), by_kind(primary(), operation()), BASE, TODAY).filled
    )
