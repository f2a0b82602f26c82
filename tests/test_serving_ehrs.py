"""The command serve with EHRs: what it is told of them, and that nothing is served where a part of that is wrong."""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
from click.testing import CliRunner, Result
from httpx2 import AsyncBaseTransport, MockTransport
from starlette.testclient import TestClient

from rps_prognosis import main
from server.connected import Connected, connect
from server.connections import Connections, Ehr
from tests.fake_ehr import FakeEhr, asked_of
from tests.records import BASE, WHOLE

ADDRESS = "https://rps.hospital.example/rps"
MOUNTED = ("--root-path", "/rps")
FILE = f"""
address = "{ADDRESS}"
[[ehr]]
name = "City Hospital"
issuer = "{BASE}/"
client_id = "prognosis"
frame_ancestors = ["https://Portal.hospital.example/"]
"""


def file_of(folder: Path, text: str = FILE) -> Path:
    """A file of EHRs."""
    file = folder / "ehr.toml"
    file.write_text(text, encoding="utf-8")
    return file


def serve(folder: Path, *options: object) -> Result:
    return CliRunner().invoke(main, ["serve", "--model", str(folder), "--port", "0", *map(str, options)])


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The applications that the command would have served; their EHR answers without a network."""
    apps: list[Any] = []
    ehr = FakeEhr(list(WHOLE))

    def network(_: Ehr) -> AsyncBaseTransport:
        return MockTransport(ehr.answer)

    def connected(connections: Connections, instance: str = "") -> Connected:
        return connect(connections, instance, network)

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        apps.append(server.config.app)
        for one in sockets:
            one.close()

    monkeypatch.setattr("commands.connecting.connect", connected)
    monkeypatch.setattr(uvicorn.Server, "run", run)
    handler = signal.getsignal(signal.SIGTERM)
    yield apps
    signal.signal(signal.SIGTERM, handler)
    gc.unfreeze()


def test_without_ehrs_there_is_nothing_to_launch(artefact_folder: Path, served: list[Any]) -> None:
    """SM1: none is known, so that no address of a launch answers."""
    assert serve(artefact_folder).exit_code == 0
    client = TestClient(served[0])
    paths = (f"/launch?{urlencode({'iss': BASE})}", "/launch", "/callback?state=x", "/l/x/", "/cds-services")
    assert [client.get(path).status_code for path in paths] == [404] * len(paths)
    assert "set-cookie" not in client.get("/").headers


def test_the_ehrs_of_the_file_can_open_the_form(artefact_folder: Path, tmp_path: Path, served: list[Any]) -> None:
    """SM1, SM4, S1: by their issuer, back to the stated address, in their frames."""
    done = serve(artefact_folder, "--ehr", file_of(tmp_path), *MOUNTED)
    assert done.exit_code == 0, done.stderr
    client = TestClient(served[0], base_url="https://rps.hospital.example", follow_redirects=False)
    start = client.get("/rps/launch")
    assert "City Hospital" in start.text
    policy = start.headers["content-security-policy"]
    assert policy.endswith("frame-ancestors https://portal.hospital.example")
    began = client.get(f"/rps/launch?{urlencode({'iss': BASE, 'launch': 'x'})}")
    asked = asked_of(began.headers["location"])
    assert (asked["aud"], asked["redirect_uri"]) == (BASE, f"{ADDRESS}/callback")
    assert client.get("/rps/launch?iss=https://other.example").status_code == 403


@pytest.mark.parametrize(
    ("path", "root", "code"),
    [
        ("/rps", "/rps", 0),
        ("/rps/", "/rps", 0),
        ("/a/rps", "/a/rps/", 0),
        ("", "/", 0),
        ("/", "", 0),
        ("/rps", "", 2),
        ("", "/rps", 2),
        ("/rps", "/other", 2),
        ("/a/rps", "/rps", 2),
        ("/RPS", "/rps", 2),
    ],
)
def test_the_address_of_the_file_is_where_the_program_is_mounted(
    artefact_folder: Path, tmp_path: Path, served: list[Any], path: str, root: str, code: int
) -> None:
    """SM4: EHRs would otherwise send everybody back to where nothing answers; said before anything listens."""
    file = file_of(tmp_path, FILE.replace(ADDRESS, f"https://rps.hospital.example{path}"))
    done = serve(artefact_folder, "--ehr", file, *(["--root-path", root] if root else []))
    assert (done.exit_code, len(served)) == (code, code == 0), done.stderr
    assert ("both must end in the same path" in " ".join(done.stderr.split())) == (code == 2)
    assert "Traceback" not in done.output


@pytest.mark.parametrize(("instance", "begins"), [("a1", "a1-"), ("7", "7-"), ("", "")])
def test_an_instance_names_its_launches(
    artefact_folder: Path, tmp_path: Path, served: list[Any], instance: str, begins: str
) -> None:
    """SM10: state and address say which of several processes knows a launch."""
    done = serve(artefact_folder, "--ehr", file_of(tmp_path), "--instance", instance, *MOUNTED)
    assert done.exit_code == 0, done.stderr
    client = TestClient(served[0], base_url="https://rps.hospital.example", follow_redirects=False)
    began = [client.get(f"/rps/launch?{urlencode({'iss': BASE, 'launch': 'x'})}") for _ in range(20)]
    states = [asked_of(one.headers["location"])["state"] for one in began]
    cookies = [one.headers.get_list("set-cookie")[0].removeprefix("__Host-launch-") for one in began]
    identifiers = [state.partition(".")[0] for state in states]
    assert [one for one in (*states, *cookies) if not one.startswith(begins)] == []
    assert all(cookie.startswith(f"{one}=") for cookie, one in zip(cookies, identifiers, strict=True))
    assert {len(one) - len(begins) for one in identifiers} == {24}
    assert len(set(identifiers)) == 20


@pytest.mark.parametrize("name", ["A", "a-b", "a.b", "a b", " ", "a/b", "ä", "a\n", "__", "\u0661"])
def test_a_name_that_could_not_stand_in_an_address_is_refused(
    artefact_folder: Path, tmp_path: Path, served: list[Any], name: str
) -> None:
    """SM10: before anything is read or listens, with EHRs or without."""
    for options in ([], ["--ehr", tmp_path / "nowhere.toml"], ["--ehr", file_of(tmp_path)]):
        done = serve(artefact_folder, "--instance", name, *options)
        assert done.exit_code == 2
        assert "--instance" in done.stderr or "nowhere.toml" in done.stderr
    assert served == []


def test_a_wrong_file_stops_the_start_with_every_problem(
    artefact_folder: Path, tmp_path: Path, served: list[Any]
) -> None:
    """SM1: exit code 2, all that is wrong at once, whatever kind it is of; nothing that may be a secret is quoted."""
    (tmp_path / "empty.json").write_text("{}", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    text = """
address = "http://rps.hospital.example"
session_minutes = 0
[[ehr]]
name = "First"
issuer = "https://ehr.hospital.example/r4?x"
client_id = "me"
client_secret = "hunter2"
[[ehr]]
name = "Second"
issuer = "https://second.example/r4"
client_id = "me"
client_secret_file = "nowhere"
client_key_file = "empty.json"
ca_file = "folder"
[[ehr]]
name = "Third"
issuer = "https://second.example/r4"
client_id = "me"
[ehr.hooks]
issuer = "x"
"""
    done = serve(artefact_folder, "--ehr", file_of(tmp_path, text))
    assert (done.exit_code, served) == (2, [])
    lines = [line.partition("ehr.toml: ")[2] for line in done.stderr.splitlines() if "ehr.toml: " in line]
    wanted = (
        *("address", "session_minutes", "ehr[0].issuer", "ehr[0].client_secret"),
        *("ehr[1] (Second): issuer", "ehr[1] (Second): give client_secret_file or client_key_file"),
        *("ehr[1] (Second): client_secret_file", "ehr[1] (Second): client_key_file", "ehr[1] (Second): ca_file"),
        *("ehr[2] (Third): issuer", "ehr[2] (Third): give hooks.keys_file or hooks.jku"),
        *("ehr[1] (Second): give key", "ehr[2] (Third): give key"),
    )
    assert [one for one in wanted if not any(line.startswith(one) for line in lines)] == []
    assert len(lines) == len(wanted)
    assert "hunter2" not in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[[ehr]", b"ehr = 7", b'address = "https://a.example"\nehr = []']
)
def test_a_file_that_is_none_is_refused(
    artefact_folder: Path, tmp_path: Path, served: list[Any], content: bytes
) -> None:
    """SM1: with a short message; so is one that is not there, and a folder."""
    file = tmp_path / "ehr.toml"
    file.write_bytes(content)
    for path in (file, tmp_path / "nowhere.toml", tmp_path):
        done = serve(artefact_folder, "--ehr", path)
        assert (done.exit_code, served) == (2, [])
        assert path.name in done.stderr
        assert isinstance(done.exception, SystemExit)


@pytest.mark.parametrize(("audit", "code"), [("nowhere/audit.ndjson", 2), ("folder", 2), ("folder/audit.ndjson", 0)])
def test_an_audit_that_cannot_be_kept_stops_the_start(
    artefact_folder: Path, tmp_path: Path, served: list[Any], audit: str, code: int
) -> None:
    """S2: rather than every launch; and nothing is written before there is something to write down."""
    (tmp_path / "folder").mkdir()
    done = serve(artefact_folder, "--ehr", file_of(tmp_path, f'audit_file = "{audit}"\n{FILE}'), *MOUNTED)
    assert (done.exit_code, len(served)) == (code, code == 0)
    assert ("audit_file" in done.stderr) == (code == 2)
    assert list((tmp_path / "folder").iterdir()) == []
