"""Headers on every answer, and failures that show and log nothing of a patient."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from model.artefact import Artefact
from server.application import create_app
from server.interface import answer
from server.pages import answering
from server.safeguards import security_headers
from tests.web import LOCAL, PREDICTIONS, client_of

NAME = "Jane-Doe-1951"


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


@pytest.mark.parametrize(
    "path", ["/", "/model", "/healthz", "/openapi.json", "/nowhere", "/api/nowhere", "/static/nowhere"]
)
def test_every_answer_carries_the_safeguards(client: TestClient, path: str) -> None:
    """S1, S2: no outside asset, no frame by default, nothing kept, nothing guessed, no address passed on."""
    headers = client.get(path).headers
    policy = headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "script-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "set-cookie" not in headers


@pytest.mark.parametrize("status", [200, 400, 404, 405, 409, 413, 415, 422])
def test_so_do_refusals(client: TestClient, status: int) -> None:
    """S1, S2: whatever the status."""
    json_type = {"content-type": "application/json"}
    response = {
        200: lambda: client.post("/", data=dict(LOCAL)),
        400: lambda: client.post(PREDICTIONS, content="{", headers=json_type),
        404: lambda: client.post("/download/result.exe", data=dict(LOCAL)),
        405: lambda: client.put("/"),
        409: lambda: client.post("/download/result.pdf", data={**LOCAL, "receipt.digest": "0" * 64}),
        413: lambda: client.post("/", data={"pattern": "x" * 70_000}),
        415: lambda: client.post(PREDICTIONS, content="{}"),
        422: lambda: client.post("/", data={"pattern": ""}),
    }[status]()
    assert response.status_code == status
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert response.headers["cache-control"] == "no-store"


def test_an_allowed_portal_may_frame_it(artefact: Artefact) -> None:
    """S1: frame-ancestors is an allow-list."""
    origins = ("https://portal.hospital.example", "https://*.region.example:8443")
    policy = client_of(artefact, frame_ancestors=origins).get("/").headers["content-security-policy"]
    assert f"frame-ancestors {' '.join(origins)}" in policy.split("; ")


@pytest.mark.parametrize(
    "origin", ["*", "portal.example", "https://a.example; script-src *", "https://a.example/x", ""]
)
def test_what_is_not_an_origin_is_refused_at_the_start(origin: str) -> None:
    """S1: one stray character would open the policy."""
    with pytest.raises(ValueError, match="is not an origin"):
        security_headers([origin])


@pytest.mark.parametrize(
    ("before", "content_type"), [('rel="stylesheet" href="', "text/css"), ('<script src="', "text/javascript")]
)
def test_static_files_may_be_kept_because_their_address_changes_with_them(
    client: TestClient, before: str, content_type: str
) -> None:
    """S2 holds for pages; a style sheet and a script are the same for every patient."""
    page = client.get("/").text
    path = page.split(before)[1].split('"')[0]
    response = client.get(path)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"].startswith(content_type)
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    name = path.rpartition("/")[2]
    assert client.get(f"/static/000000000000/{name}").status_code == 404


@pytest.mark.parametrize(
    "path", ["", "x", "x/y.css", "000000000000/style.css", "000000000000/page.js/x", "x/../page.js"]
)
def test_of_no_file_no_page_is_made(client: TestClient, path: str) -> None:
    """Nobody would read it: browsers ask for files, and whoever guesses addresses for any."""
    response = client.get(f"/static/{path}")
    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize("address", [PREDICTIONS, "/", "/fragment", "/download/result.pdf", "/patient"])
def test_a_failure_shows_and_logs_no_value(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    """S2, mistake 8: a 500 carries no traceback and nothing that was sent; the log says where it failed."""

    def fail(*_arguments: object) -> NoReturn:
        message = f"cannot work with {NAME}"
        raise RuntimeError(message)

    monkeypatch.setattr(answer, "predict", fail)
    monkeypatch.setattr(answering, "predict", fail)
    with caplog.at_level(logging.DEBUG):
        if address == PREDICTIONS:
            response = client.post(address, json={"features": LOCAL})
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["status"] == 500
        else:
            response = client.post(address, data=dict(LOCAL))
            assert response.headers["content-type"].startswith("text/html")
    assert response.status_code == 500
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    for forbidden in (NAME, "Traceback", "RuntimeError", ".py"):
        assert forbidden not in response.text
    (record,) = [record for record in caplog.records if record.name == "uvicorn.error"]
    assert "RuntimeError" in record.getMessage()
    assert "test_server_safeguards.py" in record.getMessage()
    for line in caplog.records:
        assert NAME not in line.getMessage()
        assert line.exc_info is None


def test_an_upload_that_is_broken_off_is_no_failure(artefact: Artefact, caplog: pytest.LogCaptureFixture) -> None:
    """A closed tab must not fill the log in which real failures are looked for."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
    scope = {"type": "http", "method": "POST", "path": PREDICTIONS, "raw_path": PREDICTIONS.encode()}
    scope |= {"query_string": b"", "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("x", 80)}
    asyncio.run(create_app([artefact])(scope, receive, send))
    assert sent == []
    assert caplog.records == []
