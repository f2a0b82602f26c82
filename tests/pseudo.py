"""A language of our own making, to find what was said outside the catalogue: longer, accented, and within marks.

Every letter that has a form with an accent in Latin-1 or Latin Extended-A takes it, so that a word which kept its plain
letters was never looked up; every message stands between marks, so that what stands outside of them was glued on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

from babel import Locale
from babel.messages.catalog import Catalog, Message

from model.artefact import Artefact
from server.wording.catalogue import source_catalogue
from server.wording.language import Language, language_of

OPEN, CLOSE = "«", "»"
LONGER = 0.4
"""By how much of its letters a message grows, as German does."""

PLAIN, ACCENTED = "acdeghijklnorstuwyz", "áčďéğĥíĵķłñóřšţúŵýž"
ACCENTS = str.maketrans(PLAIN + PLAIN.upper(), ACCENTED + ACCENTED.upper())
VOWELS = "aeiou"
PLACEHOLDER = re.compile(r"(%\(\w+\)s|%%|\{\w+\})")
WORD = re.compile(r"[^\W\d_]+")

READ = {"title", "aria-label", "alt", "placeholder"}
"""Attributes that a reader sees or hears; of those for scripts it is every one that holds more than one word."""
UNSEEN = {"script", "style"}


def pseudo_language(code: str, artefacts: Iterable[Artefact]) -> Language:
    """A language with the numbers and dates of a locale, and every word invented."""
    locale = Locale.parse(code)
    return language_of(locale, pseudo_catalogue(locale, source_catalogue(artefacts)))


def pseudo_catalogue(locale: Locale, source: Catalog) -> Catalog:
    """Every message of ``source``, with as many plural forms as the locale has."""
    catalogue = Catalog(locale=locale, fuzzy=False)
    for message in messages_of(source):
        said: str | tuple[str, ...]
        if isinstance(message.id, str):
            said = pseudo(message.id)
        else:
            said = (pseudo(message.id[0]), *[pseudo(message.id[1])] * (catalogue.num_plurals - 1))
        catalogue.add(message.id, said, context=message.context)
    return catalogue


def messages_of(catalogue: Catalog) -> Iterator[Message]:
    """The messages of a catalogue without its header."""
    yield from (message for message in catalogue if message.id)


def pseudo(text: str) -> str:
    """One text, longer, accented and marked; its placeholders are as they were.

    Its vowels are drawn out, each about as far as the others, because it is long words that break a page.
    """
    pieces = PLACEHOLDER.split(text)
    words = pieces[::2]
    wanted = round(LONGER * sum(map(len, words)) + 0.5)
    vowels = sum(letter.lower() in VOWELS for word in words for letter in word)
    seen, told = 0, ""
    for position, piece in enumerate(pieces):
        for letter in piece:
            told += letter.translate(ACCENTS) if position % 2 == 0 else letter
            if position % 2 == 0 and letter.lower() in VOWELS:
                added = wanted * (seen + 1) // vowels - wanted * seen // vowels
                told += letter.lower().translate(ACCENTS) * added
                seen += 1
    return f"{OPEN}{told}{'' if vowels else 'ó' * wanted}{CLOSE}"


def unmarked(text: str, allowed: Iterable[str] = ()) -> list[str]:
    """The words of a text that stand outside every mark. Fails where marks do not match."""
    depth, outside = 0, ""
    for letter in _without(text, allowed):
        depth += (letter == OPEN) - (letter == CLOSE)
        assert depth >= 0, text
        outside += letter if depth == 0 and letter != CLOSE else " "
    assert depth == 0, text
    return WORD.findall(outside)


def unaccented(text: str, allowed: Iterable[str] = ()) -> list[str]:
    """The words of a text that kept a plain letter, wherever they stand."""
    plain = set(PLAIN + PLAIN.upper())
    return [word for word in WORD.findall(_without(text, allowed)) if plain.intersection(word)]


def untold(text: str, allowed: Iterable[str] = ()) -> list[str]:
    """The words of a text that came from no catalogue."""
    allowed = tuple(allowed)
    return list(dict.fromkeys([*unmarked(text, allowed), *unaccented(text, allowed)]))


def _without(text: str, allowed: Iterable[str]) -> str:
    for name in sorted(allowed, key=len, reverse=True):
        text = text.replace(name, " ")
    return text


class Reading(HTMLParser):
    """Everything that somebody may see or hear of a page, piece by piece; what is marked as English is skipped."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.within: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the attributes that are read."""
        attributes = {name: value or "" for name, value in attrs}
        skipped = (bool(self.within) and self.within[-1][1]) or attributes.get("lang") == "en" or tag in UNSEEN
        if not skipped:
            self.pieces += [
                value
                for name, value in attributes.items()
                if name in READ or (name.startswith("data-") and len(value.split()) > 1)
            ]
        self.within.append((tag, skipped))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that holds nothing."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Go back to the element that this one is in; elements that HTML never closes are left on the way."""
        while self.within and self.within.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if data.strip() and not (self.within and self.within[-1][1]):
            self.pieces.append(data)


def read_pieces(html: str) -> list[str]:
    """Every text of a page, and every attribute that a reader is told."""
    reading = Reading()
    reading.feed(html)
    reading.close()
    return reading.pieces
