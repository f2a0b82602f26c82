"""Whole sentences from the templates, as plain text: every edge says the same thing in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import Macro

from model.rounding import percent

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"

SMALL_WORDS: dict[str, list[Any]] = {
    "people": ["<1", ">99", *map(str, range(101))],
    "are": ["<1", ">99", *map(str, range(101))],
    "duration": list(range(1, 1201)),
}
"""Macros that many sentences use, with all that they can be asked: said once, looked up afterwards."""


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one file; each is a macro with named placeholders."""

    macros: Mapping[str, Macro]
    small: Mapping[str, Mapping[Any, str]]
    """What is said so often that it is said in advance: by macro, and by what it is asked."""

    def say(self, sentence: str, **placeholders: object) -> str:
        """One sentence with its placeholders filled. Raises KeyError or TypeError when it is not written that way."""
        return str(self.macros[sentence](**placeholders))

    def say_from(self, sentence: str, placeholders: Mapping[str, object]) -> str:
        """The same, where more may be known than the sentence needs."""
        macro = self.macros[sentence]
        return str(macro(**{name: placeholders[name] for name in macro.arguments}))


@cache
def sentences() -> Words:
    """What is said about a prediction."""
    return _words("sentences.txt")


@cache
def refusals() -> Words:
    """What is said about values and requests that cannot be used."""
    return _words("problems.txt")


def duration(months: int) -> str:
    """A length of time in words."""
    return sentences().small["duration"][months]


def number_text(value: float) -> str:
    """A number as people write it: no ".0" behind a whole one, no exponent."""
    return str(int(value)) if float(value).is_integer() else format(Decimal(repr(float(value))), "f")


def _words(file: str) -> Words:
    # Plain text: nothing is escaped here. A page escapes what it prints, a JSON document encodes it.
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=False)  # noqa: S701
    small: dict[str, dict[Any, str]] = {name: {} for name in SMALL_WORDS}
    environment.filters |= {
        "percent": percent,
        "people": lambda share: small["people"][percent(share)],
        "are": lambda share: small["are"][percent(share)],
        "duration": lambda months: small["duration"][months],
    }
    module = environment.get_template(file).module
    macros = {name: macro for name, macro in vars(module).items() if isinstance(macro, Macro)}
    for name, values in SMALL_WORDS.items():
        if name in macros:
            small[name] |= {value: macros[name](value) for value in values}
    return Words(macros, small)
