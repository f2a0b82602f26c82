"""What a request says about a patient, before anybody has checked it against a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.features import Features
from model.patient import InvalidPatient, Patient, Problem
from server.entering.dates import Dated
from server.wording.refusing import Reader


@dataclass(frozen=True, slots=True)
class Entry:
    """Raw answers by feature name, with what the format itself found wrong; None means not given."""

    values: Mapping[str, object]
    alive_months: object = None
    problems: Mapping[str, Problem] = field(default_factory=dict)
    dated: Mapping[str, Dated] = field(default_factory=dict)
    """Which of the answers were computed from dates."""


def patient_of(features: Features, entry: Entry, reader: Reader) -> Patient:
    """The patient that an entry describes.

    Raises InvalidPatient with all problems together, those of the format in place of the model's for the same field.
    """
    try:
        patient = Patient.parse(features, entry.values, alive_months=entry.alive_months, read_number=reader.read_number)
    except InvalidPatient as invalid:
        raise InvalidPatient({**invalid.problems, **entry.problems}) from None
    if entry.problems:
        raise InvalidPatient(entry.problems)
    return patient
