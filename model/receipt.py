"""What ties a result on paper to the model and the inputs that it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from model.features import ALIVE_MONTHS
from model.fitted import Model
from model.patient import Patient


@dataclass(frozen=True, slots=True)
class Issue:
    """When a receipt was issued, and under which random id."""

    id: str
    time: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Which model answered what, and when. ``id`` is random: nothing about the patient can be read from it."""

    id: str
    model_name: str
    model_version: str
    model_digest: str
    inputs: Mapping[str, float | str]
    time: str
    """UTC, ISO 8601, to the second."""


def issue_receipt(model: Model, patient: Patient, issue: Issue | None = None) -> Receipt:
    """A receipt for one prediction, made now; or as of ``issue``, for a prediction that is computed once more."""
    if issue is None:
        issue = Issue(str(uuid4()), datetime.now(UTC).isoformat(timespec="seconds"))
    return Receipt(
        id=issue.id,
        model_name=model.name,
        model_version=model.version,
        model_digest=model.digest,
        inputs={
            model.features.stratum.name: patient.stratum,
            **patient.answers(),
            ALIVE_MONTHS: patient.alive_months,
        },
        time=issue.time,
    )
