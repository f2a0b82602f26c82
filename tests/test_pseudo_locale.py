"""The pseudo-locale: nothing that a reader sees or hears is said outside the catalogue, wherever it is said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from babel import Locale
from hypothesis import given, settings
from pypdf import PdfReader
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.application import create_app
from server.entering.bodies import LARGEST_BODY
from server.pages import answering
from server.wording.catalogue import source_catalogue
from server.wording.language import Language, english, language_of
from tests.invented import valid_inputs
from tests.pseudo import pseudo, pseudo_catalogue, pseudo_language, read_pieces, unaccented, untold
from tests.web import (
    BOTH,
    DISTANT,
    LOCAL,
    ONE_OF_EACH,
    PREDICTIONS,
    another_artefact,
    as_json,
    read_page,
)

CODES = ("de", "fa")
"""Left to right with a decimal comma and two plural forms; right to left with one plural form."""
SUPPORT_LINE = "Somebody listens at any hour: 0800 000 000"
OTHER_KIND = {"model": "another", "kind": "invented", "size": 3, "grade": "g2", "site": "here"}
RECEIPT = {"receipt.id": "01234567-89ab-4cde-8f01-456789abcdef", "receipt.time": "2026-03-05T13:04:09+00:00"}
DATES = {"interval_months.begin": "2024-01-31", "interval_months.end": "2025-03-05", "alive_months.end": "2025-07-09"}
UNSURE = {**DISTANT, "subtype": "unknown", "interval_months": 200}
CODED = {
    *("feature", "code", "source", "value", "hazard_ratio_against", "lowest_value", "highest_value", "name", "strata"),
    *("digest", "version", "receipt", "type", "card", "range", "usual_range"),
}
"""Members of an answer that hold names, codes and numbers, for programs."""


class Spoken:
    """An application that speaks one pseudo-language, and everything that may stand in it without being translated."""

    def __init__(self, artefacts: Sequence[Artefact], language: Language) -> None:
        self.language = language
        app = create_app(artefacts, languages=[language], support_line=SUPPORT_LINE)
        self.client = TestClient(app, raise_server_exceptions=False)
        identities = [(one.model.name, one.model.digest, one.model.digest[:12]) for one in artefacts]
        self.allowed = [SUPPORT_LINE, *(name for names in identities for name in names)]

    def in_page(self, html: str, allowed: Iterable[str] = ()) -> dict[str, list[str]]:
        """The pieces of a page that hold words from no catalogue, each with those words."""
        page = read_page(html) if html.startswith("<!doctype") else read_page(f"<div>{html}</div>")
        sent = {e.attributes["name"]: e.attributes["value"] for e in page.all("input", type="hidden")}
        names = [*self.allowed, *allowed]
        if "receipt.id" in sent:
            names += [sent["receipt.id"], self.language.moment(sent["receipt.time"])]
        pieces = read_pieces(html)
        assert pieces
        return {piece: words for piece in pieces if (words := untold(piece, names))}

    def in_answer(self, document: object, allowed: Iterable[str] = ()) -> dict[str, list[str]]:
        """The sentences of a JSON answer that hold words from no catalogue."""
        said = list(sentences_in(document))
        assert said
        return {text: words for text in said if (words := untold(text, [*self.allowed, *allowed]))}


def sentences_in(document: object) -> Iterator[str]:
    """Every text of a JSON document that is for people."""
    if isinstance(document, Mapping):
        for name, member in document.items():
            if name not in CODED:
                yield from sentences_in(member)
    elif isinstance(document, list):
        for member in document:
            yield from sentences_in(member)
    elif isinstance(document, str):
        yield document


@pytest.fixture(scope="module", params=CODES)
def spoken(request: pytest.FixtureRequest, artefact: Artefact) -> Spoken:
    """Two models: the default one's questions, and one of a registry, with other questions."""
    artefacts = [artefact, another_artefact()]
    return Spoken(artefacts, pseudo_language(request.param, artefacts))


@pytest.fixture(scope="module")
def german(artefact: Artefact) -> Spoken:
    return Spoken([artefact], pseudo_language("de", [artefact]))


def test_what_is_outside_the_catalogue_would_be_found(artefact: Artefact) -> None:
    """Issue: the checks below can fail. A text that the catalogue lacks is found wherever a reader meets it."""
    missing = {
        "Predicted survival": "heading",
        "The answers": "spoken name",
        "SHA-256 of the model: %(digest)s": "title",
        "The note has been copied.": "for the script",
        english().sentences.say("not_causes"): "note",
    }
    catalogue = pseudo_catalogue(Locale("de"), source_catalogue([artefact]))
    for text in missing:
        catalogue.delete(text)
    spoken = Spoken([artefact], language_of(Locale("de"), catalogue))
    found = spoken.in_page(spoken.client.post("/", data=dict(LOCAL)).text)
    for text, where in missing.items():
        assert any(text.split("%")[0] in piece for piece in found), where
    assert all(any(text.split("%")[0] in piece for text in missing) for piece in found)


@pytest.mark.parametrize("address", ["/", "/?model=another", "/model", "/model?model=another"])
def test_the_form_and_the_card_say_nothing_outside_the_catalogue(spoken: Spoken, address: str) -> None:
    """Issue: the empty form, and the card's own headings; what the card says itself is marked as English."""
    response = spoken.client.get(address)
    assert response.status_code == 200
    assert spoken.in_page(response.text) == {}
    root = read_page(response.text).one("html").attributes
    assert (root["lang"], root["dir"]) == (spoken.language.code, spoken.language.direction)


def test_what_the_card_says_in_english_says_so(spoken: Spoken, artefact: Artefact) -> None:
    """Access: the language of a part of the page that is in another one, and its direction; no such part in English."""
    page = read_page(spoken.client.get("/model").text)
    parts = page.all("span", lang="en", dir="ltr")
    card = artefact.card
    assert card["validation"]["sentence"] in [part.text for part in parts]
    assert card["funding"] in [part.text for part in parts]
    assert "Funding" in [part.text for part in parts]
    own = read_page(TestClient(create_app([artefact])).get("/model").text)
    assert len(own.all("html", lang="en")) == 1
    assert not own.all("span", lang="en")
    assert "Funding" in own.texts("dt")


@pytest.mark.parametrize("alive", [0, 1, 6, 24, 59])
@pytest.mark.parametrize("features", [*ONE_OF_EACH, UNSURE, {**LOCAL, "resection": "no", "interval_months": 1}])
def test_a_result_says_nothing_outside_the_catalogue(spoken: Spoken, features: Mapping[str, Any], alive: int) -> None:
    """Issue: every pattern, unknown inputs, warnings, months lived; note, chart, table, print and patient page."""
    sent = {**features, "alive_months": alive, "clinician": "seen"}
    for address in ("/", "/fragment", "/patient"):
        response = spoken.client.post(address, data=sent)
        assert response.status_code == 200
        assert spoken.in_page(response.text) == {}
    page = read_page(spoken.client.post("/", data=sent).text)
    assert page.one("textarea").text.startswith("«")
    assert 4 <= len(page.html.split("<textarea")[1].split("</textarea>")[0].splitlines()) <= 12


@settings(max_examples=20)
@given(inputs=valid_inputs())
def test_no_patient_is_told_anything_outside_the_catalogue(spoken: Spoken, inputs: dict[str, Any]) -> None:
    """Issue: whoever the patient is, on the page, on the patient's page and in the interface."""
    alive = {"alive_months": inputs["alive_months"]}
    typed = {
        name: spoken.language.number(value) if isinstance(value, float) else value
        for name, value in inputs["features"].items()
    }
    for address in ("/", "/patient"):
        response = spoken.client.post(address, data={**typed, **alive, "clinician": "seen"})
        assert response.status_code == 200
        assert spoken.in_page(response.text) == {}
    answer = spoken.client.post(PREDICTIONS, json={"features": inputs["features"], **alive})
    assert answer.status_code == 200
    assert spoken.in_answer(answer.json()) == {}


@pytest.mark.parametrize("size", [3, "unknown"])
def test_the_result_of_a_registrys_model_says_nothing_outside_the_catalogue(spoken: Spoken, size: object) -> None:
    """Issue: few patients, patients like this one, a number that is not known, follow-up that ends too soon."""
    sent = {**OTHER_KIND, "size": size}
    response = spoken.client.post("/", data=sent)
    assert response.status_code == 200
    assert spoken.in_page(response.text) == {}
    for address in ("/patient", "/download/result.json"):
        assert spoken.client.post(address, data={**sent, "clinician": "seen"}).status_code == 200


def test_a_withdrawn_model_says_so_in_the_catalogues_words(artefact: Artefact) -> None:
    """S7: on the result as elsewhere."""
    one = Artefact(artefact.model, {**artefact.card, "withdrawn": True}, artefact.manifest)
    withdrawn = Spoken([one], pseudo_language("de", [one]))
    assert withdrawn.in_page(withdrawn.client.post("/", data=dict(BOTH)).text) == {}


def test_months_computed_from_dates_are_told_in_the_catalogues_words(spoken: Spoken) -> None:
    """Issue: dates by the locale; nothing else of them is left outside."""
    response = spoken.client.post("/", data={"pattern": "local", "resection": "no", **DATES})
    assert response.status_code == 200
    days = [spoken.language.day(date.fromisoformat(day)) for day in DATES.values()]
    assert all(day in response.text for day in days)
    assert spoken.in_page(response.text, days) == {}


@pytest.mark.parametrize(
    ("other", "shown"),
    [
        ({"resection": "no"}, "compared"),
        ({"resection": "unknown", "interval_months": "7"}, "compared"),
        ({"interval_months": "240"}, "compared"),
        ({"interval_months": "0"}, "problem"),
        ({"interval_months": "-"}, "problem"),
        ({"interval_months": ""}, "problem"),
        ({"resection": "yes"}, "problem"),
    ],
)
@pytest.mark.parametrize("alive", [0, 12])
def test_a_comparison_says_nothing_outside_the_catalogue(
    spoken: Spoken, other: Mapping[str, str], shown: str, alive: int
) -> None:
    """Issue: both predictions with their reading, warnings and cautions; and why there is no different patient."""
    fields = {f"other.{name}": value for name, value in other.items()}
    response = spoken.client.post("/", data={**LOCAL, "alive_months": alive, **fields})
    assert response.status_code == 200
    assert read_page(response.text).all("div", class_=shown)
    assert spoken.in_page(response.text) == {}


@pytest.mark.parametrize(
    ("sent", "allowed"),
    [
        ({"pattern": ""}, ()),
        ({"pattern": "local"}, ()),
        ({**LOCAL, "interval_months": "-1", "alive_months": "999"}, ()),
        ({**LOCAL, "interval_months": "241", "alive_months": "1.5"}, ()),
        ({**LOCAL, "interval_months": "?", "alive_months": "?", "resection": "?"}, ()),
        ({**LOCAL, "subtype": "lms"}, ()),
        ({"pattern": "distant", "interval_months": "5", "subtype": "lms", "resection": "no"}, ()),
        ({"pattern": "both", "interval_months": "5"}, ()),
        ({**LOCAL, "interval_months": "unknown"}, ("unknown",)),
        ({**LOCAL, "interval_months": ["5", "6"]}, ()),
        ({**LOCAL, "resection": ["yes", "no"]}, ("yes", "no")),
        ({**LOCAL, "model": ["1", "2"]}, ("model",)),
        ({**LOCAL, "model": "0"}, ()),
        ({**LOCAL, "alive_months": "60"}, ()),
        ({**BOTH, "123": "1"}, ("pattern", "interval_months", "resection", "subtype")),
        ({**OTHER_KIND, "size": "-1"}, ()),
    ],
)
def test_a_refused_form_says_nothing_outside_the_catalogue(
    spoken: Spoken, sent: Mapping[str, Any], allowed: tuple[str, ...]
) -> None:
    """Issue: many problems at once, problems of the model that is asked; but for what was typed, and fields' names."""
    for address in ("/", "/fragment", "/download/result.pdf", "/patient"):
        response = spoken.client.post(address, data=sent)
        assert response.status_code == 422
        assert spoken.in_page(response.text, allowed) == {}


@pytest.mark.parametrize(
    "dates",
    [
        {"interval_months.begin": "2024-01-31"},
        {"interval_months.end": "2024-01-31"},
        {"interval_months.begin": "2024-01-31", "interval_months.end": "2023-01-31"},
        {"interval_months.begin": "31.1.2024", "interval_months.end": "2024-02-31"},
        {"interval_months.begin": "2024-01-31", "interval_months.end": "9999-01-31"},
        {"interval_months.begin": "2024-01-31", "interval_months.end": "2025-01-31"},
        {**DATES, "interval_months": "5"},
        {**DATES, "alive_months.begin": "2025-03-06"},
        {"alive_months.begin": "2025-03-06"},
        {"alive_months.end": "2025-03-06"},
    ],
)
def test_refused_dates_say_nothing_outside_the_catalogue(spoken: Spoken, dates: Mapping[str, str]) -> None:
    """Issue: every problem that dates can have."""
    response = spoken.client.post("/", data={"pattern": "local", "resection": "no", **dates})
    assert response.status_code == 422
    assert spoken.in_page(response.text) == {}


@pytest.mark.parametrize(
    ("method", "address", "sent", "status", "allowed"),
    [
        ("GET", "/nowhere", {}, 404, ()),
        ("GET", "/model?model=0", {}, 404, ()),
        ("POST", "/download/nothing.txt", {"data": dict(LOCAL)}, 404, ()),
        ("POST", "/patient", {"data": {**OTHER_KIND, "clinician": "seen"}}, 200, ()),
        ("GET", "/fragment", {}, 405, ()),
        ("POST", "/", {"data": {**LOCAL, "receipt.digest": "0"}}, 409, ()),
        ("POST", "/", {"data": {"pattern": "x" * LARGEST_BODY}}, 413, ()),
        ("POST", "/", {"json": {}}, 415, ("application/x-www-form-urlencoded",)),
        ("POST", "/", {"content": b"%", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 400, ()),
    ],
)
def test_a_message_says_nothing_outside_the_catalogue(
    spoken: Spoken, method: str, address: str, sent: Mapping[str, Any], status: int, allowed: tuple[str, ...]
) -> None:
    """Issue: every request that cannot be answered, with the names of content types as they are."""
    response = spoken.client.request(method, address, **sent)
    assert response.status_code == status
    assert spoken.in_page(response.text, allowed) == {}


def test_a_failure_says_nothing_outside_the_catalogue(spoken: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mistake 8: a failure of the program is told in the reader's language, on a page and in JSON."""
    monkeypatch.delattr(answering, "predict")
    response = spoken.client.post("/", data=dict(LOCAL))
    assert response.status_code == 500
    assert spoken.in_page(response.text) == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"features": {}}, 422),
        ({"features": 3}, 422),
        ({"features": {**LOCAL, "interval_months": "7,5", "resection": "?"}, "alive_months": 2.5}, 422),
        ({"features": {**LOCAL, "interval_months": 1e9}, "alive_months": -1, "1": 1}, 422),
        ({"features": {**BOTH, "subtype": "lms"}}, 422),
        ({"features": {**OTHER_KIND, "model": 0}, "model": "another"}, 422),
        ({"features": {}, "model": "0"}, 422),
        ("{", 400),
        ("[]", 400),
        ('{"1": NaN}', 400),
        ('{"1": 1, "1": 1}', 400),
        ("[" * 9000, 400),
    ],
)
def test_a_refusal_of_the_interface_says_nothing_outside_the_catalogue(
    spoken: Spoken, artefact: Artefact, body: object, status: int
) -> None:
    """Issue: title, detail and problems, but for the names and codes that a program sends."""
    features = [*artefact.model.features.all, *another_artefact().model.features.all]
    codes = {level.code for feature in features for level in feature.levels}
    names = {feature.name for feature in features} | {"features", "alive_months", "model", "unknown"}
    text = body if isinstance(body, str) else as_json(body)
    response = spoken.client.post(PREDICTIONS, content=text, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert spoken.in_answer(response.json(), [f"“{name}”" for name in names | codes] + listed(names | codes)) == {}


def listed(names: Iterable[str]) -> list[str]:
    """Names as they stand in a list."""
    return [f"{before}{name}{after}" for name in names for before in " :" for after in ",;."]


def test_the_description_of_a_model_says_nothing_outside_the_catalogue(spoken: Spoken) -> None:
    """Issue: questions, answers and units of the interface's description; its card is in English."""
    for address in ("/api/v1/model", "/api/v1/model?model=another"):
        assert spoken.in_answer(spoken.client.get(address).json()) == {}


@pytest.mark.parametrize("features", [*ONE_OF_EACH, UNSURE, {**LOCAL, "other.resection": "no"}])
def test_the_pdf_says_nothing_outside_the_catalogue(german: Spoken, features: Mapping[str, Any]) -> None:
    """E35: what goes on paper, and the title of the file."""
    spoken = german
    sent = {**features, "alive_months": 6, **RECEIPT}
    response = spoken.client.post("/download/result.pdf", data=sent)
    assert response.status_code == 200
    file = PdfReader(BytesIO(response.content))
    # Lines break within the longest words, so the text is read without any space.
    text = "".join("".join(page.extract_text() for page in file.pages).split())
    names = [*spoken.allowed, RECEIPT["receipt.id"], spoken.language.moment(RECEIPT["receipt.time"])]
    assert untold(text, ["".join(name.split()) for name in names]) == []
    assert RECEIPT["receipt.id"] in text
    assert len(text) > 3000
    assert file.metadata is not None
    assert untold(str(file.metadata.title)) == []


def test_paper_is_read_from_right_to_left_too(artefact: Artefact) -> None:
    """E35: the curve is on the sheet with the figures at its ends, signs stand before figures, no word is outside."""
    spoken = Spoken([artefact], pseudo_language("fa", [artefact]))
    response = spoken.client.post("/download/result.pdf", data={**LOCAL, **RECEIPT})
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(response.content)).pages)
    # What lies beside the sheet is not in the file.
    assert all(re.search(rf"{pseudo(whose)} \d+", text) for whose in ("patient", "all"))
    assert re.search(r"[+−]\d", text)
    assert not re.search(r"\d[+−]", text)
    without_digests = re.sub(r"\b[0-9a-f]*\d[0-9a-f]*\b", "", text)
    assert set(unaccented(without_digests, spoken.allowed)) <= {"UTC"}
