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
SENT_TO = ("/", "/fragment", "/download/result.pdf", "/download/curve.csv", "/download/result.json", "/patient")
SENDING = ("action", "formaction", "data-fragment")


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_of_the_contract_answers(client: TestClient, address: str) -> None:
    """DESIGN §6."""
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", SENT_TO)
def test_every_address_that_takes_a_form_answers_it_and_no_result_is_asked_for_by_address(
    client: TestClient, address: str
) -> None:
    """S2: what a patient's values go into is a body; asked for by its address, there is the empty form or nothing."""
    assert client.post(address, data=dict(LOCAL)).status_code == 200
    asked = client.get(address, params=dict(LOCAL))
    assert asked.status_code == (200 if address == "/" else 405)
    assert "Predicted survival" not in asked.text


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
    """A link that left the prefix would lead out of the application; what a form is sent to answers forms."""
    client = client_of(artefact, another_artefact(), root_path="/rps/")
    form, sent = client.get(f"{prefix}/").text, {**LOCAL, "clinician": "seen"}
    result, patient = (client.post(f"{prefix}{address}", data=sent).text for address in ("/", "/patient"))
    for html in (form, client.get(f"{prefix}/model?model=another").text, result, patient):
        page = read_page(html)
        sending = {e.attributes[name] for e in page.elements for name in SENDING if name in e.attributes}
        leading = {address for address in page.addresses() if not address.startswith("#")} - sending
        assert leading
        assert bool(sending) == ("<form" in html)
        for address in leading | sending:
            assert address.startswith("/rps/")
            own = address if prefix else address.removeprefix("/rps")
            answer = client.post(own, data=sent) if address in sending else client.get(own)
            assert answer.status_code == 200, address


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


def test_starting_loads_nothing_that_only_others_need(artefact_folder: Path) -> None:
    """DESIGN §5, S5: no scikit-survival, scikit-learn, scipy, pandas; no joblib, so nothing could be unpickled.

    Nor, where no EHR is connected, what signing in there takes.
    """
    program = f"""
import sys
from pathlib import Path
from model.artefact import read_artefact
from server.application import create_app
create_app([read_artefact(Path({str(artefact_folder)!r}))])
training = {{"sksurv", "sklearn", "scipy", "pandas", "joblib", "pyarrow"}}
connecting = {{"authlib", "cryptography", "fhir", "httpx2", "joserfc"}}
print(sorted((training | connecting) & set(sys.modules)))
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


@pytest.mark.parametrize("root", ["/model", "/healthz", "/api", "/static/x", "/fragment", "/download/x", "/patient"])
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
