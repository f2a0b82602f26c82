"""The catalogue: every text for translators, nothing lost on the way there and back, and no language with gaps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from click.testing import CliRunner
from jinja2 import nodes

from model.artefact import Artefact
from rps_prognosis import main
from server.wording import language as languages
from server.wording.catalogue import own_words_of, source_catalogue, untranslated, written
from server.wording.language import ENGLISH, read_language, released
from server.wording.words import TEMPLATES, translated_environment
from tests.pseudo import (
    LONGER,
    PLACEHOLDER,
    WORD,
    messages_of,
    pseudo,
    pseudo_catalogue,
    read_pieces,
    unaccented,
    unmarked,
)
from tests.web import another_artefact

POLISH = Locale("pl")
"""Three plural forms, one more than English."""
MARKUP_NAMES = {"classes", "described"}
"""What templates set to be the value of an attribute that nobody reads."""


@pytest.fixture(scope="module")
def source(artefact: Artefact) -> Catalog:
    return source_catalogue([artefact])


def said_in(message: Message) -> list[str]:
    """Every form of a translation."""
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def asked_in(message: Message) -> list[str]:
    """Every form of a source text."""
    return [message.id] if isinstance(message.id, str) else list(message.id)


def lost_or_added(catalogue: Catalog) -> list[str]:
    """Translations whose placeholders are others than those of the text: filled, they would say less, or fail."""
    wrong = []
    for message in messages_of(catalogue):
        wanted = {hole for form in asked_in(message) for hole in PLACEHOLDER.findall(form)}
        if any(form and set(PLACEHOLDER.findall(form)) != wanted for form in said_in(message)):
            wrong.append(asked_in(message)[0])
    return wrong


def translation_of(code: str, source: Catalog) -> Catalog:
    """The catalogue of a released language; English is what the templates say."""
    if code != ENGLISH:
        content = (languages.CATALOGUES / f"{code}.po").read_bytes()
        return read_po(BytesIO(content), locale=Locale.parse(code, sep="-"))
    english = Catalog(locale=ENGLISH)
    for message in messages_of(source):
        english.add(message.id, message.id)
    return english


def gaps(source: Catalog) -> dict[str, list[str]]:
    """What each released language lacks, or says with other placeholders; only those with such gaps."""
    found = {}
    for code in released():
        catalogue = translation_of(code, source)
        found[code] = untranslated(catalogue, source) + lost_or_added(catalogue)
    return {code: texts for code, texts in found.items() if texts}


def test_no_released_language_has_a_gap(source: Catalog) -> None:
    """E34: a released locale with a missing key fails the tests; every one of them can be read."""
    assert ENGLISH in released()
    assert gaps(source) == {}
    for code in released():
        assert read_language(code).code == code


def test_a_gap_in_a_released_language_would_be_found(
    source: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """E34: the check above can fail, for a key that is not there, a plural form and a placeholder; and can succeed."""
    monkeypatch.setattr(languages, "CATALOGUES", tmp_path)
    complete, broken = pseudo_catalogue(POLISH, source), pseudo_catalogue(POLISH, source)
    plural = next(message for message in messages_of(broken) if not isinstance(message.id, str))
    missing, holed = "Predicted survival", "Not used: %(label)s"
    plural.string = (*said_in(plural)[:2], "")
    broken.delete(missing)
    broken[holed].string = "«%(lábééł)s»"
    (tmp_path / "pl.po").write_bytes(written(complete))
    assert released() == [ENGLISH, "pl"]
    assert gaps(source) == {}
    (tmp_path / "pl.po").write_bytes(written(broken))
    assert sorted(gaps(source)["pl"]) == sorted([missing, holed, plural.id[0]])


def test_every_missing_text_is_found(source: Catalog) -> None:
    """E34: each single one, and no other."""
    complete = pseudo_catalogue(POLISH, source)
    assert untranslated(complete, source) == []
    for message in messages_of(source):
        kept = complete[message.id]
        complete.delete(message.id)
        assert untranslated(complete, source) == asked_in(message)[:1]
        complete[message.id] = kept
    assert untranslated(complete, source) == []


@pytest.mark.parametrize(
    ("said", "lacks"),
    [
        (("a", "b", "c"), False),
        (("a", "b", ""), True),
        (("a", "", "c"), True),
        (("a", "b"), True),
        (("", "", ""), True),
    ],
)
def test_an_incomplete_plural_is_found(said: tuple[str, ...], lacks: bool) -> None:
    """E33, E34: a language has each of its own plural forms, however many English has."""
    source, catalogue = Catalog(), Catalog(locale=POLISH)
    source.add(("%(n)s year", "%(n)s years"))
    catalogue.add(("%(n)s year", "%(n)s years"), said)
    assert untranslated(catalogue, source) == (["%(n)s year"] if lacks else [])


@pytest.mark.parametrize(("flags", "said", "lacks"), [((), "Wiek", False), (("fuzzy",), "Wiek", True), ((), "", True)])
def test_what_a_translator_has_not_confirmed_is_not_there(flags: tuple[str, ...], said: str, lacks: bool) -> None:
    """E34: a guess of a program ("fuzzy") is no translation, nor is an empty one."""
    source, catalogue = Catalog(), Catalog(locale=POLISH, fuzzy=False)
    source.add("Age")
    catalogue.add("Age", said, flags=flags)
    assert untranslated(catalogue, source) == (["Age"] if lacks else [])


def test_it_holds_the_texts_of_the_templates_and_of_every_model(artefact: Artefact, source: Catalog) -> None:
    """E34: sentences with placeholders and plurals, headings, and a model's questions, answers and statements."""
    other = another_artefact()
    both = source_catalogue([artefact, other])
    for text in ("Predicted survival", "Error: %(title)s", "95 %% interval", ("%(n)s year", "%(n)s years")):
        assert source.get(text) is not None, text
    features, about = artefact.model.features, artefact.model.about
    plain = about.for_patients
    assert plain is not None
    for text in (
        *(about.title, about.origin, about.time_zero, about.outcome, about.made_from, about.data_period),
        *(*about.not_for, *about.cautions, plain.origin, plain.made_from),
        *(text for feature in features.all for text in (feature.label, feature.question, feature.definition)),
        *(text for feature in features.all for text in (feature.where, feature.timing) if text),
        *(text for feature in features.all for level in feature.levels for text in (level.label, level.phrase)),
        artefact.card["validation"]["sentence"],
    ):
        assert source.get(text) is not None, text
    asked = [feature.question for feature in other.model.features.all]
    assert all(both.get(text) is not None and source.get(text) is None for text in asked)


def test_it_says_where_each_text_is_from_and_holds_none_that_is_empty(artefact: Artefact, source: Catalog) -> None:
    """For translators; and an empty text would be looked up as the head of the file."""
    assert all(text.strip() for text in own_words_of(artefact))
    for message in messages_of(source):
        assert all(text.strip() for text in asked_in(message))
        assert message.locations
    assert [name for name, _ in source["Predicted survival"].locations] == ["article.html"]
    assert [name for name, _ in source[artefact.model.about.title].locations] == [artefact.model.name]


def test_the_command_writes_what_translators_need(artefact_folder: Path, source: Catalog, tmp_path: Path) -> None:
    """Issue: rps-prognosis catalogue, to a file or to standard output, the same twice; it reads back as it was."""
    output = tmp_path / "messages.pot"
    command = ["catalogue", "--model", str(artefact_folder)]
    assert CliRunner().invoke(main, [*command, "--output", str(output)]).exit_code == 0
    assert CliRunner().invoke(main, command).stdout_bytes == output.read_bytes() == written(source)
    read = read_po(BytesIO(output.read_bytes()))
    assert {message.id for message in read} == {message.id for message in source}
    assert len(read) == len(source) > 300
    for message in messages_of(source):
        again = read[message.id]
        assert again.pluralizable == message.pluralizable
        assert not any(said_in(again))
        assert {name for name, _ in again.locations} == {name for name, _ in message.locations}
        assert again.flags == message.flags


def test_a_file_says_how_it_is_written(source: Catalog) -> None:
    """Other programs take text for ASCII that does not say what it is; and a language says how it counts."""
    assert "charset=utf-8" in written(source).decode().split("\n\n")[0]
    head = written(pseudo_catalogue(POLISH, source)).decode().split("\n\n")[0]
    assert '"Language: pl\\n"' in head
    assert "nplurals=3;" in head
    assert "Date" not in head


def test_a_translation_reads_back_as_it_was(source: Catalog) -> None:
    """E34: written and read, not a form, a mark or a letter is another; nothing is missing in it."""
    catalogue = pseudo_catalogue(POLISH, source)
    read = read_po(BytesIO(written(catalogue)), locale=POLISH)
    assert {message.id: message.string for message in messages_of(read)} == {
        message.id: message.string for message in messages_of(catalogue)
    }
    assert untranslated(read, source) == []


@pytest.mark.parametrize("code", ["de", "fa", "pl"])
def test_every_placeholder_of_every_message_survives(source: Catalog, code: str) -> None:
    """The pseudo-locale: as many forms as the locale has, each with the placeholders of its text, as often."""
    catalogue = pseudo_catalogue(Locale(code), source)
    assert {message.id for message in catalogue} == {message.id for message in source}
    assert lost_or_added(catalogue) == []
    for message in messages_of(catalogue):
        asked, said = asked_in(message), said_in(message)
        assert len(said) == (catalogue.num_plurals if message.pluralizable else 1)
        for form, text in zip([asked[0], *asked[1:] * catalogue.num_plurals], said, strict=False):
            assert Counter(PLACEHOLDER.findall(text)) == Counter(PLACEHOLDER.findall(form))
            assert re.sub(r"%%|%\(\w+\)s", "", text).count("%") == re.sub(r"%%|%\(\w+\)s", "", form).count("%")


def test_the_pseudo_locale_is_longer_accented_and_marked(source: Catalog) -> None:
    """The pseudo-locale: by about two fifths, each word with an accent where there is one, all of it within marks."""
    for message in messages_of(source):
        for text in asked_in(message):
            told = pseudo(text)
            assert unmarked(told) == []
            assert unaccented(PLACEHOLDER.sub("", told)) == []
            letters, longer = (len(PLACEHOLDER.sub("", one)) for one in (text, told.strip("«»")))
            assert 1 + LONGER <= longer / letters < 1 + LONGER + 1.5 / letters, text
    assert pseudo("Survival").startswith("«Š")
    assert unmarked("«Óf «ţĥíš» páţíéñţ» 24 and «ţĥáţ»") == ["and"]
    assert unaccented("«Óf this páţíéñţ»") == ["this"]


def text_beside_the_markup(source: str) -> Iterator[str]:
    """What a template says by itself, expressions and translated texts left out, piece by piece."""
    parsed = translated_environment(NullTranslations(), autoescape=False).parse(source)

    def told(node: nodes.Node) -> Iterator[str]:
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.AssignBlock) and getattr(child.target, "name", None) in MARKUP_NAMES:
                continue
            if isinstance(child, nodes.Output):
                yield from (part.data if isinstance(part, nodes.TemplateData) else "0" for part in child.nodes)
            else:
                yield from told(child)

    yield from read_pieces("".join(told(parsed)))
    for printed in parsed.find_all(nodes.Output):
        for part in printed.nodes:
            yield from literals(part)


def literals(printed: nodes.Node | None) -> Iterator[str]:
    """The literal texts that an expression prints as they are."""
    match printed:
        case nodes.Const(value=str(text)):
            yield text
        case nodes.CondExpr(expr1=first, expr2=second):
            yield from literals(first)
            yield from literals(second)
        case nodes.Filter(node=filtered):
            yield from literals(filtered)


@pytest.mark.parametrize(
    "path", sorted(p for p in TEMPLATES.rglob("*") if p.suffix in {".html", ".txt"}), ids=lambda path: path.name
)
def test_no_template_holds_a_text_outside_the_catalogue(path: Path) -> None:
    """Issue, E33: in every branch of every template, whether a test goes through it or not."""
    for piece in text_beside_the_markup(path.read_text(encoding="utf-8")):
        assert WORD.findall(piece) == [], piece


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>Text</p>", ["Text"]),
        ('<p class="a b" id="c{{ d }}">{{ e }}, 100 %</p>', []),
        ('<p title="Text {{ a }}">{{ b }}</p>', ["Text"]),
        ('<svg aria-label="Text"></svg>', ["Text"]),
        ("{% if a %}{% for b in c %}Text{% endfor %}{% endif %}", ["Text"]),
        ("{% macro a(b) %}{% set c %}Text{% endset %}{% endmacro %}", ["Text"]),
        ("{% macro a(b) %}{{ b }} {{ _('Text') }} {% trans b %}Text {{ b }}{% endtrans %}{% endmacro %}", []),
        ("{% trans n=a %}{{ n }} text{% pluralize %}{{ n }} texts{% endtrans %}", []),
        ("{{ 'Text' }}", ["Text"]),
        ("{{ a if b else 'Text' }}", ["Text"]),
        ("{{ a|join('; ') }}{{ a.b['c'] }}", []),
    ],
)
def test_a_text_outside_the_catalogue_would_be_found(source: str, words: list[str]) -> None:
    """Issue: the check above can fail, for what is printed, read aloud or shown on touch; and for nothing else."""
    assert [word for piece in text_beside_the_markup(source) for word in WORD.findall(piece)] == words
