"""A model's card as sections of text, facts, lists and tables, whatever the card holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.served import Served
from server.wording.language import Language

SHORT, LONG = 16, 90
"""Characters up to which texts stand in one line, and past which they take a table's columns too much room."""

ONLY_TEXT = ("text", "sentence")
"""Names of a sole member that add nothing to what it says."""


@dataclass(frozen=True, slots=True)
class Node:
    """One piece of a card. At most one of ``text``, ``facts``, ``items``, ``rows`` and ``records`` says something."""

    text: str | None = None
    facts: tuple[tuple[str, Node], ...] = ()
    items: tuple[Node, ...] = ()
    inline: bool = False
    """Whether the items are short enough to stand in one line."""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Node, ...], ...] = ()
    records: tuple[tuple[tuple[str, Node], ...], ...] = ()
    """Rows with longer texts, which a table would squeeze: each as its own facts."""


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of the page and what stands under it."""

    key: str
    node: Node = field(default_factory=Node)


@dataclass(frozen=True, slots=True)
class CardView:
    """The card as a page shows it: what is one text first, then what needs a section of its own; nothing left out."""

    facts: tuple[Section, ...]
    sections: tuple[Section, ...]


def card_view(served: Served) -> CardView:
    """Every member of the card, in the card's own order."""
    all_sections = [Section(key, node_of(value, served.language)) for key, value in served.card.items()]
    return CardView(
        facts=tuple(section for section in all_sections if section.node.text is not None),
        sections=tuple(section for section in all_sections if section.node.text is None),
    )


def node_of(value: object, language: Language) -> Node:
    """A value of a JSON document, as it can be printed."""
    if isinstance(value, Mapping):
        if len(value) == 1 and next(iter(value)) in ONLY_TEXT:
            return node_of(next(iter(value.values())), language)
        return Node(facts=tuple((str(key), node_of(member, language)) for key, member in value.items()))
    if isinstance(value, str) or not isinstance(value, Sequence):
        return Node(text=_text(value, language))
    if value and all(isinstance(item, Mapping) for item in value):
        return _rows(value, language)
    items = tuple(node_of(item, language) for item in value)
    return Node(items=items, inline=all(item.text is not None and len(item.text) <= SHORT for item in items))


def _rows(items: Sequence[Mapping[str, object]], language: Language) -> Node:
    records = tuple(tuple((str(key), node_of(value, language)) for key, value in item.items()) for item in items)
    if any(len(node.text or "") > LONG for record in records for _, node in record):
        return Node(records=records)
    columns = tuple(dict.fromkeys(key for record in records for key, _ in record))
    absent = Node(text="")
    return Node(
        columns=columns, rows=tuple(tuple(dict(record).get(key, absent) for key in columns) for record in records)
    )


def _text(value: object, language: Language) -> str:
    match value:
        case None:
            return language.sentences.say("not_available")
        case bool():
            return language.sentences.say("yes_or_no", value=value)
        case float():
            return f"{value:.4g}".replace(".", language.decimal)
        case _:
            return str(value)
