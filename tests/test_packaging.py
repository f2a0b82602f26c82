"""The wheel holds the whole application: installed elsewhere, it serves without the tree that it was built from."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urljoin
from zipfile import ZipFile

import httpx2
import pytest

from model.artefact import Artefact
from model.patient import Patient
from model.plain import plain_prediction
from model.prediction import predict
from model.rounding import percent

ROOT = Path(__file__).parents[1]
PACKAGES = ("model", "training", "server", "templates", "commands")
PATIENT = {"pattern": "local", "interval_months": 24, "resection": "yes"}
SECONDS_TO_START = 60
WHERE = """
import importlib, sys
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    print(module.__file__ or next(iter(module.__path__)))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    run(build, cwd=ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and with the dependencies, but not the project, of the one that runs the tests."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    run([*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], cwd=folder)
    # The .pth files of a folder that a .pth file names are left alone, so the way into the tree does not come along.
    (site_packages(folder) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def address(home: Path, artefact_folder: Path) -> Iterator[str]:
    """Where the installed server answers."""
    serve = [program(home, "rps-prognosis"), "serve", "--model", str(artefact_folder), "--port", "0"]
    log = home / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(serve, cwd=home, env=surroundings(home), stdout=output, stderr=subprocess.STDOUT) as server,
    ):
        try:
            yield announced(log, server)
        finally:
            server.terminate()


def program(home: Path, name: str) -> str:
    """A program of the environment."""
    return str(home / "bin" / name)


def site_packages(home: Path) -> Path:
    """Where the environment keeps what is installed in it."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))


def surroundings(home: Path) -> dict[str, str]:
    """Environment variables, none of which leads back into the tree."""
    return {"PATH": os.defpath, "HOME": str(home), "LANG": "C.UTF-8"}


def run_outside(home: Path, name: str, *arguments: str) -> str:
    """What a program of the environment prints when it is run outside the tree."""
    return run([program(home, name), *arguments], cwd=home, env=surroundings(home))


def run(command: list[str], cwd: Path, env: dict[str, str] | None = None) -> str:
    """What a command prints; when it fails, the test fails with what it said."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def announced(log: Path, server: subprocess.Popen[bytes]) -> str:
    """The address that a server says it answers at, once it does; fail when it ends or says nothing in good time."""
    deadline = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and time.monotonic() < deadline:
        said = re.search(r"http://[\d.]+:\d+(?=/)", log.read_text(encoding="utf-8"))
        if said and answers(said[0]):
            return said[0]
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=0.1)  # to hear at once when it ends
    pytest.fail(f"The installed server does not answer:\n{log.read_text(encoding='utf-8')}")


def answers(address: str) -> bool:
    """Whether a server at an address says that it is alive."""
    try:
        return httpx2.get(f"{address}/healthz").is_success
    except httpx2.TransportError:
        return False


def test_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    """Templates, static files and the description of the default model are in it, tests and caches are not."""
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == sources | {"rps_prognosis.py"}
    assert any(name.startswith("templates/static/") for name in held)
    assert any(name.startswith("training/published/") for name in held)


def test_modules_come_from_the_installed_place(home: Path) -> None:
    """No module is found in the tree, so what follows is a test of the wheel."""
    names = [
        "rps_prognosis",
        *PACKAGES,
        *(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "server").rglob("[!_]*.py")),
    ]
    places = [Path(place) for place in run_outside(home, "python", "-c", WHERE, *names).splitlines()]
    assert len(places) == len(names)
    assert [place for place in places if not place.is_relative_to(site_packages(home))] == []


def test_command_answers(home: Path) -> None:
    """The console script is installed and knows its commands."""
    told = run_outside(home, "rps-prognosis", "--help")
    assert {"train", "serve", "predict"} <= set(told.split())


def test_installed_server_shows_the_form_with_its_static_files(address: str) -> None:
    """The page's own files are found by the addresses that the page gives."""
    page = httpx2.get(f"{address}/").raise_for_status()
    linked = re.findall(r'''(?:href|src)="([^"]+\.(?:css|js|svg|png)[^"]*)"''', page.text)
    assert "<form" in page.text
    assert linked
    for link in linked:
        assert httpx2.get(urljoin(f"{address}/", link)).raise_for_status().content


def test_installed_server_predicts_what_the_tree_predicts(address: str, artefact: Artefact) -> None:
    """The same patient has the same survival from the wheel and from the tree, to the last digits, and on the page."""
    expected = plain_prediction(predict(artefact.model, Patient.parse(artefact.model.features, PATIENT)))["survival"]
    answer = httpx2.post(f"{address}/api/v1/predictions", json={"features": PATIENT}).raise_for_status().json()
    assert answer["survival"] == [pytest.approx(horizon, rel=1e-9) for horizon in expected]
    page = httpx2.post(f"{address}/", data=PATIENT).raise_for_status().text
    figures = [percent(horizon["estimate"]) for horizon in expected]
    assert [figure for figure in figures if not re.search(rf"\b{figure}\b", page)] == []
