"""The pages: the form, the result, the refusals, the card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact
from tests.web import BOTH, DISTANT, LOCAL, ONE_OF_EACH, UNKNOWN, Page, client_of, read_page, send_form


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


@pytest.fixture(scope="module")
def form(client: TestClient) -> Page:
    return read_page(client.get("/").text)


def shown_number(figure: str) -> int:
    return {"<1": 0, ">99": 100}.get(figure) or int(figure.strip("<>"))


def test_nothing_is_pre_selected_and_nothing_predicted(form: Page) -> None:
    """E16, mistake 6: no result before the required inputs are there."""
    assert not [e for e in form.elements if {"checked", "selected", "open"} & set(e.attributes)]
    assert [field.attributes["value"] for field in form.all("input", type="text")] == ["", ""]
    assert [field.attributes["value"] for field in form.all("input", type="date")] == ["", "", "", ""]
    assert not form.all("table")
    assert not form.all("svg")


def test_every_question_says_what_where_and_when(form: Page, artefact: Artefact) -> None:
    """E20, E16: definition, where in the record, timing relative to the recurrence; the unit is fixed and shown."""
    hints = " ".join(form.texts("div", class_="hint"))
    for feature in artefact.model.features.all:
        assert feature.question in form.text
        for words in (feature.definition, feature.where, feature.timing):
            assert words in hints
        if feature.unit is not None:
            assert feature.unit in form.texts("span", class_="unit")


def test_unknown_is_a_choice_only_where_the_model_supports_it(form: Page, artefact: Artefact) -> None:
    """E17."""
    offered = {field.attributes["name"] for field in form.all("input", value="unknown")}
    assert offered == {f.name for f in artefact.model.features.all if f.unknown is not None}


def test_planned_or_undecided_is_the_unknown_choice(form: Page) -> None:
    """Issue 2: resection means done, not planned; the form says so."""
    assert "Planned, undecided or not known" in form.texts("span")
    assert "Done, not planned" in form.text


def test_every_field_is_tied_to_its_hint(form: Page) -> None:
    """Access: aria-describedby on each, and a label or legend."""
    for field in (*form.all("input", type="text"), *form.all("input", type="date")):
        assert field.attributes["aria-describedby"].endswith("-hint")
        assert [label for label in form.all("label") if label.attributes.get("for") == field.attributes["id"]]
    for group in form.all("fieldset"):
        assert group.attributes["aria-describedby"].endswith("-hint")


def test_what_is_not_asked_is_said_with_the_reason(form: Page, artefact: Artefact) -> None:
    """DESIGN §6: chemotherapy and radiotherapy included."""
    for items in artefact.model.about.not_asked.values():
        for item in items:
            assert item.label in form.text
            assert item.reason in form.text


@pytest.mark.parametrize("address", ["/", "/model", "/nowhere", "result", "refused", "/patient"])
def test_every_page_works_without_scripts(client: TestClient, address: str) -> None:
    """Access: one script of our own, after the page; what only it can do is hidden; every form sends by itself."""
    sent = {"result": LOCAL, "refused": {}, "/patient": {**LOCAL, "clinician": "seen"}}
    to = address if address.startswith("/") else "/"
    page = read_page((client.post(to, data=dict(sent[address])) if address in sent else client.get(to)).text)
    script = page.one("script")
    assert script.attributes.keys() == {"src", "defer"}
    assert re.fullmatch(r"/static/[0-9a-f]{12}/page\.js", script.attributes["src"])
    assert not script.text
    assert not page.all("noscript")
    assert not [e for e in page.elements for name in e.attributes if name.startswith("on") or name == "style"]
    buttons = page.all("button")
    assert all("hidden" in button.attributes for button in buttons if button.attributes["type"] == "button")
    assert all("form" in button.inside for button in buttons if button.attributes["type"] == "submit")
    assert {button.attributes["type"] for button in buttons} <= {"button", "submit"}
    forms = re.findall(r"<form.*?</form>", page.html, re.DOTALL)
    assert len(forms) == len(page.all("form"))
    assert all('<button type="submit"' in form for form in forms)
    for form in page.all("form"):
        assert form.attributes["method"] == "post"
        assert form.attributes["action"].startswith("/")


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_the_forms_of_a_result_ask_for_the_same_patient(client: TestClient, features: Mapping[str, Any]) -> None:
    """Mistake 11: every form beside a figure sends the answers that the figure was computed from."""
    page = send_form(client, features, alive_months=5)
    expected = {name: str(value) for name, value in {**features, "alive_months": 5}.items()}
    for kind, count in (("take", 2), ("other", 1 if len(features) > 1 else 0)):
        repeated = page.all("input", type="hidden", within=kind)
        assert len(page.all("form", class_=kind)) == count
        for name, value in expected.items():
            assert [e.attributes["value"] for e in repeated if e.attributes["name"] == name] == [value] * count
    own = [e for e in page.all("input", within="patient") if e.attributes["type"] != "hidden"]
    chosen = [e for e in own if "checked" in e.attributes or (e.attributes["type"] == "text" and e.attributes["value"])]
    assert {e.attributes["name"]: e.attributes["value"] for e in chosen} == expected


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_alive_and_not_alive_sum_to_100(client: TestClient, features: Mapping[str, Any]) -> None:
    """E3, E10, E6: both are shown at 1, 2, 3 and 5 years, with an interval."""
    page = send_form(client, features)
    rows = page.table("figures")
    assert [row[0] for row in rows] == ["1 year", "2 years", "3 years", "5 years"]
    for _, alive, interval, not_alive, _ in rows:
        assert int(alive) + int(not_alive) == 100
        lower, upper = (shown_number(limit) for limit in interval.split(" to "))
        assert lower <= int(alive) <= upper


def test_the_result_repeats_the_inputs_with_units(client: TestClient) -> None:
    """E38, E35: what was entered, unknown ones included."""
    page = send_form(client, UNKNOWN, alive_months=5)
    assert page.one("dl", class_="inputs").text == (
        "Where it came backLocal recurrence onlyInterval to recurrence24 months"
        "Resection of the recurrencePlanned, undecided or not known"
        "Known to be alive5 months after this recurrence was diagnosed"
    )


def test_the_points_shown_add_up(client: TestClient) -> None:
    """E22: from all patients over each predictor to this one, in whole numbers."""
    for features in (LOCAL, DISTANT, UNKNOWN):
        figures = [int(row[1].replace("−", "-")) for row in send_form(client, features).table("way")]
        assert sum(figures[:-1]) == figures[-1]


def test_words_come_before_the_picture(client: TestClient) -> None:
    """E22: at most three sentences, before the table and the curve."""
    page = send_form(client, LOCAL)
    said = page.texts("p", class_="said")
    assert 1 <= len(said) <= 3
    assert page.html.index('class="said"') < page.html.index('class="way"') < page.html.index('class="chart"')


def test_the_fixed_sentence_and_the_caution_stand_with_the_explanation(client: TestClient) -> None:
    """E23: features, not causes; resection observed in those selected for it, also when unknown."""
    for features in (LOCAL, UNKNOWN):
        cautions = send_form(client, features).texts("p", class_="caution")
        assert any("selected for it" in caution for caution in cautions)
        assert any("not causes" in caution for caution in cautions)
    assert not any("selected" in text for text in send_form(client, DISTANT).texts("p", class_="caution"))


def test_no_comparison_is_there_that_was_not_asked_for(client: TestClient) -> None:
    """E24: never open by default, and no answer of a different patient is proposed."""
    page = send_form(client, LOCAL)
    assert "for a different patient" not in page.text
    assert not [details for details in page.all("details") if "open" in details.attributes]
    assert not [option for option in page.all("option") if "selected" in option.attributes]
    assert [option.attributes["value"] for option in page.all("option")][:1] == [""]
    assert [field.attributes["value"] for field in page.all("input", type="text", within="other")] == [""]


def test_a_comparison_that_is_asked_for_is_one_with_a_different_patient(client: TestClient) -> None:
    """E24: labelled so, both with their intervals, and what forbids to read the difference as an effect beside it."""
    page = send_form(client, LOCAL, **{"other.resection": "no"})
    assert ["open" in details.attributes for details in page.all("details", class_="comparison")] == [True]
    compared = page.one("div", class_="compared").text
    assert "The prediction for a different patient with no resection of the recurrence" in compared
    assert "selected for it" in compared
    alone = [send_form(client, features).table("figures") for features in (LOCAL, {**LOCAL, "resection": "no"})]
    own, other = ([row[1:3] for row in figures] for figures in alone)
    assert [row[1:] for row in page.table("both")] == [[*one, *two] for one, two in zip(own, other, strict=True)]
    assert own != other


def test_whom_it_is_not_for_follows_the_figures_at_once(client: TestClient, artefact: Artefact) -> None:
    """E27: before the explanation and the curve; the browser tests see it within the first screen."""
    page = send_form(client, LOCAL)
    start, end = page.html.index('class="not-for"'), page.html.index('id="why-title"')
    assert page.html.index('class="figures"') < start < end
    box = page.one("section", class_="not-for").text
    for group in (*artefact.model.about.not_for, *artefact.model.about.cautions):
        assert group in box


def test_three_kinds_of_uncertainty_are_told_apart(client: TestClient) -> None:
    """E11: which of the 100; how sure the estimate is; whom it was made from. E14: the published group's size."""
    page = send_form(client, LOCAL)
    questions, answers = page.texts("dt"), page.one("dl", class_="sure").text
    assert {"Which of the 100?", "How sure?", "From whom?"} <= set(questions)
    assert "Nobody can know" in answers
    assert "219 patients" in answers


def test_the_validation_sentence_is_the_cards(artefact: Artefact) -> None:
    """E15, E37: read from the card, so another card says something else."""
    told = "It was validated in 12 invented hospitals."
    page = send_form(client_of(Artefact(artefact.model, {"validation": {"sentence": told}}, {})), BOTH)
    assert told in page.text
    without = send_form(client_of(Artefact(artefact.model, {}, {})), BOTH)
    assert "states no validation" in without.text


def test_method_and_identity_are_one_click_away(client: TestClient, artefact: Artefact) -> None:
    """E12, E38: method, level, what the interval leaves out; version, digest, data, support."""
    page = send_form(client, LOCAL)
    behind = " ".join(page.texts("details"))
    for words in ("log-log", "leaves out", artefact.model.digest, artefact.model.about.data_period, "219"):
        assert words in behind
    assert artefact.model.about.made_from in page.one("p", class_="notice").text
    receipt = page.one("p", class_="receipt").text
    assert re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}", receipt)
    assert artefact.model.version in receipt


def test_an_unknown_input_is_shown_with_its_range(client: TestClient) -> None:
    """E17."""
    told = send_form(client, UNKNOWN).one("div", class_="unknown").text
    assert "Not known: Resection of the recurrence." in told
    assert "average" in told
    assert re.search(r"ranges from \d+ .* to \d+ .* of 100 people", told)


def test_a_soft_limit_warns(client: TestClient) -> None:
    """E18."""
    page = send_form(client, {**LOCAL, "interval_months": 150}, alive_months=3)
    assert "outside 3 to 140" in page.one("p", class_="warning").text
    assert not send_form(client, LOCAL, alive_months=3).all("p", class_="warning")


def test_an_answer_that_is_settled_later_warns_until_the_time_since_is_given(client: TestClient) -> None:
    """E18, E20: an operation says that the patient has lived until then."""
    (warning,) = send_form(client, LOCAL).texts("p", class_="warning")
    assert "Resection of the recurrence was answered “Yes, resected”" in warning
    assert "settled only some time after the day" in warning
    for features in (UNKNOWN, {**LOCAL, "resection": "no"}):
        assert not send_form(client, features).all("p", class_="warning")


def test_times_that_have_passed_are_left_out_and_said_so(client: TestClient) -> None:
    """DESIGN §6; the curve then starts where the patient is known to be alive."""
    page = send_form(client, LOCAL, alive_months=24)
    assert [row[0] for row in page.table("figures")] == [
        "3 years 12 months after last known to be alive",
        "5 years 36 months after last known to be alive",
    ]
    assert "1 year, 2 years: not shown, because the patient is known to be alive 2 years after" in page.text
    assert "alive 2 years after this recurrence was diagnosed" in page.one("table", class_="figures").text
    assert page.one("rect", class_="before").attributes["width"] == "40.0%"


def test_the_form_keeps_what_was_entered(client: TestClient) -> None:
    """To change one answer without giving the others again."""
    page = send_form(client, UNKNOWN, alive_months=7)
    assert {e.attributes["value"] for e in page.all("input", checked="", within="patient")} == {"local", "unknown"}
    assert [e.attributes["value"] for e in page.all("input", type="text", within="patient")] == ["24", "7"]


def test_no_value_stands_in_an_address(client: TestClient) -> None:
    """S2: every form is sent in a body, and no address on a result carries what was entered."""
    page = send_form(client, LOCAL)
    assert {form.attributes["method"] for form in page.all("form")} == {"post"}
    assert page.addresses()
    assert not [address for address in page.addresses() if "?" in address]


def test_the_card_shows_every_member(client: TestClient, artefact: Artefact) -> None:
    """E37: generated from card.json alone."""
    text = read_page(client.get("/model").text).text
    for value in artefact.card.values():
        if isinstance(value, str):
            assert " ".join(value.split()) in text


def test_a_card_of_any_shape_is_shown(artefact: Artefact) -> None:
    """New members of a card need no change here."""
    card = {
        "published_against_model": [
            {"figure": "median", "published": 33, "model": 32.98765},
            {"figure": "5-year", "published": 0.29, "note": None},
        ],
        "nested": {"deeper": {"list": ["one", {"two": [1.5, True, None]}], "empty": [], "nothing": {}}},
        "odd key-Name": "<b>text</b>",
    }
    page = read_page(client_of(Artefact(artefact.model, card, {})).get("/model").text)
    for words in ("32.99", "The published figures, and what the model gives", "not available", "<b>text</b>", "1.5"):
        assert words in page.text


def test_an_empty_or_repeated_model_is_no_other_model(client: TestClient, artefact: Artefact) -> None:
    """Contract: empty means not given, as for every field; the same name twice is that name."""
    name = artefact.model.name
    for models in ([""], [name, name], ["", name]):
        assert client.post("/", data={**BOTH, "model": models}).status_code == 200
    two = client.post("/", data={**BOTH, "model": [name, "other"]})
    assert two.status_code == 422
    assert "was given more than once, with different values" in two.text
    assert client.post("/", data={**BOTH, "nonsense": ""}).status_code == 200
