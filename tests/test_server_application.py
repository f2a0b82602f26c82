"""The application as a whole: its addresses, its place under a portal, several models, and what it does not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact, ModelUnavailable
from server.application import create_app
from tests.web import BOTH, LOCAL, ONE_OF_EACH, PREDICTIONS, another_artefact, ask, client_of, read_page, send_form

ROOT = Path(__file__).parent.parent
ADDRESSES = ("/", "/model", "/healthz", "/readyz", "/api/v1/model", "/openapi.json")


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_of_the_contract_answers(client: TestClient, address: str) -> None:
    """DESIGN §6."""
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_no_page_loads_outside_assets(client: TestClient, address: str) -> None:
    """S1, DESIGN §6: no third-party asset; the framework's own pages would load some, so they are off."""
    assert client.get(address).status_code == 404


def test_health_and_readiness_say_which_models_answer(client: TestClient, artefact: Artefact) -> None:
    """S3, S7: ready means that the models are loaded and their golden pairs hold; each with version and digest."""
    assert client.get("/healthz").json() == {"status": "alive"}
    model = artefact.model
    assert client.get("/readyz").json() == {
        "status": "ready",
        "models": [{"name": model.name, "version": model.version, "digest": model.digest}],
    }


def test_the_model_is_described_with_its_questions_and_its_card(client: TestClient, artefact: Artefact) -> None:
    """S7, E20: version, digest, card and status; every feature with definition, place in the record and timing."""
    described = client.get("/api/v1/model").json()
    assert described["digest"] == artefact.model.digest
    assert described["card"] == artefact.card
    assert described["withdrawn"] is False
    assert [feature["name"] for feature in described["features"]] == [f.name for f in artefact.model.features.all]
    assert all(feature["definition"] and feature["where"] and feature["timing"] for feature in described["features"])


@pytest.mark.parametrize("address", ["/rps{}", "{}"])
@pytest.mark.parametrize("path", ADDRESSES)
def test_it_answers_under_a_portals_path_stripped_or_not(artefact: Artefact, address: str, path: str) -> None:
    """Issue 2: also under a sub-path, since portals mount it so; some strip the prefix and some do not."""
    assert client_of(artefact, root_path="/rps").get(address.format(path)).status_code == 200


@pytest.mark.parametrize("prefix", ["/rps", ""])
def test_every_link_stays_under_the_portals_path(artefact: Artefact, prefix: str) -> None:
    """A link that left the prefix would lead out of the application."""
    client = client_of(artefact, another_artefact(), root_path="/rps/")
    result = client.post(f"{prefix}/", data=dict(LOCAL)).text
    for html in (client.get(f"{prefix}/").text, client.get(f"{prefix}/model?model=another").text, result):
        page = read_page(html)
        links = [e.attributes["href"] for tag in ("a", "link") for e in page.all(tag)]
        links = [link for link in links if not link.startswith("#")]
        links += [form.attributes["action"] for form in page.all("form")]
        assert links
        assert all(link.startswith("/rps/") for link in links)
        for link in links:
            assert client.get(link if prefix else link.removeprefix("/rps")).status_code == 200


def test_the_bare_prefix_shows_the_form(artefact: Artefact) -> None:
    """A portal may ask for /rps without a slash behind it."""
    assert "<form" in client_of(artefact, root_path="/rps").get("/rps").text


def test_a_path_that_only_begins_like_the_prefix_is_another_one(artefact: Artefact) -> None:
    """/rpsx is not under /rps."""
    assert client_of(artefact, root_path="/rps").get("/rpsx").status_code == 404


@pytest.mark.parametrize("root_path", ["rps", "/a b", "/a?b", "//evil.example"])
def test_what_is_not_a_path_is_refused_at_the_start(artefact: Artefact, root_path: str) -> None:
    """It stands in every link; "//evil.example" would be another host."""
    with pytest.raises(ValueError, match="is not a path"):
        create_app([artefact], root_path=root_path)


def test_openapi_describes_exactly_what_is_accepted(client: TestClient, artefact: Artefact) -> None:
    """S4, DESIGN §6: the schema comes from the features, one alternative per stratum, nothing else allowed."""
    document = client.get("/openapi.json").json()
    body = document["paths"][PREDICTIONS]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["additionalProperties"] is False
    strata = body["properties"]["features"]["oneOf"]
    assert len(strata) == len(artefact.model.strata)
    name = artefact.model.features.stratum.name
    for stratum in strata:
        assert stratum["additionalProperties"] is False
        used = [f.name for f in artefact.model.features.used_in(stratum["properties"][name]["const"])]
        assert stratum["required"] == [name, *used]
    assert "422" in document["paths"][PREDICTIONS]["post"]["responses"]


def test_several_models_answer_each_by_its_name(artefact: Artefact) -> None:
    """DESIGN §6: "model" is optional, and the first one given is the default."""
    other = another_artefact()
    client = client_of(artefact, other)
    assert ask(client, BOTH)["receipt"]["model"]["name"] == artefact.model.name
    features = {"kind": "invented", "size": 3, "grade": "g2", "site": "here"}
    assert ask(client, features, model="another")["receipt"]["model"]["digest"] == other.model.digest
    assert client.get("/api/v1/model?model=another").json()["name"] == "another"
    assert client.get("/api/v1/model?model=nobody").status_code == 404


def test_a_model_with_other_questions_needs_no_other_server() -> None:
    """DESIGN §4: adding a predictor, or serving a model for another disease, changes no server code."""
    client = client_of(another_artefact())
    assert "How large is it?" in client.get("/").text
    page = send_form(client, {"kind": "invented", "size": "unknown", "grade": "g3", "site": "there"})
    assert page.status == 200
    assert "not enough follow-up" in page.text
    assert [row[0] for row in page.table("figures") if "not enough follow-up" not in row] == ["1 year"]


def test_the_form_of_another_model_sends_that_model(artefact: Artefact) -> None:
    """Which model is no patient value, so it may stand in an address; the form carries it on."""
    client = client_of(artefact, another_artefact())
    page = read_page(client.get("/?model=another").text)
    assert page.one("input", type="hidden").attributes["value"] == "another"
    assert "/" in [link.attributes["href"] for link in page.all("a") if link.text == artefact.model.name]


def test_two_models_of_one_name_are_refused(artefact: Artefact) -> None:
    """A request could not say which one it means."""
    with pytest.raises(ModelUnavailable, match="Two models"):
        create_app([artefact, artefact])


def test_no_model_is_refused() -> None:
    """There is nothing to serve."""
    with pytest.raises(ModelUnavailable, match="No model"):
        create_app([])


def test_starting_loads_nothing_that_only_training_needs(artefact_folder: Path) -> None:
    """DESIGN §5, S5: no scikit-survival, scikit-learn, scipy, pandas; no joblib, so nothing could be unpickled."""
    program = f"""
import sys
from pathlib import Path
from model.artefact import read_artefact
from server.application import create_app
create_app([read_artefact(Path({str(artefact_folder)!r}))])
print(sorted({{"sksurv", "sklearn", "scipy", "pandas", "joblib", "pyarrow"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_pages_are_whole(client: TestClient, features: dict[str, object]) -> None:
    """Every element is closed, every id is there once, every reference leads somewhere."""
    page = send_form(client, features, alive_months=3)
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in page.elements:
        for name in ("for", "aria-describedby", "aria-labelledby"):
            assert set(element.attributes.get(name, "").split()) <= set(ids)


@pytest.mark.parametrize("root", ["/model", "/healthz", "/api", "/static/x"])
def test_a_root_that_is_one_of_our_own_pages_is_refused(artefact: Artefact, root: str) -> None:
    """Behind a proxy that strips the root, /model/model would arrive as the root itself."""
    with pytest.raises(ValueError, match="begins with the name of a page"):
        create_app([artefact], root_path=root)


def test_a_withdrawn_model_says_so_on_every_result(artefact: Artefact) -> None:
    """A result is read by people who never see the card."""
    withdrawn = client_of(Artefact(artefact.model, {**artefact.card, "withdrawn": True}, artefact.manifest))
    assert withdrawn.get("/api/v1/model").json()["withdrawn"] is True
    for features in ONE_OF_EACH:
        warning = ask(withdrawn, features)["warnings"][0]
        assert warning["code"] == "withdrawn"
        assert warning["text"] in send_form(withdrawn, features).text
    assert not any(warning["code"] == "withdrawn" for warning in ask(client_of(artefact), LOCAL)["warnings"])
