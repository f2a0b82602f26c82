"""An EHR that answers without a network: it does everything right, keeps what it was asked, and errs where it is told.

Beside it a browser that opens the form from it, as a person would.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from httpx2 import AsyncBaseTransport, MockTransport, Request
from httpx2 import Response as Answer
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.application import create_app
from server.connected import Connected
from server.connections import Connections, Ehr
from server.smart.sessions import Sessions
from tests.records import BASE, PATIENT, Resource, bundle
from tests.web import Page, read_page

APP = "https://rps.hospital.example"
CALLBACK = f"{APP}/callback"
CLIENT = "prognosis"
USER = "Practitioner/doctor"
KEY = RSAKey.generate_key(2048, {"kid": "signs", "use": "sig"})
SMART, TOKEN, KEYS = "smart-configuration", "token", "keys"
WRITES = ("RiskAssessment", "Observation", "DocumentReference")

Document = dict[str, Any]
Instead = int | Exception | Document | Callable[[Request], Answer]
"""What comes instead of an answer: a status, a failure of the network, a document, or whatever this gives."""


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def changed(document: Mapping[str, object], changes: Mapping[str, object]) -> Document:
    """A document with some members changed; None leaves one out."""
    return {name: value for name, value in {**document, **changes}.items() if value is not None}


@dataclass(slots=True)
class SignIn:
    """One authorization request, and for whom a token of it is."""

    asked: dict[str, str]
    patient: str
    code: str
    token: str
    answer: Mapping[str, object]
    """What the token's answer says otherwise."""


@dataclass(eq=False)
class FakeEhr:
    """One EHR with the records of some patients."""

    resources: list[Resource]
    issuer: str = BASE
    name: str = "The hospital"
    at: str = ""
    """What the program's redirect address for it ends in."""
    conditional: bool = True
    """Whether it minds If-None-Exist."""
    smart: Mapping[str, object] = field(default_factory=dict)
    """What its configuration says otherwise; None leaves a member out."""
    claims: Mapping[str, object] = field(default_factory=dict)
    """What its id_tokens say otherwise."""
    key: RSAKey = field(default_factory=lambda: KEY)
    """What signs its id_tokens; what it publishes is always the right one."""
    instead: dict[str, Instead] = field(default_factory=dict)
    """By place (SMART, TOKEN, KEYS, "GET Patient", "POST RiskAssessment"), what comes instead of an answer."""
    before: Callable[[str], Awaitable[None]] | None = None
    """What happens before any place answers."""
    requests: list[Request] = field(default_factory=list)
    created: list[Document] = field(default_factory=list)
    numbers: count[int] = field(default_factory=lambda: count(1))
    by_code: dict[str, SignIn] = field(default_factory=dict)
    by_token: dict[str, SignIn] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Where it is."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def asked(self, place: str = "") -> list[Request]:
        """What it was asked, at one place or at all."""
        return [one for one in self.requests if not place or self.place(one) == place]

    def places(self) -> list[str]:
        """Where it was asked, in order."""
        return [self.place(one) for one in self.requests]

    def place(self, request: Request) -> str:
        """What a request is for."""
        address = str(request.url.copy_with(query=None))
        known = {
            f"{self.issuer}/.well-known/smart-configuration": SMART,
            f"{self.origin}/auth/token": TOKEN,
            f"{self.origin}/auth/keys": KEYS,
        }
        if address in known:
            return known[address]
        kind = address.removeprefix(f"{self.issuer}/").partition("/")[0]
        return f"{request.method} {kind}"

    async def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        self.requests.append(request)
        place = self.place(request)
        if self.before is not None:
            await self.before(place)
        instead = self.instead.get(place)
        if isinstance(instead, Exception):
            raise instead
        if isinstance(instead, int):
            return Answer(instead, json={"resourceType": "OperationOutcome", "issue": []})
        if instead is not None:
            return Answer(200, json=instead) if isinstance(instead, dict) else instead(request)
        if place == SMART:
            return Answer(200, json=changed(self.configuration(), self.smart))
        if place == KEYS:
            return Answer(200, json={"keys": [KEY.as_dict(private=False)]})
        return self.give_token(request) if place == TOKEN else self._of_record(request)

    def configuration(self) -> Document:
        """What it says of itself, when it is right."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.origin}/auth/authorize",
            "token_endpoint": f"{self.origin}/auth/token",
            "jwks_uri": f"{self.origin}/auth/keys",
            "capabilities": ["launch-ehr", "client-public", "sso-openid-connect"],
            "code_challenge_methods_supported": ["S256"],
        }

    def sign_in(self, location: str, patient: str = PATIENT, **answer: object) -> str:
        """Somebody signs in where they were sent, for this patient: where they are sent back to.

        ``answer`` is what the answer with the token says otherwise; None leaves a member out.
        """
        assert location.startswith(f"{self.origin}/auth/authorize?")
        asked = dict(parse_qsl(urlsplit(location).query, strict_parsing=True))
        number = next(self.numbers)
        one = SignIn(asked, patient, f"code-{number}-of-{patient}", f"token-{number}-of-{patient}", answer)
        self.by_code[one.code] = one
        return f"{asked['redirect_uri']}?{urlencode({'code': one.code, 'state': asked['state']})}"

    def give_token(self, request: Request) -> Answer:
        """A token for a code that comes with its verifier, once."""
        form = dict(parse_qsl(request.content.decode()))
        one = self.by_code.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        right = one is not None and (challenge, form.get("redirect_uri"), form.get("client_id")) == (
            one.asked["code_challenge"],
            one.asked["redirect_uri"],
            one.asked["client_id"],
        )
        if one is None or not right or form.get("grant_type") != "authorization_code":
            return Answer(400, json={"error": "invalid_grant", "error_description": f"{form.get('code')} is wrong"})
        self.by_token[one.token] = one
        document = {
            "access_token": one.token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": one.asked["scope"],
            "patient": one.patient,
            "id_token": self._identity(one),
        }
        return Answer(200, json=changed(document, one.answer))

    def _identity(self, one: SignIn) -> str:
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": one.asked["client_id"],
            "sub": "doctor",
            "fhirUser": f"{self.issuer}/{USER}",
            "nonce": one.asked["nonce"],
            "iat": now,
            "exp": now + 300,
        }
        return jwt.encode({"alg": "RS256", "kid": "signs"}, changed(said, self.claims), self.key, algorithms=["RS256"])

    def _of_record(self, request: Request) -> Answer:
        one = self.by_token.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if one is None:
            return Answer(401)
        kind, _, identifier = str(request.url.copy_with(query=None)).removeprefix(f"{self.issuer}/").partition("/")
        if request.method == "POST":
            return self._create(request, kind)
        found = [resource for resource in self.resources if resource["resourceType"] == kind]
        if identifier:
            read = [resource for resource in found if resource["id"] == identifier == one.patient]
            return Answer(200, json=read[0]) if read else Answer(404)
        if request.url.params.get("patient") != one.patient:
            return Answer(403)
        of_patient = {"reference": f"Patient/{one.patient}"}
        return Answer(200, json=bundle(*(resource for resource in found if resource["subject"] == of_patient)))

    def _create(self, request: Request, kind: str) -> Answer:
        document = json.loads(request.content)
        _, _, value = request.headers.get("if-none-exist", "").partition("|")
        known = [place for place, one in enumerate(self.created, 1) if value and value in json.dumps(one)]
        if self.conditional and known:
            return Answer(200, headers={"location": f"{self.issuer}/{kind}/{known[0]}"})
        self.created.append(document)
        return Answer(201, headers={"location": f"{self.issuer}/{kind}/{len(self.created)}/_history/1"})


@dataclass(eq=False)
class Opened:
    """The program, EHRs around it, and one browser."""

    client: TestClient
    connected: Connected
    clock: Clock
    ehrs: dict[str, FakeEhr]

    @property
    def sessions(self) -> Sessions:
        """What the program remembers of launches."""
        return self.connected.sessions

    def another_browser(self) -> Opened:
        """The same, looked at by a browser that has none of the cookies."""
        client = TestClient(self.client.app, base_url=APP, raise_server_exceptions=False)
        return Opened(client, self.connected, self.clock, self.ehrs)

    def anew(self, *ehrs: FakeEhr) -> Opened:
        """The same program with everything forgotten: to make one takes longer than a test."""
        self.ehrs.update({one.issuer: one for one in ehrs})
        self.clock.now += 1e6
        self.sessions.waiting("")
        assert len(self.sessions) == 0
        return self.another_browser()

    def go(self, address: str, **more: Any) -> Any:  # noqa: ANN401 - the client's own arguments and answer
        """What an address answers; nothing is followed."""
        return self.client.get(address.removeprefix(APP), follow_redirects=False, **more)

    def begin(self, ehr: FakeEhr, launch: str | None = "the-launch") -> str:
        """Begin a launch; where the browser is sent."""
        query = {"iss": ehr.issuer, **({} if launch is None else {"launch": launch})}
        response = self.go(f"/launch?{urlencode(query)}")
        assert response.status_code == 303, response.text
        return str(response.headers["location"])

    def open(self, ehr: FakeEhr, patient: str = PATIENT, **answer: object) -> str:
        """Launch for a patient and sign in; where the form is, without what stands before the path."""
        response = self.go(ehr.sign_in(self.begin(ehr), patient, **answer))
        assert response.status_code == 303, response.text
        place = str(response.headers["location"])
        assert place.startswith(f"{APP}/l/")
        return place.removeprefix(APP)

    def form(self, place: str, status: int = 200) -> Page:
        """The form of a launch."""
        return self._page(self.go(place), status)

    def post(self, address: str, fields: Mapping[str, str | list[str]], status: int = 200) -> Page:
        """The page that answers a form."""
        return self._page(self.client.post(address, data=dict(fields)), status)

    def result(self, place: str, typed: Mapping[str, str], confirmed: tuple[str, ...] = ()) -> Page:
        """The result of a form with what it was filled in with, this typed, and these questions confirmed."""
        fields = {**fields_of(self.form(place)), **typed, **{f"confirmed.{name}": "yes" for name in confirmed}}
        return self.post(place, fields)

    @staticmethod
    def _page(response: Any, status: int) -> Page:  # noqa: ANN401 - the client's own answer
        assert response.status_code == status, f"{response.status_code}: {read_page(response.text).text[:400]}"
        return read_page(response.text, response.status_code)


def opened(
    artefact: Artefact,
    *ehrs: FakeEhr,
    write: tuple[str, ...] = (),
    audit_file: Path | None = None,
    most: int = 100,
    instance: str = "",
) -> Opened:
    """The program with one model, connected with these EHRs, in a browser."""
    by_issuer = {one.issuer: one for one in ehrs}
    known = {one.issuer: Ehr(one.name, one.issuer, CLIENT, key=one.at, write=write) for one in ehrs}
    connections = Connections(APP, known, 60, most, audit_file, ())
    clock = Clock()

    def network(ehr: Ehr) -> AsyncBaseTransport:
        return MockTransport(by_issuer[ehr.issuer].answer)

    connected = Connected(connections, Sessions(most, 60, instance, clock), network)
    app = create_app([artefact], connected=connected)
    client = TestClient(app, base_url=APP, raise_server_exceptions=False)
    return Opened(client, connected, clock, by_issuer)


def fields_of(page: Page, class_: str = "patient") -> dict[str, str]:
    """What a browser would send of a form that nobody has touched, by the class of the form."""
    sent: dict[str, str] = {}
    for one in page.all("input", within=class_):
        kind, name = one.attributes.get("type", "text"), one.attributes.get("name", "")
        if name and (kind not in {"radio", "checkbox"} or "checked" in one.attributes):
            sent[name] = sent.get(name) or one.attributes.get("value", "")
    return sent


def log_of(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged, but for the lines of the browser, which is the tests' own."""
    return "\n".join(text for text in caplog.messages if f" {APP}/" not in text)


def asked_of(location: str) -> dict[str, str]:
    """The parameters of an authorization request, each of which is given once."""
    pairs = parse_qsl(urlsplit(location).query, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def written(ehr: FakeEhr) -> list[str]:
    """What an EHR was told to write, whatever it did with it."""
    return [place for place in ehr.places() if place.startswith(("POST", "PUT", "PATCH", "DELETE"))]


def save(app: Opened, page: Page, status: int, kind: str | list[str] = WRITES[0], **fields: str | list[str]) -> Page:
    """What answers the button of a result that writes it; two underscores stand for the dot in a field's name."""
    others = {name.replace("__", "."): value for name, value in fields.items()}
    sent = {**fields_of(page, "save"), "save.as": kind, **others}
    return app.post(page.one("form", class_="save").attributes["action"], sent, status)


def said(page: Page) -> str:
    """What became of it, as the page says."""
    return page.one("p", class_="saved").text
