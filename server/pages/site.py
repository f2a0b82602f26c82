"""The pages for people: the form, the result, the card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import HTTPException, Request, Response
from starlette.responses import HTMLResponse

from model.patient import InvalidPatient, Problem
from model.prediction import predict
from model.receipt import issue_receipt
from server.entering.bodies import read_form
from server.entering.documents import MODEL, entry_of_form
from server.entering.entry import patient_of
from server.pages.pages import Pages
from server.pages.questions import entered_values, refusals_in_order
from server.pages.result import result_of
from server.served import Served, default, named
from server.wording.refusing import AT_FORM, echo, problem_sentences
from server.wording.telling import tell

KEPT_FOR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class SitePages:
    """The answers of the pages."""

    served: Mapping[str, Served]
    pages: Pages

    async def patient(self, request: Request) -> Response:
        """The form, or with a form that was sent the same page with its result."""
        if request.method == "POST":
            return answer_form(self.served, self.pages, await read_form(request))
        one = named(self.served, request.query_params.get(MODEL))
        return HTMLResponse(self.pages.start(one, entered={}, problems={}, refused=()))

    async def card(self, request: Request) -> Response:
        """The card of a model."""
        return HTMLResponse(self.pages.card(named(self.served, request.query_params.get(MODEL))))

    async def asset(self, request: Request) -> Response:
        """A static file, as long as its content is the one that the address names."""
        asset = self.pages.assets.get(request.path_params["name"])
        if asset is None or asset.version != request.path_params["version"]:
            raise HTTPException(404)
        return Response(asset.content, media_type=asset.media_type, headers={"cache-control": KEPT_FOR})


def answer_form(served: Mapping[str, Served], pages: Pages, fields: dict[str, list[str]]) -> Response:
    """The page for a form that was sent: its result, or (422) everything that is wrong with it."""
    names = list(dict.fromkeys(name for name in fields.get(MODEL, []) if name.strip()))
    if len(names) > 1:
        twice = Problem("given_twice", allowed={"values": [echo(name) for name in names]})
        return _refused(pages, default(served), fields, {MODEL: twice})
    one = served.get(names[0]) if names else default(served)
    if one is None:
        return _refused(
            pages, default(served), fields, {MODEL: Problem("no_such_model", names[0], {"models": list(served)})}
        )
    model = one.model
    try:
        patient = patient_of(model.features, entry_of_form(model.features, fields), AT_FORM)
    except InvalidPatient as invalid:
        return _refused(pages, one, fields, invalid.problems)
    prediction = predict(model, patient)
    told = tell(model, prediction, withdrawn=one.withdrawn)
    result = result_of(model, prediction, told, issue_receipt(model, patient))
    return HTMLResponse(pages.result(one, entered_values(model.features, fields, {}), result))


def _refused(pages: Pages, one: Served, fields: dict[str, list[str]], problems: Mapping[str, Problem]) -> Response:
    model = one.model
    told = problem_sentences(problems, model.features, model.about.time_zero, AT_FORM)
    entered = entered_values(model.features, fields, problems)
    page = pages.start(one, entered, told, refusals_in_order(one.questions, told))
    return HTMLResponse(page, status_code=422)
