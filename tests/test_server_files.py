"""What a result can be taken along as: sent as what it is, named after nobody, printed without asking anybody."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.pages.assets import Asset, read_assets
from server.pages.files import MEDIA_TYPES
from server.pages.paper import NOWHERE, OnlyTheStyle, pdf_of
from tests.web import DISTANT, LOCAL, ONE_OF_EACH, client_of, read_page

ROOT = Path(__file__).parent.parent
ISSUED = {"receipt.id": "0f8fad5b-d9cb-469f-a165-70867728950e", "receipt.time": "2026-03-04T05:06:07+00:00"}
STYLE = read_assets(3)["style.css"]


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


@pytest.mark.parametrize("name", sorted(MEDIA_TYPES))
def test_a_file_is_sent_as_what_it_is_and_named_after_nobody(client: TestClient, name: str) -> None:
    """S2: its type, a name of the receipt's random id alone, and no cache that keeps it."""
    response = client.post(f"/download/{name}", data={**LOCAL, "alive_months": 7, **ISSUED})
    assert response.status_code == 200
    assert (
        response.headers["content-type"]
        == {
            "result.pdf": "application/pdf",
            "curve.csv": "text/csv; charset=utf-8",
            "result.json": "application/json",
        }[name]
    )
    assert response.headers["content-disposition"] == f'attachment; filename="{ISSUED["receipt.id"]}-{name}"'
    assert response.headers["cache-control"] == "no-store"
    assert response.content.startswith({"result.pdf": b"%PDF-", "curve.csv": b"months,", "result.json": b"{"}[name])


@pytest.mark.parametrize("name", ["result.txt", "result.PDF", "..%2fmodel.json", "result.pdf/x", ""])
def test_there_are_no_other_files(client: TestClient, name: str) -> None:
    """S4."""
    assert client.post(f"/download/{name}", data=dict(LOCAL)).status_code == 404
    assert client.get("/download/result.pdf").status_code == 405


@pytest.mark.parametrize("name", sorted(MEDIA_TYPES))
def test_a_file_of_fields_that_cannot_be_used_is_refused_with_a_page(client: TestClient, name: str) -> None:
    """E18: the form with what was entered and every problem; no file, no figure."""
    response = client.post(f"/download/{name}", data={**LOCAL, "interval_months": "7,5", "resection": ""})
    assert response.status_code == 422
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-disposition" not in response.headers
    page = read_page(response.text)
    assert len(page.texts("li", within="summary")) == 2
    assert page.one("input", name="interval_months").attributes["value"] == "7,5"


def test_each_row_of_the_curve_says_what_it_is(client: TestClient) -> None:
    """E1, E18, E38: origin, model, version, digest, receipt, what it was made from, every caution and warning."""
    sent = {**LOCAL, "interval_months": 200, **ISSUED}
    document = client.post("/download/result.json", data=sent).json()
    rows = list(csv.DictReader(io.StringIO(client.post("/download/curve.csv", data=sent).text)))
    assert [int(row["months"]) for row in rows] == document["curve"]["months"]
    told = " ".join(one["text"] for one in (*document["explanation"]["cautions"], *document["warnings"]))
    for row in rows:
        assert row["origin"] == "after this recurrence was diagnosed"
        assert row["model"] == document["receipt"]["model"]["name"]
        assert row["model_version"] == document["receipt"]["model"]["version"]
        assert row["made_from"] == document["statements"]["made_from"]
        assert row["cautions"] == told
    assert len(document["warnings"]) == 2
    assert len(document["explanation"]["cautions"]) == 1


def test_the_curve_is_a_file_that_spreadsheets_read(client: TestClient) -> None:
    """RFC 4180: as many cells in each row, carriage returns; and none that a spreadsheet takes for a formula."""
    for features in ONE_OF_EACH:
        text = client.post("/download/curve.csv", data=dict(features)).content.decode("utf-8")
        assert text.endswith("\r\n")
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not [cell for row in rows for cell in row if cell[:1] in {"=", "+", "-", "@"}]


def test_the_result_is_the_document_of_the_interface(client: TestClient) -> None:
    """E5, DESIGN §6: readable by people, with all digits, and nothing that JSON does not have."""
    text = client.post("/download/result.json", data={**LOCAL, **ISSUED}).text
    assert text.endswith("}\n")
    assert "\n  " in text
    document: dict[str, Any] = json.loads(text, parse_constant=pytest.fail)
    assert set(client.post("/api/v1/predictions", json={"features": dict(LOCAL)}).json()) == set(document)


def fetched(url: str, style: Asset = STYLE) -> bytes:
    return bytes(OnlyTheStyle(style).fetch_url(url).get_content())


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/style.css",
        "https://example.org/",
        "file:///etc/passwd",
        "file:///etc/fonts/fonts.conf",
        f"{NOWHERE}{STYLE.path.replace('.css', '.js')}",
        f"{NOWHERE}static/0123456789ab/style.css",
        f"{NOWHERE}{STYLE.path}?x",
        "data:text/css,*{}",
        "",
    ],
)
def test_paper_is_given_the_style_sheet_and_nothing_else(url: str) -> None:
    """S1: whatever the page names, the library that prints is given our one style sheet, from memory, or nothing."""
    with pytest.raises(LookupError, match="fetches nothing"):
        fetched(url)
    given = fetched(f"{NOWHERE}{STYLE.path.removeprefix('/')}")
    assert given.startswith(STYLE.content)
    assert given.endswith((ROOT / "templates" / "paper.css").read_bytes())


def test_paper_asks_nobody() -> None:
    """S1: a page that names pictures, styles and fonts elsewhere is printed without them; no connection is made."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        there = f"http://127.0.0.1:{listening.getsockname()[1]}"
        page = (
            f'<!doctype html><title>x</title><link rel="stylesheet" href="{there}/a.css">'
            f'<style>@import "{there}/b.css"; @font-face {{ font-family: f; src: url("{there}/f.woff2") }}'
            f' p {{ font-family: f; background: url("{there}/c.png") }}</style>'
            f'<p>Printed <img alt="" src="{there}/d.png"></p>'
        )
        pdf = pdf_of(page, STYLE, "x")
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert "Printed" in PdfReader(io.BytesIO(pdf)).pages[0].extract_text()


def fonts_of(pdf: bytes) -> set[str]:
    """The fonts that a PDF carries in itself, without the mark of a subset."""
    named = set()
    for page in PdfReader(io.BytesIO(pdf)).pages:
        resources: Any = page["/Resources"]
        for reference in resources["/Font"].values():
            font = reference.get_object()
            (inner,) = font.get("/DescendantFonts", [font])
            descriptor = inner.get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)
            named.add(str(descriptor["/FontName"]).rpartition("+")[2])
    return named


FONTCONFIG = ("FONTCONFIG_FILE", "FONTCONFIG_PATH", "FONTCONFIG_SYSROOT")
PRINTING = """
import sys
from pathlib import Path
from starlette.testclient import TestClient
from model.artefact import read_artefact
from server.application import create_app
from server.pages import paper
assert "/etc/fonts" in paper.FONTS
paper.FONTS = "".join(line for line in paper.FONTS.splitlines(keepends=True) if "/etc/fonts" not in line)
client = TestClient(create_app([read_artefact(Path(sys.argv[1]))]))
fields = dict(pair.split("=", 1) for pair in sys.argv[2:])
sys.stdout.buffer.write(client.post("/download/result.pdf", data=fields).content)
"""
"""Prints as on a machine that has no fonts: none named by its environment, and none where systems keep theirs."""


@pytest.mark.parametrize("features", [LOCAL, DISTANT])
def test_a_machine_without_fonts_prints_the_same(
    client: TestClient, artefact_folder: Path, tmp_path: Path, features: Mapping[str, Any]
) -> None:
    """E35: the fonts come with a package, so that a server without any says the same, and every letter can be drawn."""
    fields = {**features, **ISSUED}
    nowhere = {name: str(tmp_path / "nothing") for name in FONTCONFIG}
    environment = {**os.environ, **nowhere, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    arguments = [str(artefact_folder), *(f"{name}={value}" for name, value in fields.items())]
    done = subprocess.run(
        [sys.executable, "-c", PRINTING, *arguments], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    here = client.post("/download/result.pdf", data=dict(fields)).content
    texts = [[page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages] for pdf in (done.stdout, here)]
    assert texts[0] == texts[1]
    assert "Predicted survival" in texts[0][0]
    own = fonts_of(done.stdout)
    assert own
    assert all(name.startswith("SourceSansPro") for name in own)
    assert own <= fonts_of(here)
