"""How long an EHR waits for a card, beside the stateless interface, in one run: CH14 asks for a p95 below 500 ms.

    python -m benchmarks.hooks --model build/model

The server is started as it is for hospitals, with several EHRs, each of which stays below what one may ask. Tokens are
signed beforehand, since that is the EHR's work; checking them is ours and counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import click
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from benchmarks.hook_peer import PATIENT, record
from benchmarks.serving import JSON_BODY, running
from tests.certificates import Certificates, certify

ADDRESS = "https://rps.hospital.example"
MOST_OF_ONE = 500
"""Requests of one EHR: fewer than the limit for a minute, however short the run is."""
MILLISECONDS_ALLOWED = 500
"""What CDS Hooks gives a service to answer in."""
KEYS: Mapping[str, ECKey | RSAKey] = {
    "ES384": ECKey.generate_key("P-384", {"kid": "ES384"}),
    "RS384": RSAKey.generate_key(2048, {"kid": "RS384"}),
}
NAMES = {"Patient": "patient", "Condition": "conditions", "Procedure": "procedures", "Observation": "observations"}


@dataclass(frozen=True, slots=True)
class Ehrs:
    """The EHRs of the configuration, where their FHIR servers are, and how many tokens have been signed."""

    port: int
    number: int
    signed: count[int]

    def base(self, ehr: int) -> str:
        """Where the FHIR server of one of them is."""
        return f"https://127.0.0.1:{self.port}/ehr-{ehr}"

    def configuration(self, certificates: Certificates) -> str:
        """The file that the server is started with."""
        head = f'address = "{ADDRESS}"\n'
        return head + "".join(
            f'[[ehr]]\nname = "EHR {ehr}"\nissuer = "{self.base(ehr)}"\nclient_id = "prognosis"\nkey = "ehr-{ehr}"\n'
            f'ca_file = "{certificates.ca}"\n[ehr.hooks]\nissuer = "ehr-{ehr}"\nkeys_file = "keys.json"\n'
            for ehr in range(self.number)
        )

    def next(self, path: str, algorithm: str) -> tuple[int, str]:
        """A token that has not been used, and whose it is."""
        number, now = next(self.signed), int(time.time())
        ehr = number // MOST_OF_ONE
        claims = {"iss": f"ehr-{ehr}", "aud": ADDRESS + path, "iat": now, "exp": now + 3000, "jti": str(number)}
        head = {"alg": algorithm, "kid": algorithm}
        return ehr, jwt.encode(head, claims, KEYS[algorithm], algorithms=[algorithm])


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to be measured."""

    name: str
    path: str
    body: Mapping[str, object] | None
    """What an EHR sends; None for what the stateless interface is sent."""
    algorithm: str = "ES384"
    reads: bool = False

    def requests(self, ehrs: Ehrs, number: int) -> list[bytes]:
        """So many requests as they go over the wire, each with a token of its own."""
        if self.body is None:
            return [_request(self.path, JSON_BODY, "")] * number
        written = []
        for _ in range(number):
            ehr, token = ehrs.next(self.path, self.algorithm)
            body = dict(self.body)
            if self.reads:
                body |= {"fhirServer": ehrs.base(ehr), "fhirAuthorization": _right()}
            written.append(_request(self.path, json.dumps(body).encode(), f"Authorization: Bearer {token}\r\n"))
        return written


def _request(path: str, body: bytes, more: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{more}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _right() -> dict[str, object]:
    """The right to read one record."""
    right = {"access_token": "x", "token_type": "Bearer", "scope": "user/*.read", "subject": "prognosis"}
    return {**right, "expires_in": 300}


def _asked(prefetch: Mapping[str, object]) -> dict[str, object]:
    context = {"userId": "Practitioner/example", "patientId": PATIENT}
    instance = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
    return {"hook": "patient-view", "hookInstance": instance, "context": context, "prefetch": prefetch}


def _brought(others: int) -> dict[str, object]:
    return _asked({NAMES[kind]: value for kind, value in record(others).items()})


@contextlib.contextmanager
def _peer(port: int, certificates: Certificates) -> Iterator[None]:
    """The EHRs' FHIR servers, in a process of their own."""
    files = ["--ssl-keyfile", str(certificates.key), "--ssl-certfile", str(certificates.certificate)]
    command = ["uvicorn", "benchmarks.hook_peer:app", "--port", str(port), "--log-level", "error", *files]
    with subprocess.Popen([sys.executable, "-m", *command]) as process:
        try:
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                if process.poll() is not None:
                    message = "the EHR stopped before it answered"
                    raise click.ClickException(message)
            yield
        finally:
            process.terminate()


async def _waited(name: str, port: int, requests: Sequence[bytes], connections: int) -> list[float]:
    """How long each request took, in milliseconds, with so many under way at a time."""
    times: list[float] = []
    waiting = iter(requests)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            start = time.perf_counter()
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = await reader.readexactly(int(length.split(b":")[1]))
            times.append(1000 * (time.perf_counter() - start))
            if not head.startswith(b"HTTP/1.1 200") or body == b'{"cards": []}':
                message = f"{name} answered {head.splitlines()[0]!r}: {body[:200]!r}"
                raise click.ClickException(message)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return times


@click.command(help=__doc__)
@click.option("--model", "folder", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--requests", default=100, show_default=True, help="For each target in each round.")
@click.option(
    "--allowed", default=MILLISECONDS_ALLOWED, show_default=True, help="What each p95 must stay below, in ms."
)
def main(folder: Path, rounds: int, requests: int, allowed: int) -> None:
    """Measure and print a table for one request at a time, and for four."""
    slow: list[str] = []
    path = f"/cds-services/{json.loads((folder / 'model.json').read_text(encoding='utf-8'))['name']}"
    targets = [
        Target("JSON interface", "/api/v1/predictions", None),
        Target("card, brought along", path, _brought(0)),
        Target("card, signed RS384", path, _brought(0), "RS384"),
        Target("card, 1 MB brought", path, _brought(420)),
        Target("card, record is read", path, _asked({}), reads=True),
    ]
    total = (len(targets) - 1) * 2 * (rounds + 1) * requests
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ehrs = Ehrs(free.getsockname()[1], 1 + total // MOST_OF_ONE, count())
    with tempfile.TemporaryDirectory() as scratch:
        certificates, file = certify(Path(scratch)), Path(scratch) / "ehr.toml"
        (Path(scratch) / "keys.json").write_text(
            json.dumps({"keys": [key.as_dict(private=False) for key in KEYS.values()]})
        )
        file.write_text(ehrs.configuration(certificates))
        command = ["rps_prognosis", "serve", "--model", str(folder), "--ehr", str(file), "--rate-limit", "none"]
        with _peer(ehrs.port, certificates), running(command) as server:
            for connections in (1, 4):
                found = _measured(targets, ehrs, server.port, (rounds, requests, connections))
                _print(found, connections)
                p95s = {name: _p95([*chain.from_iterable(of)]) for name, of in found.items()}
                slow += [f"{name}, {connections} at a time" for name, p95 in p95s.items() if p95 >= allowed]
    if slow:
        message = f"the p95 is not below {allowed} ms: {'; '.join(slow)}"
        raise click.ClickException(message)


def _measured(
    targets: Sequence[Target], ehrs: Ehrs, port: int, size: tuple[int, int, int]
) -> dict[str, list[list[float]]]:
    """The times of each target, round by round, the targets in turns; the first round warms up."""
    rounds, requests, connections = size
    found: dict[str, list[list[float]]] = {target.name: [] for target in targets}
    for number in range(rounds + 1):
        for target in targets:
            written = target.requests(ehrs, requests)
            times = asyncio.run(_waited(target.name, port, written, connections))
            if number:
                found[target.name].append(times)
    return found


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _print(found: Mapping[str, list[list[float]]], connections: int) -> None:
    """The median, the p95 and the worst in milliseconds, and the p95 beside that of the first target, by rounds."""
    click.echo(f"\n{f'{connections} at a time, ms':24}{'median':>10}{'p95':>10}{'worst':>10}{'p95 beside JSON':>18}")
    first = next(iter(found.values()))
    for name, rounds in found.items():
        times = [*chain.from_iterable(rounds)]
        beside = statistics.median(_p95(ours) / _p95(theirs) for ours, theirs in zip(rounds, first, strict=True))
        click.echo(f"{name:24}{statistics.median(times):10.1f}{_p95(times):10.1f}{max(times):10.1f}{beside:18.2f}")


if __name__ == "__main__":
    main()
