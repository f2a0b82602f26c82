"""The pages for people: the form, the result, what can be taken along of it, the card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from server.editions import Edition, edition_for
from server.entering.bodies import CannotAnswer, read_form
from server.entering.dates import latest_day
from server.entering.documents import MODEL
from server.pages.answering import Answered, Refused, answer_form
from server.pages.files import MEDIA_TYPES, file_of
from server.pages.for_patients import for_patient
from server.pages.pages import Pages
from server.served import named
from server.wording.refusing import Unreadable

KEPT_FOR = "public, max-age=31536000, immutable"
ASSET_HEADERS = {
    "cache-control": KEPT_FOR,
    # In a sandbox without an origin of its own a page is a stranger even to its own style sheet.
    "cross-origin-resource-policy": "cross-origin",
}


@dataclass(frozen=True, slots=True)
class SitePages:
    """The answers of the pages."""

    editions: Mapping[str, Edition]

    async def start(self, request: Request) -> Response:
        """The form, or with a form that was sent the same page with its result."""
        edition = edition_for(self.editions, request)
        if request.method == "POST":
            return page_of(edition.pages, await _answered(edition, request), whole=True)
        return HTMLResponse(edition.pages.start(named(edition.served, request.query_params.get(MODEL))))

    async def fragment(self, request: Request) -> Response:
        """What the page holds, for a page that is there already."""
        edition = edition_for(self.editions, request)
        return page_of(edition.pages, await _answered(edition, request), whole=False)

    async def file(self, request: Request) -> Response:
        """A result to take along."""
        edition, name = edition_for(self.editions, request), file_named(request)
        return await taken_along(edition.pages, name, await _answered(edition, request))

    async def for_patient(self, request: Request) -> Response:
        """The result in plain words; the clinician's result where that has not been seen yet."""
        edition = edition_for(self.editions, request)
        return in_plain_words(edition.pages, await _answered(edition, request))

    async def card(self, request: Request) -> Response:
        """The card of a model."""
        edition = edition_for(self.editions, request)
        return HTMLResponse(edition.pages.card(named(edition.served, request.query_params.get(MODEL))))

    async def asset(self, request: Request) -> Response:
        """A static file, as long as its content is the one that the address names; of others no page is made."""
        edition = next(iter(self.editions.values()))
        version, _, name = request.path_params["path"].partition("/")
        asset = edition.pages.assets.get(name)
        if asset is None or asset.version != version:
            return Response(status_code=404)
        return Response(asset.content, media_type=asset.media_type, headers=ASSET_HEADERS)


async def _answered(edition: Edition, request: Request) -> Answered | Refused:
    return answer_form(edition.served, await read_form(request), latest_day())


def page_of(pages: Pages, answered: Answered | Refused, *, whole: bool) -> Response:
    """The page of a result, or of what is wrong with the form."""
    if isinstance(answered, Refused):
        return HTMLResponse(pages.refused(answered, whole=whole), 422)
    return HTMLResponse(pages.result(answered, whole=whole))


def file_named(request: Request) -> str:
    """Which file is asked for. Raises HTTPException (404) for a name that is none of them."""
    name = str(request.path_params["name"])
    if name not in MEDIA_TYPES:
        raise HTTPException(404)
    return name


async def taken_along(pages: Pages, name: str, answered: Answered | Refused) -> Response:
    """A file of a result, or what is wrong with the form."""
    if isinstance(answered, Refused):
        return page_of(pages, answered, whole=True)
    content = await file_in_thread(pages, name, answered)
    headers = {"content-disposition": f'attachment; filename="{answered.result.receipt.id}-{name}"'}
    return Response(content, media_type=MEDIA_TYPES[name], headers=headers)


async def file_in_thread(pages: Pages, name: str, answered: Answered) -> bytes:
    """A file of a result, made aside: a PDF takes its time."""
    page, style = pages.result(answered, whole=True), pages.assets["style.css"]
    return await run_in_threadpool(file_of, name, answered, page, style)


def in_plain_words(pages: Pages, answered: Answered | Refused) -> Response:
    """The page for the patient; the clinician's result where that has not been seen yet. Raises CannotAnswer (404)."""
    if isinstance(answered, Refused) or not answered.clinician:
        return page_of(pages, answered, whole=True)
    told = for_patient(answered.served, answered.result)
    if told is None:
        raise CannotAnswer(404, Unreadable("not_for_patients"))
    return HTMLResponse(pages.for_patient(answered, told))
