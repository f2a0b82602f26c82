"""Everything that is served, once for each language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from model.artefact import Artefact
from server.pages.pages import Pages, prepare_pages
from server.served import Served, serve_models
from server.wording.language import Language, chosen


@dataclass(frozen=True, eq=False)
class Edition:
    """The models and the pages in one language."""

    language: Language
    served: Mapping[str, Served]
    pages: Pages


def prepare_editions(
    artefacts: Iterable[Artefact],
    languages: Iterable[Language],
    root: str,
    support_line: str | None,
    portals: Sequence[str],
) -> Mapping[str, Edition]:
    """The editions by the code of their language; the first answers where a reader asks for none that there is.

    Raises ModelUnavailable.
    """
    artefacts = list(artefacts)
    editions: dict[str, Edition] = {}
    for language in languages:
        served = serve_models(artefacts, language)
        pages = prepare_pages(language, served, root, support_line, portals)
        editions[language.code] = Edition(language, served, pages)
    return editions


def edition_for(editions: Mapping[str, Edition], request: Request) -> Edition:
    """The edition in the language that a request asks for."""
    if len(editions) == 1:
        return next(iter(editions.values()))
    language = chosen(
        {code: one.language for code, one in editions.items()}, request.headers.get("accept-language", "")
    )
    return editions[language.code]
