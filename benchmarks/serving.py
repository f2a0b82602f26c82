"""The server beside two peers, all in one run: requests per second, time to first answer, memory.

    python -m benchmarks.serving --model build/model

Every figure is a ratio of things measured in turns, round after round, on the same machine; alone it means nothing.
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
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

CONNECTIONS = 4
JSON_BODY = json.dumps({"features": {"pattern": "local", "interval_months": 24, "resection": "yes"}}).encode()
FORM_BODY = b"pattern=local&interval_months=24&resection=yes"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens, how long it took to answer, and its process."""

    port: int
    first_answer: float
    process: subprocess.Popen[bytes]

    @property
    def megabytes(self) -> float:
        """The most memory that the process has held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to be measured: a server and a request."""

    name: str
    server: Server
    path: str
    body: bytes
    content_type: str

    def request(self) -> bytes:
        """The request as it goes over the wire."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


@contextlib.contextmanager
def running(command: list[str], code: Path | None = None) -> Iterator[Server]:
    """Start a server as a process of its own, wait for its first answer, and stop it at the end.

    ``code`` is where its modules are, by default here.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", *command, "--port", str(port)], cwd=code) as process:
        try:
            while True:
                with contextlib.suppress(OSError):
                    post(port, "/api/v1/predictions", JSON_BODY, "application/json")
                    break
                if process.poll() is not None:
                    message = f"{command} stopped before it answered"
                    raise click.ClickException(message)
            yield Server(port, time.perf_counter() - start, process)
        finally:
            process.terminate()


def post(port: int, path: str, body: bytes, content_type: str) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": content_type})
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return bytes(response.read())


async def _requests_per_second(target: Target, requests: int) -> float:
    async def client(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.server.port)
        request = target.request()
        for _ in range(count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                message = f"{target.name} answered {head.splitlines()[0]!r}"
                raise click.ClickException(message)
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(client(requests // CONNECTIONS) for _ in range(CONNECTIONS)))
    return requests / (time.perf_counter() - start)


@click.command(help=__doc__)
@click.option("--model", "folder", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--rounds", default=7, show_default=True)
@click.option("--requests", default=800, show_default=True, help="For each target in each round.")
def main(folder: Path, rounds: int, requests: int) -> None:
    """Measure and print a table."""
    ours_command = ["rps_prognosis", "serve", "--model", str(folder), "--rate-limit", "none"]
    with tempfile.TemporaryDirectory() as scratch, running(ours_command) as ours:
        answers = Path(scratch)
        (answers / "answer.json").write_bytes(post(ours.port, "/api/v1/predictions", JSON_BODY, "application/json"))
        (answers / "page.html").write_bytes(post(ours.port, "/", FORM_BODY, "application/x-www-form-urlencoded"))
        with (
            running(["benchmarks.peers", "precomputed", scratch]) as precomputed,
            running(["benchmarks.peers", "scikit-survival", str(folder)]) as library,
        ):
            api, form = "/api/v1/predictions", "application/x-www-form-urlencoded"
            targets = [
                Target("JSON API", ours, api, JSON_BODY, "application/json"),
                Target("HTML page", ours, "/", FORM_BODY, form),
                Target("JSON precomputed (a)", precomputed, api, JSON_BODY, "application/json"),
                Target("HTML precomputed (a)", precomputed, "/", FORM_BODY, form),
                Target("scikit-survival (b)", library, api, JSON_BODY, "application/json"),
            ]
            _print(measure(targets, rounds, requests))
            click.echo(
                f"\ntime to first answer: {ours.first_answer:.2f} s, and {library.first_answer:.2f} s where the server "
                f"imports scikit-survival\nmemory: {ours.megabytes:.0f} MB, and {library.megabytes:.0f} MB"
            )


def measure(targets: list[Target], rounds: int, requests: int) -> dict[str, list[float]]:
    """The requests per second of each target in each round, the targets in turns."""
    rates: dict[str, list[float]] = {target.name: [] for target in targets}
    for number in range(rounds + 1):
        for target in targets:
            slow = "scikit-survival" in target.name
            rate = asyncio.run(_requests_per_second(target, requests // 40 if slow else requests))
            if number:  # the first round warms up
                rates[target.name].append(rate)
    return rates


def _print(rates: dict[str, list[float]]) -> None:
    click.echo(f"{'':24}{'requests/s':>12}{'beside (a)':>12}{'beside (b)':>12}")
    for name, found in rates.items():
        kind = "HTML" if name.startswith("HTML") else "JSON"
        beside = [
            statistics.median(a / b for a, b in zip(found, rates[other], strict=True))
            for other in (f"{kind} precomputed (a)", "scikit-survival (b)")
        ]
        click.echo(f"{name:24}{statistics.median(found):12.0f}{beside[0]:12.2f}{beside[1]:12.1f}")


if __name__ == "__main__":
    main()
