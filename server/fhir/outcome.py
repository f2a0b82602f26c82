"""What is wrong, as FHIR says it: an OperationOutcome with one issue for each problem."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from server.entering.bodies import FHIR_TYPE
from server.fhir.checking import Resource

KINDS = {
    400: "structure",
    404: "not-found",
    405: "not-supported",
    408: "timeout",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    429: "throttled",
    500: "exception",
    503: "transient",
}
"""The kind of issue that stands for each status."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem: what kind it is of, a whole sentence, and where it lies (FHIRPath); None where that is nowhere."""

    kind: str
    sentence: str
    place: str | None = None


def operation_outcome(issues: Iterable[Issue]) -> Resource:
    """The OperationOutcome that names all of these; there is at least one."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def fhir_response(resource: Resource, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that is a resource."""
    return Response(encoded(resource), status, media_type=FHIR_TYPE, headers=dict(headers or {}))


def encoded(resource: Resource) -> bytes:
    """A resource as it is sent."""
    return json.dumps(resource, ensure_ascii=False, allow_nan=False).encode()


def refusal_response(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """A request that cannot be answered at all."""
    return fhir_response(operation_outcome([Issue(KINDS.get(status, "processing"), sentence)]), status, headers)


def _issue(issue: Issue) -> Resource:
    written: Resource = {"severity": "error", "code": issue.kind, "diagnostics": issue.sentence}
    return written if issue.place is None else written | {"expression": [issue.place]}
