"""What may be read and written: what is asked for, and what was granted, which need not be the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

from server.fhir.reading import KINDS

READ = ("patient/Patient.r", "patient/Condition.rs", "patient/Procedure.rs", "patient/Observation.rs")
"""The least that fills the form in: the patient for the banner, the rest for the answers."""

_SCOPE = re.compile(r"patient/(?P<kind>[A-Za-z]+|\*)\.(?P<actions>c?r?u?d?s?|read|write|\*)")
# A scope that a query narrows ("Condition.rs?category=…") is none here: what it hides could contradict what it shows.
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}


def asked_for(*, standalone: bool, write: Sequence[str]) -> str:
    """The scopes of an authorization request."""
    whose = ["launch/patient"] if standalone else ["launch"]
    return " ".join(["openid", "fhirUser", *whose, *READ, *(f"patient/{kind}.c" for kind in write)])


def readable(granted: str) -> tuple[str, ...]:
    """The types of resource that may be read, of those that the form asks for."""
    return tuple(kind for kind in KINDS if _allows(granted, kind, "r" if kind == "Patient" else "s"))


def writable(granted: str, write: Sequence[str]) -> tuple[str, ...]:
    """As what a result may be written, of what the hospital has switched on."""
    return tuple(kind for kind in write if _allows(granted, kind, "c"))


def _allows(granted: str, kind: str, action: str) -> bool:
    for scope in granted.split():
        found = _SCOPE.fullmatch(scope)
        if found is not None and found["kind"] in (kind, "*"):
            actions = _VERSION_1.get(found["actions"], found["actions"])
            if action in actions:
                return True
    return False
