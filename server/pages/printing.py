"""Pages printed once with holes, and then only filled: what no patient changes is not worked out for every patient.

A template is printed by Jinja when the server starts, with a mark wherever a value will stand. Filling it escapes every
value that is not a piece of a page already.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, Template
from markupsafe import Markup

_HOLE = re.compile("\x02([a-z_]+)\x03")


class Html(str):
    """Text that is a piece of a page; any other text is escaped before it becomes one."""

    __slots__ = ()

    def __html__(self) -> str:
        """What Jinja asks before it escapes."""
        return self


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a page with named holes."""

    text: str

    def fill(self, **values: object) -> Html:
        """The part with every hole filled. Raises KeyError when a value is missing."""
        return self._filled(values)

    def fill_from(self, facts: object) -> Html:
        """The same, from a dataclass whose fields have the names of the holes."""
        return self._filled(vars(facts))

    def _filled(self, values: Mapping[str, object]) -> Html:
        return Html(
            self.text % {name: value if value.__class__ in _SAFE else _escaped(value) for name, value in values.items()}
        )


def joined(pieces: Iterable[Html]) -> Html:
    """Pieces one after the other."""
    return Html("".join(pieces))


def preprinted(template: Template, holes: Iterable[str], **standing: object) -> Piece:
    """A whole template with its holes; everything else that it prints is given now."""
    return piece_of(template.render(**standing, **{name: hole(name) for name in holes}))


def preprinted_macros(environment: Environment, file: str, **standing: object) -> Mapping[str, Piece]:
    """Every macro of a template: arguments that are not given now are its holes."""
    macros: dict[str, Any] = {
        name: macro
        for name, macro in vars(environment.get_template(file).module).items()
        if hasattr(macro, "arguments")
    }
    return {
        name: piece_of(macro(**{argument: standing.get(argument, hole(argument)) for argument in macro.arguments}))
        for name, macro in macros.items()
    }


_SAFE = frozenset({Html, int})


def _escaped(value: object) -> str:
    text = str(value)
    return text if text.isalnum() else html.escape(text)


def hole(name: str) -> Markup:
    """The mark of a hole, to be printed where a value will stand."""
    return Markup(f"\x02{name}\x03")  # noqa: S704 - a mark of ours, replaced by what fill escapes


def piece_of(text: str) -> Piece:
    """A printed text with marks, as a piece with holes."""
    return Piece(_HOLE.sub(r"%(\1)s", text.replace("%", "%%")))
