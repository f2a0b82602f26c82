"""How a result behaves: no advice, no effect, no first sight for the patient; and what is read from the card."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from hypothesis import given
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.application import create_app
from server.wording.language import language_of
from tests.invented import small_model, valid_inputs
from tests.renderings import compact, everything, note_in
from tests.web import BOTH, DISTANT, LOCAL, ONE_OF_EACH, UNKNOWN, Page, client_of, read_page, send_form

ADVICE = re.compile(
    r"\b(recommend(s|ed)?|should|ought|advis(e|ed|able)|candidate for|best option|indicated)\b", re.IGNORECASE
)
TIERS = re.compile(
    r"\b(high|low|intermediate|medium|moderate)[ -]risk\b|\brisk (group|tier|class|category)\b", re.IGNORECASE
)
CAUSES = "features of the prediction, not causes: changing one of them may not change what happens"
SELECTED = "they were selected for it"
SMALL = Artefact(small_model(), {"validation": {"sentence": "It was not validated."}}, {})


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> Iterator[TestClient]:
    with client_of(artefact) as opened:
        yield opened


@pytest.fixture(scope="module")
def small() -> Iterator[TestClient]:
    with client_of(SMALL) as opened:
        yield opened


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_codes_go_round_and_labels_never(client: TestClient, features: Mapping[str, Any]) -> None:
    """E19: what the forms of a result send unseen are codes, and sent again they give the same figures."""
    page = send_form(client, features)
    for kind in ("take", "other")[: 1 + (len(features) > 1)]:
        fields = {e.attributes["name"]: e.attributes["value"] for e in page.all("input", type="hidden", within=kind)}
        sent = {name: value for name, value in fields.items() if name in features}
        assert sent == {name: str(value) for name, value in features.items()}
        assert send_form(client, sent).table("figures") == page.table("figures")
    options = {e.attributes["value"] for e in page.all("option")} - {""}
    assert options <= {"yes", "no", "unknown", "ddlps", "lms", "ups_mpnst", "other"}
    if "resection" in features:
        refused = send_form(client, features, **{"other.resection": "No, and none is planned"})
        assert not refused.all("div", class_="compared")
        assert "is not an answer to this question" in refused.one("b", class_="problem").text


def test_every_question_of_the_form_says_what_where_and_when(client: TestClient) -> None:
    """E20: also the one about the time since, which belongs to no feature: definition, record, and from when."""
    page = read_page(client.get("/").text)
    hints = page.all("div", class_="hint")
    asked = {e.attributes["name"] for e in page.all("input", within="patient") if "name" in e.attributes} - {"model"}
    assert len(hints) == len({name.partition(".")[0] for name in asked}) == 5
    for hint in hints:
        assert "Where to find it:" in hint.text
        assert "When:" in hint.text
        assert len(hint.text.partition("Where to find it:")[0].split()) >= 5


@given(valid_inputs())
def test_the_explanation_is_short_and_adds_up_in_every_format(small: TestClient, inputs: dict[str, Any]) -> None:
    """E22: at most three sentences, the points of JSON to the difference within 0.5, the steps of the page exactly."""
    fields = {**inputs["features"], "alive_months": inputs["alive_months"]}
    typed = {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in fields.items()}
    if any(value == "0.0000" for value in typed.values()):
        return
    explanation = small.post("/download/result.json", data=typed).json()["explanation"]
    assert 1 <= len(explanation["sentences"]) <= 3
    points = sum(contribution["points"] for contribution in explanation["contributions"])
    if explanation["contributions"]:
        difference = 100 * (explanation["survival"] - explanation["reference_survival"])
        assert abs(points - difference) < 0.5
    else:
        assert explanation["survival"] == pytest.approx(explanation["reference_survival"], abs=1e-12)


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_features_are_no_causes_in_any_format(client: TestClient, features: Mapping[str, Any]) -> None:
    """E23: the fixed sentence on page, note, JSON and paper; in plain words: they cannot tell what a treatment does."""
    found = everything(client, features)
    assert CAUSES in found.json["explanation"]["statement"]
    for text in (found.page.one("article").text, found.note, found.pdf):
        assert compact(CAUSES) in compact(text)
    assert "They cannot tell whether a treatment would help you." in found.plain.text
    cautions = [caution["text"] for caution in found.json["explanation"]["cautions"]]
    assert bool(cautions) == ("resection" in features)
    for text in (" ".join(found.page.texts("p", class_="caution")), found.note, found.pdf, found.csv):
        assert all(compact(caution) in compact(text) for caution in cautions)
    for caution in cautions:
        assert "Longer survival was observed in patients who were operated on, but they were selected for it" in caution
        assert "It is no estimate of what an operation did, or would do" in caution
    assert ("People who had it were often fitter to begin with" in found.plain.text) == bool(cautions)


@pytest.mark.parametrize(
    ("features", "other", "phrase"),
    [
        (LOCAL, {"other.resection": "no"}, "no resection of the recurrence"),
        (UNKNOWN, {"other.resection": "yes"}, "resection of the recurrence"),
        (LOCAL, {"other.interval_months": "7"}, "an interval of 7 months from primary resection to recurrence"),
        (DISTANT, {"other.subtype": "ddlps"}, "dedifferentiated liposarcoma"),
        (DISTANT, {"other.subtype": "unknown"}, "“Histologic subtype” not known"),
    ],
)
def test_a_comparison_is_one_of_two_patients(
    client: TestClient, features: Mapping[str, Any], other: dict[str, str], phrase: str
) -> None:
    """E24: its label, both intervals at every time, the caution in the same block; and no difference as a figure."""
    page = send_form(client, features, **other)
    block = page.one("div", class_="compared")
    assert page.one("h3", within="compared").text.startswith(f"The prediction for a different patient with {phrase}")
    rows = page.table("both")
    assert len(rows) == len(page.table("figures"))
    assert all(re.fullmatch(r"[<>]?\d+ to [<>]?\d+", row[column]) for row in rows for column in (2, 4))
    assert "The two are different people: the difference is not what" in block.text
    assert (SELECTED in block.text) == ("other.resection" in other)
    differences = {str(abs(int(row[1]) - int(row[3]))) for row in rows if row[1].isdigit() and row[3].isdigit()}
    shown = set(re.findall(r"\d+", " ".join(cell for row in rows for cell in row) + block.attributes["data-said"]))
    assert differences - shown or differences <= shown
    assert not re.search(r"[+−-]\d|\bmore of 100|\bfewer of 100|\bgain|\bbenefit", block.text)


def test_a_comparison_is_closed_unless_asked_for(client: TestClient) -> None:
    """E24: never open by default; and what is taken along is this patient's alone."""
    box = send_form(client, LOCAL).one("details", class_="comparison")
    assert "open" not in box.attributes
    assert (
        "open" in send_form(client, LOCAL, **{"other.resection": "no"}).one("details", class_="comparison").attributes
    )
    alone, beside = (everything(client, LOCAL, 3, **fields) for fields in ({}, {"other.resection": "no"}))
    assert alone.json["survival"] == beside.json["survival"]
    assert "different patient with" not in beside.note + beside.pdf + str(beside.json["explanation"]["sentences"])


def test_no_page_advises_or_sorts_into_risks(client: TestClient) -> None:
    """E25: no advice verb and no tier in the form, a refusal, a result, a comparison, plain words or on paper."""
    pages = [client.get("/").text, client.get("/nowhere").text, client.post("/", data={}).text]
    texts = [read_page(page).text for page in pages]
    for features in ONE_OF_EACH:
        other = {"other.interval_months": "3"} if len(features) > 1 else {}
        found = everything(client, features, 0, **other)
        texts += [found.page.text, found.plain.text, found.note, found.pdf, str(found.json)]
    for text in texts:
        for pattern in (ADVICE, TIERS):
            match = pattern.search(text)
            assert match is None, match
    assert ADVICE.search("An operation should be considered.")
    assert TIERS.search("This is a high-risk patient.")


def drawn_with(page: Page) -> set[tuple[str, str]]:
    """Every tag with its classes: what could carry a colour."""
    return {(e.tag, e.attributes.get("class", "")) for e in page.elements if e.tag not in {"p", "b"}}


def test_a_poor_figure_looks_like_a_good_one(client: TestClient) -> None:
    """E25: no coloured tiers: nothing in the page's marks depends on how many are alive."""
    good, bad = (
        everything(client, {**LOCAL, "resection": answer, "interval_months": interval}, alive)
        for answer, interval, alive in (("yes", 140, 6), ("no", 3, 6))
    )
    assert good.json["survival"][-1]["estimate"] > bad.json["survival"][-1]["estimate"] + 0.4
    assert drawn_with(good.page) == drawn_with(bad.page)
    assert drawn_with(good.plain) == drawn_with(bad.plain)


def test_the_reference_is_on_the_chart_in_the_table_and_in_the_file(client: TestClient) -> None:
    """E26: the dashed line of all patients with that pattern, its column, its figures; the same for every patient."""
    curves = []
    for features in (LOCAL, UNKNOWN, {**LOCAL, "resection": "no"}):
        found = everything(client, features)
        line = found.page.one("polyline", class_="everybody")
        assert "chart" in line.inside
        curves.append(
            (line.attributes["points"], [row[4] for row in found.page.table("rows")], found.json["reference"])
        )
        assert found.page.one("polyline", class_="patient").attributes["points"] != curves[-1][0]
        assert "reference_survival" in found.csv.splitlines()[0]
    assert curves[0] == curves[1] == curves[2]


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_whom_it_is_not_for_comes_before_any_explanation(client: TestClient, features: Mapping[str, Any]) -> None:
    """E27: right after the figures in the order of the document, on paper, and in JSON; all of it."""
    found = everything(client, features)
    html_text, pdf = found.page.html, compact(found.pdf)
    places = [
        html_text.index(words) for words in ('class="figures"', 'class="not-for"', 'id="sure-title"', 'id="why-title"')
    ]
    assert places == sorted(places)
    for group in (*found.json["statements"]["not_for"], *found.json["statements"]["cautions"]):
        assert group in found.page.one("section", class_="not-for").text
        assert (
            pdf.index(compact("Predicted survival"))
            < pdf.index(compact(group))
            < pdf.index(compact("Why this estimate"))
        )


def test_the_clinician_sees_the_result_first(client: TestClient) -> None:
    """E29: without the clinician's step there is no page for the patient, but the result; no link leads there."""
    for step in ({}, {"clinician": ""}):
        page = read_page(client.post("/patient", data={**LOCAL, **step}).text)
        assert page.one("h1").text == "Predicted survival"
        assert page.all("table", class_="figures")
        assert not page.all("article", class_="plain-words")
    assert client.get("/patient").status_code == 405
    result, start = send_form(client, LOCAL), read_page(client.get("/").text)
    (button,) = result.all("button", name="clinician")
    assert "form" in button.inside
    assert not result.all("input", name="clinician")
    assert not start.all("button", name="clinician")
    for page in (result, start):
        assert not [link for link in page.all("a") if "patient" in link.attributes["href"]]
    plain = read_page(client.post("/patient", data={**LOCAL, "clinician": "seen"}).text)
    assert not plain.all("table")
    boxes = plain.all("details", within="numbers")
    assert len(boxes) == 5
    assert not [box for box in boxes if "open" in box.attributes]
    outside = plain.text
    for box in boxes:
        outside = outside.replace(box.text, "")
    assert not re.search(r"\d (are|is) expected|\d may have died|as low as", outside)
    assert re.search(r"\d (are|is) expected", plain.text)


@given(valid_inputs())
def test_icons_are_squares_and_circles(small: TestClient, inputs: dict[str, Any]) -> None:
    """E30: no figures of people, no faces: each path is squares of 8 alone, or circles of 6 alone."""
    fields = {**inputs["features"], "alive_months": inputs["alive_months"], "clinician": "seen"}
    typed = {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in fields.items()}
    if any(value == "0.0000" for value in typed.values()):
        return
    for address in ("/", "/patient"):
        page = read_page(small.post(address, data=typed).text)
        paths = page.all("path", within="hundred")
        assert paths or address == "/patient"
        for path in paths:
            shape = {"alive": r"h8v8h-8z", "gone": r"a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z"}[path.attributes["class"]]
            assert re.fullmatch(rf"(M\d+ \d+{shape})*", path.attributes["d"])
        assert not page.all("img") + page.all("use") + page.all("image")


def test_the_support_line_is_the_hospitals_own(artefact: Artefact) -> None:
    """E31: one line that a hospital sets, as plain text, on the page for patients alone; default words without it."""
    line = "In distress? Call <the ward> on 0800 123 456, day & night."
    fields = {**LOCAL, "clinician": "seen"}
    own = TestClient(create_app([artefact], support_line=line))
    default = client_of(artefact)
    assert read_page(own.post("/patient", data=fields).text).one("p", class_="support").text == line
    assert html.escape(line) in own.post("/patient", data=fields).text
    said = read_page(default.post("/patient", data=fields).text).one("p", class_="support").text
    assert "tell your doctor or nurse" in said
    assert "tell your doctor or nurse" not in own.post("/patient", data=fields).text
    assert html.escape(line) not in own.post("/", data=fields).text


def test_what_a_catalogue_lacks_is_said_in_english_as_a_whole(artefact: Artefact) -> None:
    """E34: one sentence translated, the next one not: neither is mixed, and nothing is missing."""
    locale = Locale("de")
    catalogue = Catalog(locale=locale, fuzzy=False)
    catalogue.add("Predicted survival", "Vorhergesagtes Überleben")
    german = language_of(locale, catalogue)
    page = read_page(TestClient(create_app([artefact], languages=[german])).post("/", data=dict(LOCAL)).text)
    assert page.one("html").attributes["lang"] == "de"
    assert page.one("h1").text == "Vorhergesagtes Überleben"
    english_page = send_form(client_of(artefact), LOCAL)
    for kind in ("words", "spans"):
        assert page.texts("li", within=kind) == english_page.texts("li", within=kind)
    assert page.texts("p", class_="said") == english_page.texts("p", class_="said")


@given(valid_inputs())
def test_the_note_has_at_most_twelve_lines(small: TestClient, inputs: dict[str, Any]) -> None:
    """E36: plain text, whole lines, whatever is unknown or unusual."""
    fields = {**inputs["features"], "alive_months": inputs["alive_months"]}
    typed = {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in fields.items()}
    if any(value == "0.0000" for value in typed.values()):
        return
    note = note_in(small.post("/", data=typed).text)
    lines = note.splitlines()
    assert 6 <= len(lines) <= 12
    assert all(line == " ".join(line.split()) and line for line in lines)
    assert not re.search(r"<[a-z/]|&[a-z]+;|None|\{|\}", note)


def test_the_longest_note_still_holds_everything(artefact: Artefact) -> None:
    """E36: E1, E10, E17, E18, version and receipt, with a withdrawn model, something unknown and something unusual."""
    withdrawn = Artefact(artefact.model, {**artefact.card, "withdrawn": True}, {})
    features = {**UNKNOWN, "interval_months": 200}
    found = everything(client_of(withdrawn), features, 5)
    assert len(found.note.splitlines()) <= 12
    assert len(found.json["warnings"]) >= 2
    receipt = found.json["receipt"]
    for words in (
        *(warning["text"] for warning in found.json["warnings"]),
        found.json["unknown"][0]["text"],
        "Interval to recurrence: 200 months",
        "Planned, undecided or not known",
        f"{receipt['model']['name']} {receipt['model']['version']}",
        receipt["model"]["digest"],
        artefact.model.about.origin,
    ):
        assert words in found.note
    assert re.search(r"Receipt [0-9a-f-]{36}, \d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC", found.note)


def test_validation_is_read_from_the_card_in_every_format(artefact: Artefact) -> None:
    """E37, E15: another card says something else on page, note, JSON and paper, and without one all say so."""
    told = "The C statistic was .71 (95 % interval .66 to .76) in 12 invented hospitals."
    with_card = everything(client_of(Artefact(artefact.model, {"validation": {"sentence": told}}, {})), BOTH)
    without = everything(client_of(Artefact(artefact.model, {}, {})), BOTH)
    assert with_card.json["statements"]["validation"] == told
    for text in (with_card.page.text, with_card.note, with_card.pdf):
        assert compact(told) in compact(text)
    for text in (without.page.text, without.note, without.pdf):
        assert compact(told) not in compact(text)
        assert compact("The card of this model states no validation.") in compact(text)


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_a_result_says_what_it_came_from(client: TestClient, artefact: Artefact, features: Mapping[str, Any]) -> None:
    """E38: version, data period, patients and deaths, and validation status, on the result itself and on paper."""
    found = everything(client, features)
    article = re.findall(r"<article.*</article>", found.page.html, re.DOTALL)[0]
    text = compact(read_page(article).text)
    for words in (
        f"{artefact.model.name} {artefact.model.version}",
        artefact.model.digest,
        artefact.model.about.data_period,
        found.json["support"]["text"],
        found.json["statements"]["validation"],
    ):
        assert compact(words) in text
        assert compact(words) in compact(found.pdf)
    assert "how many of them died was not published" in found.json["support"]["text"]
