"""Forms that cannot be answered: each problem named at its field, all kept as it was typed, nothing predicted."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from model.artefact import Artefact
from server.entering.bodies import LARGEST_BODY
from tests.web import BOTH, LOCAL, client_of, read_page, send_form


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


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
    """Access: title "Error:", summary first with links, the message at each field tied to it (and to its dates)."""
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
        assert len([e for e in tied if e.attributes.get("type") != "date"]) == 1
        assert len({e.attributes.get("name", e.attributes["id"]).partition(".")[0] for e in tied}) == 1
        assert {e.attributes["aria-invalid"] for e in tied} == {"true"}


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
    assert [script.text for script in page.all("script")] == [""]
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
