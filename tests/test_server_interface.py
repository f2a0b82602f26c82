"""The interface for programs: its answer, and its refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.entering.bodies import DRAINED, LARGEST_BODY
from server.entering.documents import UnreadableDocument, json_object
from server.wording.language import english
from tests.web import BOTH, DISTANT, LOCAL, ONE_OF_EACH, PREDICTIONS, UNKNOWN, as_json, ask, client_of, post_text


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


def problems(client: TestClient, document: Mapping[str, Any]) -> dict[str, str]:
    response = client.post(PREDICTIONS, json=document)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    details = response.json()
    assert set(details) == {"type", "title", "status", "detail", "problems"}
    assert details["status"] == 422
    found: dict[str, str] = details["problems"]
    return found


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_the_answer_has_the_members_of_the_contract(client: TestClient, features: Mapping[str, Any]) -> None:
    """DESIGN §6, the answer."""
    answer = ask(client, features)
    assert [at["months"] for at in answer["survival"]] == [12, 24, 36, 60]
    months = list(range(61))
    assert answer["curve"]["months"] == months == answer["reference"]["months"]
    assert all(len(answer["curve"][name]) == 61 for name in ("estimate", "lower", "upper"))
    assert answer["curve"]["estimate"][0] == 1 == answer["reference"]["estimate"][0]
    assert answer["explanation"]["horizon_months"] == 36
    assert answer["receipt"]["inputs"] == {**features, "alive_months": 0}
    spans = {"median_months", "worst_tenth_months", "middle_half_months", "best_tenth_months"}
    assert set(answer["spans"]) == spans == set(answer["span_limits"])
    for contribution in answer["explanation"]["contributions"]:
        assert {"feature", "value", "hazard_ratio", "points"} <= set(contribution)
    shares = sum(contribution["points"] for contribution in answer["explanation"]["contributions"]) / 100
    at_three_years = answer["survival"][2]["estimate"]
    assert answer["explanation"]["reference_survival"] + shares == pytest.approx(at_three_years, abs=1e-9)


def test_every_headline_figure_has_an_interval(client: TestClient) -> None:
    """E10: a numeric interval follows every headline figure, on by default, and holds the estimate."""
    for at in ask(client, LOCAL)["survival"]:
        assert 0 <= at["lower"] <= at["estimate"] <= at["upper"] <= 1


def test_a_patient_alive_later_starts_there(client: TestClient) -> None:
    """DESIGN §6: horizons up to s are left out; curve and reference start at (s, 1); the horizon is 36 or the next."""
    answer = ask(client, LOCAL, alive_months=40)
    assert [at["months"] for at in answer["survival"]] == [60]
    assert answer["curve"]["months"][0] == 40
    assert answer["curve"]["estimate"][0] == 1 == answer["reference"]["estimate"][0]
    assert answer["explanation"]["horizon_months"] == 60
    assert "1 year, 2 years, 3 years" in answer["not_shown"]
    assert "40 months" in answer["explanation"]["sentences"][0]


def test_an_unknown_input_is_named_handled_and_ranged(client: TestClient) -> None:
    """E17: the result names each unknown, how it was handled and the range over its possible values."""
    (unknown,) = ask(client, UNKNOWN)["unknown"]
    assert unknown["feature"] == "resection"
    assert unknown["lowest"] < unknown["highest"]
    assert "average" in unknown["handling"]
    assert "of 100 people" in unknown["text"]


def test_the_caution_stands_beside_resection_whatever_its_answer(client: TestClient) -> None:
    """E23: observed in those who were operated on; also when it is unknown, and only where it is used."""
    for answer in ("yes", "no", "unknown"):
        cautions = ask(client, {**LOCAL, "resection": answer})["explanation"]["cautions"]
        assert [caution["feature"] for caution in cautions] == ["resection"]
        assert "selected for it" in cautions[0]["text"]
    assert ask(client, DISTANT)["explanation"]["cautions"] == []


def test_a_number_outside_the_usual_range_is_answered_with_a_warning(client: TestClient) -> None:
    """E18: soft limits warn; nothing is clamped."""
    answer = ask(client, {**LOCAL, "interval_months": 200}, alive_months=3)
    assert answer["receipt"]["inputs"]["interval_months"] == 200
    (warning,) = answer["warnings"]
    assert (warning["code"], warning["feature"]) == ("outside_usual_range", "interval_months")
    assert "3 to 140" in warning["text"]
    assert ask(client, LOCAL, alive_months=3)["warnings"] == []


@pytest.mark.parametrize(
    ("answer", "alive", "warned"), [("yes", 0, True), ("yes", 1, False), ("no", 0, False), ("unknown", 0, False)]
)
def test_an_answer_that_is_settled_later_is_answered_with_a_warning_unless_time_has_passed(
    client: TestClient, answer: str, alive: int, warned: bool
) -> None:
    """E18, E20: whoever was operated on had lived until then; the estimate is for the time that was given."""
    answered = ask(client, {**LOCAL, "resection": answer}, alive_months=alive)
    assert answered["receipt"]["inputs"]["alive_months"] == alive
    assert [(w["code"], w["feature"]) for w in answered["warnings"]] == [("settled_later", "resection")] * warned
    for warning in answered["warnings"]:
        assert "Resection of the recurrence was answered “Yes, resected”" in warning["text"]


def test_the_answer_says_where_it_comes_from(client: TestClient, artefact: Artefact) -> None:
    """E14, E15, E27, E38: support, validation, whom it is not for, data period, version, on every result."""
    answer = ask(client, BOTH)
    assert answer["support"]["patients"] == 43
    assert answer["support"]["source"] == "published"
    statements = answer["statements"]
    assert statements["validation"] == artefact.card["validation"]["sentence"]
    assert statements["made_from"] == artefact.model.about.made_from
    assert statements["data_period"] == artefact.model.about.data_period
    assert statements["not_for"] == list(artefact.model.about.not_for)
    assert answer["receipt"]["model"]["version"] == artefact.model.version


def test_receipts_are_random(client: TestClient) -> None:
    """DESIGN §6: never derived from inputs, so the same patient twice has two."""
    assert ask(client, BOTH)["receipt"]["id"] != ask(client, BOTH)["receipt"]["id"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (0, "too low"),
        (-3, "too low"),
        (240.5, "too high"),
        (1e9, "too high"),
        ("24", "not a JSON number"),
        ("7,5", "not a JSON number"),
        ("1_0", "not a JSON number"),
        ("", "not a JSON number"),
        (True, "not a JSON number"),
        ([24], "not a JSON number"),
        (None, "has no answer"),
        ("unknown", "must be known"),
    ],
)
def test_a_bad_number_is_refused_with_the_allowed_range(client: TestClient, given: object, says: str) -> None:
    """E18: below, above, blank, text, 1e9, "1_0", "7,5": refused, naming the allowed range."""
    found = problems(client, {"features": {**LOCAL, "interval_months": given}})
    assert set(found) == {"interval_months"}
    assert says in found["interval_months"]
    if given != "unknown":
        assert "240" in found["interval_months"]


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_what_json_does_not_have_is_no_json(client: TestClient, literal: str) -> None:
    """E18: NaN and infinity."""
    text = as_json({"features": dict(LOCAL)}).replace("24", literal)
    assert post_text(client, text).status_code == 400


def test_a_number_too_large_for_a_float_is_refused(client: TestClient) -> None:
    """E18: 1e999 is JSON, and infinite once read."""
    response = post_text(client, as_json({"features": dict(LOCAL)}).replace("24", "1e999"))
    assert response.status_code == 422
    assert "not a finite number" in response.json()["problems"]["interval_months"]


@pytest.mark.parametrize("given", [-1, 60, 12.5, "12", 1e300])
def test_a_bad_time_alive_is_refused(client: TestClient, given: object) -> None:
    """DESIGN §6: 0 ≤ s < last supported time, in whole months."""
    assert set(problems(client, {"features": LOCAL, "alive_months": given})) == {"alive_months"}


def test_all_problems_are_named_at_once(client: TestClient) -> None:
    """E18, S4: nothing is found only after something else was mended."""
    found = problems(
        client,
        {
            "features": {"pattern": "local", "interval_months": 300, "subtype": "lms", "age": 60},
            "alive_months": 99,
            "treatment": "x",
        },
    )
    assert set(found) == {"interval_months", "resection", "subtype", "age", "alive_months", "treatment"}


@pytest.mark.parametrize("given", ["Local recurrence only", "LOCAL", "local ", 1, None, ["local"], {}])
def test_an_answer_counts_by_its_code_alone(client: TestClient, given: object) -> None:
    """E19: codes, never labels, positions or spellings."""
    assert "pattern" in problems(client, {"features": {**LOCAL, "pattern": given}})


def test_unknown_is_refused_where_the_model_cannot_do_without(client: TestClient) -> None:
    """E17: "unknown" only where the model supports it."""
    assert "pattern" in problems(client, {"features": {"pattern": "unknown"}})


def test_what_a_pattern_does_not_use_is_refused_even_empty_fields_of_nobody(client: TestClient) -> None:
    """S4: unknown fields are refused, also when they are null."""
    assert set(problems(client, {"features": {**BOTH, "resection": "yes"}})) == {"resection"}
    assert set(problems(client, {"features": {**BOTH, "age": None}})) == {"age"}


@pytest.mark.parametrize("features", [[], "local", 3, None])
def test_features_must_be_an_object(client: TestClient, features: object) -> None:
    """S4: a strict schema."""
    assert "features" in problems(client, {"features": features})


@pytest.mark.parametrize("model", ["nobody", "", 3, ["rps-recurrence"]])
def test_a_model_that_there_is_not_is_named(client: TestClient, artefact: Artefact, model: object) -> None:
    """DESIGN §6: "model" names one of those that are served."""
    found = problems(client, {"features": LOCAL, "model": model})
    assert artefact.model.name in found["model"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        '"local"',
        "{} {}",
        '{"features": {"pattern": "both", "pattern": "local"}}',
        "[" * 30_000,
        '{"features": {"interval_months": ' + "9" * 5000 + "}}",
        b"\xff\xfe{}",
        b'{"features": {"pattern": "\xe9"}}',
    ],
)
def test_a_body_that_is_no_json_object_is_refused(client: TestClient, body: str | bytes) -> None:
    """Issue 2: malformed bodies likewise; the answer is problem details and never a failure."""
    response = post_text(client, body)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 400


@pytest.mark.parametrize("size", [LARGEST_BODY + 1, DRAINED + 100_000])
def test_a_body_that_is_too_large_is_refused(client: TestClient, size: int) -> None:
    """Issue 2: oversized bodies likewise."""
    response = post_text(client, " " * size)
    assert response.status_code == 413
    assert str(LARGEST_BODY) in response.json()["detail"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_another_type_of_body_is_refused(client: TestClient, content_type: str) -> None:
    """A page of another site can send text/plain to here without asking; JSON it cannot."""
    response = post_text(client, as_json({"features": dict(LOCAL)}), content_type)
    assert response.status_code == 415


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"'])
def test_json_may_name_its_encoding(client: TestClient, content_type: str) -> None:
    """Many clients do."""
    assert post_text(client, as_json({"features": dict(LOCAL)}), content_type).status_code == 200


def test_half_a_character_is_told_and_not_stumbled_over(client: TestClient) -> None:
    """JSON can name what no encoding can write."""
    response = post_text(client, '{"features": {"pattern": "\\ud800"}, "\\ud801": 1}')
    assert response.status_code == 422
    assert len(response.json()["problems"]) == 2


def test_long_input_is_echoed_in_part(client: TestClient) -> None:
    """A problem is a sentence and not a copy of the body."""
    found = problems(client, {"features": {**LOCAL, "resection": "y" * 5000}})
    assert len(found["resection"]) < 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", PREDICTIONS, 405), ("GET", "/api/v2/x", 404)])
def test_other_refusals_are_problem_details_too(client: TestClient, method: str, path: str, status: int) -> None:
    """RFC 9457 for everything under /api."""
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(response.text)["status"] == status


def test_a_body_nested_almost_too_deep_to_be_read_is_refused_and_never_a_failure(client: TestClient) -> None:
    """Between what JSON can read and what it can write back there are depths that once answered 500."""
    for depth in range(880, 1010, 2):
        body = '{"features": {"pattern": ' + "[" * depth + "]" * depth + "}}"
        answer = client.post(PREDICTIONS, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), depth


def test_a_member_given_twice_is_named_among_many() -> None:
    """S4: refused for what it is, and by its name."""
    text = "{" + ",".join(f'"{number}":0' for number in [*range(30_000), 29_999]) + "}"
    with pytest.raises(UnreadableDocument) as refused:
        json_object(text)
    assert refused.value.said(english()) == "The request gives the member “29999” twice."
