"""Everything that is served, once for each language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.requests import Request

from model.artefact import Artefact
from server.pages.pages import Pages, Surroundings, prepare_pages
from server.served import Served, serve_models
from server.wording.language import Language, chosen


@dataclass(frozen=True, eq=False)
class Edition:
    """The models and the pages in one language."""

    language: Language
    served: Mapping[str, Served]
    pages: Pages
    launched: Pages | None
    """The pages of launches; None where no EHR is connected."""


def prepare_editions(
    artefacts: Iterable[Artefact],
    languages: Iterable[Language],
    around: Surroundings,
    *,
    launched: bool = False,
) -> Mapping[str, Edition]:
    """The editions by the code of their language; the first answers where a reader asks for none that there is.

    With ``launched`` they have pages for launches as well.
    Raises ModelUnavailable.
    """
    artefacts = list(artefacts)
    editions: dict[str, Edition] = {}
    for language in languages:
        served = serve_models(artefacts, language)
        editions[language.code] = Edition(
            language=language,
            served=served,
            pages=prepare_pages(language, served, around),
            launched=prepare_pages(language, served, around, launched=True) if launched else None,
        )
    return editions


def edition_for(editions: Mapping[str, Edition], request: Request) -> Edition:
    """The edition in the language that a request asks for."""
    if len(editions) == 1:
        return next(iter(editions.values()))
    language = chosen(
        {code: one.language for code, one in editions.items()}, request.headers.get("accept-language", "")
    )
    return editions[language.code]
