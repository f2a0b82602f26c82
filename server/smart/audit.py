"""Who opened or wrote to whose record, where the hospital wants it kept: AuditEvents, one a line, and no value of any.

It is the one thing that this program stores about a patient, and it is off unless a file is named for it. Each access
is two events with one identifier: that it is about to be made, and how it ended. So none is missing where the second
cannot be written down any more, and one without a second is known to be of an unknown end.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from starlette.concurrency import run_in_threadpool

from server.smart.sessions import Session

SEARCH, CREATE = "search", "create"
ACTIONS = {SEARCH: "E", CREATE: "C"}
DCM = "http://dicom.nema.org/resources/ontology/DCM"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
BEGUN = "Begun; how it ended is in the event with the same identifier, and unknown where there is none."
UNANSWERED = "The EHR did not answer, so it is not known whether it was done."


@dataclass(frozen=True, slots=True)
class Access:
    """One access to a record that is about to be made."""

    id: str
    what: str
    session: Session


class Audit:
    """A file that is only added to, and that only the program's own user reads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def begin(self, what: str, session: Session, kinds: Sequence[str]) -> Access:
        """Note what is about to be done. Raises OSError: what cannot be written down is not to be done."""
        access = Access(str(uuid4()), what, session)
        await self._note(audit_event(access, kinds, None, BEGUN))
        return access

    async def end(self, access: Access, kinds: Sequence[str], *, succeeded: bool, why: str | None = None) -> None:
        """Note how it ended. Raises OSError."""
        await self._note(audit_event(access, kinds, "0" if succeeded else "8", why))

    async def _note(self, event: dict[str, object]) -> None:
        await run_in_threadpool(add_line, self._path, json.dumps(event))


def add_line(path: Path, text: str) -> None:
    """Add one line to a file, whole or not at all, to stay there when the power fails. Raises OSError.

    Where half a line is left all the same, be it that the power failed or that the file may not be made shorter, the
    next one does not continue it.
    """
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # others that add to it would be cut off with what is taken back
        size = os.fstat(file).st_size
        begins = b"" if size == 0 or os.pread(file, 1, size - 1) == b"\n" else b"\n"
        line = begins + text.encode() + b"\n"
        try:
            _write(file, line)
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


def _write(file: int, line: bytes) -> None:
    if os.write(file, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def audit_event(access: Access, kinds: Sequence[str], outcome: str | None, why: str | None) -> dict[str, object]:
    """One access to a record as a FHIR R4 AuditEvent: who, whose, when, what kinds of things, and how it ended.

    Without an outcome it has not ended yet.
    """
    session = access.session
    return {
        "resourceType": "AuditEvent",
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "action": ACTIONS[access.what],
        "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
        **({} if outcome is None else {"outcome": outcome}),
        **({} if why is None else {"outcomeDesc": why}),
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
            {
                "what": {"identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{access.id}"}},
                "description": ", ".join(kinds),
            },
        ],
    }
