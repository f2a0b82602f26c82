"""What a form of a launch sends along: what was read of the record, sealed with the key of its launch.

The server keeps nothing that a record says, so the page keeps it; and because nobody else has the key, a form of
another launch, of another patient or of another site's making is not taken for one of this launch.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from server.entering.bodies import CannotAnswer
from server.fhir.found import Banner, Findings, Found, Unread
from server.fhir.unanswered import Unanswered
from server.pages.recorded import Recorded
from server.smart.scopes import writable
from server.smart.sessions import Session
from server.wording.refusing import Unreadable

ALGORITHM = "HS256"


def sealed(session: Session, findings: Findings, banner: Banner | None, unread: tuple[Unread, ...], read: str) -> str:
    """What was read for a launch, as text that only this launch takes back."""
    content = {
        "launch": session.id,
        "read": read,
        "found": [asdict(one) for one in findings.found],
        "banner": None if banner is None else asdict(banner),
        "unread": [[one.kind, one.failure.sentence, one.failure.status] for one in unread],
    }
    key = OctKey.import_key(session.key)
    return jws.serialize_compact({"alg": ALGORITHM}, json.dumps(content), key, algorithms=[ALGORITHM])


def unsealed(session: Session, text: str) -> Recorded:
    """What a form of this launch knows of the record. Raises CannotAnswer (400) for a form of anything else."""
    try:
        key = OctKey.import_key(session.key)
        content = json.loads(jws.deserialize_compact(text, key, algorithms=[ALGORITHM]).payload)
    except (JoseError, ValueError):
        raise CannotAnswer(400, Unreadable("not_of_this_launch")) from None
    if content["launch"] != session.id:
        raise CannotAnswer(400, Unreadable("not_of_this_launch"))
    return recorded_for(
        session,
        text,
        _findings(content),
        None if content["banner"] is None else Banner(**content["banner"]),
        tuple(Unread(kind, Unanswered(sentence, status)) for kind, sentence, status in content["unread"]),
        content["read"],
    )


def recorded_for(
    session: Session, seal: str, findings: Findings, banner: Banner | None, unread: tuple[Unread, ...], read: str
) -> Recorded:
    """A launch as its pages show it; where whose record this is has become doubtful, nothing is written to it."""
    doubtful = any(one.failure.sentence == "ehr_other_patient" for one in unread)
    return Recorded(
        launch=session.id,
        sealed=seal,
        ehr=session.ehr.name,
        banner=banner,
        needs_banner=session.granted.need_patient_banner or banner is not None,
        read=read,
        findings=findings,
        unread=unread,
        writes=() if doubtful else writable(session.granted.scope, session.ehr.write),
    )


def filled_before(text: str) -> Findings:
    """What a form of a launch that has ended says that the record had filled in.

    Nobody can tell any more whether that is so; it serves to take out of the form what nobody has confirmed.
    """
    try:
        findings = _findings(json.loads(jws.extract_compact(text.encode()).payload))
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        return Findings()
    texts = [text for one in findings.found for text in (one.field, "" if one.value is None else one.value, one.day)]
    return findings if all(isinstance(text, str) for text in texts) else Findings()


def _findings(content: dict[str, Any]) -> Findings:
    return Findings(tuple(Found(**one) for one in content["found"]))
