"""SMART App Launch as the list of EHR.md has it, SM1 to SM7: how a launch begins, and what it is refused for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from httpx2 import ConnectError, ReadTimeout
from httpx2 import Response as Answer
from joserfc import jwt
from joserfc.jwk import RSAKey

from model.artefact import Artefact
from tests.fake_ehr import (
    APP,
    CALLBACK,
    CLIENT,
    KEY,
    KEYS,
    SMART,
    TOKEN,
    FakeEhr,
    Instead,
    Opened,
    asked_of,
    log_of,
    opened,
)
from tests.records import BASE, WHOLE
from tests.web import Page, read_page

STRANGER = RSAKey.generate_key(2048, {"kid": "signs"})


@pytest.fixture(scope="module")
def program(artefact: Artefact) -> Opened:
    return opened(artefact, FakeEhr([]))


@pytest.fixture
def ehr() -> FakeEhr:
    return FakeEhr(list(WHOLE))


@pytest.fixture
def app(program: Opened, ehr: FakeEhr) -> Opened:
    return program.anew(ehr)


def by_hand(response: Any, *secrets: str) -> Page:  # noqa: ANN401 - the client's own answer
    """The page of a launch that cannot go on: it says so, offers the empty form, and tells nothing of these secrets."""
    assert response.status_code == 502
    page = read_page(response.text)
    assert page.one("h2", id="ended-title").text == "The record could not be opened"
    assert page.all("form", class_="patient")
    assert not page.all("input", checked="")
    assert [secret for secret in secrets if secret in response.text + str(response.headers)] == []
    return page


@pytest.mark.parametrize(
    "iss",
    [
        "https://evil.example/fhir/R4",
        BASE.upper(),
        BASE.replace("hospital", "Hospital"),
        BASE.replace("https:", "http:"),
        BASE.replace(".example/", ".example:443/"),
        BASE.replace(".example/", ".example./"),
        BASE.replace("https://", "https://me@"),
        BASE.replace("/R4", "/r4"),
        f"{BASE}/Patient",
        f"{BASE}?",
        f"{BASE}#",
        f"{BASE} ",
        f" {BASE}",
        BASE[:-1],
        f"{BASE}/../R4",
        f"{BASE}.evil.example",
        "",
        "/",
    ],
)
def test_sm01_an_unknown_ehr_is_refused_before_anybody_is_asked(app: Opened, ehr: FakeEhr, iss: str) -> None:
    """SM1: known is what the configuration names, to the letter; nothing is asked, and nothing remembered."""
    response = app.go(f"/launch?{urlencode({'iss': iss, 'launch': 'x'})}")
    assert response.status_code == 403
    assert "set-cookie" not in response.headers
    assert (ehr.requests, len(app.sessions)) == ([], 0)


@pytest.mark.parametrize("iss", [BASE, f"{BASE}/"])
def test_sm01_a_known_ehr_is_asked_to_sign_in(app: Opened, iss: str) -> None:
    """SM1: with a slash at its end or without; some EHRs name themselves either way."""
    response = app.go(f"/launch?{urlencode({'iss': iss, 'launch': 'x'})}")
    assert response.status_code == 303
    assert asked_of(response.headers["location"])["aud"] == BASE
    assert len(app.sessions) == 1


def test_sm02_endpoints_come_from_the_smart_configuration(app: Opened, ehr: FakeEhr) -> None:
    """SM2: and from nowhere else: no metadata is read; a query that an endpoint has already is kept."""
    ehr.smart = {"authorization_endpoint": f"{ehr.origin}/auth/authorize?tenant=7"}
    asked = asked_of(app.begin(ehr))
    assert ehr.places() == [SMART]
    assert asked["tenant"] == "7"
    assert {"state", "aud", "code_challenge"} <= asked.keys()


@pytest.mark.parametrize(
    "instead",
    [
        404,
        500,
        302,
        ConnectError("no way"),
        ReadTimeout("no answer"),
        lambda _: Answer(200, text="<html>"),
        lambda _: Answer(200, text="[]"),
        lambda _: Answer(200, content=b" " * 8_400_000),
        {"token_endpoint": f"{BASE}/token", "code_challenge_methods_supported": ["S256"]},
        {"authorization_endpoint": f"{BASE}/go", "code_challenge_methods_supported": ["S256"]},
    ],
)
def test_sm02_a_configuration_that_is_none_stops_the_launch(app: Opened, ehr: FakeEhr, instead: Instead) -> None:
    """SM2: with a page that says so; nothing is guessed."""
    ehr.instead[SMART] = instead
    response = app.go(f"/launch?{urlencode({'iss': BASE})}")
    by_hand(response)
    assert "set-cookie" not in response.headers
    assert (ehr.places(), len(app.sessions)) == ([SMART], 0)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "address", ["http://ehr.hospital.example/a", "javascript:alert(1)", "//x", "https://", "https://a b", 7, ""]
)
def test_sm02_an_endpoint_that_is_no_https_address_is_not_used(
    app: Opened, ehr: FakeEhr, name: str, address: object
) -> None:
    """SM2: codes, tokens and keys go over TLS alone."""
    ehr.smart = {name: address}
    by_hand(app.go(f"/launch?{urlencode({'iss': BASE})}"))


@pytest.mark.parametrize("methods", [None, [], ["plain"], "S256", ["s256"], {"S256": True}])
def test_sm03_an_ehr_without_s256_is_refused(app: Opened, ehr: FakeEhr, methods: object) -> None:
    """SM3: and the page says why."""
    ehr.smart = {"code_challenge_methods_supported": methods}
    page = by_hand(app.go(f"/launch?{urlencode({'iss': BASE})}"))
    assert "PKCE with S256" in page.text
    assert len(app.sessions) == 0
    ehr.smart = {"code_challenge_methods_supported": ["plain", "S256"]}
    assert app.begin(ehr)


def test_sm04_the_authorization_request_says_everything(app: Opened, ehr: FakeEhr) -> None:
    """SM4: with aud as it is configured, the launch as it came, and the challenge of the verifier that comes later."""
    location = app.begin(ehr, "xyz 123/ä&=")
    asked = asked_of(location)
    assert asked.keys() == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "aud", "launch", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    assert asked["response_type"] == "code"
    assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT, CALLBACK)
    assert (asked["aud"], asked["launch"]) == (BASE, "xyz 123/ä&=")
    assert asked["code_challenge_method"] == "S256"
    assert app.go(ehr.sign_in(location)).status_code == 303
    (sent,) = ehr.asked(TOKEN)
    form = dict(parse_qsl(sent.content.decode()))
    assert 43 <= len(form["code_verifier"]) <= 128
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert form["code_verifier"] not in location
    assert form["redirect_uri"] == CALLBACK


def test_sm04_nobody_can_guess_what_comes_back(app: Opened, ehr: FakeEhr) -> None:
    """SM4: state, nonce and challenge differ in every launch; the random part of a state has at least 122 bits."""
    launches = [asked_of(app.begin(ehr)) for _ in range(20)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({one[name] for one in launches}) == 20
    for one in launches:
        identifier, _, secret = one["state"].partition(".")
        assert identifier
        assert 8 * len(base64.urlsafe_b64decode(f"{secret}=")) >= 122
        assert 8 * len(base64.urlsafe_b64decode(f"{one['nonce']}=")) >= 122


def test_sm05_a_state_counts_once(app: Opened, ehr: FakeEhr) -> None:
    """SM5: what comes a second time is refused, and nothing is asked for it."""
    back = ehr.sign_in(app.begin(ehr))
    assert app.go(back).status_code == 303
    asked = ehr.places()
    assert app.go(back).status_code == 400
    assert ehr.places() == asked


@pytest.mark.parametrize(("seconds", "status"), [(0.0, 303), (299.9, 303), (300.0, 400), (1e6, 400)])
def test_sm05_a_state_counts_for_five_minutes(app: Opened, ehr: FakeEhr, seconds: float, status: int) -> None:
    """SM5: and not longer."""
    back = ehr.sign_in(app.begin(ehr))
    app.clock.now += seconds
    assert app.go(back).status_code == status
    assert len(ehr.asked(TOKEN)) == (status == 303)


def test_sm05_an_answer_counts_in_the_browser_that_asked_alone(app: Opened, ehr: FakeEhr) -> None:
    """SM5: without the cookie, or with that of another launch, nothing is changed for a token."""
    back = ehr.sign_in(app.begin(ehr))
    assert app.another_browser().go(back).status_code == 400
    first, second = app.begin(ehr), app.begin(ehr)
    names = [f"__Host-launch-{asked_of(one)['state'].partition('.')[0]}" for one in (first, second)]
    mine, other = (app.client.cookies[name] for name in names)
    app.client.cookies.clear()
    for name, value in zip(names, (other, mine), strict=True):
        app.client.cookies.set(name, value)
    assert [app.go(ehr.sign_in(one)).status_code for one in (first, second)] == [400, 400]
    assert (ehr.asked(TOKEN), len(app.sessions)) == ([], 0)


def test_sm05_the_cookie_is_of_one_launch(app: Opened, ehr: FakeEhr) -> None:
    """SM5: for this host over TLS, unread by scripts, apart for each portal, with an end; then another for its form."""
    response = app.go(f"/launch?{urlencode({'iss': BASE})}")
    location = response.headers["location"]
    name = f"__Host-launch-{asked_of(location)['state'].partition('.')[0]}"
    value, *attributes = response.headers["set-cookie"].split("; ")
    wanted = {"Path=/", "Secure", "HttpOnly", "SameSite=None", "Partitioned"}
    assert value.startswith(f"{name}=")
    assert set(attributes) == {*wanted, "Max-Age=300"}
    after = app.go(ehr.sign_in(location, expires_in=600))
    assert after.headers["location"] == f"{APP}/l/{name.removeprefix('__Host-launch-')}/"
    renewed, *attributes = after.headers["set-cookie"].split("; ")
    assert set(attributes) == {*wanted, "Max-Age=600"}
    assert renewed.startswith(f"{name}=")
    assert renewed != value


@pytest.mark.parametrize("query", ["", "code=x", "code=x&state=", "code=x&state=made.up", "error=access_denied"])
def test_sm05_an_answer_that_nobody_asked_for_is_refused(app: Opened, ehr: FakeEhr, query: str) -> None:
    """SM5: whatever it says."""
    app.begin(ehr)
    assert app.go(f"/callback?{query}").status_code == 400
    assert (ehr.asked(TOKEN), len(app.sessions)) == ([], 1)


def test_sm05_an_ehr_that_refuses_is_told_of(app: Opened, ehr: FakeEhr) -> None:
    """SM5: without the words that it sends along, which anybody could have written; its state is used up."""
    state = asked_of(app.begin(ehr))["state"]
    said = urlencode({"error": "access_denied", "error_description": "Call-this-number", "state": state})
    response = app.go(f"/callback?{said}")
    assert "refused or broken off" in by_hand(response, "Call-this-number", "access_denied", state).text
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert app.go(f"/callback?code=x&state={state}").status_code == 400
    assert (ehr.asked(TOKEN), len(app.sessions)) == ([], 0)


def test_sm06_a_wrong_verifier_is_a_clean_page(app: Opened, ehr: FakeEhr, caplog: pytest.LogCaptureFixture) -> None:
    """SM6: nothing of code, verifier or the EHR's own words stands on it, or in the log; no session begins."""
    caplog.set_level(logging.DEBUG)
    back = ehr.sign_in(app.begin(ehr))
    (waiting,) = ehr.by_code.values()
    waiting.asked["code_challenge"] = "of-another-verifier"
    response = app.go(back)
    verifier = dict(parse_qsl(ehr.asked(TOKEN)[0].content.decode()))["code_verifier"]
    page = by_hand(response, waiting.code, waiting.token, verifier, "invalid_grant", "is wrong")
    assert "did not accept the launch" in page.text
    assert "auth/token" in log_of(caplog)
    assert [one for one in (waiting.code, verifier, "is wrong") if one in log_of(caplog)] == []
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert len(app.sessions) == 0


@pytest.mark.parametrize(
    "instead",
    [401, 500, 302, ConnectError("at token-1-of-anna"), ReadTimeout("x"), {}, {"access_token": "x"}]
    + [lambda _: Answer(200, text="no json"), lambda _: Answer(400, text="code-1-of-anna"), {"error": "x"}]
    + [{"access_token": "a b", "token_type": "Bearer", "patient": "anna"}]
    + [{"access_token": "a", "token_type": "mac", "patient": "anna"}]
    + [{"access_token": "a", "token_type": "Bearer", "patient": patient} for patient in (None, "", "../x", ["anna"], 7)]
    + [{"access_token": "a", "token_type": "Bearer", "patient": "anna", "expires_in": "soon"}],
)
def test_sm06_a_token_that_is_none_is_a_clean_page(app: Opened, ehr: FakeEhr, instead: Instead) -> None:
    """SM6: however the EHR fails at it."""
    ehr.instead[TOKEN] = instead
    by_hand(app.go(ehr.sign_in(app.begin(ehr))), "code-1-of-anna", "token-1-of-anna")
    assert len(app.sessions) == 0


@pytest.mark.parametrize(
    "claims",
    [{name: None} for name in ("iss", "aud", "exp", "nonce", "iat")]
    + [{"iss": f"{BASE}/"}, {"iss": "https://evil.example"}, {"aud": "another"}, {"aud": ["another"]}]
    + [{"nonce": "another"}, {"nonce": ""}, {"exp": 1_000_000_000}, {"azp": "another"}, {"exp": "soon"}, {"iss": 7}],
)
def test_sm07_an_identity_that_is_not_for_this_launch_is_not_believed(
    app: Opened, ehr: FakeEhr, claims: Mapping[str, object]
) -> None:
    """SM7: iss, aud, exp and nonce are there and right, or no session begins."""
    ehr.claims = claims
    page = by_hand(app.go(ehr.sign_in(app.begin(ehr))), "token-1-of-anna")
    assert "not signed as it must be" in page.text
    assert len(app.sessions) == 0


@pytest.mark.parametrize("claims", [{}, {"aud": [CLIENT]}, {"aud": [CLIENT, "another"], "azp": CLIENT}])
def test_sm07_an_identity_for_this_launch_is_believed(app: Opened, ehr: FakeEhr, claims: Mapping[str, object]) -> None:
    """SM7: aud may be a list; some EHRs name others in it."""
    ehr.claims = claims
    assert app.form(app.open(ehr)).status == 200
    assert len(ehr.asked(KEYS)) == 1


def with_head(location: str, **more: object) -> str:
    """An id_token for this launch, rightly signed, whose head says more."""
    said = {"iss": BASE, "aud": CLIENT, "nonce": asked_of(location)["nonce"], "iat": 1, "exp": 9_999_999_999}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "kid": "signs", **more}, said)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    assert KEY.private_key is not None
    signature = KEY.private_key.sign(text, PKCS1v15(), SHA256())
    return b".".join([text, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 303),
        ({"x5c": ["A" * 1800] * 3}, 303),
        ({"x5c": ["A" * 400], "x5t": "thumb", "x5t#S256": "thumb"}, 303),
        ({"vendor": {"tenant": 7}, "ver": "1.0"}, 303),
        ({"vendor": 7, "crit": ["vendor"]}, 502),
        ({"crit": ["vendor"]}, 502),
        ({"vendor": "x" * 8192}, 502),
    ],
)
def test_sm07_a_head_may_say_more(app: Opened, ehr: FakeEhr, more: dict[str, object], status: int) -> None:
    """RFC 7515: certificates and what nobody here understands are passed over, but for what must be understood."""
    location = app.begin(ehr)
    assert app.go(ehr.sign_in(location, id_token=with_head(location, **more))).status_code == status


def test_sm07_the_signature_is_rs256_of_the_ehrs_own_key(app: Opened, ehr: FakeEhr) -> None:
    """SM7: not another's key, no signature, no secret made of the public key, and no key that cannot be fetched."""

    def forged(algorithm: str, key: RSAKey | None, location: str) -> str:
        said = {"iss": BASE, "aud": CLIENT, "nonce": asked_of(location)["nonce"], "iat": 1, "exp": 9_999_999_999}
        if key is not None:
            return jwt.encode({"alg": algorithm, "kid": "signs"}, said, key, algorithms=[algorithm])
        parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "kid": "signs"}, said)]
        text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = hmac.digest(KEY.as_pem(private=False), text, "sha256") if algorithm == "HS256" else b""
        return b".".join([text, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()

    for algorithm, key in (("none", None), ("HS256", None), ("RS256", STRANGER), ("RS512", KEY)):
        location = app.begin(ehr)
        by_hand(app.go(ehr.sign_in(location, id_token=forged(algorithm, key, location))))
    unknown: tuple[Instead, ...] = (404, {"keys": []}, {}, {"keys": [7]}, {"keys": [{"kty": "RSA"}]})
    for instead in unknown:
        ehr.instead[KEYS] = instead
        by_hand(app.go(ehr.sign_in(app.begin(ehr))))
    del ehr.instead[KEYS]
    ehr.smart = {"jwks_uri": None}
    by_hand(app.go(ehr.sign_in(app.begin(ehr))))
    assert len(app.sessions) == 0
    ehr.smart = {}
    location = app.begin(ehr)
    assert app.go(ehr.sign_in(location, id_token=forged("RS256", KEY, location))).status_code == 303
