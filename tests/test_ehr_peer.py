"""The record that the tests use gives to whoever shows a token what the token is for, and refuses the rest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from httpx2 import RemoteProtocolError

from tests.ehr_client import (
    ANNA,
    VERIFIER,
    ask,
    asked,
    assessment,
    code_of,
    condition,
    exchange,
    furnish,
    ids,
    token_of,
)
from tests.ehr_peer import Kind, Peer, peering


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """The record."""
    with peering(tmp_path_factory.mktemp("peer")) as peer:
        yield peer


@pytest.fixture
def peer(started: Peer) -> Peer:
    """The record as each test finds it."""
    furnish(started)
    return started


def test_nothing_is_given_without_a_token(peer: Peer) -> None:
    """Who shows none is told that one is needed, and who shows a false one that it is false."""
    for path in ("Patient/anna", "Condition?patient=anna", "Patient"):
        response = ask(peer, path)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="record"'
    assert 'error="invalid_token"' in ask(peer, "Patient/anna", "made-up").headers["www-authenticate"]


def test_token_gives_what_its_scopes_name(peer: Peer) -> None:
    """The patient is read and the diagnoses are searched for."""
    token = token_of(peer)["access_token"]
    assert ask(peer, "Patient/anna", token).json()["name"] == ANNA["name"]
    assert ids(ask(peer, "Condition?patient=anna", token)) == ["of-anna"]
    assert ids(ask(peer, "Condition?patient=Patient/anna", token)) == ["of-anna"]
    assert ask(peer, "Condition/of-anna", token).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Patient?_id=anna"),
        ("GET", "Observation?patient=anna"),
        ("GET", "RiskAssessment?patient=anna"),
        ("POST", "Condition"),
        ("PUT", "RiskAssessment/1"),
        ("DELETE", "Condition/of-anna"),
    ],
)
def test_token_gives_nothing_else(peer: Peer, method: str, path: str) -> None:
    """A type or an action that no scope names is refused."""
    response = ask(peer, path, token_of(peer)["access_token"], method=method)
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("scope", ["patient/*.read", "patient/Patient.read patient/Condition.rs"])
def test_scopes_of_the_first_version_are_known(peer: Peer, scope: str) -> None:
    """Older servers speak of read and write."""
    token = token_of(peer, scope=f"launch {scope}")["access_token"]
    assert ids(ask(peer, "Patient?_id=anna", token)) == ["anna"]
    assert ask(peer, "RiskAssessment", token, method="POST", body=assessment("anna")).status_code == 403


def test_token_is_for_one_patient(peer: Peer) -> None:
    """Another patient's data are not read, not found and not written to."""
    token = token_of(peer, scope="launch patient/*.cruds")["access_token"]
    assert ask(peer, "Patient/bert", token).status_code == 403
    assert ask(peer, "Condition/of-bert", token).status_code == 403
    assert ids(ask(peer, "Patient", token)) == ["anna"]
    assert ids(ask(peer, "Condition?patient=bert", token)) == []
    assert ids(ask(peer, "Condition", token)) == ["of-anna"]
    assert ask(peer, "Condition/of-bert", token, method="DELETE").status_code == 403
    moved = condition("of-bert", "anna")
    assert ask(peer, "Condition/of-bert", token, method="PUT", body=moved).status_code == 403
    assert ask(peer, "RiskAssessment", token, method="POST", body=assessment("bert")).status_code == 403
    assert peer.created() == []
    assert peer.read("Condition/of-bert")["subject"] == {"reference": "Patient/bert"}


def test_what_is_created_is_kept(peer: Peer) -> None:
    """The answer names the place, and what stands there is what was sent."""
    token = token_of(peer)["access_token"]
    response = ask(peer, "RiskAssessment", token, method="POST", body=assessment("anna"))
    assert response.status_code == 201
    stored = response.json()
    assert response.headers["location"].startswith(f"{peer.issuer}/RiskAssessment/{stored['id']}/")
    assert stored.items() > assessment("anna").items()
    assert peer.created() == [stored]
    assert peer.read(f"RiskAssessment/{stored['id']}") == stored


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (assessment("anna", colour="red"), 422),
        (assessment("anna", prediction=[{"probabilityDecimal": 140}]), 422),
        (assessment("anna", contained=[{"resourceType": "Gadget"}]), 422),
        (ANNA, 400),
    ],
    ids=["unknown property", "more than 100 %", "unknown type", "another type"],
)
def test_what_is_no_valid_resource_is_not_kept(peer: Peer, body: dict[str, Any], status: int) -> None:
    """The record checks what is sent to it."""
    response = ask(peer, "RiskAssessment", token_of(peer)["access_token"], method="POST", body=body)
    assert response.status_code == status, response.text
    assert response.json()["resourceType"] == "OperationOutcome"
    assert peer.created() == []


def test_search_is_paged(peer: Peer) -> None:
    """The next page is reached by the link that the page before gives, by whoever was given that one."""
    peer.put([condition(f"c{i}", "anna") for i in range(4)])
    token = token_of(peer)["access_token"]
    found = []
    address: str | None = "Condition?patient=anna&_count=2"
    while address is not None:
        page = ask(peer, address, token)
        found.append(ids(page))
        links = {link["relation"]: link["url"] for link in page.json()["link"]}
        address = links.get("next")
        if address is not None:
            assert ask(peer, address, token_of(peer)["access_token"]).status_code == 403
            assert ask(peer, address).status_code == 401
    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(chain.from_iterable(found)) == ["c0", "c1", "c2", "c3", "of-anna"]


def test_search_by_what_does_not_exist_is_refused(peer: Peer) -> None:
    """A misspelt parameter does not find everything, nor nothing."""
    assert ask(peer, "Condition?pateint=anna", token_of(peer)["access_token"]).status_code == 400


@pytest.mark.parametrize("end", ["revoke", "expire"])
def test_token_ends(peer: Peer, end: str) -> None:
    """A token that was taken back or is too old gives nothing."""
    token = token_of(peer)["access_token"]
    getattr(peer, end)()
    response = ask(peer, "Patient/anna", token)
    assert response.status_code == 401
    assert f'error_description="{end.rstrip("e")}ed"' in response.headers["www-authenticate"]


def test_configuration_names_the_endpoints(peer: Peer) -> None:
    """Where to ask for tokens stands there and nowhere else."""
    configuration = ask(peer, ".well-known/smart-configuration").json()
    assert configuration["issuer"] == peer.issuer
    assert configuration["code_challenge_methods_supported"] == ["S256"]
    metadata = ask(peer, "metadata")
    assert metadata.json()["fhirVersion"] == "4.0.1"
    assert "oauth-uris" not in metadata.text


def test_portal_opens_the_application(peer: Peer) -> None:
    """The page names the record and the launch to the application, in a frame or in a link."""
    portal = peer.launch("bert", "bert", app="https://127.0.0.1:8443/prognosis")
    address = f"https://127.0.0.1:8443/prognosis/launch?{urlencode({'iss': peer.issuer, 'launch': 'bert'})}"
    escaped = address.replace("&", "&#38;")
    assert f'src="{escaped}" sandbox="' in peer.http.get(portal).text
    assert f'href="{escaped}" target="_top"' in peer.http.get(f"{portal}?window").text


def test_what_was_asked_is_written_down(peer: Peer) -> None:
    """The tests can see what an application sent."""
    exchange(peer, code_of(peer))
    first, second = peer.requests()
    assert (first["method"], first["path"], first["query"], first["status"]) == (
        "GET",
        "/auth/authorize",
        asked(peer),
        303,
    )
    assert dict(parse_qsl(second["body"]))["code_verifier"] == VERIFIER
    peer.reset()
    assert peer.requests() == []


def test_faults_strike_as_often_as_they_are_told_to(peer: Peer) -> None:
    """After that, all is well again."""
    token = token_of(peer)["access_token"]
    peer.fault("status", "/Patient/", value=503, times=2)
    assert [ask(peer, "Patient/anna", token).status_code for _ in range(3)] == [503, 503, 200]
    peer.fault("status", "/Patient/", value=500, times=None, method="POST")
    assert ask(peer, "Patient/anna", token).status_code == 200
    peer.fault("garbage", "/Patient/", times=None)
    assert ask(peer, "Patient/anna", token).text.startswith("<p>")
    peer.mend()
    assert ask(peer, "Patient/anna", token).json()["id"] == "anna"


@pytest.mark.parametrize("kind", ["close", "truncated"])
def test_fault_ends_the_connection(peer: Peer, kind: Kind) -> None:
    """Before the answer, or in the middle of it."""
    token = token_of(peer)["access_token"]
    peer.fault(kind, "/Patient/")
    with pytest.raises(RemoteProtocolError):
        ask(peer, "Patient/anna", token)


def test_faults_give_what_was_not_asked_for(peer: Peer) -> None:
    """Another patient's data, more than there is, a link to somewhere else, members of an answer changed."""
    token = token_of(peer)["access_token"]
    peer.fault("wrong_patient", "/fhir/", value="bert", times=2)
    assert ask(peer, "Patient/anna", token).json()["id"] == "bert"
    assert ids(ask(peer, "Condition?patient=anna", token)) == ["of-bert"]
    peer.fault("many", "/Condition", value=130)
    page = ask(peer, "Condition?patient=anna&_count=1000", token)
    assert (len(set(ids(page))), page.json()["total"]) == (100, 130)
    assert len(ids(ask(peer, page.json()["link"][1]["url"], token))) == 30
    peer.fault("next_link", "/Condition", value="https://127.0.0.1:1/more")
    assert ask(peer, "Condition", token).json()["link"][1] == {"relation": "next", "url": "https://127.0.0.1:1/more"}
    peer.fault("merge", "smart-configuration", value={"issuer": "another", "jwks_uri": None})
    configuration = ask(peer, ".well-known/smart-configuration").json()
    assert configuration["issuer"] == "another"
    assert "jwks_uri" not in configuration
    peer.fault("token_for", "/auth/token", value="bert")
    assert token_of(peer)["patient"] == "bert"
    with pytest.raises(ValueError, match="no fault"):
        peer.fault("flood", "/")  # type: ignore[arg-type] # none of them
