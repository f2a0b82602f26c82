"""What must be said of a model wherever it speaks: what it predicts, from when, whom it was made from and not for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Something that a reader would expect among the questions, and why it is not there."""

    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class ForPatients:
    """The model's own words on the page that a patient reads: short words, short sentences."""

    origin: str
    """From when time counts, as the end of a sentence: "after the cancer came back"."""
    made_from: str


@dataclass(frozen=True, slots=True)
class About:
    """The model's own words, for the sentences that every result needs."""

    title: str
    origin: str
    """From when time counts, as the end of a sentence: "after this recurrence was diagnosed"."""
    time_zero: str
    outcome: str
    reconstructed: bool
    """Whether it was fitted on cohorts reconstructed from published figures rather than on patients."""
    made_from: str
    data_period: str
    not_for: tuple[str, ...]
    cautions: tuple[str, ...]
    not_asked: Mapping[str, tuple[NotAsked, ...]]
    """By stratum."""
    for_patients: ForPatients | None = None
    """None where the model has no words for patients, and so no page for them."""
