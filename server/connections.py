"""With which EHRs the program speaks, and what it is to each of them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from joserfc.jwk import ECKey, KeySet, RSAKey

Key = RSAKey | ECKey

WRITABLE = ("RiskAssessment", "Observation", "DocumentReference")
"""As what a result can be written to a record, in the order in which it is tried."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who may ask through CDS Hooks."""

    issuer: str
    keys: KeySet | None
    jku: str | None
    origins: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Ehr:
    """One EHR: its FHIR server, what the program is to it, and what may be written."""

    name: str
    issuer: str
    """The base address of its FHIR server, by which a launch names it."""
    client_id: str
    key: str = ""
    """What its redirect address ends in, where there are several: so that none can pass for another."""
    client_secret: str | None = field(repr=False, default=None)
    client_key: Key | None = field(repr=False, default=None)
    trust: ssl.SSLContext = field(repr=False, default_factory=ssl.create_default_context)
    """Whose certificates are believed; by default those that the machine believes."""
    write: tuple[str, ...] = ()
    hooks: Hooks | None = None


@dataclass(frozen=True, eq=False)
class Connections:
    """Every EHR by its issuer, and what holds for all of them."""

    address: str
    """Where browsers and EHRs reach this program, mount path included."""
    ehrs: Mapping[str, Ehr]
    session_minutes: int
    most_sessions: int
    audit_file: Path | None
    frame_ancestors: tuple[str, ...]

    def by_hooks_issuer(self, issuer: object) -> Ehr | None:
        """The EHR whose CDS Hooks tokens name this issuer."""
        found = (ehr for ehr in self.ehrs.values() if ehr.hooks is not None and ehr.hooks.issuer == issuer)
        return next(found, None)
