"""Whatever goes wrong while a launch begins: a page says what happened, and the form is there to go on by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from server.fhir import asking
from server.smart import tokens
from tests.ehr_peer import Kind
from tests.hospitals import ANNA, FILLED, Hospital
from tests.visits import (
    NEVER,
    REFUSED,
    SLOW,
    UNREACHABLE,
    UNREADABLE,
    Visitor,
    asked,
    boxes,
    changed,
)
from tests.web import DISTANT

DISCOVERY, TOKEN, KEYS = "/fhir/R4/.well-known/smart-configuration", "/auth/token", "/auth/jwks"
NOT_ACCEPTED = "The EHR did not accept the launch."
NOT_TRUSTED = "What the EHR said about who has signed in is not signed as it must be, so it was not believed."
NOBODY = "The EHR did not say which patient is meant."
BY_HAND = (
    "Open the form from the EHR once more, or go on by hand below:"
    " nothing is filled in, and nothing can be written to the record."
)


def be_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for ten seconds."""
    for module in (asking, tokens):
        monkeypatch.setattr(module, "SECONDS", 1.5)


def check_by_hand(visit: Visitor) -> None:
    """The form that is open holds nothing, and answers what is typed into it, without a record."""
    assert visit.held() == {}
    assert boxes(visit.page) == []
    assert visit.place == f"{visit.clinic.address}/"
    page = visit.send("", changed(visit.fields(), {name: str(value) for name, value in DISTANT.items()}))
    assert page.status == 200
    assert page.one("h1").text == "Predicted survival"
    assert page.all("form", class_="save") == []


LAUNCHES: Mapping[str, tuple[Kind, str, Any, str]] = {
    "discovery 404": ("status", DISCOVERY, 404, REFUSED.format(404)),
    "discovery 500": ("status", DISCOVERY, 500, REFUSED.format(500)),
    "discovery never answers": ("delay", DISCOVERY, NEVER, SLOW),
    "discovery is no JSON": ("garbage", DISCOVERY, None, UNREADABLE),
    "discovery breaks off": ("truncated", DISCOVERY, None, UNREACHABLE),
    "discovery closes": ("close", DISCOVERY, None, UNREACHABLE),
    "no S256": (
        *("merge", DISCOVERY, {"code_challenge_methods_supported": ["plain"]}),
        "The EHR does not offer the protection that signing in needs (PKCE with S256).",
    ),
    "no endpoint": ("merge", DISCOVERY, {"token_endpoint": None}, UNREADABLE),
    "no TLS": ("merge", DISCOVERY, {"token_endpoint": "http://localhost:1/token"}, UNREADABLE),
    "token down": ("close", TOKEN, None, UNREACHABLE),
    "token never answers": ("delay", TOKEN, NEVER, SLOW),
    "token 400": ("status", TOKEN, 400, NOT_ACCEPTED),
    "token 503": ("status", TOKEN, 503, NOT_ACCEPTED),
    "token is no JSON": ("garbage", TOKEN, None, UNREADABLE),
    "token breaks off": ("truncated", TOKEN, None, UNREACHABLE),
    "no token": ("merge", TOKEN, {"access_token": None}, UNREADABLE),
    "no patient": ("merge", TOKEN, {"patient": None}, NOBODY),
    "no id for a patient": ("merge", TOKEN, {"patient": "../b"}, NOBODY),
    "keys 500": ("status", KEYS, 500, REFUSED.format(500)),
    "keys are none": ("merge", KEYS, {"keys": []}, UNREADABLE),
    "wrong signature": ("id_token_wrong_signature", TOKEN, None, NOT_TRUSTED),
    "wrong algorithm": ("id_token_wrong_algorithm", TOKEN, "none", NOT_TRUSTED),
    "wrong nonce": ("id_token_wrong_nonce", TOKEN, None, NOT_TRUSTED),
    "wrong audience": ("id_token_wrong_audience", TOKEN, None, NOT_TRUSTED),
    "wrong issuer": ("id_token_wrong_issuer", TOKEN, None, NOT_TRUSTED),
    "expired": ("id_token_expired", TOKEN, None, NOT_TRUSTED),
}


@pytest.mark.parametrize("fault", LAUNCHES)
def test_a_launch_that_fails(clinic: Hospital, visit: Visitor, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """SM3, SM6, SM7: discovery, token or id_token fails: the page says how, asks nothing more, and goes on by hand."""
    kind, path, value, why = LAUNCHES[fault]
    clinic.peer.fault(kind, path, value=value)
    if kind == "delay":
        be_impatient(monkeypatch)
    page = visit.open(ANNA)
    assert page.status == 502
    assert page.texts("h2", id="ended-title") == ["The record could not be opened"]
    assert f"{why} {BY_HAND}" in page.text
    assert [one for one in asked(clinic, "/fhir/") if one["path"] != DISCOVERY] == []
    assert len(clinic.connected.sessions) == 0
    assert [cookie.name for cookie in visit.http.cookies.jar] == []
    check_by_hand(visit)
    clinic.peer.mend()
    visit.open(ANNA)
    assert visit.held() == FILLED[ANNA]


def test_an_ehr_that_nobody_knows(clinic: Hospital, visit: Visitor) -> None:
    """SM1: an issuer that is not in the configuration is refused (403) before anything is asked of it."""
    page = visit.go(f"{clinic.address}/launch?iss={clinic.peer.issuer}/other&launch=one")
    assert page.status == 403
    assert "The form was opened from an EHR that it does not know. Nothing was asked of that EHR." in page.text
    assert asked(clinic, "/") == []


def test_an_answer_that_comes_too_late_or_twice(clinic: Hospital, visit: Visitor) -> None:
    """SM5: the answer of the EHR counts once, within five minutes, in the browser that asked; else it is a 400."""
    visit.open(ANNA)
    (query,) = [one["query"] for one in asked(clinic, "/auth/authorize")]
    assert isinstance(query, dict)
    again = visit.go(f"{clinic.address}/callback?code=one&state={query['state']}")
    assert again.status == 400
    assert "does not belong to a launch that this browser has just begun" in again.text
    clinic.open("late", ANNA)
    visit.http.follow_redirects = False
    begun = visit.http.get(f"{clinic.address}/launch?iss={clinic.peer.issuer}&launch=late")
    answer = visit.http.get(begun.headers["location"])
    clinic.clock.now += 301
    late = visit.http.get(answer.headers["location"])
    assert late.status_code == 400
    assert "come too late" in late.text
    assert len(asked(clinic, TOKEN)) == 1
