"""How often and how much one may ask: by address and by EHR; and that counting takes no room."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from limits.aio.storage import MemoryStorage, memory
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Scope

from model.artefact import Artefact
from server import addresses
from server import limits as limiting
from server.application import create_app
from server.limits import Limits
from tests.web import LOCAL, PREDICTIONS, read_page

ROOTS = ["", "/rps"]


class Clock:
    """A clock that stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        """The time."""
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limiting, "time", clock)
    monkeypatch.setattr(memory, "time", clock)
    return clock


@pytest.fixture
def storages(monkeypatch: pytest.MonkeyPatch) -> list[MemoryStorage]:
    """Wherever something is counted."""
    made: list[MemoryStorage] = []

    def make() -> MemoryStorage:
        made.append(MemoryStorage())
        return made[-1]

    monkeypatch.setattr(limiting, "MemoryStorage", make)
    return made


def client_of(artefact: Artefact, rate: str | None, root: str = "", address: str = "10.0.0.1") -> TestClient:
    app = create_app([artefact], root_path=root, limits=Limits(address=rate))
    return TestClient(app, raise_server_exceptions=False, client=(address, 50_000))


def allowed(limits: Limits, *asked: tuple[limiting.Kind, str]) -> list[int]:
    """The seconds to wait that each of these is told, in turn."""

    async def ask() -> list[int]:
        return [await limits.allow(kind, key) for kind, key in asked]

    return asyncio.run(ask())


def test_beyond_the_limit_one_is_told_when_to_ask_again(artefact: Artefact, clock: Clock) -> None:
    """DESIGN: 429 with Retry-After; what was asked in time is answered, and so is what is asked after that time."""
    client = client_of(artefact, "3/minute")
    for _ in range(3):
        assert client.get("/").status_code == 200
        clock.now += 5
    refused = client.post("/", data=dict(LOCAL))
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "45"
    clock.now += 44.5
    assert client.get("/").headers["retry-after"] == "1"
    clock.now += 0.5
    assert client.post("/", data=dict(LOCAL)).status_code == 200


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html"),
        ("/model", "text/html"),
        ("/nowhere", "text/html"),
        ("/api/v1/model", "application/problem+json"),
        ("/cds-services", "application/problem+json"),
        ("/fhir/metadata", "application/fhir+json"),
    ],
)
def test_a_refusal_is_told_as_its_reader_reads(artefact: Artefact, root: str, path: str, media_type: str) -> None:
    """RFC 9457 for programs, an OperationOutcome for those that speak FHIR, a page for people, all safeguarded."""
    client = client_of(artefact, "1/minute", root)
    client.get(f"{root}/model")
    refused = client.get(f"{root}{path}")
    assert refused.status_code == 429
    assert refused.headers["content-type"].partition(";")[0] == media_type
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in refused.headers["content-security-policy"]
    sentence = "too many requests from here in a short time. Ask again in 60 seconds."
    if media_type == "text/html":
        page = read_page(refused.text)
        assert page.one("h1").text == "Too many requests"
        assert sentence in page.text
    elif media_type == "application/fhir+json":
        (issue,) = refused.json()["issue"]
        assert issue["code"] == "throttled"
        assert sentence in issue["diagnostics"]
    else:
        assert refused.json()["type"] == "urn:problem-type:too-often"
        assert sentence in refused.json()["detail"]


def test_one_second_is_one_second(artefact: Artefact) -> None:
    """E33: plural rules."""
    client = client_of(artefact, "1/second")
    assert client.get("/").status_code == 200
    assert "Ask again in 1 second." in client.get("/").text


@pytest.mark.parametrize("root", ROOTS)
def test_what_machines_look_at_and_what_pages_are_made_of_is_not_counted(artefact: Artefact, root: str) -> None:
    """A probe must not fail because of others behind its address; a page is one request."""
    client = client_of(artefact, "1/hour", root)
    script = read_page(client.get(f"{root}/").text).one("script").attributes["src"]
    for _ in range(2):
        for path in (f"{root}/healthz", f"{root}/readyz", script):
            assert client.get(path).status_code == 200
    assert client.get(f"{root}/healthz/").status_code == 429


@pytest.mark.parametrize("root", ROOTS)
def test_what_is_no_file_is_counted(artefact: Artefact, root: str) -> None:
    """Only what there is, at its very address: otherwise somebody could ask for what there is not without end."""
    client = client_of(artefact, "2/hour", root)
    script = read_page(client.get(f"{root}/").text).one("script").attributes["src"]
    version = script.split("/")[-2]
    name = script.rpartition("/")[2]
    others = (f"{root}/static/{version}/none", f"{root}/static/000000000000/{name}", f"{root}/static/", f"{script}/")
    assert [client.get(path).status_code for path in others] == [404, 429, 429, 429]
    assert client.get(script).status_code == 200


def test_without_a_limit_nobody_is_refused(artefact: Artefact) -> None:
    """What serve makes of "none"; and an application that was given no limits has none."""
    for client in (client_of(artefact, None), TestClient(create_app([artefact]))):
        assert {client.get("/healthz/").status_code for _ in range(1300)} == {404}


def test_addresses_are_counted_apart(artefact: Artefact) -> None:
    """One who asks too often is refused, and nobody else."""
    app = create_app([artefact], limits=Limits(address="1/minute"))
    clients = [TestClient(app, client=(f"10.0.0.{i}", 50_000)) for i in range(3)]
    for status in (200, 429):
        assert [client.get("/").status_code for client in clients] == [status] * 3


@pytest.mark.parametrize(
    ("client", "key"),
    [
        (("10.0.0.1", 5000), "10.0.0.1"),
        (("10.0.0.1", 6000), "10.0.0.1"),
        (("::ffff:10.0.0.1", 5000), "10.0.0.1"),
        (("2001:db8:1:2:3:4:5:6", 5000), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::1", 5000), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5000), "fe80::/64"),
        (("unknown", 0), addresses.ELSEWHERE),
        (("x" * 5000, 0), addresses.ELSEWHERE),
        (None, addresses.ELSEWHERE),
    ],
)
def test_by_what_a_request_is_counted(client: tuple[str, int] | None, key: str) -> None:
    """An address, whatever the port; a network, where one connection has more addresses than can be counted."""
    scope: Scope = {"type": "http", "client": client}
    assert addresses.whose(scope) == key


def test_kinds_and_keys_are_counted_apart() -> None:
    """EHR.md section 6: hospitals share an address, so EHRs and launches have windows of their own."""
    limits = Limits(address="1/minute", issuer="2/minute", launch="1/hour")
    asked: list[tuple[limiting.Kind, str]] = [("address", "x"), ("issuer", "x"), ("launch", "x"), ("launch", "y")]
    assert allowed(limits, *asked) == [0, 0, 0, 0]
    assert allowed(limits, *asked) == [60, 0, 3600, 3600]
    assert allowed(limits, *asked) == [60, 60, 3600, 3600]


@pytest.mark.parametrize("root", ROOTS)
def test_launches_have_a_narrower_limit(artefact: Artefact, root: str) -> None:
    """ASVS: what is remembered until somebody has signed in has an end, and nobody alone may fill it."""
    app = create_app([artefact], root_path=root, limits=Limits(address="6/minute", launch="2/minute"))
    client = TestClient(app)
    begun = [client.get(f"{root}/launch?iss=x") for _ in range(3)]
    assert [response.status_code for response in begun] == [404, 404, 429]
    assert begun[-1].headers["retry-after"] == "60"
    assert [client.get(f"{root}/").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_those_who_ask_at_once_are_all_counted() -> None:
    """No two of them take the same place."""

    async def ask() -> list[int]:
        limits = Limits(issuer="10/minute")
        return await asyncio.gather(*(limits.allow("issuer", "https://ehr.example") for _ in range(100)))

    assert sorted(asyncio.run(ask())) == [0] * 10 + [60] * 90


def kept(storages: list[MemoryStorage]) -> int:
    """How much is kept of those who asked."""
    return max(len(one) for storage in storages for one in (storage.expirations, storage.storage, storage.locks))


def test_who_no_longer_asks_is_forgotten(storages: list[MemoryStorage], clock: Clock) -> None:
    """Many addresses take no more room than those of the last window."""
    limits = Limits(address="5/minute")
    for minute in range(3):
        allowed(limits, *(("address", f"10.{minute}.{i // 250}.{i % 250}") for i in range(1000)))
        assert kept(storages) == 1000
        clock.now += 60
        allowed(limits, ("address", "10.0.0.1"))
        assert kept(storages) == 1
        clock.now += 60


def test_more_than_can_be_counted_apart_are_counted_together(
    storages: list[MemoryStorage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has addresses without end takes no memory and gains nothing; who was there keeps a window."""
    monkeypatch.setattr(limiting, "MOST_KEYS", 3)
    limits = Limits(address="2/minute")
    first = allowed(limits, *(("address", f"10.0.0.{i}") for i in range(100)))
    assert first == [0] * 5 + [60] * 95
    assert allowed(limits, ("address", "10.0.0.0"), ("address", "10.0.0.0")) == [0, 60]
    assert kept(storages) == 4


@pytest.mark.parametrize("rate", ["", "many", "1200", "0/minute", "-1/minute", "1/minute;2/hour", "1/age"])
def test_what_is_no_rate_is_refused(rate: str) -> None:
    """Before anything listens: a limit that was misread would be none, or shut everybody out."""
    with pytest.raises(ValueError, match="is not a rate such as"):
        Limits(address=rate)


@pytest.mark.parametrize("proxy", ["*", "", "localhost", "10.0.0.5:80", "10.0.0.5/24", "10.0.0.1,10.0.0.2"])
def test_what_is_no_proxy_is_refused(proxy: str) -> None:
    """A star would believe everybody, and a name nobody."""
    with pytest.raises(ValueError, match="is neither an address"):
        addresses.checked_proxies([proxy])


@pytest.mark.parametrize("proxy", ["10.0.0.5", "10.0.0.0/24", "::1", "2001:db8::/32"])
def test_proxies_are_addresses_or_networks(proxy: str) -> None:
    assert addresses.checked_proxies([proxy]) == [proxy]


TYPES = ("application/json", "application/x-www-form-urlencoded", "application/fhir+json")
FILLED: Mapping[str, Any] = {"name": "result.pdf"}


def test_no_body_is_read_without_end(artefact: Artefact) -> None:
    """EHR.md section 6: every address that takes a body refuses one of five million bytes, whatever its type."""
    app = create_app([artefact])
    client = TestClient(app, raise_server_exceptions=False)
    paths = {
        route.path.format(**FILLED)
        for route in app.routes
        if isinstance(route, Route) and "POST" in (route.methods or ())
    }
    assert {"/", "/fragment", "/patient", "/download/result.pdf", PREDICTIONS} <= paths
    for path in paths:
        statuses = {
            client.post(path, content=b"x" * 5_000_000, headers={"content-type": kind}).status_code for kind in TYPES
        }
        assert statuses in ({413}, {413, 415}), path
