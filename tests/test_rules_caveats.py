"""What must stand beside the figures, in every format: whom they are from, what is unknown, what is unusual."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact
from model.document import read_model
from model.fitted import Support
from server.pages.files import MEDIA_TYPES
from tests import invented
from tests.renderings import compact, everything
from tests.web import (
    BOTH,
    DISTANT,
    LOCAL,
    ONE_OF_EACH,
    ask,
    client_of,
    read_page,
    send_form,
)

OF_SMALL = {"kind": "invented", "size": 50, "grade": "g3", "site": "there"}


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> Iterator[TestClient]:
    with client_of(artefact) as opened:
        yield opened


def registry_artefact(patients: int, deaths: int) -> Artefact:
    """A model fitted on so many patients of a registry."""
    stratum = replace(invented.stratum(7), support=Support(patients=patients, deaths=deaths, source="registry"))
    return Artefact(read_model(invented.document(stratum), "3" * 64), {}, {})


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_three_kinds_of_uncertainty_are_told_apart(client: TestClient, features: Mapping[str, Any]) -> None:
    """E11: which of the 100; how sure the estimate is; whom it was made from, each in its own words."""
    found = everything(client, features)
    asked = ["Which of the 100?", "How sure?", "From whom?"]
    told = dict(zip(found.page.texts("dt", within="sure"), found.page.texts("dd", within="sure"), strict=True))
    assert list(told) == asked
    assert len(set(told.values())) == 3
    assert "Nobody can know" in told[asked[0]]
    assert "95 % interval" in told[asked[1]]
    assert found.json["support"]["text"] in told[asked[2]]
    for text in (found.note, found.pdf):
        for words in (
            told[asked[0]],
            found.json["support"]["text"],
            found.json["statements"]["made_from"],
            "95 % interval",
        ):
            assert compact(words) in compact(text)
    for words in ("They cannot say where among the 100 you are", "The numbers may be wrong", "a computer model"):
        assert words in found.plain.text


def test_the_method_is_one_click_away_and_closed(client: TestClient) -> None:
    """E12: method, level and what the interval leaves out, in a box that opens; whole in JSON and on paper."""
    found = everything(client, LOCAL)
    boxes = [text for text in found.page.texts("details") if "log-log" in text]
    assert len(boxes) == 1
    for sentence in found.json["statements"]["method"]:
        assert sentence in boxes[0]
        assert compact(sentence) in compact(found.pdf)
    told = " ".join(found.json["statements"]["method"])
    assert all(words in told for words in ("95 %", "Rubin", "leaves out"))
    assert not [details for details in found.page.all("details") if "open" in details.attributes]


@pytest.mark.parametrize("features", ONE_OF_EACH)
def test_support_and_validation_stand_beside_the_figures(client: TestClient, features: Mapping[str, Any]) -> None:
    """E14, E15: after the headline figures and before the explanation; in the note, in JSON and on paper too."""
    found = everything(client, features)
    number = str(found.json["support"]["patients"])
    assert number in {"219", "146", "43"}
    order = ('class="figures"', 'class="sure"', 'id="why-title"')
    places = [found.page.html.index(words) for words in order]
    assert places == sorted(places)
    told = found.page.texts("dd", within="sure")[2]
    assert f"{number} patients" in told
    assert found.json["statements"]["validation"] in told
    for text in (found.note, found.pdf):
        for words in (found.json["support"]["text"], found.json["statements"]["validation"]):
            assert compact(words) in compact(text)


@pytest.mark.parametrize(("patients", "deaths"), [(9, 7), (15, 8), (19, 12), (20, 12)])
def test_few_patients_of_a_registry_are_hidden_or_warned_of_in_every_format(patients: int, deaths: int) -> None:
    """E14: a count below 10 stands nowhere; under 20 patients every format warns, from 20 on none does."""
    found = everything(client_of(registry_artefact(patients, deaths)), OF_SMALL)
    shown = found.json["support"]
    assert (shown["patients"], shown["deaths"]) == (
        patients if patients >= 10 else None,
        deaths if min(patients, deaths) >= 10 else None,
    )
    for text in (found.page.text, found.note, found.pdf, shown["text"]):
        support = re.search(r"The\s+estimate\s+rests\s+on[^.]*\.", text)
        assert support is not None
        counts = set(re.findall(r"\d+", support[0]))
        assert counts == {str(n) for n in (patients, deaths) if min(n, patients) >= 10} | (
            {"10"} if deaths < 10 else set()
        )
    warned = "Fewer than 20 patients with an invented kind were there to learn from"
    for text in (found.page.text, found.note, found.pdf, found.csv, str(found.json["warnings"])):
        assert (compact(warned) in compact(text)) == (patients < 20)
    assert bool(found.plain.texts("p", class_="caution")) or patients >= 20


@pytest.mark.parametrize(
    ("known", "name", "values", "label"),
    [
        ({"pattern": "local", "interval_months": 24}, "resection", ["yes", "no"], "Resection of the recurrence"),
        (
            {"pattern": "distant", "interval_months": 5},
            "subtype",
            ["ddlps", "lms", "ups_mpnst", "other"],
            "Histologic subtype",
        ),
    ],
)
def test_an_unknown_is_named_handled_and_ranged_in_every_format(
    client: TestClient, known: Mapping[str, Any], name: str, values: list[str], label: str
) -> None:
    """E17: and the range is that of the predictions for each of its values, asked one by one."""
    found = everything(client, {**known, name: "unknown"}, 3)
    (unknown,) = found.json["unknown"]
    at = found.json["explanation"]["horizon_months"]
    alone = [
        next(
            horizon["estimate"]
            for horizon in ask(client, {**known, name: value}, alive_months=3)["survival"]
            if horizon["months"] == at
        )
        for value in values
    ]
    assert (unknown["lowest"], unknown["highest"]) == pytest.approx((min(alone), max(alone)), rel=1e-12)
    assert (values.index(unknown["lowest_value"]), values.index(unknown["highest_value"])) == (
        alone.index(min(alone)),
        alone.index(max(alone)),
    )
    for text in (found.page.one("div", class_="unknown").text, found.note, found.pdf):
        for words in (f"Not known: {label}.", unknown["handling"], unknown["text"]):
            assert compact(words) in compact(text)
    assert "Some facts that count are not known yet" in found.plain.text
    assert "not known yet" not in everything(client, {**known, name: values[1]}, 3).plain.text
    other = everything(client, {**known, name: values[0]}, 3, **{f"other.{name}": "unknown"})
    assert not other.json["unknown"]
    assert unknown["text"] in other.page.one("div", class_="compared").text
    assert unknown["handling"] in other.page.one("div", class_="compared").text


SOFT = [
    ({**LOCAL, "interval_months": 200}, 3, "outside 3 to 140", {"other.resection": "no"}),
    ({**DISTANT, "interval_months": 100}, 0, "outside 2 to 84", {"other.subtype": "other"}),
    (LOCAL, 0, "is settled only some time after", {"other.interval_months": "30"}),
]


@pytest.mark.parametrize(("features", "alive", "says", "other"), SOFT)
def test_a_warning_stands_on_every_format(
    client: TestClient, features: Mapping[str, Any], alive: int, says: str, other: dict[str, str]
) -> None:
    """E18: page, note, paper, JSON, CSV, the row of a table, and in plain words; once beside a different patient."""
    found = everything(client, features, alive, **other)
    (text,) = [warning["text"] for warning in found.json["warnings"] if says in warning["text"]]
    for where in (
        " ".join(found.page.texts("p", class_="warning")),
        found.note,
        found.pdf,
        found.csv.replace('""', '"'),
    ):
        assert compact(text) in compact(where)
    assert found.plain.texts("p", class_="caution")
    assert text not in found.page.one("div", class_="compared").text
    usual = everything(client, {**BOTH})
    assert not usual.json["warnings"]
    assert not usual.plain.texts("p", class_="caution")


def test_a_warning_about_the_different_patient_stands_beside_that_patient(client: TestClient) -> None:
    """E18, E24: and not beside this one, whom it does not concern."""
    found = everything(client, LOCAL, 3, **{"other.interval_months": "2"})
    assert not found.json["warnings"]
    (warning,) = found.page.texts("p", class_="warning")
    assert "outside 3 to 140" in warning
    assert "different patient" in warning
    assert warning in found.page.one("div", class_="compared").text


@pytest.mark.parametrize("given", ["0", "240.5", "1e9", "7,5", "NaN", "abc"])
def test_a_hard_limit_refuses_in_every_format(client: TestClient, given: str) -> None:
    """E18, E16: nothing is predicted and the allowed range is named, wherever it is asked, of the other patient too."""
    fields = {**LOCAL, "interval_months": given, "clinician": "seen"}
    for address in ("/", "/fragment", "/patient", *(f"/download/{name}" for name in MEDIA_TYPES)):
        response = client.post(address, data=fields)
        assert response.status_code == 422, address
        page = read_page(response.text)
        assert "at most 240" in page.one("p", class_="problem").text
        assert not page.all("table") + page.all("svg")
    page = send_form(client, LOCAL, **{"other.interval_months": given})
    assert page.status == 200
    assert "at most 240" in page.one("b", class_="problem").text
    assert not page.all("div", class_="compared")
    assert page.one("input", name="other.interval_months").attributes["value"] == given


@pytest.mark.parametrize("address", ["/", "/fragment", "/patient", *(f"/download/{name}" for name in MEDIA_TYPES)])
def test_no_format_predicts_before_the_answers_are_there(client: TestClient, address: str) -> None:
    """E16, mistake 6: an empty form, and one with an answer missing, have no figure anywhere."""
    for fields in ({}, {"pattern": "local"}, {"pattern": "distant", "interval_months": "5"}):
        response = client.post(address, data={**fields, "clinician": "seen"})
        assert response.status_code == 422
        page = read_page(response.text)
        assert not page.all("table") + page.all("svg")
        assert not re.search(r"\d (is|are) predicted", page.text)
