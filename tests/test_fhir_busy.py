"""Many patients at once from many programs at once: one is computed after the other, and the memory stays small."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date
from threading import Event, Lock
from typing import Any

import httpx2
import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from model.artefact import Artefact
from server.application import create_app
from server.fhir import interface, operation
from server.fhir.operation import evaluate
from server.fhir.turns import AGAIN, MOST_WAITING
from server.served import Served, prepare
from server.wording.language import english
from tests.responses import EVALUATE, FHIR, bundle_of, evaluated, issues, response_of
from tests.validators import problems_of
from tests.web import LOCAL, client_of


@pytest.fixture(scope="module")
def served(artefact: Artefact) -> Mapping[str, Served]:
    return {artefact.model.name: prepare(artefact, english())}


@pytest.fixture(scope="module")
def local(artefact: Artefact) -> dict[str, Any]:
    """A response that can be answered."""
    return response_of(artefact.model.features, LOCAL)


class Slow:
    """In place of the computing: it waits until it is let go, and counts how many are at it."""

    def __init__(self) -> None:
        self.go, self.lock = Event(), Lock()
        self.begun = self.at_once = self.most = 0

    def __call__(self, *_: object) -> bytes:
        """Computed when it may be."""
        with self.lock:
            self.begun, self.at_once = self.begun + 1, self.at_once + 1
            self.most = max(self.most, self.at_once)
        assert self.go.wait(30)
        with self.lock:
            self.at_once -= 1
        return b"{}"


class Body:
    """A body that keeps how often it is read."""

    def __init__(self, *parts: bytes) -> None:
        self.parts, self.read = parts, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Its parts, the last of which never comes where it is empty."""
        for part in self.parts:
            self.read += 1
            yield part
            if not part:
                await asyncio.Event().wait()


def post(client: AsyncClient, body: Body) -> asyncio.Task[Response]:
    """A request that has begun."""
    return asyncio.create_task(client.post(EVALUATE, content=body, headers=FHIR))


async def until(condition: object, *, turns: int = 400) -> None:
    """Wait until something is so."""
    for _ in range(turns):
        if callable(condition) and condition():
            return
        await asyncio.sleep(0.01)
    message = "it never was so"
    raise AssertionError(message)


def outcome_of(response: httpx2.Response) -> tuple[str, str]:
    """The kind and the sentence of the only issue of a refusal."""
    (issue,) = response.json()["issue"]
    return issue["code"], issue["diagnostics"]


def test_one_is_computed_at_a_time_and_only_so_many_wait(artefact: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes after them is sent away at once, with when to ask again; nothing of what waits has been read."""
    slow = Slow()
    monkeypatch.setattr(interface, "evaluate", slow)

    async def asking() -> None:
        async with AsyncClient(transport=ASGITransport(create_app([artefact])), base_url="http://testserver") as client:
            bodies = [Body(b"{}") for _ in range(1 + MOST_WAITING)]
            first = post(client, bodies[0])
            await until(lambda: slow.begun)
            tasks = [first, *(post(client, body) for body in bodies[1:])]
            await asyncio.sleep(0.05)
            refused = await post(client, late := Body(b"{}"))
            assert (refused.status_code, refused.headers["retry-after"]) == (503, str(AGAIN))
            assert outcome_of(refused)[0] == "transient"
            assert f"Ask again in {AGAIN} seconds" in outcome_of(refused)[1]
            assert [body.read for body in (*bodies, late)] == [1, *[0] * MOST_WAITING, 0]
            assert (await client.get("/fhir/metadata")).status_code == 200
            slow.go.set()
            assert [one.status_code for one in await asyncio.gather(*tasks)] == [200] * len(tasks)
            assert (await post(client, Body(b"{}"))).status_code == 200

    asyncio.run(asking())
    assert (slow.most, slow.begun) == (1, 2 + MOST_WAITING)


def test_a_body_that_does_not_come_keeps_nobody_waiting(
    artefact: Artefact, local: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its turn ends, whatever the sender does; so does the turn of somebody who is refused."""
    monkeypatch.setattr(interface, "BODY_SECONDS", 0.05)

    async def asking() -> None:
        async with AsyncClient(transport=ASGITransport(create_app([artefact])), base_url="http://testserver") as client:
            for _ in range(2 + MOST_WAITING):
                late = await post(client, Body(b"{", b""))
                assert (late.status_code, outcome_of(late)[0]) == (408, "timeout")
                assert (await post(client, Body(b"{"))).status_code == 400
                assert (await post(client, Body(b"{}"))).status_code == 422
            assert (await post(client, Body(json.dumps(local).encode()))).status_code == 200

    asyncio.run(asking())


def test_every_answer_is_written_before_the_next_is_computed(
    served: Mapping[str, Served], local: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a thousand patients there are never a thousand answers as objects, nor their responses any longer."""
    steps: list[str] = []

    def noting(name: str, done: Any) -> Any:  # noqa: ANN401 - of any function
        def noted(*given: object) -> object:
            steps.append(name)
            return done(*given)

        return noted

    for name in ("assess", "encoded"):
        monkeypatch.setattr(operation, name, noting(name, getattr(operation, name)))
    bundle = bundle_of(local, {**local, "status": "in-progress"}, local)
    content = evaluate(served, bundle, date(2026, 1, 1))
    assert steps == ["assess", "encoded"] * 3
    assert bundle["entry"] == [None] * 3
    assert [entry["response"]["status"][:3] for entry in json.loads(content)["entry"]] == ["200", "422", "200"]


def test_nothing_leaves_a_bundle_unchecked(
    served: Mapping[str, Served], local: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written entry by entry, the whole is the Bundle that it was; each part of it has been held against the types."""
    kinds: list[str] = []

    def checked(resource: dict[str, Any]) -> dict[str, Any]:
        kinds.append(resource["resourceType"])
        return resource

    monkeypatch.setattr(operation, "checked", checked)
    content = evaluate(served, bundle_of(local, {**local, "status": "in-progress"}), date(2026, 1, 1))
    assert kinds == ["OperationOutcome"]
    assert problems_of([json.loads(content)]) == []
    assert json.dumps(json.loads(content), ensure_ascii=False).encode() == content


def test_the_wrong_bundle_is_refused_whole(artefact: Artefact, local: Mapping[str, Any]) -> None:
    """Nothing has been taken out of it, or computed, before all of its entries are known to be responses."""
    found: Iterable[str] = issues(evaluated(client_of(artefact), bundle_of(local, {"resourceType": "Patient"})))
    assert set(found) == {"Bundle.entry[1]"}
