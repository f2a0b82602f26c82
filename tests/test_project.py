"""The project keeps its own rules: what it names, what it depends on, what it says about itself."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-serve.lock")

SERVING = set(PYPROJECT["project"]["dependencies"])
TRAINING = set(PYPROJECT["project"]["optional-dependencies"]["training"])
DEVELOPMENT = {name for group in PYPROJECT["dependency-groups"].values() for name in group if isinstance(name, str)}

# The patterns are written so that they do not find themselves.
REGISTRY_HOST = re.compile(
    r"py[p]i\.|python[h]osted\.|npm[j]s\.|crates[.]io|deb[.]debian|anaconda[.]org", re.IGNORECASE
)
MACHINE_PATH = re.compile(r"(?<![\w.}])/(?:home|root|work|farm|Users)/")

LOCKED = re.compile(r"(?P<pin>[a-z0-9-]+==[^\s;]+)(?: ; [^@]+?)?(?: --hash=sha256:[0-9a-f]{64})+")


def project_files(suffix: str = "") -> Iterator[Path]:
    """Every file of the tree, but for the folders that .gitignore names."""
    ignored = {".git", *(line.strip("/") for line in read(".gitignore").split())}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in ignored]
        yield from (Path(folder, name) for name in names if name.endswith(suffix))


def read(path: str | Path) -> str:
    """The text of a file; what is not text in it is left out."""
    return (ROOT / path).read_text(encoding="utf-8", errors="ignore")


def found(pattern: re.Pattern[str]) -> list[str]:
    """Each occurrence of a pattern in the tree, as file: text."""
    return [
        f"{path.relative_to(ROOT)}: {match[0]}" for path in project_files() for match in pattern.finditer(read(path))
    ]


def locked(lock: str) -> list[str]:
    """The requirements of a lock, each on one line."""
    lines = re.sub(r" *\\\n *", " ", read(lock)).splitlines()
    return [line for line in lines if line and not line.lstrip().startswith("#")]


def pins(lock: str) -> set[str]:
    """The requirements of a lock as name==version."""
    return {line.split()[0] for line in locked(lock)}


def imported(path: Path) -> set[str]:
    """The packages that a file imports, wherever in it it does."""
    nodes = list(ast.walk(ast.parse(read(path))))
    modules = chain(
        (alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names),
        (node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)),
    )
    return {module.partition(".")[0] for module in modules}


def normalised(distribution: str) -> str:
    """The name of a distribution as locks write it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def run(*command: str) -> str:
    """What a command prints when it is run at the root."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_file_names_a_registry_host() -> None:
    """Which registry is used is for the machine to say."""
    assert found(REGISTRY_HOST) == []


def test_no_file_names_a_path_of_a_machine() -> None:
    """What is written here holds on every machine."""
    assert found(MACHINE_PATH) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_address(lock: str) -> None:
    """An index or an address in a lock would send an installation to one place."""
    assert re.findall(r"\w+://|--(?:extra-)?index-url|--find-links|^.*@ .*$", read(lock), re.MULTILINE) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_each_requirement_with_a_hash(lock: str) -> None:
    """A requirement without a hash could be something else tomorrow."""
    requirements = locked(lock)
    assert requirements
    assert [line for line in requirements if LOCKED.fullmatch(line) is None] == []


def test_locks_agree() -> None:
    """Tests run with what is served and trained with, and more."""
    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_locks_hold_each_dependency() -> None:
    """A dependency that was added to pyproject.toml is in the locks."""
    names = [{pin.partition("==")[0] for pin in pins(lock)} for lock in LOCKS]
    assert (SERVING | TRAINING) - names[0] == set()
    assert (SERVING | TRAINING | DEVELOPMENT) - names[1] == set()


def test_readme_gives_each_dependency() -> None:
    """A dependency has a reason, and README says it."""
    readme = read("README.md").lower()
    names = SERVING | TRAINING | DEVELOPMENT
    assert {name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", readme)} == set()


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("model", {"numpy"}),
        ("training", SERVING | TRAINING),
        ("server", SERVING),
        ("templates", set()),
        ("rps_prognosis.py", SERVING | TRAINING),
        ("commands", SERVING | TRAINING),
        ("tests", SERVING | TRAINING | DEVELOPMENT),
        ("benchmarks", SERVING | TRAINING | DEVELOPMENT),
    ],
)
def test_imports_are_declared(folder: str, allowed: set[str]) -> None:
    """What is imported stands in pyproject.toml, not only in the environment by way of something else."""
    own = {"model", "training", "server", "templates", "commands", "rps_prognosis", "tests", "benchmarks"}
    distributions = packages_distributions()
    files = [path for path in project_files(".py") if path.relative_to(ROOT).parts[0] == folder]
    packages = set().union(*map(imported, files)) - own - sys.stdlib_module_names
    needed = {normalised(distributions.get(package, [package])[0]) for package in packages}
    assert needed - allowed == set()


def test_version_is_the_first_of_the_changelog() -> None:
    """Whoever reads the changelog sees the version that runs."""
    headings = re.findall(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == PYPROJECT["project"]["version"]


def test_each_release_begins_with_predictions() -> None:
    """A release that changes a number says so first."""
    releases = re.split(r"^## ", read("CHANGELOG.md"), flags=re.MULTILINE)[1:]
    assert releases
    firsts = [re.findall(r"^### (.+)$", release, re.MULTILINE)[:1] for release in releases]
    assert firsts == [["Predictions"]] * len(releases)


def test_no_module_is_long() -> None:
    """A file of more than 400 lines has a seam somewhere."""
    lengths = {str(path.relative_to(ROOT)): len(read(path).splitlines()) for path in project_files(".py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_server_starts_without_what_trains() -> None:
    """A server answers soon and stays small, because nothing that fits models is loaded."""
    heavy = {"joblib", "pandas", "pyarrow", "scipy", "sklearn", "sksurv"}
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "server").rglob("[!_]*.py")]
    program = f"import sys, rps_prognosis, {', '.join(modules)}; print(*sys.modules)"
    loaded = set(run(sys.executable, "-c", program).split())
    assert {"rps_prognosis", "fastapi", *modules} - loaded == set()
    assert heavy & loaded == set()


def test_make_lists_its_targets() -> None:
    """Each target that is meant to be called is listed with what it does."""
    targets = set(re.findall(r"^\.PHONY: (\w+)$", read("Makefile"), re.MULTILINE))
    listed = dict(re.findall(r"^ +make (\w+) +(\S.*)$", run("make", "--no-print-directory", "help"), re.MULTILINE))
    assert {"serve", "test"} <= targets
    assert listed.keys() == targets


def test_documents_name_targets_that_exist() -> None:
    """What a reader is told to call can be called."""
    targets = set(re.findall(r"^\.PHONY: (\w+)$", read("Makefile"), re.MULTILINE))
    called = re.compile(r"(?:`|^    )make ([a-z]+)", re.MULTILINE)
    named = {name for path in project_files(".md") for name in called.findall(read(path))}
    assert {"serve", "test"} <= named
    assert named - targets == set()


def test_continuous_integration_runs_the_tests() -> None:
    """What is checked before a change lands is what a developer checks."""
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert re.search(r"^make test$", read(".ci/run"), re.MULTILINE)
