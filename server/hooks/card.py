"""The card: that there is a form, and which of its answers the record may hold. Never a value, never a figure."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import uuid4

from server.entering.confirming import question_of
from server.entering.documents import MODEL
from server.fhir.found import Findings
from server.served import Served

LONGEST_SUMMARY = 139
LAUNCH = "/launch"


def card_of(served: Served, findings: Findings, address: str, *, whole: bool) -> dict[str, Any]:
    """A card that leads to the form; ``whole`` says whether all of the record that counts could be read."""
    say, model = served.language.sentences.say, served.model
    return {
        "uuid": str(uuid4()),
        "summary": shortened(say("card_summary", title=model.about.title)),
        "detail": "\n\n".join(_paragraphs(served, findings, whole=whole)),
        "indicator": "info",
        "source": {
            "label": say("note_title", title=model.about.title, name=model.name, version=model.version),
            "url": f"{address}/model?{MODEL}={quote(model.name, safe='')}",
        },
        "links": [{"label": say("card_link"), "url": f"{address}{LAUNCH}", "type": "smart"}],
    }


def shortened(text: str) -> str:
    """A text that fits into a card's one line, cut between two words where it must be."""
    if len(text) <= LONGEST_SUMMARY:
        return text
    kept, _, _ = text[:LONGEST_SUMMARY].rpartition(" ")
    return f"{kept or text[: LONGEST_SUMMARY - 1]}…"


def _paragraphs(served: Served, findings: Findings, *, whole: bool) -> list[str]:
    say, model = served.language.sentences.say, served.model
    filled = {question_of(field) for field in findings.filled}
    conflicting = [one.label for one in model.features.all if findings.conflicts(one.name)]
    found = [one.label for one in model.features.all if one.name in filled and one.label not in conflicting]
    paragraphs = [
        say("card_estimates", origin=model.about.origin),
        model.about.made_from,
        say("card_found", labels=found) if found else say("card_nothing_found"),
    ]
    if conflicting:
        paragraphs.append(say("card_conflicts", labels=conflicting))
    if not whole:
        paragraphs.append(say("card_not_whole"))
    return [*paragraphs, say("note_not_for", groups=model.about.not_for), say("status")]
