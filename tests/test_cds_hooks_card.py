"""The card of CDS Hooks: that there is a form, which questions the record may answer, and nothing more."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

import server.hooks.service as hooks
from model.artefact import Artefact
from model.patient import Patient
from model.prediction import predict
from model.rounding import percent
from server.hooks.card import LONGEST_SUMMARY, shortened
from server.wording.language import read_language, released
from tests.hook_client import (
    ADDRESS,
    ANNA,
    OUTCOME,
    SERVICE,
    Asking,
    Document,
    about,
    asking,
    body,
    bundle,
    concept,
    members_of,
    operation,
    primary,
    whole,
    withdrawn,
)
from tests.pseudo import pseudo_language, untold
from tests.web import LOCAL

HOOKS = Path(hooks.__file__).parent


@pytest.fixture(scope="module")
def ehr(artefact: Artefact) -> Asking:
    """An EHR on the list, whose own server must not be asked."""
    return asking(artefact)


@pytest.mark.parametrize(
    "conditions",
    [
        bundle(),
        bundle(primary()),
        bundle(about("Condition", "other", code=concept("http://snomed.info/sct", "38341003", "Hypertension"))),
    ],
    ids=["none", "only the first tumour", "another disease"],
)
def test_ch03_no_guidance_is_an_empty_list(ehr: Asking, conditions: Document) -> None:
    """CH3: 200 and no cards, where the record does not tell of the disease having come back."""
    answer = ehr.post(body(prefetch=whole() | {"conditions": conditions}))
    assert (answer.status_code, answer.json()) == (200, {"cards": []})


@pytest.mark.parametrize("dead", [{"deceasedBoolean": True}, {"deceasedDateTime": "2024-01-01"}])
def test_ch03_nothing_is_foretold_of_the_dead(ehr: Asking, dead: Document) -> None:
    """CH3: the form estimates how long a patient may live."""
    assert ehr.cards(body(prefetch=whole() | {"patient": ANNA | dead})) == []
    assert len(ehr.cards(body(prefetch=whole() | {"patient": ANNA | {"deceasedBoolean": False}}))) == 1


@pytest.mark.parametrize(("years", "day", "cards"), [(17, "-12-31", 0), (19, "-01-01", 1), (17, "", 0), (18, "", 1)])
def test_ch03_nothing_is_foretold_of_those_too_young(ehr: Asking, years: int, day: str, cards: int) -> None:
    """CH3, E27: under 18 today is under 18 when the disease came back; of a year the first day counts."""
    born = f"{datetime.now(UTC).year - years}{day}"
    assert len(ehr.cards(body(prefetch=whole() | {"patient": ANNA | {"birthDate": born}}))) == cards


def test_ch05_a_card_says_whom_the_model_is_not_for(ehr: Asking, artefact: Artefact) -> None:
    """CH5, E27: before anybody opens the form for nothing."""
    (card,) = ehr.cards()
    assert [group for group in artefact.model.about.not_for if group not in card["detail"]] == []


def test_ch03_a_withdrawn_model_gives_no_card(artefact: Artefact) -> None:
    """CH3: it must no longer be used; the EHR still gets an answer that it understands."""
    assert asking(withdrawn(artefact)).cards() == []


def test_ch05_a_card_has_what_a_card_must_have(ehr: Asking, artefact: Artefact) -> None:
    """CH5: summary under 140 characters, indicator, source.label; a uuid of its own each time."""
    one, other = ehr.cards() + ehr.cards()
    assert 0 < len(one["summary"]) < 140
    assert one["indicator"] == "info"
    assert artefact.model.about.title in one["source"]["label"]
    assert one["source"]["url"] == f"{ADDRESS}/model?model={SERVICE}"
    assert UUID(one["uuid"]) != UUID(other["uuid"])
    assert {**one, "uuid": ""} == {**other, "uuid": ""}


def test_ch05_a_summary_is_short_in_every_language(artefact: Artefact) -> None:
    """CH5: in those that are released, and in one whose words are half as long again."""
    languages = [*map(read_language, released()), pseudo_language("de", [artefact]), pseudo_language("fa", [artefact])]
    ehr = asking(artefact, languages=languages)
    assert len(languages) > 2
    for language in languages:
        (card,) = ehr.cards(accept_language=language.code)
        assert 0 < len(card["summary"]) < 140


@pytest.mark.parametrize("title", ["Survival " * 40, "S" * 300, "A title that fits"])
def test_ch05_a_long_title_is_cut(artefact: Artefact, title: str) -> None:
    """CH5: a hospital's own model may be called anything; it is cut between two words where there are any."""
    own = replace(artefact, model=replace(artefact.model, about=replace(artefact.model.about, title=title.strip())))
    (card,) = asking(own).cards()
    assert 0 < len(card["summary"]) < 140
    assert card["summary"].endswith("…") == (len(title) > LONGEST_SUMMARY)
    assert shortened("a" * 139) == "a" * 139
    assert shortened(f"{'a' * 100} {'b' * 100}") == f"{'a' * 100}…"
    assert len(shortened("a" * 140)) == 139


def test_ch06_nothing_is_suggested(ehr: Asking) -> None:
    """CH6: no suggestions, and so no selectionBehavior."""
    (card,) = ehr.cards()
    assert not {"suggestions", "selectionBehavior"} & set(card)


def test_ch07_the_link_launches_the_form(ehr: Asking) -> None:
    """CH7: label, url and type; no appContext on anything that is not a launch."""
    (card,) = ehr.cards()
    (link,) = card["links"]
    assert {**link, "label": ""} == {"label": "", "url": f"{ADDRESS}/launch", "type": "smart"}
    assert link["label"]


PREFETCHES: dict[str, Document] = {
    "everything": {},
    "the conditions alone": dict.fromkeys(("patient", "procedures", "observations")),
    "not the operations": {"procedures": OUTCOME},
    "in conflict": {"procedures": bundle(operation("one", "2021-06-07"), operation("two", "2022-06-07"))},
    "no patient": {"patient": OUTCOME},
}


@pytest.mark.parametrize("changes", PREFETCHES.values(), ids=PREFETCHES.keys())
def test_ch08_no_reasons_are_asked_for_where_nothing_can_be_overridden(ehr: Asking, changes: Document) -> None:
    """CH8: reasons would need code, system and display; a card that suggests nothing has none."""
    (card,) = ehr.cards(body(prefetch=whole() | changes))
    assert not [place for place, _ in members_of(card) if "override" in place.lower()]


@pytest.mark.parametrize("changes", PREFETCHES.values(), ids=PREFETCHES.keys())
def test_ch15_a_card_does_nothing_by_itself(ehr: Asking, changes: Document) -> None:
    """CH15: no systemActions, nothing that launches by itself, and never more than information."""
    answer = ehr.post(body(prefetch=whole() | changes)).json()
    assert set(answer) == {"cards"}
    (card,) = answer["cards"]
    assert card["indicator"] == "info"
    assert not [place for place, _ in members_of(answer) if re.search("autolaunch|systemAction", place)]


def test_ch16_a_card_shows_no_figure(ehr: Asking, artefact: Artefact) -> None:
    """CH16: nothing is predicted for it, and no survival figure stands in it, however much the record holds."""
    (card,) = ehr.cards()
    said = json.dumps(card, ensure_ascii=False)
    for text in (artefact.model.about.made_from, *artefact.model.about.not_for):
        said = said.replace(text, "")
    assert "%" not in said
    assert set(re.findall(r"\d+", said.replace(card["uuid"], "").replace(artefact.model.version, ""))) <= {"100"}
    survival = predict(artefact.model, Patient.parse(artefact.model.features, LOCAL)).survival
    assert not [one for one in survival if f" {percent(one.estimate)} " in said]
    for path in HOOKS.glob("*.py"):
        imported = {node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
        assert not imported & {"model.prediction", "model.survival", "server.wording.telling"}, path


def test_ch16_a_card_says_which_questions_and_never_which_answers(ehr: Asking, artefact: Artefact) -> None:
    """CH16, E21: the labels of questions, not what the record says; and that each answer is to be confirmed."""
    (card,) = ehr.cards()
    labels = {feature.name: feature.label for feature in artefact.model.features.all}
    found = card["detail"].split("\n\n")[2]
    assert labels["pattern"] in found
    assert labels["interval_months"] in found
    assert "confirmed" in found
    told = json.dumps(card, ensure_ascii=False)
    answers = [level.label for feature in artefact.model.features.all for level in feature.levels]
    of_record = ["anna", "Anna", "Example", "Spread", "2023", "2021-06", "Removal", "lung", "8890", "Condition/"]
    assert not [text for text in (*answers, *of_record) if text in told]


def test_ch16_what_is_in_conflict_is_named_and_nothing_is_chosen(ehr: Asking, artefact: Artefact) -> None:
    """CH16, E21: the record says two different things about one question."""
    label = next(one.label for one in artefact.model.features.all if one.name == "interval_months")
    two = bundle(operation("one", "2021-06-07"), operation("two", "2022-06-07"))
    (card,) = ehr.cards(body(prefetch=whole() | {"procedures": two}))
    (conflict,) = [text for text in card["detail"].split("\n\n") if "different things" in text]
    assert label in conflict
    assert label not in card["detail"].replace(conflict, "")
    assert "chooses none" in conflict


def test_ch16_a_card_without_findings_says_so(ehr: Asking) -> None:
    """CH16: the form can be filled in by hand."""
    bare = about(
        "Condition",
        "bare",
        code=concept("http://hl7.org/fhir/sid/icd-10", "C48.0", "Sarcoma"),
        extension=[
            {
                "url": "http://hl7.org/fhir/StructureDefinition/condition-occurredFollowing",
                "valueReference": {"reference": "Condition/first"},
            }
        ],
    )
    (card,) = ehr.cards(
        body(
            prefetch={"patient": ANNA, "conditions": bundle(primary(), bare), "procedures": None, "observations": None}
        )
    )
    assert "none of the questions" in card["detail"]


def test_a_card_speaks_the_readers_language(artefact: Artefact) -> None:
    """E33, E34: every word of it comes from the catalogue."""
    english, german = read_language("en"), pseudo_language("de", [artefact])
    ehr = asking(artefact, languages=[english, german])
    allowed = [artefact.model.name, artefact.model.version]
    (card,) = ehr.cards(accept_language="de")
    (in_english,) = ehr.cards(accept_language="fr")
    for text in (card["summary"], card["detail"], card["source"]["label"], card["links"][0]["label"]):
        assert not untold(text, allowed)
    assert "A form for this patient" in in_english["summary"]
    service = ehr.client.get("/cds-services", headers={"accept-language": "de"}).json()["services"][0]
    for name in ("title", "description", "usageRequirements"):
        assert not untold(service[name])
    problems = ehr.post({}, accept_language="de").json()["problems"]
    assert not [
        text
        for text in problems.values()
        if untold(text, ["hook", "Instance", "context", "userId", "patientId", "patient-view"])
    ]
