"""What an EHR asks while a record is opened: whose record it is, what it brought along, and a right to read more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.hooks.members import Members, WrongBody

HOOK = "patient-view"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, checked. It names neither the user nor the call: nothing here depends on them."""

    patient: str
    prefetch: Mapping[str, object] = field(repr=False)
    token: str | None = field(repr=False)
    """The right to read this record at the EHR that asks, and nowhere else."""


def read_request(document: Mapping[str, object], issuer: str) -> Asked:
    """What a body asks; ``issuer`` is the FHIR server that was agreed with whoever has signed the request.

    What the specification does not name is passed over: later versions add to it. Raises WrongBody.
    """
    body = Members(document)
    body.one_of("hook", (HOOK,))
    body.uuid("hookInstance")
    context = body.within("context")
    context.text("userId")
    patient = context.identifier("patientId")
    if body.has("fhirServer") and body.text("fhirServer").rstrip("/") != issuer:
        # A signature says who asks; it does not say that what they ask for may be carried to another server.
        body.note("fhirServer", "hooks_other_server")
    token = _token(body, patient) if body.has("fhirAuthorization") else None
    prefetch = body.within("prefetch").document if body.has("prefetch") else {}
    if body.problems:
        raise WrongBody(body.problems)
    return Asked(patient, prefetch, token)


def _token(body: Members, patient: str) -> str:
    if not body.has("fhirServer"):
        body.note("fhirServer", "hooks_needed", other="fhirAuthorization")
    right = body.within("fhirAuthorization")
    right.one_of("token_type", ("Bearer",))
    right.seconds("expires_in")
    right.text("scope")
    right.text("subject")
    if right.has("patient") and right.document["patient"] != patient:
        right.note("patient", "hooks_other_patient", other="context.patientId")
    token = right.text("access_token")
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        # It becomes a header, and a header of several lines would be several headers.
        right.note("access_token", "hooks_no_text")
    return token
