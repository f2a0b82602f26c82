"""What is asked for at an EHR and what was granted; where it lets sign in; and a code that becomes a token."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest
from httpx2 import MockTransport, Request, Response
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from server.connections import WRITABLE
from server.fhir.asking import client_for
from server.fhir.reading import KINDS
from server.fhir.unanswered import Unanswered
from server.smart.discovery import SmartConfiguration, discover
from server.smart.scopes import READ, asked_for, readable, writable
from server.smart.tokens import challenge_of
from tests.records import BASE
from tests.sign_in import ASKED, CODE, EHR, GRANT, SMART, TOKEN_ENDPOINT, exchange

RSA, EC = RSAKey.generate_key(2048, {"kid": "rsa"}), ECKey.generate_key("P-384", {"kid": "ec"})


def found(document: object, status: int = 200) -> tuple[SmartConfiguration, list[Request]]:
    """What discovery finds, and what it asks."""
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        return Response(status, content=document if isinstance(document, bytes) else json.dumps(document))

    async def discovering() -> SmartConfiguration:
        async with client_for(EHR, lambda _: MockTransport(answer)) as client:
            return await discover(client, BASE)

    return asyncio.run(discovering()), asked


def test_the_least_is_asked_for() -> None:
    """SM16: one patient, read only, four types; writing is asked for where the hospital has switched it on."""
    least = "patient/Patient.r patient/Condition.rs patient/Procedure.rs patient/Observation.rs"
    assert " ".join(READ) == least
    assert asked_for(standalone=False, write=()) == f"openid fhirUser launch {least}"
    assert asked_for(standalone=True, write=()) == f"openid fhirUser launch/patient {least}"
    assert asked_for(standalone=False, write=["RiskAssessment"]).endswith(f"{least} patient/RiskAssessment.c")
    assert "*" not in asked_for(standalone=True, write=WRITABLE)


SEARCHED = KINDS[1:]


@pytest.mark.parametrize(
    ("granted", "kinds"),
    [
        (" ".join(READ), KINDS),
        ("patient/*.rs", KINDS),
        ("patient/*.cruds", KINDS),
        ("patient/*.read", KINDS),
        ("patient/*.*", KINDS),
        ("patient/Patient.read patient/Condition.*", ("Patient", "Condition")),
        ("patient/*.s", SEARCHED),
        ("patient/*.r", ("Patient",)),
        ("patient/Observation.rs?category=laboratory", ()),
        ("patient/Condition.cs launch/patient", ("Condition",)),
        ("patient/*.write patient/*.cud", ()),
        ("user/*.rs system/*.rs user/Patient.read", ()),
        ("patient/Condition.search patient/Condition.rsx patient/Condition.sr", ()),
        ("patient/Condition patient/Condition. patient/condition.rs PATIENT/Condition.rs", ()),
        ("xpatient/Condition.rs patient/ConditionX.rs patient/Condition.rs/x", ()),
        ("openid fhirUser launch", ()),
        ("", ()),
    ],
)
def test_only_what_was_granted_is_read(granted: str, kinds: tuple[str, ...]) -> None:
    """SM8: granted scopes count and not requested ones, of either version; what is not understood grants nothing."""
    assert readable(granted) == kinds


@given(st.text(), st.sampled_from(KINDS))
def test_no_other_text_grants_anything(text: str, kind: str) -> None:
    """SM8: a right follows from a whole scope of this patient alone."""
    if "patient/" not in text:
        assert readable(text) == writable(text, WRITABLE) == ()
    assert kind in readable(f"patient/{kind}.rs {text}")


@pytest.mark.parametrize(
    ("granted", "kinds"),
    [
        ("patient/RiskAssessment.c", ("RiskAssessment",)),
        ("patient/*.c", ("RiskAssessment", "Observation")),
        ("patient/*.write", ("RiskAssessment", "Observation")),
        ("patient/Observation.cruds patient/DocumentReference.c", ("Observation",)),
        ("patient/*.rs patient/*.read patient/RiskAssessment.u patient/RiskAssessment.search", ()),
        ("", ()),
    ],
)
def test_a_result_is_written_only_as_the_hospital_and_the_ehr_allow(granted: str, kinds: tuple[str, ...]) -> None:
    """SM8: what the hospital has switched on, as far as it was granted."""
    assert writable(granted, ("RiskAssessment", "Observation")) == kinds
    assert writable(granted, ()) == ()


DESCRIPTION: dict[str, Any] = {
    "authorization_endpoint": SMART.authorization_endpoint,
    "token_endpoint": SMART.token_endpoint,
    "issuer": SMART.issuer,
    "jwks_uri": SMART.jwks_uri,
    "code_challenge_methods_supported": ["plain", "S256"],
}


def test_an_ehr_is_known_from_its_smart_configuration_alone() -> None:
    """SM2: one request, without a token, and none for a capability statement with its oauth-uris."""
    smart, (request,) = found(DESCRIPTION)
    assert smart == SMART
    assert str(request.url) == f"{BASE}/.well-known/smart-configuration"
    assert "authorization" not in request.headers
    without_keys = {name: value for name, value in DESCRIPTION.items() if name not in {"issuer", "jwks_uri"}}
    assert found(without_keys)[0] == replace(SMART, issuer=None, jwks_uri=None)


@pytest.mark.parametrize("methods", [None, [], ["plain"], "S256", ["s256"], {"S256": True}, [["S256"]]])
def test_an_ehr_without_s256_is_refused(methods: object) -> None:
    """SM3: without S256 whoever sees a code can use it."""
    with pytest.raises(Unanswered, match="ehr_without_s256"):
        found({**DESCRIPTION, "code_challenge_methods_supported": methods})
    with pytest.raises(Unanswered, match="ehr_without_s256"):
        found({name: value for name, value in DESCRIPTION.items() if name != "code_challenge_methods_supported"})


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "address",
    [
        "http://login.hospital.example/x",
        "HTTP://login.hospital.example/x",
        "//login.hospital.example/x",
        "/authorize",
        "https:///x",
        "https://user@login.hospital.example/x",
        "https://:word@login.hospital.example/x",
        "https://login.hospital.example/x#y",
        "https://login.hospital.example/x y",
        "https://login.hospital.example/x\r\nset-cookie: y",
        "https://login.hospital.example:port/x",
        "https://login.hospital.example:99999/x",
        "https://[::1/x",
        "javascript:alert(1)",
        "",
        None,
        7,
        ["https://login.hospital.example/x"],
    ],
)
def test_an_endpoint_is_an_https_address(name: str, address: object) -> None:
    """A browser, a code and a token are sent to whole addresses with TLS alone."""
    with pytest.raises(Unanswered, match="ehr_unreadable"):
        found({**DESCRIPTION, name: address})


@given(st.text("/:@[]\\?#.%\t\n https0e", max_size=15))
def test_no_text_of_an_endpoint_is_a_failure_of_the_program(text: str) -> None:
    """Whatever stands there is an address with TLS, or refused."""
    try:
        smart, _ = found({**DESCRIPTION, "token_endpoint": f"https:{text}"})
    except Unanswered as failure:
        assert failure.sentence == "ehr_unreadable"  # noqa: PT017 - either may happen
    else:
        assert httpx2.URL(smart.token_endpoint).scheme == "https"


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (b"", 404, "ehr_refused"),
        (b"{}", 302, "ehr_refused"),
        (json.dumps(DESCRIPTION).encode(), 500, "ehr_refused"),
        (b"<html>", 200, "ehr_unreadable"),
        (b"[]", 200, "ehr_unreadable"),
        (b'{"a":' * 50_000, 200, "ehr_unreadable"),
        (json.dumps(DESCRIPTION).encode()[:-1], 200, "ehr_unreadable"),
    ],
)
def test_an_ehr_that_does_not_describe_itself_is_refused(content: bytes, status: int, sentence: str) -> None:
    """No description, no launch; and no other place is looked at (SM2)."""
    with pytest.raises(Unanswered, match=sentence) as caught:
        found(content, status)
    assert caught.value.status == (status if sentence == "ehr_refused" else 0)


def sent(request: Request) -> dict[str, str]:
    """The fields of a request for a token; each stands there once, and in the body alone."""
    assert (request.method, str(request.url)) == ("POST", TOKEN_ENDPOINT)
    fields = parse_qsl(request.content.decode(), strict_parsing=True)
    assert len(dict(fields)) == len(fields)
    return dict(fields)


PLAIN = {
    "grant_type": "authorization_code",
    "code": CODE,
    "redirect_uri": ASKED.redirect_uri,
    "code_verifier": ASKED.verifier,
}


def test_a_public_client_shows_the_verifier() -> None:
    """SM4, SM6: who has begun the launch, and nobody else, has the verifier whose challenge was sent."""
    _, (request,) = exchange(GRANT)
    assert sent(request) == {**PLAIN, "client_id": "prognosis"}
    assert "authorization" not in request.headers
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_secret_is_sent_encoded_and_in_the_header_alone() -> None:
    """RFC 6749, 2.3.1: name and secret are encoded before they are put together, so that any sign may be in them."""
    ehr = replace(EHR, client_id="a client", client_secret="p:ss w%rd+ü")  # noqa: S106 - of no client
    _, (request,) = exchange(GRANT, ehr)
    scheme, _, proof = request.headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(proof)) == ("Basic", b"a+client:p%3Ass+w%25rd%2B%C3%BC")
    assert sent(request) == PLAIN


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS384"), (EC, "ES384")])
def test_a_key_signs_a_proof_that_is_good_once_and_for_minutes(key: RSAKey | ECKey, algorithm: str) -> None:
    """SMART App Launch: RS384 or ES384, for this token endpoint, for at most five minutes, with a new jti each time."""
    seen = set()
    for _ in range(3):
        _, (request,) = exchange(GRANT, replace(EHR, client_key=key))
        fields = sent(request)
        assert fields.pop("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        token = jwt.decode(fields.pop("client_assertion"), key, algorithms=[algorithm])
        fields.pop("client_id", None)
        assert fields == PLAIN
        assert "authorization" not in request.headers
        assert token.header == {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
        claims = dict(token.claims)
        assert 0 < claims.pop("exp") - claims.pop("iat") <= 300
        seen.add(claims.pop("jti"))
        assert claims == {"iss": "prognosis", "sub": "prognosis", "aud": TOKEN_ENDPOINT}
    assert len(seen) == 3
    assert min(len(one) for one in seen) >= 22
