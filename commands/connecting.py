"""The file of EHRs that the program speaks with: checked as a whole before anything is served."""

from __future__ import annotations

import json
import os
import re
import ssl
import tomllib
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import click
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, RSAKey
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from server.connected import Connected, connect
from server.connections import WRITABLE, Connections, Ehr, Hooks, Key

ONE_LINE = "a secret: one line of the letters, digits and signs of ASCII"
PRIVATE_KEY = "a private key in JWK form with a kid, for RS384 (RSA, 2048 bits or more) or ES384 (EC, P-384)"
PUBLIC_KEYS = "a set of public keys in JWK form"
CERTIFICATES = "certificates in PEM form"

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", re.IGNORECASE | re.ASCII)


class WrongConnections(ValueError):
    """The file cannot be used; the message names every problem."""


def _https(address: str) -> str:
    parts = urlsplit(address)
    known = parts.scheme == "https" and _HOST.fullmatch(parts.netloc) and (parts.port is None or parts.port > 0)
    if not known or parts.query or parts.fragment or not re.fullmatch(r"[!-~]+", address):
        message = "must be an https address without a query, such as https://ehr.hospital.example/fhir/R4"
        raise ValueError(message)
    return address.rstrip("/")


def _origin(address: str) -> str:
    if urlsplit(_https(address)).path.strip("/"):
        message = "must be an origin, such as https://ehr.hospital.example"
        raise ValueError(message)
    return address.rstrip("/").lower()


def _ancestor(address: str) -> str:
    """An origin, or every name below one."""
    below = address.startswith("https://*.")
    origin = _origin(address.replace("*.", "", 1) if below else address)
    return origin.replace("https://", "https://*.", 1) if below else origin


Https = Annotated[str, AfterValidator(_https)]
Origin = Annotated[str, AfterValidator(_origin)]
Ancestor = Annotated[str, AfterValidator(_ancestor)]
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
    key: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] | None = None
    client_secret_file: str | None = None
    client_key_file: str | None = None
    ca_file: str | None = None
    write: list[Literal["RiskAssessment", "Observation", "DocumentReference"]] = []
    frame_ancestors: list[Ancestor] = []
    hooks: HooksForm | None = None


class ConnectionsForm(_Form):
    """The whole file."""

    address: Https
    session_minutes: Annotated[int, Field(ge=1, le=240)] = 60
    most_sessions: Annotated[int, Field(ge=1000, le=100_000)] = 1000
    audit_file: str | None = None
    ehr: list[EhrForm] = Field(min_length=1)


AnyForm = TypeVar("AnyForm", bound=_Form)
Content = TypeVar("Content")


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
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"{path} is not TOML: {error if isinstance(error, tomllib.TOMLDecodeError) else 'not a text'}"
        raise WrongConnections(message) from None
    form, problems = _checked(ConnectionsForm, document)
    # One by one, so that where the whole does not fit, what is wrong with the rest is named as well.
    given = document.get("ehr")
    ehrs = [_checked(EhrForm, one)[0] for one in given] if isinstance(given, list) else []
    problems += _contradictions(ehrs)
    if form is not None and form.audit_file is not None and not _can_be_added_to(path.parent / form.audit_file):
        problems.append("audit_file cannot be added to: it is no file in a folder that is there")
    read: dict[str, Ehr] = {}
    for position, one in enumerate(ehrs):
        if one is not None:
            files = _Files(path.parent)
            read[one.issuer] = _ehr(one, files)
            problems += [f"ehr[{position}] ({one.name}): {problem}" for problem in files.problems]
    if form is None or problems:
        raise WrongConnections("\n".join(f"{path}: {problem}" for problem in problems))
    return Connections(
        address=form.address,
        ehrs=read,
        session_minutes=form.session_minutes,
        most_sessions=form.most_sessions,
        audit_file=None if form.audit_file is None else path.parent / form.audit_file,
        frame_ancestors=tuple(dict.fromkeys(origin for one in form.ehr for origin in one.frame_ancestors)),
    )


def _checked(kind: type[AnyForm], document: object) -> tuple[AnyForm | None, list[str]]:
    """A form, or None with what is wrong with it."""
    try:
        return kind.model_validate(document), []
    except ValidationError as error:
        # Pydantic quotes what was given, and a secret that was put in the wrong place must not reach a log.
        return None, [f"{_place(one['loc'])} {_said(one)}" for one in error.errors(include_input=False)]


def _can_be_added_to(path: Path) -> bool:
    """Whether an audit can be kept in a file: without it nothing could be read from a record."""
    return path.parent.is_dir() and not path.is_dir() and os.access(path if path.exists() else path.parent, os.W_OK)


def _contradictions(ehrs: Sequence[EhrForm | None]) -> list[str]:
    problems = []
    issuers = [one.issuer for one in ehrs if one is not None]
    keys = [one.key for one in ehrs if one is not None]
    callers = [one.hooks.issuer for one in ehrs if one is not None and one.hooks is not None]
    for position, one in enumerate(ehrs):
        if one is None:
            continue
        where = f"ehr[{position}] ({one.name}):"
        if issuers.count(one.issuer) > 1:
            problems.append(f"{where} issuer {one.issuer} is given twice")
        if len(ehrs) > 1 and (one.key is None or keys.count(one.key) > 1):
            problems.append(f"{where} give key, another for each of several: its redirect address ends in it")
        if one.client_secret_file is not None and one.client_key_file is not None:
            problems.append(f"{where} give client_secret_file or client_key_file, not both")
        if one.hooks is not None:
            if callers.count(one.hooks.issuer) > 1:
                problems.append(f"{where} hooks.issuer {one.hooks.issuer} is given twice")
            if (one.hooks.keys_file is None) == (one.hooks.jku is None):
                problems.append(f"{where} give hooks.keys_file or hooks.jku: where the keys are that sign its tokens")
    return problems


class _Files:
    """What the files hold that an EHR's part names, and what is wrong with them.

    Neither what is in a file nor how it is called is quoted: a secret may stand in the place of its file's name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self.problems = folder, list[str]()

    def read(self, key: str, name: str | None, content: Callable[[Path], Content], what: str) -> Content | None:
        """The content of a file; None where none is named, or where it is of no use."""
        if name is None:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", SecurityWarning)  # of a key that is too short
                return content(self._folder / name)
        except ssl.SSLError:
            problem = f"does not hold {what}"
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, JoseError, SecurityWarning):
            problem = f"does not hold {what}"
        self.problems.append(f"{key} {problem}")
        return None


def _ehr(form: EhrForm, files: _Files) -> Ehr:
    """One EHR with what its files hold; what is wrong with them stands with the files."""
    hooks = form.hooks
    return Ehr(
        name=form.name,
        issuer=form.issuer,
        client_id=form.client_id,
        key=form.key or "",
        client_secret=files.read("client_secret_file", form.client_secret_file, _secret, ONE_LINE),
        client_key=files.read("client_key_file", form.client_key_file, _private_key, PRIVATE_KEY),
        trust=files.read("ca_file", form.ca_file, _trust, CERTIFICATES) or ssl.create_default_context(),
        write=tuple(kind for kind in WRITABLE if kind in form.write),
        hooks=None
        if hooks is None
        else Hooks(
            issuer=hooks.issuer,
            keys=files.read("hooks.keys_file", hooks.keys_file, _public_keys, PUBLIC_KEYS),
            jku=hooks.jku,
            origins=tuple(hooks.origins),
        ),
    )


def _trust(path: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(path))


def _secret(path: Path) -> str:
    secret = path.read_text(encoding="utf-8").strip()
    if not re.fullmatch(r"[ -~]+", secret):
        raise ValueError
    return secret


def _private_key(path: Path) -> Key:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    key = ECKey.import_key(document) if document.get("kty") == "EC" else RSAKey.import_key(document)
    if not key.is_private or not key.kid or (isinstance(key, ECKey) and key.curve_name != "P-384"):
        raise ValueError
    return key


def _public_keys(path: Path) -> KeySet:
    keys = KeySet.import_key_set({"keys": json.loads(path.read_text(encoding="utf-8"))["keys"]})
    if any(key.is_private for key in keys):
        raise ValueError
    return keys


def _place(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def _said(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "missing":
        return "is missing, and must be given"
    if problem["type"] == "extra_forbidden":
        return "is not known; known are the keys in docs/ehr.md"
    return str(problem["msg"]).removeprefix("Value error, ")
