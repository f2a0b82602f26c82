"""How many of a registry's patients were like the one that is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model.fitted import Likeness, Stratum
from model.patient import Patient


@dataclass(frozen=True, slots=True)
class Like:
    """Patients like one, and how many of them died; None is fewer than 10, which is not shown."""

    patients: int | None
    deaths: int | None


def like(stratum: Stratum, patient: Patient) -> Like | None:
    """The stratum's patients with the same levels, and numbers in the same group.

    None where the model keeps no such counts, or something about the patient is not known.
    """
    if stratum.likeness is None or patient.unknown:
        return None
    answers = group_of(stratum.likeness.edges, patient.values)
    for group in stratum.likeness.groups:
        if group.answers == answers:
            return Like(group.patients, group.deaths)
    return Like(None, None)


def group_of(edges: Mapping[str, tuple[float, ...]], values: Mapping[str, float | str]) -> dict[str, str | int]:
    """A patient's answers with each number replaced by the position of its group."""
    return {
        name: int(np.searchsorted(edges[name], float(value), side="right")) if name in edges else str(value)
        for name, value in values.items()
    }


def likeness_document(likeness: Likeness | None) -> dict[str, object] | None:
    """What ``model.json`` holds of it."""
    if likeness is None:
        return None
    return {
        "edges": {name: list(edges) for name, edges in likeness.edges.items()},
        "groups": [
            {"answers": dict(group.answers), "patients": group.patients, "deaths": group.deaths}
            for group in likeness.groups
        ],
    }
