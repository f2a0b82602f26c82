"""What a form of a launch sends along: what was read of the record, signed with the key of its launch.

The server keeps nothing that a record says, so the page keeps it, where it can be read and not be changed; and because
nobody else has the key, a form of another launch, of another patient or of another site's making is not taken for one
of this launch. It is an excerpt, so that no record is too large for its own form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from server.entering.bodies import CannotAnswer
from server.fhir.found import Banner, Findings, Found, Tally, Unread
from server.fhir.unanswered import Unanswered
from server.pages.recorded import Recorded
from server.smart.scopes import writable
from server.smart.sessions import Session
from server.wording.refusing import Unreadable

ALGORITHM = "HS256"
LONGEST_NAME = 200
"""How much of a patient's name is shown."""


def sealed(session: Session, findings: Findings, banner: Banner | None, unread: tuple[Unread, ...], read: str) -> str:
    """What was read for a launch, as text that only this launch takes back."""
    excerpt = findings.excerpt()
    content = {
        "launch": session.id,
        "read": read,
        "found": [asdict(one) for one in excerpt.found],
        "tallies": {name: astuple(tally) for name, tally in excerpt.tallies.items()},
        "excluded": [asdict(one) for one in excerpt.excluded],
        "banner": None if banner is None else [_cut(banner.name), banner.born, banner.died, banner.shown],
        "unread": [[one.kind, one.failure.sentence, one.failure.status] for one in unread],
    }
    return _signed(session, content)


def unsealed(session: Session, text: str) -> Recorded:
    """What a form of this launch knows of the record. Raises CannotAnswer (400) for a form of anything else."""
    content = _content(session, text)
    if "found" not in content:
        raise CannotAnswer(400, Unreadable("not_of_this_launch"))
    return recorded_for(
        session,
        text,
        Findings(
            _found(content),
            {name: Tally(*tally) for name, tally in content["tallies"].items()},
            tuple(Found(**one) for one in content["excluded"]),
        ),
        None if content["banner"] is None else Banner(*content["banner"]),
        tuple(Unread(kind, Unanswered(sentence, status)) for kind, sentence, status in content["unread"]),
        content["read"],
    )


def check_launch(session: Session, text: str) -> None:
    """Raise CannotAnswer (400) where a form that says nothing of a record is not of this launch."""
    _content(session, text)


def _signed(session: Session, content: Mapping[str, object]) -> str:
    # Written as they are, characters of most languages take half the room of their escapes.
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return jws.serialize_compact({"alg": ALGORITHM}, text, OctKey.import_key(session.key), algorithms=[ALGORITHM])


def _content(session: Session, text: str) -> dict[str, Any]:
    try:
        key = OctKey.import_key(session.key)
        content: dict[str, Any] = json.loads(jws.deserialize_compact(text, key, algorithms=[ALGORITHM]).payload)
    except (JoseError, ValueError):
        raise CannotAnswer(400, Unreadable("not_of_this_launch")) from None
    if content["launch"] != session.id:
        raise CannotAnswer(400, Unreadable("not_of_this_launch"))
    return content


def recorded_for(
    session: Session, seal: str, findings: Findings, banner: Banner | None, unread: tuple[Unread, ...], read: str
) -> Recorded:
    """A launch as its pages show it; where whose record this is has become doubtful, nothing is written to it."""
    doubtful = any(one.failure.sentence == "ehr_other_patient" for one in unread)
    return Recorded(
        launch=session.id,
        sealed=seal,
        closing=_signed(session, {"launch": session.id}),
        ehr=session.ehr.name,
        banner=banner,
        needs_banner=session.granted.need_patient_banner if banner is None else banner.shown,
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
        findings = Findings(_found(json.loads(jws.extract_compact(text.encode()).payload)))
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        return Findings()
    texts = [text for one in findings.found for text in (one.field, "" if one.value is None else one.value, one.day)]
    return findings if all(isinstance(text, str) for text in texts) else Findings()


def _found(content: dict[str, Any]) -> tuple[Found, ...]:
    return tuple(Found(**one) for one in content["found"])


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
