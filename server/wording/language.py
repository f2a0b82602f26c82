"""A language: its words, and how it writes numbers and dates. English is in the templates, others in catalogues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from gettext import NullTranslations
from io import BytesIO

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.dates import format_date, format_time
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, get_decimal_symbol
from babel.support import Translations

from server.wording.words import TEMPLATES, Words, words_of

CATALOGUES = TEMPLATES / "languages"
ENGLISH = "en"
DATES = {ENGLISH: Locale("en", "001")}
"""Whose dates a language writes that is of no country: the English of the world puts the day before the month."""


@dataclass(frozen=True, eq=False)
class Language:
    """One language in which everything can be said. What its catalogue lacks is said in English, in whole sentences."""

    locale: Locale
    translations: NullTranslations
    sentences: Words
    """What is said about a prediction."""
    refusals: Words
    """What is said about values and requests that cannot be used."""
    decimal: str
    """What stands between the whole and the broken part of a number."""
    quantities: dict[tuple[str, str | None], str] = field(default_factory=dict)
    """Numbers with their units, as they were written before."""

    @property
    def code(self) -> str:
        """The language as pages and browsers call it: "en", "pt-BR"."""
        return str(self.locale).replace("_", "-")

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return str(self.locale.text_direction)

    def translated(self, text: str) -> str:
        """A text of a model's own, if the catalogue has it; else as the model has it."""
        return self.translations.gettext(text) if text else text

    def duration(self, months: int) -> str:
        """A length of time in words."""
        return self.sentences.small["duration"][months]

    def number(self, value: float) -> str:
        """A number as people write it: no ".0" behind a whole one, no exponent, no separator of thousands."""
        plain = str(int(value)) if float(value).is_integer() else format(Decimal(repr(float(value))), "f")
        return plain.replace(".", self.decimal)

    def ratio(self, value: float) -> str:
        """A ratio with two places behind the decimal point."""
        return format_decimal(value, "0.00", locale=self.locale)

    def quantity(self, value: float, unit: str | None) -> str:
        """A number with its unit."""
        key = (self.number(value), unit)
        if key not in self.quantities and len(self.quantities) < 10_000:
            self.quantities[key] = self.sentences.say("quantity", number=key[0], unit=unit)
        return self.quantities.get(key) or self.sentences.say("quantity", number=key[0], unit=unit)

    def day(self, day: date) -> str:
        """A date, with its month in letters so that nobody takes it for the day."""
        return format_date(day, "long", locale=DATES.get(self.code, self.locale))

    def day_text(self, day: str) -> str:
        """A day as a record gives it; where only its month or year is known, those digits."""
        return self.day(date.fromisoformat(day)) if len(day) == len("2021-03-04") else day

    def moment(self, time: str) -> str:
        """A moment in ISO 8601, in words, in universal time."""
        moment = datetime.fromisoformat(time).astimezone(UTC)
        return f"{self.day(moment.date())}, {format_time(moment, 'HH:mm:ss', locale=self.locale)} UTC"


def language_of(locale: Locale, catalogue: Catalog | None = None) -> Language:
    """A language, from its catalogue; without one it is English words with the numbers and dates of the locale."""
    translations = NullTranslations() if catalogue is None else _translations(catalogue)
    return Language(
        locale=locale,
        translations=translations,
        sentences=words_of("sentences", translations),
        refusals=words_of("refusals", translations),
        decimal=get_decimal_symbol(locale),
    )


@cache
def english() -> Language:
    """The language that every text is written in first."""
    return language_of(Locale(ENGLISH))


def released() -> list[str]:
    """The languages that there are."""
    return [ENGLISH, *sorted(path.stem for path in CATALOGUES.glob("*.po"))]


def read_language(code: str) -> Language:
    """A released language. Raises ValueError."""
    if code == ENGLISH:
        return english()
    if code not in released():
        message = f"there is no catalogue for {code!r}; the languages are {', '.join(released())}"
        raise ValueError(message)
    try:
        locale = Locale.parse(code, sep="-")
    except (ValueError, UnknownLocaleError) as error:
        message = f"{code!r} is not a language: {error}"
        raise ValueError(message) from error
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        return language_of(locale, read_po(file, locale=locale))


def chosen(languages: Mapping[str, Language], accepted: str) -> Language:
    """The language that an ``Accept-Language`` asks for among those served; the first where it asks for no other."""
    known = {code.lower(): language for code, language in languages.items()}  # browsers write "pt-br" as well
    best = negotiate_locale(_preferred(accepted), list(known), sep="-")
    return next(iter(languages.values())) if best is None else known[best.lower()]


def _preferred(accepted: str) -> Iterable[str]:
    """The languages of an ``Accept-Language``, the most wanted first."""
    wanted: list[tuple[float, str]] = []
    for one in accepted.split(",")[:50]:
        name, _, weight = one.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if name.strip() and quality > 0:
            wanted.append((quality, name.strip()))
    return [name for _, name in sorted(wanted, key=lambda pair: -pair[0])]


def _translations(catalogue: Catalog) -> NullTranslations:
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
