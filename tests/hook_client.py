"""An EHR that asks through CDS Hooks as it must, unless it is told what to do wrong, and the server that it asks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from unittest.mock import patch

from httpx2 import AsyncBaseTransport, MockTransport, Request, Response
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.application import create_app
from server.connections import Connections, Ehr, Hooks
from server.editions import Edition, prepare_editions
from server.hooks.callers import Callers
from server.hooks.replay import Used
from server.hooks.service import hooks_routes
from server.limits import Limits, unlimited
from server.pages.pages import Surroundings
from server.wording.language import Language, english

ADDRESS = "https://rps.hospital.example"
ISSUER = "https://ehr.hospital.example/fhir"
CALLER = "https://ehr.hospital.example/hooks"
JKU = "https://ehr.hospital.example/hooks/keys.json"
PORTAL = "https://portal.hospital.example"
SERVICE = "rps-recurrence"
PATH = f"/cds-services/{SERVICE}"
NOW = 1_900_000_000.0
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"

EC_KEY = ECKey.generate_key("P-384", {"kid": "ec"})
RSA_KEY = RSAKey.generate_key(2048, {"kid": "rsa"})
STRANGER = ECKey.generate_key("P-384", {"kid": "ec"})

SNOMED, ICD10, ICDO = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10", "icd-o-3"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
FOLLOWS = "http://hl7.org/fhir/StructureDefinition/condition-occurredFollowing"

Document = dict[str, Any]
Handler = Callable[[Request], Response]

_PRINTED: dict[tuple[object, ...], tuple[Mapping[str, Edition], Sequence[Artefact], Sequence[Language]]] = {}


def public(*keys: ECKey | RSAKey) -> KeySet:
    """What an EHR publishes of its keys."""
    return KeySet.import_key_set({"keys": [dict(key.as_dict(private=False)) for key in keys]})


def concept(system: str, code: str, text: str) -> Document:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}], "text": text}


def about(kind: str, identifier: str, patient: str = "anna", **members: object) -> Document:
    """A resource about a patient."""
    return {"resourceType": kind, "id": identifier, "subject": {"reference": f"Patient/{patient}"}, **members}


def primary() -> Document:
    """The first tumour."""
    return about("Condition", "first", code=concept(ICD10, "C48.0", "Sarcoma of the back"))


def come_back() -> Document:
    """The disease, come back elsewhere."""
    return about(
        "Condition",
        "again",
        code=concept(SNOMED, "128462008", "Spread to the lung"),
        onsetDateTime="2023-04-05",
        extension=[{"url": FOLLOWS, "valueReference": {"reference": "Condition/first"}}],
    )


def operation(identifier: str, day: str, reason: str = "first") -> Document:
    """An operation."""
    return about(
        "Procedure",
        identifier,
        status="completed",
        category=concept(SNOMED, "387713003", "Surgery"),
        code={"text": "Removal of the tumour"},
        performedDateTime=day,
        reasonReference=[{"reference": f"Condition/{reason}"}],
    )


def histology(identifier: str, code: str) -> Document:
    """What was seen under the microscope."""
    return about(
        "Observation",
        identifier,
        status="final",
        code=concept("http://loinc.org", "31206-6", "Histology"),
        valueCodeableConcept=concept("http://terminology.hl7.org/CodeSystem/icd-o-3", code, "Seen in the microscope"),
    )


def bundle(*resources: Document, following: str | None = None) -> Document:
    """A Bundle, of which there may be another page."""
    link = [] if following is None else [{"relation": "next", "url": following}]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": link,
        "entry": [{"resource": one} for one in resources],
    }


ANNA: Document = {"resourceType": "Patient", "id": "anna", "name": [{"family": "Example", "given": ["Anna"]}]}
OUTCOME: Document = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}


def whole() -> Document:
    """A prefetch that has everything."""
    return {
        "patient": copy.deepcopy(ANNA),
        "conditions": bundle(primary(), come_back()),
        "procedures": bundle(operation("taken-out", "2021-06-07")),
        "observations": bundle(histology("seen", "8890/3")),
    }


def right(**changes: object) -> Document:
    """A right to read the record."""
    granted = {
        "access_token": "the-secret-right",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "user/*.read",
        "subject": "prognosis",
    }
    return {**granted, **changes}


def body(**changes: object) -> Document:
    """A right request, but for these changes; None leaves a member out."""
    document: Document = {
        "hook": "patient-view",
        "hookInstance": INSTANCE,
        "context": {"userId": "Practitioner/doctor", "patientId": "anna"},
        "prefetch": whole(),
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def never(request: Request) -> Response:
    """An EHR that must not be asked."""
    message = f"{request.url} was asked"
    raise AssertionError(message)


@dataclass
class Asking:
    """A client of the server, the EHR's keys, and what the EHR was asked."""

    client: TestClient
    connections: Connections
    clock: Clock
    asked: list[Request]
    numbers: count[int] = field(default_factory=count)

    def claims(self, path: str = PATH, changes: Mapping[str, object] | None = None) -> Document:
        """What a token says, but for these changes; None leaves a claim out."""
        now = int(self.clock.now)
        document = {
            "iss": CALLER,
            "aud": f"{self.connections.address}{path}",
            "iat": now,
            "exp": now + 300,
            "jti": f"token-{next(self.numbers)}",
            **(changes or {}),
        }
        return {name: value for name, value in document.items() if value is not None}

    def token(
        self,
        *,
        path: str = PATH,
        key: ECKey | RSAKey = EC_KEY,
        header: Mapping[str, object] | None = None,
        claims: Mapping[str, object] | None = None,
    ) -> str:
        """A signed token, but for these changes of its head and of what it says."""
        algorithm = "ES384" if isinstance(key, ECKey) else "RS384"
        head = {"alg": algorithm, "typ": "JWT", "kid": key.kid, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        said = self.claims(path, claims)
        return jwt.encode(head, said, key, algorithms=[str(head["alg"])], default_type=None)

    def post(self, document: object = None, *, path: str = PATH, signed: str | None = None, **headers: str) -> Any:  # noqa: ANN401 - the client's own answer
        """Send a request, with a token of its own unless one is given."""
        sent = body() if document is None else document
        authorization = f"Bearer {self.token(path=path) if signed is None else signed}"
        return self.client.post(
            path,
            json=sent,
            headers={"authorization": authorization, **{k.replace("_", "-"): v for k, v in headers.items()}},
        )

    def cards(self, document: object = None, **headers: str) -> list[Document]:
        """The cards of an answer."""
        response = self.post(document, **headers)
        assert response.status_code == 200, response.text
        (name,) = response.json()
        assert name == "cards"
        cards: list[Document] = response.json()["cards"]
        return cards

    def refused(self, document: object, **headers: str) -> Document:
        """The problems of a body that is refused."""
        response = self.post(document, **headers)
        assert response.status_code == 400, response.text
        assert response.headers["content-type"] == "application/problem+json"
        problems: Document = response.json()["problems"]
        return problems


def connections_of(hooks: Hooks | None = None, address: str = ADDRESS) -> Connections:
    """One EHR that asks through CDS Hooks, by keys from a file unless it is said otherwise."""
    caller = Hooks(CALLER, public(EC_KEY, RSA_KEY), None, (PORTAL,)) if hooks is None else hooks
    ehr = Ehr("The hospital", ISSUER, "prognosis", hooks=caller)
    return Connections(address, {ISSUER: ehr}, 60, 100, None, ())


def _editions(artefacts: Sequence[Artefact], languages: Sequence[Language], root: str) -> Mapping[str, Edition]:
    """Printed once for all servers with the same models: it is what takes long."""
    key = (root, *map(id, (*artefacts, *languages)))
    if key not in _PRINTED:
        # With what they are of, so that nothing else comes to have the same id.
        _PRINTED[key] = prepare_editions(artefacts, languages, Surroundings(root, None, ())), artefacts, languages
    return _PRINTED[key][0]


def asking(
    *artefacts: Artefact,
    connections: Connections | None = None,
    handler: Handler = never,
    languages: Sequence[Language] = (),
    used: Used | None = None,
    root_path: str = "",
    limits: Limits | None = None,
) -> Asking:
    """A server with these models, and an EHR that asks it."""
    known, clock, asked = connections_of() if connections is None else connections, Clock(NOW), list[Request]()

    def answer(request: Request) -> Response:
        asked.append(request)
        return handler(request)

    def network(_ehr: Ehr) -> AsyncBaseTransport:
        return MockTransport(answer)

    editions = _editions(artefacts, languages or [english()], root_path)
    with patch("server.application.prepare_editions", return_value=editions):
        app = create_app(artefacts, root_path=root_path)
    callers = Callers(known, network, now=clock, clock=clock, used=used)
    app.router.routes.extend(hooks_routes(editions, known, network, limits or unlimited(), callers=callers))
    return Asking(TestClient(app, raise_server_exceptions=False), known, clock, asked)


def members_of(document: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Every member of a JSON document with its place."""
    if isinstance(document, dict):
        for name, member in document.items():
            yield f"{place}.{name}", member
            yield from members_of(member, f"{place}.{name}")
    elif isinstance(document, list):
        for position, member in enumerate(document):
            yield f"{place}[{position}]", member
            yield from members_of(member, f"{place}[{position}]")


def withdrawn(artefact: Artefact) -> Artefact:
    """The same model, which must no longer be used."""
    return replace(artefact, card={**artefact.card, "withdrawn": True})
