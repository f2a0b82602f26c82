"""The application: every route in one list, and what holds for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from model.artefact import Artefact
from server.editions import prepare_editions
from server.entering.documents import MODEL
from server.failures import Failures
from server.fhir.interface import FhirInterface
from server.interface.interface import Interface
from server.interface.request_schema import request_schema
from server.interface.schema import Answer, Health, ModelDescription, ProblemDetails, Readiness
from server.limits import Limits, Throttle, unlimited
from server.pages.pages import Surroundings
from server.pages.site import SitePages
from server.safeguards import Safeguards, security_headers
from server.wording.language import Language, english

if TYPE_CHECKING:
    from server.connected import Connected  # a server that no EHR is connected to need not load what that takes

# The framework's own tracing can record bodies, and a patient's values must not leave in a trace.
NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False)

OWN_ROUTES = (
    *("model", "fragment", "download", "patient", "api", "fhir", "static", "healthz", "readyz", "openapi.json"),
    *("launch", "callback", "l", "cds-services"),
)

REFUSALS = {
    400: "The body cannot be read.",
    413: "The body is too large.",
    415: "The body is not of the type application/json.",
    422: "Some values cannot be used; all of them are named.",
    429: "There have been too many requests from one address; Retry-After says in how many seconds to ask again.",
}


def create_app(  # noqa: PLR0913 - everything that a server is told, each by its name
    artefacts: Iterable[Artefact],
    *,
    frame_ancestors: Sequence[str] = (),
    root_path: str = "",
    support_line: str | None = None,
    languages: Sequence[Language] = (),
    connected: Connected | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """The application that serves these models; the first is the default.

    ``frame_ancestors`` are the origins that may show it in a frame; ``root_path`` is where a portal mounts it
    (``/rps``), whether the portal strips it from the address or not; ``support_line`` is what the page for patients
    says to somebody in distress; the first of ``languages`` answers a reader who asks for none of them, and without
    any it is English; ``connected`` are the EHRs that it can be opened from; ``limits`` say how often anybody may ask,
    and without any it is as often as they like. Raises ModelUnavailable, and ValueError for what is not an origin or
    not a path.
    """
    root = checked_root(root_path)
    if connected is not None:
        check_address(connected.connections.address, root)
        frame_ancestors = [*frame_ancestors, *connected.connections.frame_ancestors]
    around = Surroundings(root, support_line, frame_ancestors)
    editions = prepare_editions(artefacts, languages or [english()], around, launched=connected is not None)
    first = next(iter(editions.values()))
    served, files = first.served, {asset.path for asset in first.pages.assets.values()}
    site, interface, failures = SitePages(editions), Interface(editions), Failures(editions, root)
    app = FastAPI(
        title="rps-prognosis",
        version=_program_version(),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        servers=[{"url": root or "/"}],
        telemetry=NO_TELEMETRY,
        exception_handlers={HTTPException: failures.refused},
        middleware=[
            Middleware(
                Safeguards, headers=security_headers(frame_ancestors), root_path=root, on_failure=failures.unexpected
            ),
            Middleware(
                Throttle,
                limits=unlimited() if limits is None else limits,
                root_path=root,
                files=files,
                refuse=failures.refused,
            ),
        ],
    )
    body = {"required": True, "content": {"application/json": {"schema": request_schema(served)}}}
    which = {"name": MODEL, "in": "query", "required": False, "schema": {"enum": list(served)}}

    app.add_route("/", site.start, ["GET", "POST"], include_in_schema=False)
    app.add_route("/fragment", site.fragment, ["POST"], include_in_schema=False)
    app.add_route("/download/{name}", site.file, ["POST"], include_in_schema=False)
    app.add_route("/patient", site.for_patient, ["POST"], include_in_schema=False)
    app.add_route("/model", site.card, ["GET"], include_in_schema=False)
    app.add_route("/static/{path:path}", site.asset, ["GET"], include_in_schema=False)
    app.add_api_route(
        "/api/v1/predictions",
        interface.predict,
        methods=["POST"],
        response_model=Answer,
        responses=_refusals_schema(),
        openapi_extra={"requestBody": body},
    )
    app.add_api_route(
        "/api/v1/model",
        interface.describe,
        methods=["GET"],
        response_model=ModelDescription,
        openapi_extra={"parameters": [which]},
    )
    for path, answer, method in FhirInterface(editions, _program_version()).routes():
        app.add_route(path, answer, [method], include_in_schema=False)
    if connected is not None:
        connected.add_routes(app, editions, unlimited() if limits is None else limits)
    app.add_api_route("/healthz", interface.healthy, methods=["GET"], response_model=Health)
    app.add_api_route("/readyz", interface.ready, methods=["GET"], response_model=Readiness)
    return app


def checked_root(root_path: str) -> str:
    """Where a portal mounts the application, as "" or "/name". Raises ValueError for anything else."""
    root = root_path.rstrip("/")
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", root):
        message = f"{root_path!r} is not a path such as /rps"
        raise ValueError(message)
    if root.split("/")[1:2] in [[name] for name in OWN_ROUTES]:
        message = f"{root_path!r} begins with the name of a page of this program, which could then not be told apart"
        raise ValueError(message)
    return root


def check_address(address: str, root: str) -> None:
    """Raise ValueError where the address that EHRs know ends elsewhere than where the program is mounted."""
    path = urlsplit(address).path.rstrip("/")
    if path != root:
        message = f"The EHRs are told {address!r}, and --root-path is {root!r}: both must end in the same path"
        raise ValueError(message)


def _program_version() -> str:
    try:
        return version("rps-prognosis")
    except PackageNotFoundError:
        return "0"


def _refusals_schema() -> dict[int | str, dict[str, object]]:
    schema = TypeAdapter(ProblemDetails).json_schema()
    content = {"application/problem+json": {"schema": schema}}
    return {status: {"description": text, "content": content} for status, text in REFUSALS.items()}
