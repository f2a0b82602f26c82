"""When it was: what is dated later than today has not happened, and what is dated in no readable way may not have."""

from __future__ import annotations

from typing import Any

import pytest

from server.fhir.events import OCCURRED_FOLLOWING
from server.fhir.found import TO_COME
from tests.records import (
    BEGIN,
    END,
    HISTOLOGY_IS,
    LMS,
    LOCAL,
    TODAY,
    WHERE_IS,
    filled,
    findings,
    histology,
    link,
    operation,
    primary,
    recurrence,
    says,
    told,
)

AGAIN = operation("again", "2020-09-01", ["recurrence"])
SITED = [*link(OCCURRED_FOLLOWING, "primary"), says(WHERE_IS, LOCAL)]


@pytest.mark.parametrize("day", ["2026-06-02", "2026-07", "2027"])
def test_what_is_dated_later_than_today_has_not_happened(day: str) -> None:
    """Whatever its status says: it is told, fills nothing in, and speaks against what stands beside it."""
    first, again = operation(performedDateTime=day), {**AGAIN, "performedDateTime": day}
    assert told(BEGIN, primary(), first) == [("Procedure/operation", None, TO_COME)]
    assert filled(primary(), first) == filled(primary(), first, operation("other")) == {}
    assert told("resection", primary(), recurrence(), again) == [("Procedure/again", None, TO_COME)]
    assert "resection" not in filled(primary(), recurrence(), again)
    back = recurrence(onsetDateTime=day)
    assert told(END, primary(), back) == [("Condition/recurrence", None, TO_COME)]
    assert filled(primary(), operation(), back) == {BEGIN: "2018-03-01"}


@pytest.mark.parametrize("day", ["2026-06-01", "2026-06-01T23:59:59+02:00"])
def test_what_is_dated_today_has_happened(day: str) -> None:
    """An operation of this morning counts."""
    assert filled(primary(), operation(performedDateTime=day)) == {BEGIN: TODAY.isoformat()}


@pytest.mark.parametrize(
    ("changes", "resection"),
    [
        ({}, "yes"),
        ({"performedPeriod": {"end": "2020-09-02"}}, "yes"),
        ({"performedPeriod": {"end": "2027-01-01"}}, None),
        ({"performedString": "planned for 2027"}, None),
        ({"performedDateTime": "2027-02-30"}, None),
        ({"performedDateTime": "2027-01-01 08:00"}, None),
    ],
)
def test_an_operation_without_a_day_is_done_unless_its_time_may_be_to_come(
    changes: dict[str, Any], resection: str | None
) -> None:
    """That it was done is known without a day; not where a time is there that is later, or that cannot be read."""
    again = {**AGAIN, "performedDateTime": None, **changes}
    assert filled(primary(), recurrence(), again).get("resection") == resection


def test_a_finding_that_is_dated_later_than_today_fills_nothing_in() -> None:
    """Whatever it says, by a code or as a kind of tumour, it is told with its day and not filled in."""
    for later in ({"effectiveDateTime": "2027-01-01"}, {"effectiveDateTime": None, "issued": "2027-01-01T08:00:00Z"}):
        assert told("subtype", primary(), histology(**later)) == [("Observation/histology", None, TO_COME)]
    assert filled(primary(onsetDateTime="2027-01-01", extension=[says(HISTOLOGY_IS, LMS)])) == {}
    there = recurrence(onsetDateTime=None, onsetPeriod={"start": "2027-01-01"}, extension=SITED)
    assert [(one.day, one.remark) for one in findings(primary(), there).of("pattern")] == [("2027-01-01", TO_COME)]
    written = recurrence(onsetDateTime=None, recordedDate="2027-01-01", extension=SITED)
    assert filled(primary(), written, AGAIN) == {}
