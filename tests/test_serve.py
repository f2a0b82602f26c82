"""The command serve as a process of its own: whom it believes about addresses, and how it stops."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx2
import pytest
from click.testing import CliRunner

from rps_prognosis import main

ROOT = Path(__file__).parents[1]
FORM = b"pattern=local&interval_months=24&resection=yes"
HEAD = (
    b"POST / HTTP/1.1\r\nhost: rps\r\nexpect: 100-continue\r\n"
    b"content-type: application/x-www-form-urlencoded\r\ncontent-length: %d\r\n\r\n" % len(FORM)
)


@contextmanager
def serve(folder: Path, *options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server, and the port that it answers at; what it writes can be read from its standard output."""
    command = [sys.executable, "-m", "rps_prognosis", "serve", "--model", str(folder), "--port", "0", *options]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process, int(read_until(process, r"Answering at http://127\.0\.0\.1:(\d+)/"))
        finally:
            process.terminate()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Read what a server writes until a line matches; the group of that."""
    output: IO[str] | None = process.stdout
    assert output is not None
    for line in output:
        if match := re.search(pattern, line):
            return match.group(match.lastindex or 0)
    pytest.fail(f"The server has ended without writing {pattern}")


def statuses(port: int, *headers: Mapping[str, str]) -> list[int]:
    """What requests with these headers are answered with, in turn."""
    with httpx2.Client() as client:
        return [client.get(f"http://127.0.0.1:{port}/api/v1/model", headers=dict(one)).status_code for one in headers]


def forwarded(*chains: str) -> list[Mapping[str, str]]:
    """Headers that say whom a request was forwarded for."""
    return [{"x-forwarded-for": chain, "x-forwarded-proto": "https"} for chain in chains]


def test_nobody_is_believed_about_addresses_unless_stated(artefact_folder: Path) -> None:
    """EHR.md section 6: otherwise whoever forges a header has as many requests as there are addresses."""
    with serve(artefact_folder, "--rate-limit", "2/hour", "--access-log", FORWARDED_ALLOW_IPS="*") as (process, port):
        assert statuses(port, *forwarded("192.0.2.1", "192.0.2.2", "192.0.2.3", "127.0.0.1")) == [200, 200, 429, 429]
        process.terminate()
        written = process.communicate()[0]
    assert "192.0.2" not in written
    assert "127.0.0.1" in written


@pytest.mark.parametrize("proxy", ["127.0.0.1", "127.0.0.0/8"])
def test_a_stated_proxy_is_believed_and_no_header_that_it_was_given(artefact_folder: Path, proxy: str) -> None:
    """The last address of the chain was written by the proxy; those before it by whoever asked."""
    options = ("--rate-limit", "2/hour", "--access-log", "--forwarded-allow-ips", proxy)
    with serve(artefact_folder, *options) as (process, port):
        assert statuses(port, *forwarded("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1")) == [200, 200, 200, 429]
        forged = forwarded("192.0.2.9, 192.0.2.3", "192.0.2.8, 192.0.2.3", "192.0.2.7, 192.0.2.3")
        assert statuses(port, *forged) == [200, 200, 429]
        process.terminate()
        written = process.communicate()[0]
    assert "192.0.2.3" in written
    assert "192.0.2.9" not in written


def test_another_proxy_is_not_believed(artefact_folder: Path) -> None:
    """Stating one does not open the door to the others."""
    with serve(artefact_folder, "--rate-limit", "1/hour", "--forwarded-allow-ips", "192.0.2.1") as (_, port):
        assert statuses(port, *forwarded("192.0.2.2", "192.0.2.3")) == [200, 429]


def test_without_a_limit_one_address_may_ask_on(artefact_folder: Path) -> None:
    """A benchmark asks more often than any hospital."""
    with serve(artefact_folder, "--rate-limit", "none") as (_, port):
        assert statuses(port, *([{}] * 1210)) == [200] * 1210


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_request_that_has_begun_is_answered_before_it_stops(artefact_folder: Path, stop: signal.Signals) -> None:
    """An upgrade takes nobody's answer away, and is no failure: exit code 0, and no more connections meanwhile."""
    with serve(artefact_folder) as (process, port), socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(30)
        client.sendall(HEAD)
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")  # it waits for the body from now on
        client.sendall(FORM[:9])
        process.send_signal(stop)
        read_until(process, "Waiting for connections to close")  # the door is shut by then
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        client.sendall(FORM[9:])
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
        written = process.communicate()[0]
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"Predicted survival" in answer
    assert answer.endswith(b"</html>")
    assert process.returncode == 0
    assert "Traceback" not in written


@pytest.mark.parametrize(
    ("option", "value"),
    [("--rate-limit", "often"), ("--rate-limit", "0/minute"), ("--forwarded-allow-ips", "*")],
)
def test_wrong_options_are_refused(artefact_folder: Path, option: str, value: str) -> None:
    """Before anything listens, with what would be right."""
    done = CliRunner().invoke(main, ["serve", "--model", str(artefact_folder), option, value])
    assert done.exit_code == 2
    assert value in done.stderr
    assert "such as" in done.stderr
