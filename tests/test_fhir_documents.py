"""A prediction as an Observation or as a document, for records that take no RiskAssessment."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from model.artefact import Artefact
from model.prediction import Horizon
from server.fhir.document_reference import document_reference
from server.fhir.observation import observation
from server.fhir.risk_assessment import risk_assessment
from server.fhir.saying import Said
from server.served import Served, prepare
from server.wording.language import english
from tests.pseudo import pseudo_language, untold
from tests.responses import SUBJECT, said_of
from tests.validators import problems_of
from tests.web import BOTH, LOCAL, ONE_OF_EACH, another_artefact

ROOT = Path(__file__).parent.parent
PERCENT = {"unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
BASIS = (
    "Condition/1",
    "Observation/2",
    "https://ehr.example/fhir/Observation/3/_history/4",
    "Procedure/5",
    "QuestionnaireResponse/6",
)
ANOTHER: Mapping[str, Any] = {"size": "unknown", "grade": "g2", "site": "here"}


@pytest.fixture(scope="module")
def served(artefact: Artefact) -> Served:
    return prepare(artefact, english())


def quantities(resource: Mapping[str, Any]) -> list[float]:
    """The figures of the parts of an observation, in percent."""
    found = [part["valueQuantity"] for part in resource["component"]]
    assert all(quantity == {"value": quantity["value"], **PERCENT} for quantity in found)
    return [quantity["value"] for quantity in found]


def test_both_pass_every_validator(served: Served) -> None:
    """RA1, for the other two: with and without sources, an interval and time that has passed, of another disease."""
    another = prepare(another_artefact(), english())
    # The package fhir takes an address with a version for one of another kind.
    basis = [address for address in BASIS if "_history" not in address]
    said = [
        *(said_of(served, asked, alive, basis=basis) for asked in ONE_OF_EACH for alive in (0, 40)),
        said_of(another, ANOTHER),
        said_of(served, BOTH, survival=[Horizon(36, 0.5, None, None)], by_hand=("a: b",)),
    ]
    resources = [resource for one in said for resource in (observation(one), document_reference(one, b"%PDF-1.7"))]
    assert problems_of(resources) == []


@pytest.mark.parametrize("alive", [0, 13])
def test_an_observation_has_the_figures_of_the_assessment(served: Served, alive: int) -> None:
    """RA2, RA4, RA5, RA7, RA8 for the fallback: the headline risk as its value, and a part for each figure."""
    said = said_of(served, LOCAL, alive)
    resource, assessed = observation(said), risk_assessment(said)
    risks = {one["outcome"]["text"]: one["probabilityDecimal"] for one in assessed["prediction"]}
    events, estimates = list(risks), list(risks.values())
    assert resource["status"] == "preliminary"
    assert resource["subject"] == {"reference": SUBJECT}
    assert resource["effectiveDateTime"] == ("2016-02-29" if alive else "2015-01-31")
    assert resource["issued"] == said.receipt.time
    assert (resource["identifier"], resource["method"]) == (assessed["identifier"], assessed["method"])
    assert (resource["device"], resource["contained"]) == (assessed["performer"], assessed["contained"])
    headline = events[-2]
    assert "3 years" in headline
    assert resource["code"]["text"].endswith(f"Predicted probability: {headline}")
    assert resource["valueQuantity"] == {"value": risks[headline], **PERCENT}
    found = quantities(resource)
    assert found[::3] == estimates
    assert all(
        lower < estimate < upper for estimate, lower, upper in zip(*(found[i::3] for i in range(3)), strict=True)
    )
    kinds = ("Predicted probability: ", "Lower limit of the 95 % interval of", "Upper limit of the 95 % interval of")
    for place, part in enumerate(resource["component"]):
        assert part["code"]["text"].startswith(kinds[place % 3])
        assert part["code"]["text"].endswith(events[place // 3])
    noted = [note["text"] for note in resource["note"]]
    assert noted[: len(events)] == [one["rationale"] for one in assessed["prediction"]]
    assert noted[len(events) :] == [note["text"] for note in assessed["note"]]


def test_limits_that_there_are_not_say_why(served: Served) -> None:
    """E10: a part without a value gives the reason, in a code and in words."""
    resource = observation(said_of(served, BOTH, survival=[Horizon(36, 0.575, None, None)]))
    estimate, *limits = resource["component"]
    assert estimate["valueQuantity"]["value"] == 42.5 == resource["valueQuantity"]["value"]
    assert len(limits) == 2
    for part in limits:
        assert "valueQuantity" not in part
        assert part["dataAbsentReason"]["coding"][0]["code"] == "unknown"
        assert part["dataAbsentReason"]["text"] == "no 95 % interval, because too little is known for one"


def test_an_observation_is_derived_from_what_it_may_be_and_notes_the_rest(served: Served) -> None:
    """RA6: R4 names the kinds of resources that an Observation can be derived from; none is lost."""
    resource = observation(said_of(served, LOCAL, basis=BASIS))
    assert resource["derivedFrom"] == [{"reference": BASIS[place]} for place in (1, 2, 4)]
    assert "Values of these resources were used as well: Condition/1, Procedure/5." in [
        note["text"] for note in resource["note"]
    ]
    without = observation(said_of(served, LOCAL))
    assert "derivedFrom" not in without
    assert "were used as well" not in str(without["note"])


def test_a_document_carries_the_pdf_and_what_it_is(served: Served) -> None:
    """RA10's way out: the file itself, preliminary, with its receipt, its sources and the headline in words."""
    said, pdf = said_of(served, LOCAL, 13, basis=BASIS), bytes(range(256)) * 50
    resource, assessed = document_reference(said, pdf), risk_assessment(said)
    assert (resource["status"], resource["docStatus"]) == ("current", "preliminary")
    assert resource["type"] == {"text": "Predicted survival of one patient"}
    assert resource["subject"] == {"reference": SUBJECT}
    assert resource["date"] == said.receipt.time
    assert [resource["masterIdentifier"]] == assessed["identifier"]
    assert resource["author"] == [assessed["performer"]]
    assert resource["contained"] == assessed["contained"]
    assert resource["context"] == {"related": [{"reference": address} for address in BASIS]}
    assert resource["description"].startswith(assessed["prediction"][-2]["rationale"])
    (content,) = resource["content"]
    attachment = content["attachment"]
    assert b64decode(attachment["data"], validate=True) == pdf
    assert (attachment["contentType"], attachment["size"]) == ("application/pdf", len(pdf))
    assert attachment["creation"] == said.receipt.time
    assert attachment["title"].startswith(served.model.about.title)
    assert "context" not in document_reference(said_of(served, LOCAL), pdf)


def test_nothing_is_said_outside_the_catalogue(artefact: Artefact) -> None:
    """E33, for the other two."""
    language = pseudo_language("de", [artefact])
    said = said_of(prepare(artefact, language), LOCAL, 6, basis=["1/2", "Condition/3"], by_hand=("1: 2",))
    names = [said.receipt.id, artefact.model.name, artefact.model.digest, language.moment(said.receipt.time)]
    texts = [*texts_of_observation(said), *texts_of_document(said)]
    assert len(texts) > 20
    assert [words for text in texts if (words := untold(text, [*names, "Condition"]))] == []


def texts_of_observation(said: Said) -> list[str]:
    resource = observation(said)
    codes = [part["code"]["text"] for part in resource["component"]]
    return [resource["code"]["text"], resource["method"]["text"], *codes, *(note["text"] for note in resource["note"])]


def texts_of_document(said: Said) -> list[str]:
    resource = document_reference(said, b"")
    return [resource["type"]["text"], resource["description"], resource["content"][0]["attachment"]["title"]]


def test_who_asks_nothing_of_a_record_does_not_load_its_library() -> None:
    """It is large, and a server of the form alone starts without it."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "server/fhir").glob("[!_]*.py")
    ]
    program = f"import sys, server.application, {', '.join(modules)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {name for name in loaded.stdout.split() if name.split(".")[:2] == ["fhir", "resources"]} == set()
