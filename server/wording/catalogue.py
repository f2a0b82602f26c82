"""Every text that a reader can see, for translators: those of the templates, and a model's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po

from model.artefact import Artefact
from server.wording.own_words import in_own_words
from server.wording.words import TEMPLATES

HEAD = ("Language", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Plural-Forms")
"""What translators' programs must know of a file; the rest of a customary head is times and names, which go stale."""

OPTIONS = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}


def source_catalogue(artefacts: Iterable[Artefact]) -> Catalog:
    """The texts of all templates and of these models, untranslated, each with where it comes from."""
    catalogue = Catalog(project="rps-prognosis", fuzzy=False)
    for path in sorted(TEMPLATES.rglob("*")):
        if path.suffix not in {".html", ".txt"}:
            continue
        name = path.relative_to(TEMPLATES).as_posix()
        # Places are named without lines, so that a new line does not change the whole file.
        for _line, text, comments, context in extract(
            "jinja2.ext:babel_extract", BytesIO(path.read_bytes()), options=OPTIONS
        ):
            catalogue.add(text, locations=[(name, 0)], auto_comments=comments, context=context)
    for artefact in artefacts:
        for text in own_words_of(artefact):
            catalogue.add(text, locations=[(artefact.model.name, 0)])
    return catalogue


def own_words_of(artefact: Artefact) -> Iterator[str]:
    """What a model says of itself, its questions and its answers."""
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    in_own_words(artefact.model, note)
    texts.append(artefact.card.get("validation", {}).get("sentence", ""))
    yield from dict.fromkeys(text for text in texts if text)


def untranslated(catalogue: Catalog, source: Catalog) -> list[str]:
    """The texts of ``source`` that a catalogue lacks, or has without every plural form of its language."""
    missing: list[str] = []
    for message in source:
        if not message.id:
            continue
        own = catalogue.get(message.id)
        said = () if own is None or own.fuzzy else own.string if isinstance(own.string, tuple | list) else (own.string,)
        wanted = catalogue.num_plurals if message.pluralizable else 1
        if len(said) != wanted or not all(said):
            missing.append(message.id if isinstance(message.id, str) else message.id[0])
    return missing


def written(catalogue: Catalog) -> bytes:
    """A catalogue as a file that translators' programs read (PO)."""
    head = "".join(f'"{name}: {value}\\n"\n' for name, value in catalogue.mime_headers if name in HEAD)
    file = BytesIO()
    file.write(f'msgid ""\nmsgstr ""\n{head}\n'.encode())
    write_po(file, catalogue, width=120, sort_output=True, include_lineno=False, omit_header=True)
    return file.getvalue()
