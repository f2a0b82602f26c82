"""The pages: the form, the result, the refusals, the card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.entering.bodies import LARGEST_BODY
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
    assert not [field for field in form.all("input") if "checked" in field.attributes]
    assert [field.attributes["value"] for field in form.all("input", type="text")] == ["", ""]
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
    for field in form.all("input", type="text"):
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


def test_the_form_works_without_scripts(form: Page, client: TestClient) -> None:
    """Access: there is no script on any page."""
    result = send_form(client, LOCAL)
    assert not form.all("script")
    assert not result.all("script")
    assert not [e for e in (*form.elements, *result.elements) for name in e.attributes if name.startswith("on")]
    assert not [e for e in (*form.elements, *result.elements) if "style" in e.attributes]


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
        "Resection of the recurrencePlanned, undecided or not knownKnown to be alive after5 months"
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


def test_no_comparison_with_another_treatment_is_offered(client: TestClient) -> None:
    """E24: never open by default for a treatment; this page compares with all patients alone."""
    page = send_form(client, LOCAL)
    assert "for a different patient" not in page.text
    assert not [details for details in page.all("details") if "open" in details.attributes]


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
    page = send_form(client, {**LOCAL, "interval_months": 150})
    assert "outside 3 to 140" in page.one("p", class_="warning").text


def test_times_that_have_passed_are_left_out_and_said_so(client: TestClient) -> None:
    """DESIGN §6; the curve then starts where the patient is known to be alive."""
    page = send_form(client, LOCAL, alive_months=24)
    assert [row[0] for row in page.table("figures")] == ["3 years", "5 years"]
    assert "Not shown, because the patient is known to be alive 2 years" in page.text
    assert "alive 2 years after this recurrence was diagnosed" in page.one("table", class_="figures").text
    assert page.one("rect", class_="before").attributes["width"] == "40.0%"


def test_the_form_keeps_what_was_entered(client: TestClient) -> None:
    """To change one answer without giving the others again."""
    page = send_form(client, UNKNOWN, alive_months=7)
    assert {field.attributes["value"] for field in page.all("input", checked="")} == {"local", "unknown"}
    assert [field.attributes["value"] for field in page.all("input", type="text")] == ["24", "7"]


@pytest.mark.parametrize(
    "given", ["0", "-3", "240.5", "abc", "NaN", "nan", "inf", "Infinity", "1e9", "1_0", "7,5", "٣"]
)
def test_a_bad_number_is_refused_and_kept_as_typed(client: TestClient, given: str) -> None:
    """E18: each refused, naming the allowed range; values kept as typed, nothing clamped."""
    page = send_form(client, {**LOCAL, "interval_months": given})
    assert page.status == 422
    field = page.one("input", name="interval_months")
    assert field.attributes["value"] == given
    assert field.attributes["aria-invalid"] == "true"
    (problem,) = page.texts("p", class_="problem")
    assert "240" in problem
    assert not page.all("table")


@pytest.mark.parametrize("blank", ["", "   "])
def test_a_blank_field_is_not_given(client: TestClient, blank: str) -> None:
    """E18: blank. DESIGN §6: empty means not given."""
    page = send_form(client, {**LOCAL, "interval_months": blank})
    assert page.status == 422
    assert "has no answer" in page.one("p", class_="problem").text
    assert send_form(client, LOCAL, alive_months=blank).status == 200


def test_spaces_around_a_number_do_no_harm(client: TestClient) -> None:
    """A copied value often has them."""
    assert send_form(client, {**LOCAL, "interval_months": " 24 "}).status == 200


def test_an_error_page_leads_to_each_field(client: TestClient) -> None:
    """Access: title "Error:", summary first with links, the message at each field tied to it."""
    page = send_form(client, {"pattern": "distant", "interval_months": "7,5"}, alive_months="soon")
    assert page.status == 422
    assert page.one("title").text.startswith("Error: ")
    summary = page.one("div", class_="summary")
    assert summary.attributes["role"] == "alert"
    assert "autofocus" in summary.attributes
    links = [e for e in page.all("a") if "summary" in e.inside]
    assert len(links) == 3
    ids = {element.attributes["id"]: element for element in page.elements if "id" in element.attributes}
    for link in links:
        assert ids[link.attributes["href"][1:]].tag == "input"
    for problem in page.all("p", class_="problem"):
        tied = [
            e for e in page.elements if problem.attributes["id"] in e.attributes.get("aria-describedby", "").split()
        ]
        assert len(tied) == 1
        assert tied[0].attributes["aria-invalid"] == "true"


def test_an_answer_of_another_pattern_is_listed_and_taken_off(client: TestClient) -> None:
    """S4, E16: nothing is silently dropped; a radio button cannot be cleared by a reader, so the page says it was."""
    page = send_form(client, {"pattern": "distant", "interval_months": 5, "subtype": "lms", "resection": "yes"})
    assert page.status == 422
    (problem,) = page.texts("p", class_="problem")
    assert "has been taken off" in problem
    assert "Yes, resected" in problem
    assert {field.attributes["value"] for field in page.all("input", checked="")} == {"distant", "lms"}


def test_a_number_of_another_pattern_is_listed_and_kept(client: TestClient) -> None:
    """S4: the reader clears it."""
    page = send_form(client, {"pattern": "both", "interval_months": 5})
    assert page.status == 422
    assert "Clear this field" in page.one("p", class_="problem").text
    assert page.one("input", name="interval_months").attributes["value"] == "5"
    assert "has-problem" in page.one("input", name="interval_months").inside


def test_a_field_given_twice_is_a_problem(client: TestClient) -> None:
    """E21: conflicting values are never chosen from silently; the same value twice is no conflict."""
    text = "pattern=local&interval_months=24&interval_months=30&resection=yes"
    form_type = {"content-type": "application/x-www-form-urlencoded"}
    response = client.post("/", content=text, headers=form_type)
    assert response.status_code == 422
    assert "24; 30" in response.text
    assert client.post("/", content=text.replace("30", "24"), headers=form_type).status_code == 200


def test_a_field_that_the_form_does_not_have_is_refused(client: TestClient) -> None:
    """S4."""
    page = send_form(client, {**BOTH, "age": "60"})
    assert page.status == 422
    assert "“age” is not a field" in page.one("div", class_="summary").text


def test_a_label_is_no_answer(client: TestClient) -> None:
    """E19, mistake 2: codes count, never labels."""
    assert send_form(client, {"pattern": "Local and distant together"}).status == 422


def test_what_was_typed_is_escaped(client: TestClient) -> None:
    """Whatever is sent comes back as text."""
    page = send_form(client, {**LOCAL, "interval_months": '"><script>alert(1)</script>', "<b>": "<i>"})
    assert page.status == 422
    assert not page.all("script")
    assert not page.all("i")
    assert page.one("input", name="interval_months").attributes["value"] == '"><script>alert(1)</script>'


@pytest.mark.parametrize("body", [b"pattern", b"pattern=%ff", b"\xff=1", b"a=1&" * 1001])
def test_a_form_that_cannot_be_read_is_refused(client: TestClient, body: bytes) -> None:
    """Issue 2: malformed bodies."""
    response = client.post("/", content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert response.status_code == 400
    assert read_page(response.text).one("title").text.startswith("Error: ")


def test_a_form_that_is_too_large_is_refused(client: TestClient) -> None:
    """Issue 2: oversized bodies."""
    response = client.post("/", data={"pattern": "x" * LARGEST_BODY})
    assert response.status_code == 413
    assert str(LARGEST_BODY) in read_page(response.text).text


def test_files_are_not_taken(client: TestClient) -> None:
    """The form sends none."""
    assert client.post("/", files={"pattern": b"local"}).status_code == 415


def test_a_wrong_address_has_a_page(client: TestClient) -> None:
    """With a way back."""
    page = read_page(client.get("/nowhere").text)
    assert page.one("title").text == "Error: Not found"
    assert "/" in [link.attributes["href"] for link in page.all("a")]


def test_no_value_stands_in_an_address(client: TestClient) -> None:
    """S2: the form is sent in a body, and no link of a result carries what was entered."""
    page = send_form(client, LOCAL)
    assert page.one("form").attributes["method"] == "post"
    assert not [link for link in page.all("a") if "?" in link.attributes["href"]]


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
