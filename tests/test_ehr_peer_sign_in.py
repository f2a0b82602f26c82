"""The record that the tests use lets in only whom it knows, and only for what was asked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus

import pytest
from httpx2 import Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey

from tests.ehr_client import (
    CLIENT,
    REDIRECT,
    SCOPE,
    ask,
    asked,
    authorize,
    code_of,
    exchange,
    furnish,
    sent_back,
    token_of,
)
from tests.ehr_peer import Kind, Peer, peering

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """The record."""
    with peering(tmp_path_factory.mktemp("peer")) as peer:
        yield peer


@pytest.fixture
def peer(started: Peer) -> Peer:
    """The record as each test finds it."""
    furnish(started)
    return started


def error_of(response: Response) -> str:
    """Why no token was given."""
    return f"{response.status_code} {response.json()['error']}"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"aud": "https://localhost/fhir/R4"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"launch": "made-up"}, "invalid_request"),
        ({"launch": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_wrong_request_is_sent_back(peer: Peer, changes: dict[str, str | None], error: str) -> None:
    """The client is told what was wrong with its request, and gets no code."""
    brought = sent_back(authorize(peer, **changes))
    assert brought["error"] == error
    assert brought.get("state") == asked(peer, **changes).get("state")
    assert "code" not in brought


@pytest.mark.parametrize(
    "changes", [{"client_id": "stranger"}, {"redirect_uri": f"{REDIRECT}/"}, {"redirect_uri": None}]
)
def test_stranger_is_sent_nowhere(peer: Peer, changes: dict[str, str | None]) -> None:
    """An address that is not registered is not gone to, whatever else is wrong."""
    response = authorize(peer, **changes)
    assert response.status_code == 400
    assert "location" not in response.headers


def test_token_answer_says_for_whom(peer: Peer) -> None:
    """It names the patient, the scopes, and whether to show whose data are seen."""
    answer = token_of(peer)
    assert answer["token_type"] == "Bearer"  # noqa: S105 - no password
    assert (answer["patient"], answer["need_patient_banner"], answer["scope"]) == ("anna", True, SCOPE)
    claims = clinician(peer, answer)
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (peer.issuer, CLIENT, "the-nonce")
    assert claims["fhirUser"] == f"{peer.issuer}/Practitioner/clinician"


def clinician(peer: Peer, answer: Mapping[str, Any]) -> dict[str, Any]:
    """What the server says of who signed in, if its own key says so."""
    keys = KeySet.import_key_set(peer.http.get(f"{peer.origin}/auth/jwks").json())
    return jwt.decode(answer["id_token"], keys, algorithms=["RS256"]).claims


def test_identity_is_wrong_in_the_way_that_is_asked_for(peer: Peer) -> None:
    """What is signed by another key, or by none, is not taken; what is for somebody else or too old says so."""
    unsigned: dict[Kind, object] = {"id_token_wrong_signature": None, "id_token_wrong_algorithm": "none"}
    for kind, value in unsigned.items():
        peer.fault(kind, "/auth/token", value=value)
        with pytest.raises(JoseError):
            clinician(peer, token_of(peer))
    right = clinician(peer, token_of(peer))
    wrong: dict[Kind, str] = {
        "id_token_wrong_nonce": "nonce",
        "id_token_wrong_audience": "aud",
        "id_token_wrong_issuer": "iss",
    }
    for kind, name in wrong.items():
        peer.fault(kind, "/auth/token")
        claims = clinician(peer, token_of(peer))
        assert {key for key in ("nonce", "aud", "iss") if claims[key] != right[key]} == {name}
    peer.fault("id_token_expired", "/auth/token")
    expired = clinician(peer, token_of(peer))
    assert expired["exp"] < right["iat"] < right["exp"]


def test_launch_says_what_is_granted(peer: Peer) -> None:
    """A record may grant less than was asked for, and leave the banner out of its answer."""
    peer.launch(
        "less", "bert", app="https://127.0.0.1:8443", need_patient_banner=None, granted_scope="patient/Patient.r"
    )
    answer = token_of(peer, launch="less")
    assert answer.keys() == {"access_token", "token_type", "expires_in", "scope", "patient"}
    assert (answer["patient"], answer["scope"]) == ("bert", "patient/Patient.r")
    assert ask(peer, "Condition", answer["access_token"]).status_code == 403


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "400 invalid_grant"),
        ({"code_verifier": None}, "400 invalid_grant"),
        ({"redirect_uri": "https://127.0.0.1:8443/elsewhere"}, "400 invalid_grant"),
        ({"code": "made-up"}, "400 invalid_grant"),
        ({"client_id": "another"}, "400 invalid_grant"),
        ({"client_id": "stranger"}, "401 invalid_client"),
        ({"client_id": None}, "401 invalid_client"),
        ({"grant_type": "password"}, "400 unsupported_grant_type"),
    ],
)
def test_code_is_for_whom_it_was_given(peer: Peer, changes: dict[str, str | None], error: str) -> None:
    """A code is of use only to the client that asked for it, with what it kept to itself."""
    peer.register_client("another", [REDIRECT])
    code = code_of(peer)
    assert error_of(exchange(peer, code, changes)) == error
    assert exchange(peer, code).status_code == 200


def test_code_is_used_once(peer: Peer) -> None:
    """The second use gives nothing, and takes back what the first gave."""
    code = code_of(peer)
    token = exchange(peer, code).json()["access_token"]
    assert ask(peer, "Patient/anna", token).status_code == 200
    assert error_of(exchange(peer, code)) == "400 invalid_grant"
    assert ask(peer, "Patient/anna", token).status_code == 401


def test_secret_is_asked_for(peer: Peer) -> None:
    """A client that has one is not let in without it, nor with another."""
    secret = "a secret: with + and %"  # noqa: S105 - of a client that exists for the length of a test
    peer.register_client(CLIENT, [REDIRECT], secret=secret)
    code = code_of(peer)
    assert error_of(exchange(peer, code)) == "401 invalid_client"
    assert error_of(exchange(peer, code, {"client_id": None}, f"{CLIENT}:wrong")) == "401 invalid_client"
    assert exchange(peer, code, {"client_id": None}, f"{CLIENT}:{quote_plus(secret)}").status_code == 200


def signed(peer: Peer, key: ECKey | RSAKey, algorithm: str = "ES384", **changes: object) -> dict[str, str]:
    """What a client sends that proves itself with a key."""
    claims = {
        "iss": CLIENT,
        "sub": CLIENT,
        "aud": f"{peer.origin}/auth/token",
        "exp": int(time.time()) + 60,
        "jti": secrets.token_hex(),
        **changes,
    }
    header = {"alg": algorithm, "typ": "JWT", "kid": "own"}
    assertion = jwt.encode(header, claims, key, algorithms=[algorithm])
    return {"client_assertion_type": BEARER, "client_assertion": assertion}


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_key_is_asked_for(peer: Peer, algorithm: str) -> None:
    """A client that has one proves each time that it has it."""

    def made() -> ECKey | RSAKey:
        parameters: KeyParameters = {"kid": "own"}
        if algorithm == "ES384":
            return ECKey.generate_key("P-384", parameters)
        return RSAKey.generate_key(2048, parameters)

    key = made()
    peer.register_client(CLIENT, [REDIRECT], jwk={"keys": [key.as_dict(private=False)]})
    code = code_of(peer)
    right = signed(peer, key, algorithm)
    wrong = [
        {},
        signed(peer, made(), algorithm),
        signed(peer, key, algorithm, aud=peer.issuer),
        signed(peer, key, algorithm, iss="another"),
        signed(peer, key, algorithm, exp=int(time.time()) - 60),
        signed(peer, key, algorithm, exp=int(time.time()) + 3600),
        signed(peer, key, algorithm, jti=None),
        signed(peer, key, f"{algorithm[:2]}256") if algorithm == "RS384" else {},
    ]
    for assertion in wrong:
        assert error_of(exchange(peer, code, assertion)) == "401 invalid_client"
    assert exchange(peer, code, right).status_code == 200
    assert error_of(exchange(peer, code_of(peer), right)) == "401 invalid_client"


def test_patient_is_picked_where_none_is_open(peer: Peer) -> None:
    """Whoever starts outside of a record is asked for the patient there, and may refuse."""
    scope = "launch/patient patient/Patient.rs"
    for button, brought in (({"patient": "bert"}, "code"), ({"refuse": "yes"}, "error")):
        page = authorize(peer, scope=scope, launch=None)
        assert page.status_code == 200
        assert ">Anna Example</button>" in page.text
        assert ">Bert Example</button>" in page.text
        request = page.text.split('name="request" value="')[1].split('"')[0]
        back = sent_back(peer.http.post(f"{peer.origin}/auth/choose", data={"request": request, **button}))
        assert back.keys() == {brought, "state"}
        if brought == "code":
            answer = exchange(peer, back["code"]).json()
            assert (answer["patient"], answer["need_patient_banner"]) == ("bert", True)
