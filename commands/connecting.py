"""The file of EHRs that the program speaks with: checked as a whole before anything is served."""

from __future__ import annotations

import json
import ssl
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import click
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from server.connected import Connected, connect
from server.connections import WRITABLE, Connections, Ehr, Hooks, Key


class WrongConnections(ValueError):
    """The file cannot be used; the message names every problem."""


def _https(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
        message = "must be an https address without a query, such as https://ehr.hospital.example/fhir/R4"
        raise ValueError(message)
    return address.rstrip("/")


def _origin(address: str) -> str:
    if urlsplit(_https(address)).path.strip("/"):
        message = "must be an origin, such as https://ehr.hospital.example"
        raise ValueError(message)
    return address.rstrip("/").lower()


Https = Annotated[str, AfterValidator(_https)]
Origin = Annotated[str, AfterValidator(_origin)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class HooksForm(_Form):
    """Who may ask through CDS Hooks: the ``iss`` of its tokens, and where the keys are that sign them."""

    issuer: Annotated[str, Field(min_length=1)]
    keys_file: str | None = None
    jku: Https | None = None
    origins: list[Origin] = []


class EhrForm(_Form):
    """One EHR, as the file has it."""

    name: Name
    issuer: Https
    client_id: Name
    client_secret_file: str | None = None
    client_key_file: str | None = None
    ca_file: str | None = None
    write: list[Literal["RiskAssessment", "Observation", "DocumentReference"]] = []
    frame_ancestors: list[Origin] = []
    hooks: HooksForm | None = None


class ConnectionsForm(_Form):
    """The whole file."""

    address: Https
    session_minutes: Annotated[int, Field(ge=1, le=720)] = 60
    most_sessions: Annotated[int, Field(ge=1, le=100_000)] = 1000
    audit_file: str | None = None
    ehr: list[EhrForm] = Field(min_length=1)


def connect_to(path: Path, instance: str) -> Connected:
    """What a server needs to speak with the EHRs of a file. Raises UsageError, which names every problem."""
    try:
        return connect(read_connections(path), instance)
    except (OSError, WrongConnections) as error:
        raise click.UsageError(str(error)) from error


def read_connections(path: Path) -> Connections:
    """The connections that a TOML file describes; the files that it names lie beside it unless they say otherwise.

    Raises WrongConnections, which names everything that is wrong, and OSError where the file cannot be read.
    """
    try:
        form = ConnectionsForm.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is not TOML: {error}"
        raise WrongConnections(message) from error
    except ValidationError as error:
        # Pydantic quotes what was given, and a secret that was put in the wrong place must not reach a log.
        problems = [f"{_place(one['loc'])} {_said(one)}" for one in error.errors(include_input=False)]
        raise WrongConnections("\n".join(f"{path}: {problem}" for problem in problems)) from None
    problems = list(_contradictions(form))
    ehrs: dict[str, Ehr] = {}
    for position, one in enumerate(form.ehr):
        try:
            ehrs[one.issuer] = _ehr(one, path.parent)
        except (OSError, ValueError, JoseError) as error:
            problems.append(f"ehr[{position}] ({one.name}): {error}")
    if problems:
        raise WrongConnections("\n".join(f"{path}: {problem}" for problem in problems))
    return Connections(
        address=form.address,
        ehrs=ehrs,
        session_minutes=form.session_minutes,
        most_sessions=form.most_sessions,
        audit_file=None if form.audit_file is None else path.parent / form.audit_file,
        frame_ancestors=tuple(dict.fromkeys(origin for one in form.ehr for origin in one.frame_ancestors)),
    )


def _contradictions(form: ConnectionsForm) -> list[str]:
    problems = []
    issuers = [one.issuer for one in form.ehr]
    callers = [one.hooks.issuer for one in form.ehr if one.hooks is not None]
    for position, one in enumerate(form.ehr):
        where = f"ehr[{position}] ({one.name}):"
        if issuers.count(one.issuer) > 1:
            problems.append(f"{where} issuer {one.issuer} is given twice")
        if one.client_secret_file is not None and one.client_key_file is not None:
            problems.append(f"{where} give client_secret_file or client_key_file, not both")
        if one.hooks is not None:
            if callers.count(one.hooks.issuer) > 1:
                problems.append(f"{where} hooks.issuer {one.hooks.issuer} is given twice")
            if (one.hooks.keys_file is None) == (one.hooks.jku is None):
                problems.append(f"{where} give hooks.keys_file or hooks.jku: where the keys are that sign its tokens")
    return problems


def _ehr(form: EhrForm, folder: Path) -> Ehr:
    """One EHR with what its files hold. Raises OSError, ValueError or JoseError."""
    hooks = form.hooks
    return Ehr(
        name=form.name,
        issuer=form.issuer,
        client_id=form.client_id,
        client_secret=None if form.client_secret_file is None else _secret(folder / form.client_secret_file),
        client_key=None if form.client_key_file is None else _private_key(folder / form.client_key_file),
        trust=ssl.create_default_context(cafile=None if form.ca_file is None else str(folder / form.ca_file)),
        write=tuple(kind for kind in WRITABLE if kind in form.write),
        hooks=None
        if hooks is None
        else Hooks(
            issuer=hooks.issuer,
            keys=None if hooks.keys_file is None else _public_keys(folder / hooks.keys_file),
            jku=hooks.jku,
            origins=tuple(hooks.origins),
        ),
    )


def _secret(path: Path) -> str:
    secret = path.read_text(encoding="utf-8").strip()
    if not secret:
        message = f"{path} is empty"
        raise ValueError(message)
    return secret


def _private_key(path: Path) -> Key:
    """A private JWK for RS384 or ES384, with its kid."""
    document: dict[str, Any] = _json(path)
    key = ECKey.import_key(document) if document.get("kty") == "EC" else RSAKey.import_key(document)
    if not key.is_private or not key.kid:
        message = f"{path} is not a private key in JWK form with a kid"
        raise ValueError(message)
    if isinstance(key, ECKey) and key.curve_name != "P-384":
        message = f"{path} is of the curve {key.curve_name}; ES384 needs P-384"
        raise ValueError(message)
    return key


def _public_keys(path: Path) -> KeySet:
    document = _json(path)
    if not document.get("keys"):
        message = f"{path} is not a set of keys in JWK form"
        raise ValueError(message)
    return KeySet.import_key_set({"keys": document["keys"]})


def _json(path: Path) -> dict[str, Any]:

    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        message = f"{path} is not a JSON object"
        raise TypeError(message)
    return document


def _place(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def _said(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "missing":
        return "is missing, and must be given"
    if problem["type"] == "extra_forbidden":
        return "is not known; known are the keys in docs/ehr.md"
    return str(problem["msg"]).removeprefix("Value error, ")
