"""The questions as a FHIR form: generated from the model, and answered by whoever reads nothing but the form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact, ModelUnavailable
from model.features import ALIVE_MONTHS, UNKNOWN
from server.application import create_app
from server.fhir.links import TIME_ZERO
from server.fhir.questionnaire import questionnaire
from server.served import Served, prepare
from server.wording.language import english
from tests.pseudo import pseudo_language, untold
from tests.responses import LONG_AGO, SUBJECT, evaluated, item
from tests.validators import problems_of
from tests.web import another_artefact, client_of

FHIR = "https://rps.example/fhir"
ANOTHER = another_artefact()
VALUE = {"decimal": "valueDecimal", "integer": "valueInteger", "date": "valueDate", "boolean": "valueBoolean"}


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact, ANOTHER)


@pytest.fixture(scope="module", params=["default", "another"])
def served(request: pytest.FixtureRequest, artefact: Artefact) -> Served:
    return prepare(artefact if request.param == "default" else ANOTHER, english())


def items_in(form: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The questions of a form by name; explanations stand in them."""
    return {one["linkId"]: one for one in form["item"]}


def explained(form: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every explanation of a form."""
    for one in form["item"]:
        yield from one.get("item", ())


def codes_of(one: Mapping[str, Any]) -> list[str]:
    return [option["valueCoding"]["code"] for option in one["answerOption"]]


def enabled(one: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a question is asked after these answers, as FHIR says it."""
    conditions = one.get("enableWhen", [])
    if not conditions:
        return True
    assert one["enableBehavior"] == "any"
    assert {condition["operator"] for condition in conditions} == {"="}
    return any(
        {name: answers[condition["question"]][name] for name in ("system", "code")} == condition["answerCoding"]
        for condition in conditions
    )


def test_every_form_passes_every_validator(served: Served, artefact: Artefact) -> None:
    """RA1's validators, for the form of either model, and of one that has been withdrawn."""
    one = prepare(Artefact(artefact.model, {**artefact.card, "withdrawn": True}, artefact.manifest), english())
    withdrawn = questionnaire(one, FHIR)
    assert problems_of([questionnaire(served, FHIR), withdrawn]) == []
    assert withdrawn["status"] == "retired"
    assert withdrawn["description"].startswith("This model has been withdrawn")


def test_a_form_says_whose_it_is(served: Served) -> None:
    """Its address ends in the model's name, its version is the model's, and what must be said of the model is there."""
    form, model = questionnaire(served, FHIR), served.model
    assert form["url"] == f"{FHIR}/Questionnaire/{model.name}"
    assert (form["id"], form["version"], form["title"]) == (model.name, model.version, model.about.title)
    assert (form["status"], form["subjectType"], form["language"]) == ("active", ["Patient"], "en")
    for text in (model.about.made_from, *model.about.not_for, *model.about.cautions):
        assert text in form["description"]


def test_every_question_of_the_model_is_an_item(served: Served) -> None:
    """E20: under its name, in the model's words and order, with definition, place in the record and timing."""
    items, features = items_in(questionnaire(served, FHIR)), served.model.features
    main = [name for name in items if "." not in name]
    assert main == [*(feature.name for feature in features.asked), ALIVE_MONTHS]
    for feature in features.asked:
        one = items[feature.name]
        assert one["text"] == feature.question
        helps = {help_["linkId"]: help_["text"] for help_ in one["item"]}
        assert helps[f"{feature.name}.definition"] == feature.definition
        assert helps[f"{feature.name}.where"] == f"Where to find it: {feature.where}"
        assert helps[f"{feature.name}.timing"] == f"When: {feature.timing}"
        if feature.is_number:
            assert one["type"] == "decimal"
            assert one["required"] is (feature.since is None and feature.unknown is None)
            assert helps[f"{feature.name}.range"].startswith("A number ")
        else:
            assert (one["type"], one["required"]) == ("choice", True)
            unknown = [UNKNOWN] if feature.unknown else []
            assert codes_of(one) == [*(level.code for level in feature.levels), *unknown]
            assert {option["valueCoding"]["system"] for option in one["answerOption"]} == {
                f"{FHIR}/Questionnaire/{served.model.name}#{feature.name}"
            }
    assert (items[ALIVE_MONTHS]["type"], items[ALIVE_MONTHS]["required"]) == ("integer", False)


def test_every_item_has_a_name_of_its_own(served: Served) -> None:
    """Explanations included; and what is no question has a dot in its name."""
    form = questionnaire(served, FHIR)
    names = [one["linkId"] for one in (*form["item"], *explained(form))]
    assert len(set(names)) == len(names)
    assert {name for name in names if "." not in name} == {f.name for f in served.model.features.asked} | {ALIVE_MONTHS}
    assert all(one["type"] == "display" for one in explained(form))


def test_numbers_have_their_sides(served: Served) -> None:
    """Months that end at time zero may be dates; a number that need not be known can be said not to be."""
    items = items_in(questionnaire(served, FHIR))
    dated = [f.name for f in served.model.features.predictors if f.since is not None] + [ALIVE_MONTHS]
    dates = {f"{name}.{which}" for name in dated for which in ("begin", "end")} | {TIME_ZERO}
    assert {name for name, one in items.items() if one["type"] == "date"} == dates
    unknown = {f"{f.name}.unknown" for f in served.model.features.predictors if f.is_number and f.unknown is not None}
    assert {name for name, one in items.items() if one["type"] == "boolean"} == unknown
    assert items[TIME_ZERO]["text"].endswith(served.model.about.time_zero)
    assert all(not items[name].get("required", False) for name in dates | unknown)


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("interval_months", {"maxValue": 240.0}),
        (ALIVE_MONTHS, {"minValue": 0, "maxValue": 59}),
    ],
)
def test_limits_are_given_where_they_are_allowed_themselves(
    artefact: Artefact, name: str, limits: Mapping[str, float]
) -> None:
    """FHIR's limits are inclusive: one that is not allowed itself is left to the words."""
    one = items_in(questionnaire(prepare(artefact, english()), FHIR))[name]
    found = {extension["url"].rpartition("/")[2]: extension for extension in one["extension"]}
    assert found.pop("questionnaire-unit")["valueCoding"] == {"display": "months"}
    kind = "valueInteger" if name == ALIVE_MONTHS else "valueDecimal"
    assert {url: extension[kind] for url, extension in found.items()} == limits


def test_a_question_is_asked_in_the_strata_that_use_it(served: Served) -> None:
    """DESIGN §4: by the answer to the stratum question, for whatever stands beside the question too."""
    items, features = items_in(questionnaire(served, FHIR)), served.model.features
    for level in features.stratum.levels:
        system = f"{FHIR}/Questionnaire/{served.model.name}#{features.stratum.name}"
        answers = {features.stratum.name: {"system": system, "code": level.code}}
        asked = {name.partition(".")[0] for name, one in items.items() if enabled(one, answers)}
        unasked = {name.partition(".")[0] for name, one in items.items() if not enabled(one, answers)}
        always = {ALIVE_MONTHS, TIME_ZERO.partition(".")[0]}
        if features.only_stratum is None:
            always.add(features.stratum.name)
        assert asked == {feature.name for feature in features.used_in(level.code)} | always
        assert asked & unasked == set()


@pytest.mark.parametrize("model", ["rps-recurrence", "another"])
@pytest.mark.parametrize("turn", range(4))
def test_whoever_reads_nothing_but_the_form_can_answer_it(client: TestClient, model: str, turn: int) -> None:
    """Issue: a form filler that knows FHIR and no model; its answers are taken as they are, whichever it chooses."""
    form = client.get(f"/fhir/Questionnaire/{model}").json()
    answers: dict[str, dict[str, Any]] = {}
    filled = []
    for name, one in items_in(form).items():
        if not enabled(one, answers) or one["type"] in {"boolean", "date"}:
            continue
        if one["type"] == "choice":
            answers[name] = one["answerOption"][turn % len(one["answerOption"])]["valueCoding"]
            filled.append(item(name, valueCoding=answers[name]))
        else:
            filled.append(item(name, **{VALUE[one["type"]]: 5 + turn}))
    response = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{form['url']}|{form['version']}",
        "status": "completed",
        "subject": {"reference": SUBJECT},
        "item": [*filled, item(TIME_ZERO, valueDate=LONG_AGO)],
    }
    answered = evaluated(client, response)
    assert answered.status_code == 200, answered.text
    assert model in answered.json()["method"]["text"]
    assert problems_of([response]) == []


def test_the_forms_are_found_at_their_addresses(client: TestClient) -> None:
    """Each alone and all together, with addresses at which they are there."""
    found = client.get("/fhir/Questionnaire")
    assert (found.status_code, found.headers["content-type"]) == (200, "application/fhir+json")
    bundle = found.json()
    assert (bundle["type"], bundle["total"]) == ("searchset", 2)
    assert [entry["fullUrl"] for entry in bundle["entry"]] == [
        f"http://testserver/fhir/Questionnaire/{name}" for name in ("rps-recurrence", "another")
    ]
    for entry in bundle["entry"]:
        alone = client.get(entry["fullUrl"].removeprefix("http://testserver"))
        assert alone.headers["content-type"] == "application/fhir+json"
        assert alone.json() == entry["resource"]
    assert problems_of([bundle]) == []


def test_the_day_of_time_zero_cannot_be_a_question_of_a_model() -> None:
    """Its name has a dot, and a model whose questions have one is not served."""
    model = ANOTHER.model
    first, *others = model.features.predictors
    features = replace(model.features, predictors=(replace(first, name=TIME_ZERO), *others))
    with pytest.raises(ModelUnavailable, match="a dot in them"):
        prepare(Artefact(replace(model, features=features), {}, {}), english())


@pytest.mark.parametrize("code", ["de", "fa"])
def test_nothing_is_said_outside_the_catalogue(artefact: Artefact, code: str) -> None:
    """E33: by Accept-Language; questions, answers, explanations and what stands before them."""
    artefacts = [artefact, ANOTHER]
    language = pseudo_language(code, artefacts)
    client = TestClient(create_app(artefacts, languages=[english(), language]))
    for name in ("rps-recurrence", "another"):
        form = client.get(f"/fhir/Questionnaire/{name}", headers={"accept-language": code}).json()
        assert form["language"] == code
        options = [option["valueCoding"] for one in form["item"] for option in one.get("answerOption", ())]
        texts = [
            *(form["title"], form["description"]),
            *(one["text"] for one in (*form["item"], *explained(form))),
            *(coding["display"] for coding in options),
        ]
        assert [words for text in texts if (words := untold(text))] == []
        assert {coding["code"] for coding in options} >= {UNKNOWN}
