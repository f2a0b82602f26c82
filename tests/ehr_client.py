"""A client of the tests' record that does everything right, unless it is told what to do wrong."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from httpx2 import Response

from tests.ehr_peer import Peer

CLIENT = "prognosis"
REDIRECT = "https://127.0.0.1:8443/callback"
SCOPE = "launch openid fhirUser patient/Patient.r patient/Condition.rs patient/RiskAssessment.c"
VERIFIER = "v" * 43

ANNA = {"resourceType": "Patient", "id": "anna", "name": [{"given": ["Anna"], "family": "Example"}]}
BERT = {"resourceType": "Patient", "id": "bert", "name": [{"given": ["Bert"], "family": "Example"}]}


def condition(identifier: str, patient: str) -> dict[str, Any]:
    """A diagnosis of a patient."""
    subject = {"reference": f"Patient/{patient}"}
    return {"resourceType": "Condition", "id": identifier, "subject": subject, "code": {"text": "Sarcoma"}}


def assessment(patient: str, **members: object) -> dict[str, Any]:
    """The least of an assessment."""
    subject = {"reference": f"Patient/{patient}"}
    return {"resourceType": "RiskAssessment", "status": "preliminary", "subject": subject, **members}


def furnish(peer: Peer) -> None:
    """A record with two patients, this client, without anything to prove itself by, and a launch for one patient."""
    peer.reset()
    peer.put([ANNA, BERT, condition("of-anna", "anna"), condition("of-bert", "bert")])
    peer.register_client(CLIENT, [REDIRECT])
    peer.launch("anna", "anna", app="https://127.0.0.1:8443")


def asked(peer: Peer, **changes: str | None) -> dict[str, str]:
    """What a right client sends to be let in, but for these changes; None leaves one out."""
    right = {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": REDIRECT,
        "scope": SCOPE,
        "state": "the-state",
        "aud": peer.issuer,
        "launch": "anna",
        "nonce": "the-nonce",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (right | changes).items() if value is not None}


def authorize(peer: Peer, **changes: str | None) -> Response:
    """The answer to that."""
    return peer.http.get(f"{peer.origin}/auth/authorize?{urlencode(asked(peer, **changes))}")


def sent_back(response: Response) -> dict[str, str]:
    """What a browser that is sent back brings along."""
    assert response.status_code == 303
    target = urlsplit(response.headers["location"])
    assert target._replace(query="").geturl() == REDIRECT
    return dict(parse_qsl(target.query))


def code_of(peer: Peer, **changes: str | None) -> str:
    """A code, where all is right."""
    brought = sent_back(authorize(peer, **changes))
    assert brought.keys() == {"code", "state"}
    assert brought["state"] == "the-state"
    return brought["code"]


def exchange(peer: Peer, code: str, changes: Mapping[str, str | None] | None = None, basic: str = "") -> Response:
    """The answer to a code that is sent to become a token; basic is what the client is sent with as its secret."""
    right = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        "client_id": CLIENT,
    }
    form = {name: value for name, value in {**right, **(changes or {})}.items() if value is not None}
    headers = {"Authorization": f"Basic {base64.b64encode(basic.encode()).decode()}"} if basic else {}
    return peer.http.post(f"{peer.origin}/auth/token", data=form, headers=headers)


def token_of(peer: Peer, **changes: str | None) -> dict[str, Any]:
    """The answer that holds a token, where all is right."""
    response = exchange(peer, code_of(peer, **changes))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ask(
    peer: Peer, path: str, token: str | None = None, *, method: str = "GET", body: Mapping[str, Any] | None = None
) -> Response:
    """What the record answers to whoever shows this token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    address = path if path.startswith("https:") else f"{peer.issuer}/{path}"
    return peer.http.request(method, address, headers=headers, json=body)


def ids(response: Response) -> list[str]:
    """What a search found."""
    assert response.status_code == 200, response.text
    return [entry["resource"]["id"] for entry in response.json().get("entry", [])]
