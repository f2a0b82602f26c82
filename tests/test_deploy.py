"""The examples of deploy/: what can be held of them without nginx, systemd or an engine for containers."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
import uvicorn

from rps_prognosis import SECONDS_TO_FINISH, serve
from server import limits
from server.entering.bodies import LARGEST_BUNDLE
from server.smart.sessions import Sessions
from tests.test_project import SERVING, TRAINING, locked, pins

ROOT = Path(__file__).parents[1]
NGINX, UNIT, CONTAINER = "deploy/nginx.conf", "deploy/rps-prognosis@.service", "deploy/Containerfile"
INSTANCES = ("8001", "8002")
INSTRUCTIONS = {
    "FROM",
    "ENV",
    "RUN",
    "WORKDIR",
    "COPY",
    "USER",
    "EXPOSE",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "CMD",
    "ENTRYPOINT",
}


def read(path: str) -> str:
    """A file with its comments, but for what begins within a line; lines that go on are one."""
    return (ROOT / path).read_text(encoding="utf-8").replace("\\\n", " ")


def settings(path: str) -> str:
    """A file without its comments."""
    return re.sub(r"(^|\s)#.*$", "", read(path), flags=re.MULTILINE)


def known_options() -> set[str]:
    """What "serve --help" names."""
    return {name for option in serve.params for name in option.opts}


@pytest.mark.parametrize(
    "path", [UNIT, CONTAINER, "docs/deployment.md", "docs/embedding.md", "docs/serving.md", "docs/ehr.md", "README.md"]
)
def test_only_options_that_there_are_are_named(path: str) -> None:
    """What is copied from an example starts, and a renamed option is renamed here."""
    commands = re.findall(
        r"rps-prognosis serve (.+)|rps-prognosis +(--.+)|^CMD (\[.+--model.+\])$", read(path), re.MULTILINE
    )
    named = {name for command in commands for name in re.findall(r"(?<![\w-])--[a-z-]+", " ".join(command))}
    assert named - known_options() == set()
    assert named or path == "README.md"


def test_serving_names_every_option() -> None:
    """docs/serving.md is the list of them."""
    listed = set(re.findall(r"^\| (.*?) \|", read("docs/serving.md"), re.MULTILINE))
    assert known_options() <= {name for cell in listed for name in re.findall(r"`(--[a-z-]+)", cell)}


# nginx


def block(name: str) -> str:
    """What stands in a block of nginx's."""
    (found,) = re.findall(rf"^ *{re.escape(name)} \{{\n(.*?)^ *\}}", settings(NGINX), re.MULTILINE | re.DOTALL)
    return str(found)


def mapped(variable: str, value: str) -> str:
    """What a map makes of a value: an exact word first, then the first expression that is found in it."""
    lines = [line.split() for line in block(variable).splitlines() if line.strip()]
    table = {key: result.rstrip(";") for key, result in lines}
    assert not [key for key in table if key.startswith("=")]  # which a map takes for a part of the word
    expressions = (result for key, result in table.items() if key[0] == "~" and re.search(key[1:], value))
    return table.get(value) or next(expressions, table["default"])


def instance_for(path: str, state: str = "") -> str:
    """Where a request is sent."""
    found = mapped("map $uri $rps_instance", path)
    return mapped("map $arg_state $rps_of_state", state) if found == "$rps_of_state" else found


@pytest.mark.parametrize("name", INSTANCES)
def test_a_launch_stays_with_the_instance_that_began_it(name: str) -> None:
    """Sticky by the id that the program gives it: its pages, and the answer of the EHR."""
    launch = Sessions(1, 1, name).new_id()
    assert launch.startswith(f"{name}-")
    for page in ("", "fragment", "download/result.pdf", "save", "end"):
        assert instance_for(f"/rps/l/{launch}/{page}") == f"rps_{name}"
    for callback in ("/rps/callback", "/rps/callback/city"):
        assert instance_for(callback, f"{launch}.x") == f"rps_{name}"
    assert f"server 127.0.0.1:{name};" in block(f"upstream rps_{name}")
    assert f"server 127.0.0.1:{name};" in block("upstream rps")


def test_other_requests_go_to_any_instance_and_hooks_to_one() -> None:
    """A token of CDS Hooks counts once, and each process remembers its own."""
    for path in ("/rps/", "/rps/launch", "/rps/model", "/rps/fhir/metadata", "/rps/l/8003-x/", "/rps/x/l/8001-x/"):
        assert instance_for(path, "8001-x.y") == "rps"
    assert instance_for("/rps/callback", "x8001-x.y") == instance_for("/rps/callbacks", "8001-x.y") == "rps"
    hooks = {instance_for(f"/rps/cds-services{path}") for path in ("", "/rps", "/rps/feedback")}
    assert hooks == {"rps_8001"}


def test_nginx_writes_down_no_query() -> None:
    """EHR.md section 6: the callback's query holds the code that the EHR gives for a token."""
    text = settings(NGINX)
    (written,) = re.findall(r"log_format rps '(.*?)';", text)
    assert re.findall(r"access_log (.*?);", text) == ["/var/log/nginx/rps.access.log rps"]
    assert set(re.findall(r"\$\w+", written)) == {
        *("$remote_addr", "$time_iso8601", "$request_method", "$uri", "$status", "$body_bytes_sent"),
        *("$request_time", "$upstream_addr"),
    }
    for place in ("location = /rps/launch", "location /rps/callback"):
        assert "error_log  /dev/null crit;" in block(place)
    assert re.findall(r"error_log +(.*?);", text)[0] == "/var/log/nginx/rps.error.log crit"


def test_nginx_says_whom_a_request_is_from_and_keeps_it_in_memory() -> None:
    """What the program is told comes from the proxy alone; nothing that was entered is put into a file."""
    text = " ".join(settings(NGINX).split())
    for line in (
        *("proxy_set_header X-Forwarded-For $remote_addr;", "proxy_set_header X-Forwarded-Proto $scheme;"),
        *("proxy_max_temp_file_size 0;", "client_body_in_file_only off;", "ssl_protocols TLSv1.2 TLSv1.3;"),
    ):
        assert text.count(line) == 1
    sizes = re.findall(r"(client_max_body_size|client_body_buffer_size) (\d+)m;", text)
    assert [int(size) * 1_048_576 > LARGEST_BUNDLE for _, size in sizes] == [True, True]
    assert "proxy_cache" not in text
    assert re.findall(r"location (\S+) {[^}]*gzip on", text) == ["/rps/static/"]


def test_nginx_lets_go_of_a_connection_before_the_program_does() -> None:
    """Otherwise a form is now and then sent into a connection that has just been closed."""
    kept = [int(seconds) for seconds in re.findall(r"^ +keepalive_timeout +(\d)s;", settings(NGINX), re.MULTILINE)]
    assert len(kept) == 1 + len(INSTANCES)
    assert max(kept) < uvicorn.Config("x").timeout_keep_alive


# systemd


def unit() -> Mapping[str, list[str]]:
    """The settings of the unit, each with its values in order."""
    found: dict[str, list[str]] = {}
    for line in settings(UNIT).splitlines():
        if line.strip() and not line.startswith("["):
            name, value = line.split("=", 1)
            found.setdefault(name, []).append(value.strip())
    return found


def test_the_unit_runs_an_instance_for_each_port() -> None:
    """%i is both its port and its name, which nginx knows."""
    (command,) = unit()["ExecStart"]
    given = shlex.split(command)
    context = click.Context(serve)
    options = {given[i]: given[i + 1] for i in range(2, len(given), 2)}
    assert serve.make_parser(context).parse_args(given[2:])[1] == []
    assert options["--port"] == options["--instance"] == "%i"
    assert options["--root-path"] == "/rps"
    assert options["--forwarded-allow-ips"] == "127.0.0.1"
    loaded = {one.partition(":")[0] for one in unit()["LoadCredential"]}
    assert options["--ehr"].removeprefix("${CREDENTIALS_DIRECTORY}/") in loaded


def test_the_unit_gives_time_to_finish_and_no_rights() -> None:
    """A request that has begun is answered; whoever breaks in finds nothing to write to and nothing to run."""
    stated = unit()
    assert stated["KillSignal"] == ["SIGTERM"]
    assert int(stated["TimeoutStopSec"][0]) > SECONDS_TO_FINISH
    assert stated["ProtectSystem"] == ["strict"]
    assert stated["CapabilityBoundingSet"] == [""]
    for name in (
        "DynamicUser",
        "NoNewPrivileges",
        "PrivateTmp",
        "PrivateDevices",
        "ProtectHome",
        "MemoryDenyWriteExecute",
    ):
        assert stated[name] == ["yes"], name


# The container


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Containerfile in order."""
    lines = [line for line in settings(CONTAINER).splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_container_is_written_in_instructions_that_there_are() -> None:
    """It was not built here, so it is at least read."""
    assert {word for word, _ in instructions()} == INSTRUCTIONS
    bases = [rest for word, rest in instructions() if word == "FROM"]
    assert bases == ["python:3.13-slim AS build", "python:3.13-slim"]
    last = dict(instructions())
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"])
    assert json.loads(last["ENTRYPOINT"]) == ["rps-prognosis", "serve"]
    assert json.loads(last["HEALTHCHECK"].split("CMD")[1])[:2] == ["python", "-c"]
    compile(json.loads(last["HEALTHCHECK"].split("CMD")[1])[2], "health", "exec")
    assert last["EXPOSE"] in last["HEALTHCHECK"]
    assert last["EXPOSE"] == str(next(option.default for option in serve.params if option.name == "port"))


def test_the_container_holds_what_the_wheel_holds() -> None:
    """What is copied is there, and is all that a wheel is built from."""
    copied = [
        path for word, rest in instructions() if word == "COPY" and "--from" not in rest for path in rest.split()[:-1]
    ]
    assert [path for path in copied if not (ROOT / path).exists()] == []
    project = tomllib.loads(read("pyproject.toml"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {*copied} == {*wheel, "pyproject.toml", "README.md", "LICENSE", "requirements-serve.lock"}
    ignored = read(".dockerignore").splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == {*copied}


def test_what_serves_is_locked_as_it_is_tested() -> None:
    """The same versions by the same hashes, and nothing that trains."""
    assert {*locked("requirements-serve.lock")} <= {*locked("requirements.lock")}
    names = {pin.partition("==")[0] for pin in pins("requirements-serve.lock")}
    assert names >= SERVING
    assert names & TRAINING == set()
    installs = [rest for word, rest in instructions() if word == "RUN" and "requirements-serve.lock" in rest]
    assert all("--require-hashes" in rest and "--only-binary :all:" in rest for rest in installs)
    assert len(installs) == 1


def test_the_document_states_the_limits_that_hold() -> None:
    """docs/deployment.md is what an operator reasons from."""
    text = read("docs/deployment.md")
    rates = (limits.PER_ADDRESS, limits.PER_ISSUER, limits.LAUNCHES_PER_ADDRESS)
    assert [rate for rate in rates if rate not in text] == []
    assert str(limits.MOST_KEYS) in text
    assert next(option.default for option in serve.params if option.name == "rate_limit") == limits.PER_ADDRESS
