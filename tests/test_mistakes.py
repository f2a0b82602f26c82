"""The 14 mistakes of real public calculators (REQUIREMENTS, end), one regression test each; and no patient's way back.

Each name says what went wrong elsewhere, each test that it does not here.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Mapping
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from model.artefact import Artefact, first_difference
from model.fitted import Model
from model.patient import InvalidPatient, Patient
from model.prediction import predict
from server.entering.tables import read_csv
from server.interface.batch import answer_rows
from server.pages import answering
from server.served import prepare
from server.wording.language import english
from server.wording.refusing import of_table
from tests.invented import small_model
from tests.web import BOTH, DISTANT, LOCAL, PREDICTIONS, ask, client_of, read_page, send_form

ROOT = Path(__file__).parent.parent
MODEL = small_model()


@pytest.fixture(scope="module")
def client(artefact: Artefact) -> TestClient:
    return client_of(artefact)


def survival_at(model: Model, features: Mapping[str, Any], months: int) -> float:
    patient = Patient.parse(model.features, features)
    return next(at.estimate for at in predict(model, patient).survival if at.months == months)


@given(st.floats(0.01, 240), st.floats(0.01, 240))
def test_mistake_1_a_value_past_the_last_step_falls_through(first: float, second: float) -> None:
    """1: age 91 scored as the youngest. Over the whole hard range the estimate moves one way and never falls back."""
    low, high = sorted((first, second))
    for features in ({"pattern": "local", "resection": "no"}, {"pattern": "distant", "subtype": "lms"}):
        estimates = [survival_at(MODEL, {**features, "interval_months": x}, 36) for x in (0.01, low, high, 240.0)]
        direction = estimates[-1] - estimates[0]
        assert all((after - before) * direction >= -1e-12 for before, after in pairwise(estimates))


def test_mistake_2_a_label_that_differs_from_its_code(client: TestClient, artefact: Artefact) -> None:
    """2: label "≤60" against code "<=60". A label is refused, and what the form sends for each label is its code."""
    page = read_page(client.get("/").text)
    for feature in artefact.model.features.all:
        sent = [field.attributes["value"] for field in page.all("input", name=feature.name)]
        codes = [level.code for level in feature.levels]
        assert sent[: len(codes)] == codes or feature.is_number
        for level in feature.levels:
            label = next(e for e in page.all("label") if e.text == level.label)
            field = next(e for e in page.elements if e.attributes.get("id") == label.attributes["for"])
            assert field.attributes["value"] == level.code
            with pytest.raises(InvalidPatient):
                Patient.parse(artefact.model.features, {**LOCAL, feature.name: level.label})


def test_mistake_3_a_curve_that_is_another_times_a_constant() -> None:
    """3: "random survival forest" curves that were another curve × 1.02. Each curve is its patient's own."""
    curves = [
        predict(MODEL, Patient.parse(MODEL.features, features)).curve.estimate[1:]
        for features in (LOCAL, {**LOCAL, "resection": "no"}, DISTANT, {**DISTANT, "subtype": "ddlps"}, BOTH)
    ]
    for first, second in permutations(curves, 2):
        assert (first / second).std() > 1e-6


def test_mistake_4_features_fed_by_position(client: TestClient, artefact: Artefact) -> None:
    """4: the wrong order. In every order of members, fields and columns the answer is the same."""
    expected = ask(client, LOCAL)["survival"]
    for order in permutations(LOCAL):
        features = {name: LOCAL[name] for name in order}
        assert ask(client, features)["survival"] == expected
        assert send_form(client, features).table("figures") == send_form(client, LOCAL).table("figures")
        out = io.StringIO()
        csv.writer(out).writerows([list(features), list(features.values())])
        (row,) = answer_rows(prepare(artefact, english()), read_csv(out.getvalue()), of_table(english()))
        assert row.answer is not None
        assert row.answer["survival"] == expected


def test_mistake_5_the_sign_of_risk_turned_round(artefact: Artefact) -> None:
    """5: survival is P(T > t): a higher hazard means a lower survival, never a higher one."""
    stratum = artefact.model.strata["local"]
    names = [(term.feature, term.level) for term in stratum.terms]
    effects = dict(zip(names, stratum.coefficients.tolist(), strict=True))
    for feature, level, low, high in (("interval_months", None, 6, 60), ("resection", "yes", "no", "yes")):
        more = survival_at(artefact.model, {**LOCAL, feature: high}, 36)
        fewer = survival_at(artefact.model, {**LOCAL, feature: low}, 36)
        assert (more > fewer) == (effects[feature, level] < 0)
    prediction = predict(artefact.model, Patient.parse(artefact.model.features, LOCAL))
    for contribution in prediction.explanation.contributions:
        at_reference = {**LOCAL, contribution.feature: contribution.hazard_ratios[0].reference}
        lower = survival_at(artefact.model, LOCAL, 36) < survival_at(artefact.model, at_reference, 36)
        assert lower == (contribution.hazard_ratios[0].estimate > 1)


def test_mistake_6_a_result_before_any_entry(client: TestClient) -> None:
    """6: from a patient of zeros. Without the required answers there is no figure, in any format."""
    page = read_page(client.get("/").text)
    assert not page.all("table")
    assert not page.all("svg")
    for sent in ({"pattern": ""}, {"pattern": "local"}, {"alive_months": "0"}):
        refused = send_form(client, sent)
        assert refused.status == 422
        assert not refused.all("table")
    assert client.post(PREDICTIONS, json={"features": {}}).status_code == 422
    assert client.post(PREDICTIONS, json={}).status_code == 422


def test_mistake_7_a_shared_figure_mixes_patients_up(artefact: Artefact) -> None:
    """7: the drawing is in the page itself, and pages asked for at the same time are each their own patient's."""
    client = client_of(artefact)
    patients = [{**LOCAL, "interval_months": str(months)} for months in range(3, 63, 3)]
    alone = [send_form(client, patient) for patient in patients]
    drawings = [page.one("polyline", class_="patient").attributes["points"] for page in alone]
    assert len(set(drawings)) == len(patients)
    assert not alone[0].all("img")

    async def together() -> list[str]:
        async def one(patient: Mapping[str, Any]) -> str:
            return await asyncio.to_thread(lambda: client.post("/", data=patient).text)

        return await asyncio.gather(*(one(patient) for patient in patients))

    at_once = [
        read_page(html).one("polyline", class_="patient").attributes["points"] for html in asyncio.run(together())
    ]
    assert at_once == drawings


def test_mistake_8_a_traceback_in_the_answer(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """8: a failure is a plain page with status 500."""

    def fail(*_arguments: object) -> NoReturn:
        message = "secret"
        raise RuntimeError(message)

    monkeypatch.setattr(answering, "predict", fail)
    response = client.post("/", data=dict(BOTH))
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert read_page(response.text).one("title").text == "Error: Something went wrong"


def test_mistake_9_an_interval_of_constant_width(client: TestClient) -> None:
    """9: hard-coded at ±3.5. The width differs between times and patients, and the limits lie unevenly."""
    patients = (LOCAL, {**LOCAL, "interval_months": 120}, DISTANT, {**DISTANT, "subtype": "other"}, BOTH)
    limits = [(at["estimate"], at["lower"], at["upper"]) for p in patients for at in ask(client, p)["survival"]]
    widths = [round(upper - lower, 4) for _, lower, upper in limits]
    assert len(set(widths)) == len(widths)
    assert any(abs((upper - estimate) - (estimate - lower)) > 0.005 for estimate, lower, upper in limits)


@pytest.mark.parametrize("given", ["0", "-5", "241", "1000000"])
def test_mistake_10_a_value_rewritten_to_the_limit(client: TestClient, given: str) -> None:
    """10: silently. It is refused, named, and kept as it was typed."""
    page = send_form(client, {**LOCAL, "interval_months": given})
    assert page.status == 422
    assert page.one("input", name="interval_months").attributes["value"] == given
    refused = client.post(PREDICTIONS, json={"features": {**LOCAL, "interval_months": float(given)}})
    assert refused.status_code == 422
    assert "240" in refused.json()["problems"]["interval_months"]


def test_mistake_11_a_typo_keeps_the_previous_patients_result(client: TestClient) -> None:
    """11: a refused form shows no figure of any patient, not even after one that was answered."""
    before = send_form(client, LOCAL)
    after = send_form(client, {**LOCAL, "interval_months": "2r"})
    assert before.table("figures")
    assert after.status == 422
    assert not after.all("table")
    assert not after.all("p", class_="said")
    assert not re.search(r"\d+ (of 100|are predicted)", after.text)


@pytest.mark.parametrize("answer", ["yes", "no", "unknown"])
def test_mistake_12_a_sentence_credits_treatment_with_everybody_alive(client: TestClient, answer: str) -> None:
    """12: what an operation goes with is a difference of points, less than all who are alive, and never its doing."""
    answered = ask(client, {**LOCAL, "resection": answer})
    explanation = answered["explanation"]
    alive = round(100 * explanation["survival"])
    credited = []
    for sentence in explanation["sentences"]:
        assert not re.search(r"\b(because|thanks to|due to|benefit|saved|gained?|help)", sentence, re.IGNORECASE)
        credited += re.findall(r"resection of the recurrence.* goes with (\d+) (?:more|fewer)", sentence)
    assert len(credited) == (answer != "unknown")
    assert all(int(points) < alive for points in credited)
    assert any("selected for it" in caution["text"] for caution in explanation["cautions"])
    assert "not causes" in explanation["statement"]


@pytest.mark.parametrize("off", [-1e-6, 1e-6])
def test_mistake_13_a_check_of_the_signed_difference(off: float) -> None:
    """13: too low always passed. A golden pair is not met when it is off to either side."""
    assert first_difference({"survival": [0.5]}, {"survival": [0.5 + off]}) is not None
    assert first_difference({"survival": [0.5]}, {"survival": [0.5]}) is None


def test_mistake_14_patient_rows_inside_the_app(artefact_folder: Path) -> None:
    """14: no table, archive or pickle in what the server needs, and a monthly grid in the model rather than times."""
    shipped = [path for name in ("model", "server", "templates") for path in (ROOT / name).rglob("*") if path.is_file()]
    kinds = {path.suffix for path in shipped if "__pycache__" not in path.parts}
    assert kinds <= {".py", ".html", ".txt", ".css", ".svg", ".js", ".po"}
    for stratum in MODEL.strata.values():
        assert stratum.months.tolist() == list(range(stratum.last_month + 1))
    assert {path.name for path in artefact_folder.iterdir()} == {
        *("model.json", "card.json", "golden.json", "manifest.json", "estimators.joblib", "specification.toml"),
    }
