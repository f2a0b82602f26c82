"""Receipts: one for a result in all its forms, never made up by a form, and answered again to the last digit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pypdf import PdfReader
from starlette.testclient import TestClient

from model.artefact import Artefact
from rps_prognosis import main
from server.pages.files import MEDIA_TYPES
from server.wording.language import english
from tests.renderings import hidden, note_in
from tests.small_artefact import build
from tests.web import DISTANT, LOCAL, ONE_OF_EACH, UNKNOWN, ask, client_of, read_page

ISSUED = {"receipt.id": "0f8fad5b-d9cb-469f-a165-70867728950e", "receipt.time": "2026-03-04T05:06:07+00:00"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


@pytest.fixture
def kept(client: TestClient) -> dict[str, Any]:
    """An answer that somebody kept."""
    return ask(client, UNKNOWN, alive_months=3)


def again(folder: Path, document: object, *arguments: object) -> Result:
    text = document if isinstance(document, str) else json.dumps(document)
    command = ["predict", "--model", str(folder), "--receipt", "-", *map(str, arguments)]
    return CliRunner().invoke(main, command, input=text)


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_a_receipt_is_answered_with_the_same_digits(
    client: TestClient, artefact_folder: Path, features: Mapping[str, Any]
) -> None:
    """E4: the whole answer, or its receipt alone, comes out again to the last digit, id and time included."""
    for alive in (0, 13):
        answer = ask(client, features, alive_months=alive)
        for document in (answer, answer["receipt"], {"receipt": answer["receipt"]}):
            done = again(artefact_folder, document)
            assert done.exit_code == 0, done.output
            assert json.loads(done.stdout) == answer


def test_the_downloaded_file_is_a_receipt(client: TestClient, artefact_folder: Path) -> None:
    """E4, E36: what the page gives as JSON is taken by the command line as it is."""
    downloaded = client.post("/download/result.json", data={**LOCAL, **ISSUED}).text
    done = again(artefact_folder, downloaded)
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json.loads(downloaded)


def test_a_receipt_is_written_into_a_file(artefact_folder: Path, kept: dict[str, Any], tmp_path: Path) -> None:
    """DESIGN §6: --output, which must be called .json; --id is for tables."""
    output = tmp_path / "again.json"
    assert again(artefact_folder, kept, "--output", output).stdout == ""
    assert json.loads(output.read_text(encoding="utf-8")) == kept
    assert again(artefact_folder, kept, "--output", tmp_path / "again.csv").exit_code == 2
    assert again(artefact_folder, kept, "--id", "study").exit_code == 2


def test_another_model_is_said_and_its_figures_are_given(kept: dict[str, Any], tmp_path: Path) -> None:
    """E38: exit code 1, both models named with version and digest, and the receipt is a new one of this model."""
    done = again(build(tmp_path / "other", seed=7), kept)
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    theirs, ours = kept["receipt"]["model"], answer["receipt"]["model"]
    assert theirs["digest"] != ours["digest"]
    for model in (theirs, ours):
        assert f"{model['name']} {model['version']} (SHA-256 {model['digest']})" in done.stderr
    assert "The receipt is of another model." in done.stderr
    assert answer["receipt"]["id"] != kept["receipt"]["id"]
    assert answer["receipt"]["inputs"] == kept["receipt"]["inputs"]
    assert answer["survival"] != kept["survival"]


def test_figures_that_were_changed_are_found(artefact_folder: Path, kept: dict[str, Any]) -> None:
    """E4: every member that holds figures, by name, to the last digit; exit code 1, and the model's own are given."""
    changes: dict[str, list[Any]] = {
        "survival": [0, "lower"],
        "curve": ["upper", 7],
        "reference": ["estimate", 3],
        "spans": ["middle_half_months", 0],
        "span_limits": ["median_months", 0],
        "explanation": ["contributions", 0, "points"],
        "unknown": [0, "highest"],
    }
    for name, path in changes.items():
        changed = deepcopy(kept)
        place = changed[name]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = math.nextafter(place[path[-1]], math.inf)
        done = again(artefact_folder, changed)
        assert done.exit_code == 1, name
        assert re.search(rf"These members differ: {name}\.", done.stderr), name
        assert json.loads(done.stdout) == kept
        del changed[name]
        assert again(artefact_folder, changed).exit_code == 0
    shorter = {**kept, "survival": kept["survival"][1:]}
    assert "differ: survival." in again(artefact_folder, shorter).stderr


def test_words_of_another_language_are_no_changed_figures(artefact_folder: Path, kept: dict[str, Any]) -> None:
    """E34: a result kept in another language holds the same figures; its words are not held against it."""
    kept["explanation"]["sentences"] = ["Von 100 Menschen …"]
    kept["reference"]["label"] = "Alle Patienten"
    kept["unknown"][0]["text"] = "Nicht bekannt"
    assert again(artefact_folder, kept).exit_code == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"receipt": null}',
        '{"receipt": {"id": "x"}}',
        '{"id": 1, "time": "x", "model": {"name": "", "version": "", "digest": ""}, "inputs": {}}',
        '{"id": "1", "time": "x", "model": {"name": "", "version": "", "digest": 0}, "inputs": {}}',
        '{"id": "1", "time": "x", "model": {"name": "", "version": "", "digest": ""}, "inputs": []}',
    ],
)
def test_what_is_no_receipt_is_refused(artefact_folder: Path, text: str) -> None:
    """DESIGN §5: exit code 2, a sentence, and nothing predicted."""
    done = again(artefact_folder, text)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Error: The " in done.stderr
    assert "Traceback" not in done.stderr


def test_inputs_that_the_model_cannot_take_are_named(artefact_folder: Path, kept: dict[str, Any]) -> None:
    """E18: a receipt is read by the one parser that reads patients; exit code 1."""
    kept["receipt"]["inputs"] |= {"interval_months": 300, "age": 60}
    done = again(artefact_folder, kept)
    assert done.exit_code == 1
    assert done.stdout == ""
    for name in ("interval_months", "240", "“age” is not a field"):
        assert name in done.stderr


@pytest.mark.parametrize("arguments", [[], ["patient.json", "--receipt", "receipt.json"]])
def test_either_a_patient_or_a_receipt(artefact_folder: Path, arguments: list[str]) -> None:
    """DESIGN §6: neither and both are refused before anything is read."""
    done = CliRunner().invoke(main, ["predict", "--model", str(artefact_folder), *arguments])
    assert done.exit_code == 2
    assert "Name either a file of patients or, with --receipt, the file of a receipt." in done.stderr


@pytest.mark.parametrize("features", [LOCAL, DISTANT])
def test_page_note_and_files_of_one_result_have_one_receipt(client: TestClient, features: Mapping[str, Any]) -> None:
    """E36, E38: id, time and model are those of the page wherever its hidden fields are sent along."""
    response = client.post("/", data=dict(features))
    page = read_page(response.text)
    sent = hidden(page)
    identifier, time, digest = (sent[f"receipt.{name}"] for name in ("id", "time", "digest"))
    assert UUID.fullmatch(identifier)
    moment = english().moment(time)
    assert f"Receipt {identifier} · {moment}" in page.one("p", class_="receipt").text
    assert note_in(response.text).splitlines()[-1].startswith(f"Receipt {identifier}, {moment}; model ")
    assert note_in(response.text).endswith(digest)
    document = client.post("/download/result.json", data=sent).json()["receipt"]
    assert (document["id"], document["time"], document["model"]["digest"]) == (identifier, time, digest)
    pdf = client.post("/download/result.pdf", data=sent).content
    for sheet in PdfReader(BytesIO(pdf)).pages:
        text = "".join(sheet.extract_text().split())
        assert f"Receipt{identifier}·{moment}".replace(" ", "") in text
        assert digest[:12] in text
    for line in client.post("/download/curve.csv", data=sent).text.splitlines()[1:]:
        assert f",{digest},{identifier},{time}," in line


def receipt_given(client: TestClient, fields: Mapping[str, str]) -> tuple[str, str]:
    """Id and time of the result for these fields."""
    receipt = client.post("/download/result.json", data={**LOCAL, **fields}).json()["receipt"]
    return receipt["id"], receipt["time"]


def test_a_receipt_that_is_sent_along_is_kept(client: TestClient) -> None:
    """E36: the counterpart of what is refused below."""
    assert receipt_given(client, ISSUED) == (ISSUED["receipt.id"], ISSUED["receipt.time"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("receipt.id", ""),
        ("receipt.id", "0f8fad5b"),
        ("receipt.id", "0F8FAD5B-D9CB-469F-A165-70867728950E"),
        ("receipt.id", ISSUED["receipt.id"] + "0"),
        ("receipt.id", ISSUED["receipt.id"].replace("-", "")),
        ("receipt.id", "Jane Doe, born 1 April 1960"),
        ("receipt.id", "<script>alert(1)</script>"),
        ("receipt.id", f'{ISSUED["receipt.id"]}"; filename="x'),
        ("receipt.id", f"{ISSUED['receipt.id']}\r\nx-header: 1"),
        ("receipt.time", ""),
        ("receipt.time", "yesterday"),
        ("receipt.time", "2026-03-04"),
        ("receipt.time", "2026-03-04T05:06:07"),
        ("receipt.time", "2026-03-04T05:06:07Z"),
        ("receipt.time", "2026-03-04T05:06:07+05:30"),
        ("receipt.time", "2026-03-04T05:06:07.5+00:00"),
        ("receipt.time", "2026-03-04 05:06:07+00:00"),
        ("receipt.time", "0001-01-01T00:00:00+14:00"),
        ("receipt.time", "<b>"),
    ],
)
def test_what_is_no_receipt_of_ours_is_not_carried(client: TestClient, field: str, value: str) -> None:
    """S2, E38: a forged or malformed id or time is dropped, both are given anew, and neither stands anywhere."""
    identifier, time = receipt_given(client, ISSUED | {field: value})
    assert UUID.fullmatch(identifier)
    assert identifier != ISSUED["receipt.id"]
    assert time != ISSUED["receipt.time"]
    assert time.endswith("+00:00")
    html = client.post("/", data={**LOCAL, **ISSUED, field: value}).text
    assert not value or html.count(value) == client.post("/", data=dict(LOCAL)).text.count(value)


def test_a_receipt_never_speaks_of_a_model_that_is_gone(client: TestClient, artefact: Artefact) -> None:
    """S7, E4: a form whose result came from another model is answered with 409 and nothing predicted, everywhere."""
    for address in ("/", "/fragment", "/patient", *(f"/download/{name}" for name in MEDIA_TYPES)):
        fields = {**LOCAL, **ISSUED, "clinician": "seen"}
        response = client.post(address, data=fields | {"receipt.digest": "f" * 64})
        assert response.status_code == 409, address
        page = read_page(response.text)
        assert page.one("title").text == "Error: Another model answers now"
        assert "Enter the patient again" in page.text
        assert not page.all("table")
        assert "24" not in page.text
        assert client.post(address, data=fields | {"receipt.digest": artefact.model.digest}).status_code == 200
