"""Receipts: which model answered what, under an identifier that tells nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given

from model.fitted import Model
from model.patient import Patient
from model.receipt import issue_receipt
from tests.invented import small_model, valid_inputs


@given(valid_inputs())
def test_a_receipt_repeats_model_and_inputs(inputs: dict[str, Any]) -> None:
    """DESIGN §6: with them, the same prediction can be asked for again (mistake 11: never another patient's)."""
    model = small_model()
    patient = Patient.parse(model.features, inputs["features"], alive_months=inputs["alive_months"])
    receipt = issue_receipt(model, patient)
    assert receipt.inputs == {**inputs["features"], "alive_months": inputs["alive_months"]}
    again = dict(receipt.inputs)
    alive = again.pop("alive_months")
    assert Patient.parse(model.features, again, alive_months=alive) == patient


def test_a_receipt_names_the_model_by_name_version_and_digest(model: Model) -> None:
    """E38: what was released under this name, to the last byte."""
    receipt = issue_receipt(model, Patient.parse(model.features, {"pattern": "both"}))
    assert (receipt.model_name, receipt.model_version) == ("rps-recurrence", "1.0.0")
    assert receipt.model_digest == model.digest
    assert len(bytes.fromhex(receipt.model_digest)) == 32


def test_two_receipts_for_the_same_patient_have_nothing_in_common_but_what_they_say() -> None:
    """DESIGN §6: the identifier is a random UUID, never derived from inputs or the time."""
    model = small_model()
    patient = Patient.parse(model.features, {"pattern": "both"})
    identifiers = [UUID(issue_receipt(model, patient).id) for _ in range(200)]
    assert len(set(identifiers)) == 200
    assert {identifier.version for identifier in identifiers} == {4}
    assert len({identifier.hex[:8] for identifier in identifiers}) > 190


def test_the_time_is_now_in_utc_to_the_second() -> None:
    """ISO 8601 with its offset, so that no reader takes it for local time."""
    model = small_model()
    time = datetime.fromisoformat(issue_receipt(model, Patient.parse(model.features, {"pattern": "both"})).time)
    assert time.utcoffset() == timedelta(0)
    assert time.microsecond == 0
    assert timedelta(0) <= datetime.now(UTC) - time < timedelta(seconds=5)
