"""What an EHR answers to a code: taken where it can be trusted, and refused with a sentence otherwise."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

import httpx2
import pytest
from httpx2 import Request, Response
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from server.fhir.unanswered import Unanswered
from server.signatures import LEEWAY
from server.smart import tokens
from server.smart.discovery import SmartConfiguration
from server.smart.tokens import Granted, ask_for_token
from tests.records import PATIENT
from tests.sign_in import ASKED, CODE, EHR, GRANT, SMART, TOKEN_ENDPOINT, exchange, refused

NOW = 1_800_000_000
KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})
SECOND = RSAKey.generate_key(2048, {"kid": "two"})
CURVE = ECKey.generate_key("P-256", {"kid": "curve"})
CLAIMS: dict[str, Any] = {
    "iss": SMART.issuer,
    "sub": "doctor",
    "aud": "prognosis",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": ASKED.nonce,
    "fhirUser": "Practitioner/doctor",
}


@pytest.fixture(autouse=True)
def _at_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still."""
    monkeypatch.setattr(time, "time", lambda: float(NOW))


def test_what_was_granted_is_kept_as_it_was_said() -> None:
    """SM8: the scope that was granted; the patient of the launch; how long the token lasts."""
    granted, requests = exchange(GRANT)
    assert asdict(granted) == {
        "token": "the-token",
        "patient": PATIENT,
        "scope": "launch patient/Condition.rs",
        "seconds": 3600,
        "need_patient_banner": False,
        "user": None,
    }
    assert len(requests) == 1
    without_scope, _ = exchange({**GRANT, "scope": None, "token_type": "bearer"})
    assert without_scope.scope == ""


def test_nothing_of_a_launch_stands_in_what_python_shows_of_it() -> None:
    """SM9, S2: no token, verifier, nonce, patient or user in a repr, where a log or a failure might quote it."""
    granted, _ = exchange(lambda request: trusted(request, CLAIMS))
    assert granted.user == "Practitioner/doctor"
    shown = f"{granted!r}{ASKED!r}{granted}{ASKED}"
    for secret in (granted.token, ASKED.verifier, ASKED.nonce, PATIENT, "doctor"):
        assert secret not in shown
    assert "launch patient/Condition.rs" in shown


@pytest.mark.parametrize(
    "patient",
    [None, "", 7, True, ["anna"], {"id": "anna"}, "anna/bert", "../anna", "anna?x", "a" * 65, "anna\n", "änna"],
)
def test_a_launch_without_a_patient_is_refused(patient: object) -> None:
    """SM14: whose record it is follows from the token's answer alone, and is never guessed."""
    assert refused({**GRANT, "patient": patient}) == ("ehr_named_no_patient", 0)
    assert refused({name: value for name, value in GRANT.items() if name != "patient"}) == ("ehr_named_no_patient", 0)


@pytest.mark.parametrize(
    ("needed", "shown"), [(False, False), (True, True), (None, True), ("false", True), (0, True), ("", True)]
)
def test_the_patient_is_shown_unless_the_ehr_says_that_it_does(needed: object, *, shown: bool) -> None:
    """SM11: need_patient_banner, where it is true or absent or anything but false."""
    assert exchange({**GRANT, "need_patient_banner": needed})[0].need_patient_banner == shown
    without = {name: value for name, value in GRANT.items() if name != "need_patient_banner"}
    assert exchange(without)[0].need_patient_banner


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("3600", "3600"),
        ("0", "None"),
        ("1", "1"),
        ("-5", "None"),
        ("2.5", "None"),
        ("null", "None"),
        ("true", "None"),
        ('"3600"', "3600"),
        ('"-5"', "None"),
        ("[]", "None"),
        (f"1{'0' * 400}", f"1{'0' * 400}"),
        ('"soon"', "ehr_unreadable"),
        ('{"seconds": 5}', "ehr_unreadable"),
        ("1e999", "ehr_unreadable"),
        ("NaN", "ehr_unreadable"),
        ('3600, "expires_at": "tomorrow"', "3600"),
        ('3600, "expires_at": [1]', "ehr_unreadable"),
        ('3600, "expires_at": 1e999', "ehr_unreadable"),
    ],
)
def test_how_long_a_token_lasts_is_a_number_or_not_known(given: str, seconds: str) -> None:
    """However odd it is, it is a number of seconds, nothing, or refused, and no failure of the program."""
    members = {name: value for name, value in GRANT.items() if name != "expires_in"}
    content = json.dumps(members)[:-1] + f', "expires_in": {given}}}'
    try:
        said = str(exchange(lambda _: Response(200, content=content))[0].seconds)
    except Unanswered as failure:
        said = failure.sentence
    assert said == seconds


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "two words"},
        {"access_token": "line\r\nset-cookie: x"},
        {"access_token": "tökén"},
        {"access_token": "\ud800"},
        {"token_type": None},
        {"token_type": "mac"},
        {"token_type": "DPoP"},
        {"token_type": ["Bearer"]},
    ],
)
def test_what_cannot_be_sent_as_a_bearer_token_is_none(changes: dict[str, Any]) -> None:
    """A token that no header can hold, or of another kind, is not kept."""
    answer = json.dumps({**GRANT, **changes})
    assert refused(lambda _: Response(200, content=answer)) == ("ehr_unreadable", 0)


@pytest.mark.parametrize(
    ("status", "content", "sentence"),
    [
        (400, b'{"error": "invalid_grant", "error_description": "a code+with/signs"}', "ehr_gave_no_token"),
        (401, b'{"error": "invalid_client"}', "ehr_gave_no_token"),
        (400, b'{"error": {"odd": 1}}', "ehr_gave_no_token"),
        (200, b'{"error": "invalid_grant"}', "ehr_gave_no_token"),
        (200, b'{"error": null, "access_token": "the-token"}', "ehr_gave_no_token"),
        (403, b'{"message": "Forbidden"}', "ehr_refused"),
        (429, b"<html>Too many</html>", "ehr_refused"),
        (500, b"", "ehr_refused"),
        (503, b'{"a":' * 50_000, "ehr_refused"),
        (302, b"", "ehr_refused"),
        (307, json.dumps(GRANT).encode(), "ehr_refused"),
        (400, json.dumps(GRANT).encode(), "ehr_refused"),
        (201, json.dumps(GRANT).encode(), "ehr_refused"),
        (200, b"", "ehr_unreadable"),
        (200, b"[]", "ehr_unreadable"),
        (200, b"null", "ehr_unreadable"),
        (200, b'"the-token"', "ehr_unreadable"),
        (200, b"access_token=the-token&token_type=Bearer", "ehr_unreadable"),
        (200, json.dumps(GRANT).encode()[:-1], "ehr_unreadable"),
        (200, b'{"a":' * 50_000, "ehr_unreadable"),
        (200, b"\xff\xfe{", "ehr_unreadable"),
    ],
)
def test_no_other_answer_is_a_token(status: int, content: bytes, sentence: str) -> None:
    """SM6: an error, a redirect, garbage or a page is a sentence; it is asked once, and a redirect never followed."""
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        return Response(status, content=content, headers={"location": f"{TOKEN_ENDPOINT}/again"})

    said, told = refused(answer)
    assert said == sentence
    assert told == (status if status != 200 else 0)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (httpx2.ConnectError("no route"), "ehr_unreachable"),
        (httpx2.ReadError("broken off"), "ehr_unreachable"),
        (httpx2.InvalidURL("no address"), "ehr_unreachable"),
        (httpx2.ConnectTimeout("late"), "ehr_too_slow"),
        (httpx2.ReadTimeout("late"), "ehr_too_slow"),
    ],
)
def test_a_failing_network_gives_no_token(failure: Exception, sentence: str) -> None:
    """Every failure has a sentence."""

    def fail(_: Request) -> Response:
        raise failure

    assert refused(fail) == (sentence, 0)


def test_a_token_endpoint_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its time and no more."""
    monkeypatch.setattr(tokens, "SECONDS", 0.01)

    async def silent(_: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Unanswered, match="ehr_too_slow"):
        asyncio.run(ask_for_token(EHR, lambda _: httpx2.MockTransport(silent), SMART, CODE, ASKED))


def signed(claims: dict[str, Any], key: Key = KEY, algorithm: str = "RS256", **header: str) -> str:
    """An id_token."""
    return jwt.encode({"alg": algorithm, "kid": str(key.kid), **header}, claims, key, algorithms=[algorithm])


def part(document: object) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def answering(id_token: object, *keys: Key, status: int = 200) -> Callable[[Request], Response]:
    """An EHR that gives this id_token, and these public keys."""

    def answer(request: Request) -> Response:
        if str(request.url) == TOKEN_ENDPOINT:
            return Response(200, json={**GRANT, "id_token": id_token})
        assert str(request.url) == SMART.jwks_uri
        assert "authorization" not in request.headers
        return Response(status, json=KeySet(list(keys or (KEY,))).as_dict(private=False))

    return answer


def trusted(request: Request, claims: dict[str, Any]) -> Response:
    """What an EHR answers that signs as it should."""
    return answering(signed(claims))(request)


def without(name: str) -> dict[str, Any]:
    """The claims but for one."""
    return {other: value for other, value in CLAIMS.items() if other != name}


@pytest.mark.parametrize(
    ("claims", "user"),
    [
        (CLAIMS, "Practitioner/doctor"),
        (without("fhirUser"), "doctor"),
        ({**CLAIMS, "aud": ["prognosis"], "azp": "prognosis"}, "Practitioner/doctor"),
        ({**CLAIMS, "exp": NOW - LEEWAY + 1}, "Practitioner/doctor"),
        ({**CLAIMS, "iat": NOW + LEEWAY}, "Practitioner/doctor"),
    ],
)
def test_who_signed_in_is_believed_when_the_ehr_has_signed_it(claims: dict[str, Any], user: str) -> None:
    """SM7: with the keys of the EHR, which are read without a token, and within the leeway of two clocks."""
    granted, requests = exchange(lambda request: trusted(request, claims))
    assert granted.user == user
    assert [str(one.url) for one in requests] == [TOKEN_ENDPOINT, SMART.jwks_uri]


@pytest.mark.parametrize(
    "claims",
    [
        {**CLAIMS, "iss": "https://elsewhere.example"},
        {**CLAIMS, "iss": f"{SMART.issuer}/"},
        {**CLAIMS, "iss": [SMART.issuer]},
        without("iss"),
        {**CLAIMS, "aud": "another"},
        {**CLAIMS, "aud": ["another", "prognosis"], "azp": "another"},
        {**CLAIMS, "aud": []},
        without("aud"),
        {**CLAIMS, "nonce": "of-another-launch"},
        {**CLAIMS, "nonce": ""},
        {**CLAIMS, "nonce": None},
        without("nonce"),
        {**CLAIMS, "exp": NOW - LEEWAY},
        {**CLAIMS, "exp": "tomorrow"},
        without("exp"),
        {**CLAIMS, "iat": NOW + LEEWAY + 1},
        without("iat"),
        {**CLAIMS, "nbf": NOW + LEEWAY + 1},
    ],
)
def test_an_id_token_of_another_launch_is_not_believed(claims: dict[str, Any]) -> None:
    """SM7: of another issuer, for another client, for another launch, too old, or from the future."""
    assert refused(lambda request: trusted(request, claims)) == ("ehr_not_trusted", 0)


PUBLIC = {name: str(value) for name, value in KEY.as_dict(private=False).items()}
HS256 = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(CLAIMS)}"


def hashed(secret: bytes) -> str:
    """A token that is signed with the public key as if it were a secret."""
    digest = hmac.new(secret, HS256.encode(), sha256).digest()
    return f"{HS256}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "id_token",
    [
        signed(CLAIMS, OTHER),
        signed(CLAIMS, SECOND),
        signed(CLAIMS, KEY, "RS384"),
        signed(CLAIMS, KEY, "PS256"),
        signed(CLAIMS, CURVE, "ES256"),
        f"{part({'alg': 'none'})}.{part(CLAIMS)}.",
        f"{part({'alg': 'none', 'kid': 'one'})}.{part(CLAIMS)}.{signed(CLAIMS).rpartition('.')[2]}",
        hashed(KEY.as_pem(private=False)),
        hashed(json.dumps(PUBLIC).encode()),
        hashed(PUBLIC["n"].encode()),
        ".".join([signed(CLAIMS).split(".")[0], part({**CLAIMS, "fhirUser": "x"}), signed(CLAIMS).split(".")[2]]),
        signed(CLAIMS).rpartition(".")[0] + ".",
        signed(CLAIMS) + "x",
        f"{part({'alg': ['RS256']})}.{part(CLAIMS)}.x",
        f"{part({'alg': 'RS256', 'crit': True})}.{part(CLAIMS)}.x",
        f"{part(['alg'])}.{part(CLAIMS)}.x",
        "a.b.c",
        "é.é.é",
        "....",
    ],
)
def test_an_id_token_that_the_ehr_has_not_signed_is_not_believed(id_token: str) -> None:
    """SM7: RS256 with a key of the EHR, whatever the token itself says about that."""
    assert refused(answering(id_token, KEY, CURVE)) == ("ehr_not_trusted", 0)


def test_an_id_token_is_held_against_the_key_that_it_names() -> None:
    """SM7: of several keys the one of its kid, and none where it names none."""
    assert exchange(answering(signed(CLAIMS), SECOND, KEY))[0].user == "Practitioner/doctor"
    nameless = jwt.encode({"alg": "RS256"}, CLAIMS, KEY)
    assert refused(answering(nameless, SECOND, KEY)) == ("ehr_not_trusted", 0)


@pytest.mark.parametrize("smart", [replace(SMART, issuer=None), replace(SMART, jwks_uri=None)])
def test_an_id_token_without_anything_to_hold_it_against_is_not_believed(smart: SmartConfiguration) -> None:
    """SM7: where the EHR does not say who signs, and with which keys, nobody knows who did."""
    transport = httpx2.MockTransport(answering(signed(CLAIMS)))
    with pytest.raises(Unanswered, match="ehr_not_trusted"):
        asyncio.run(ask_for_token(EHR, lambda _: transport, smart, CODE, ASKED))


@pytest.mark.parametrize("absent", [None, "", 7])
def test_without_an_id_token_nobody_is_named(absent: object) -> None:
    """Who signed in serves the audit alone: where the EHR does not say it, the launch goes on, with one request."""
    granted, requests = exchange({**GRANT, "id_token": absent})
    assert (granted.user, len(requests)) == (None, 1)


@pytest.mark.parametrize(
    ("status", "content", "sentence"),
    [
        (404, b"", "ehr_refused"),
        (302, b"", "ehr_refused"),
        (200, b"", "ehr_unreadable"),
        (200, b"{}", "ehr_unreadable"),
        (200, b'{"keys": 5}', "ehr_unreadable"),
        (200, b'{"keys": []}', "ehr_unreadable"),
        (200, b'{"keys": [null, "x", {"kty": "new"}]}', "ehr_unreadable"),
        (200, b'{"keys": [{"kty": "RSA", "n": 5, "e": "AQAB"}]}', "ehr_unreadable"),
        (200, b'{"keys": [{"kty": "EC", "crv": "P-0", "x": "AA", "y": "AA"}]}', "ehr_unreadable"),
        (200, b'{"keys": [{"kty": ["RSA"]}]}', "ehr_unreadable"),
    ],
)
def test_without_keys_nothing_is_believed(status: int, content: bytes, sentence: str) -> None:
    """SM7: keys that cannot be read are none, and no failure of the program."""

    def answer(request: Request) -> Response:
        if str(request.url) == TOKEN_ENDPOINT:
            return trusted(request, CLAIMS)
        return Response(status, content=content, headers={"location": str(SMART.jwks_uri)})

    assert refused(answer) == (sentence, status if sentence == "ehr_refused" else 0)


def test_what_was_granted_cannot_be_changed() -> None:
    """The patient of a launch stays the one that the EHR has named."""
    granted: Any = Granted("the-token", PATIENT, "", None, need_patient_banner=True, user=None)
    with pytest.raises(AttributeError):
        granted.patient = "bert"
