"""Whole sentences from the templates, as plain text: every edge says the same thing in the same words.

One macro is one sentence, whole in each of its variants, so that a translation can turn it round as it needs. A
translator sees what stands between "trans" and "endtrans"; a number of people or months is counted by "n".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import Macro

from model.rounding import percent

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"

SMALL_WORDS: dict[str, list[Any]] = {
    "people": ["<1", ">99", *map(str, range(101))],
    "duration": list(range(1, 1201)),
}
"""Macros that many sentences use, with all that they can be asked: said once, looked up afterwards."""


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one folder in one language; each is a macro with named placeholders."""

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


def translated_environment(translations: NullTranslations, *, autoescape: bool) -> Environment:
    """Where templates of one language are read; what is not written, or not filled, is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=autoescape,  # noqa: S701 - a page escapes what it prints; text is not escaped, and JSON encodes it
        auto_reload=False,
        trim_blocks=autoescape,
        lstrip_blocks=autoescape,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    vars(environment)["install_gettext_translations"](translations, newstyle=True)
    return environment


def words_of(folder: str, translations: NullTranslations) -> Words:
    """The sentences of all files in a folder."""
    environment = translated_environment(translations, autoescape=False)
    small: dict[str, dict[Any, str]] = {name: {} for name in SMALL_WORDS}
    environment.filters |= {
        "percent": percent,
        "count": plural_count,
        "people": lambda share: small["people"][percent(share)],
        "duration": partial(_looked_up, small["duration"]),
    }
    files = environment.list_templates(filter_func=lambda path: path.startswith(f"{folder}/"))
    modules = [environment.get_template(path).module for path in files]
    macros = {name: macro for module in modules for name, macro in vars(module).items() if isinstance(macro, Macro)}
    for name, values in SMALL_WORDS.items():
        if name in macros:
            small[name] |= {value: macros[name](value) for value in values}
    return Words(macros, small)


def plural_count(share: float) -> int:
    """The number of people of 100 by which a plural is chosen: that of "fewer than 1" is 1."""
    shown = percent(share)
    return {"<1": 1, ">99": 100}.get(shown) or int(shown)


def _looked_up(said: Mapping[Any, str], months: int) -> str:
    return said[months]
