"""A different patient beside this one: of the same stratum, in stated answers, with everything that forbids a cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from model.artefact import Artefact
from tests.web import BOTH, DISTANT, LOCAL, Page, another_artefact, ask, client_of, read_page


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> Iterator[TestClient]:
    with client_of(artefact) as found:
        yield found


def compared(client: TestClient, features: Mapping[str, Any], **other: object) -> Page:
    fields = {**features, **{f"other.{name}": value for name, value in other.items()}}
    response: Response = client.post("/", data={name: str(value) for name, value in fields.items()})
    return read_page(response.text, response.status_code)


def refused(page: Page) -> str:
    """Why there is no different patient to show; the result of this one is there all the same."""
    assert page.status == 200
    assert page.table("figures")
    assert not page.all("table", class_="both")
    return page.one("div", role="alert").text


def test_both_sides_are_predictions_of_their_own_patient(client: TestClient) -> None:
    """E24: the other side is what that patient would get alone, at every time, with its interval."""
    page = compared(client, LOCAL, resection="no", interval_months="6")
    alone = compared(client, {**LOCAL, "resection": "no", "interval_months": 6})
    rows, ours = page.table("both"), page.table("figures")
    theirs = alone.table("figures")
    assert [row[:3] for row in rows] == [row[:3] for row in ours]
    assert [[row[0], *row[3:]] for row in rows] == [row[:3] for row in theirs]
    heading = page.one("h3", within="compared").text
    assert heading.startswith("The prediction for a different patient with ")
    assert "no resection of the recurrence and none planned" in heading
    assert "6 months" in heading


def test_an_unknown_answer_can_differ_too(client: TestClient) -> None:
    """E17: "unknown" is an answer like others."""
    page = compared(client, DISTANT, subtype="unknown")
    assert "“Histologic subtype” not known" in page.one("h3", within="compared").text
    expected = ask(client, {**DISTANT, "subtype": "unknown"})["survival"]
    assert [row[3] for row in page.table("both")] == [f"{at['estimate'] * 100:.0f}" for at in expected]


def test_the_same_patient_is_no_comparison(client: TestClient) -> None:
    """Two equal columns would look like a finding."""
    assert "no answer differs" in refused(compared(client, LOCAL, resection="yes"))
    assert "no answer differs" in refused(compared(client, LOCAL, resection=""))


def test_an_answer_of_another_pattern_is_refused(client: TestClient) -> None:
    """Two patterns have different questions, so nothing would be held equal."""
    for name, value, label in (
        ("pattern", "distant", "Where it came back"),
        ("subtype", "lms", "Histologic subtype"),
        ("age", "60", "age"),
    ):
        assert f"“{label}” is not a field" in refused(compared(client, LOCAL, **{name: value}))


def test_an_answer_given_twice_is_not_chosen_from(client: TestClient) -> None:
    """E21: of two different values none is taken; the same one twice is no conflict."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    text = "pattern=local&interval_months=24&resection=yes&other.interval_months=5&other.interval_months=9"
    assert "5; 9" in refused(read_page(client.post("/", content=text, headers=form).text))
    same = read_page(client.post("/", content=text.replace("=9", "=5"), headers=form).text)
    assert same.table("both")


def test_a_wrong_number_is_named_and_kept(client: TestClient) -> None:
    """E18: the range is named, the field says so, and what was typed stands there still."""
    page = compared(client, LOCAL, interval_months="300")
    assert "240" in refused(page)
    field = page.one("input", name="other.interval_months")
    assert field.attributes["value"] == "300"
    assert field.attributes["aria-invalid"] == "true"


def test_without_predictors_there_is_nobody_to_compare_with(client: TestClient) -> None:
    """Everybody with this pattern gets the same estimate."""
    assert not compared(client, BOTH).all("details", class_="comparison")


def test_any_model_can_be_compared(artefact: Artefact) -> None:
    """DESIGN §4: the questions come from the features, whatever they are."""
    with client_of(artefact, another_artefact()) as client:
        patient = {"model": "another", "kind": "invented", "size": 50, "grade": "g3", "site": "there"}
        assert compared(client, patient, grade="g2").table("both")
