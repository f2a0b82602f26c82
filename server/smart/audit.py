"""Who opened or wrote to whose record, where the hospital wants it kept: AuditEvents, one a line, and no value of any.

It is the one thing that this program stores about a patient, and it is off unless a file is named for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from server.smart.sessions import Session

SEARCH, CREATE = "search", "create"
ACTIONS = {SEARCH: "E", CREATE: "C"}
DCM = "http://dicom.nema.org/resources/ontology/DCM"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


class Audit:
    """A file that is only added to, and that only the program's own user reads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ready(self) -> None:
        """Make sure that an event can be added. Raises OSError: what could not be written down is not done."""
        await run_in_threadpool(self._add, "")

    async def note(self, what: str, session: Session, kinds: Sequence[str], *, succeeded: bool) -> None:
        """Add one event. Raises OSError."""
        line = json.dumps(audit_event(what, session, kinds, succeeded=succeeded)) + "\n"
        await run_in_threadpool(self._add, line)

    def _add(self, line: str) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.write(file, line.encode()) < len(line.encode()):
                message = "Only a part of an event could be written."
                raise OSError(message)
        finally:
            os.close(file)


def audit_event(what: str, session: Session, kinds: Sequence[str], *, succeeded: bool) -> dict[str, object]:
    """One access to a record as a FHIR R4 AuditEvent: who, whose, when, what kinds of things, and whether it worked."""
    return {
        "resourceType": "AuditEvent",
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "action": ACTIONS[what],
        "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
        "outcome": "0" if succeeded else "8",
        "agent": [
            {
                "type": {"coding": [{"system": DCM, "code": "110153"}]},
                "who": {"display": session.ehr.client_id},
                "requestor": False,
            },
            {
                "type": {"coding": [{"system": DCM, "code": "110152"}]},
                "who": {"display": session.ehr.issuer},
                "requestor": False,
            },
            {
                "type": {"coding": [{"system": PARTICIPATION, "code": "IRCP"}]},
                "who": {"display": session.granted.user or "unknown"},
                "requestor": True,
            },
        ],
        "source": {"observer": {"display": "rps-prognosis"}},
        "entity": [
            {
                "what": {"reference": f"Patient/{session.granted.patient}"},
                "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "1"},
                "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1"},
            },
            {"description": ", ".join(kinds)},
        ],
    }
