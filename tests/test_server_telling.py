"""What is said of one prediction, and what is kept back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from model.fitted import Support
from model.patient import Patient, Problem
from model.prediction import Horizon, predict
from model.rounding import whole
from server.wording.language import english
from server.wording.refusing import LONGEST_ECHO, at_form, echo, of_json, of_table, problem_sentences
from server.wording.telling import says_nothing, shown_support, support_sentence, tell
from tests.invented import small_model, valid_inputs

MODEL = small_model()


@given(valid_inputs())
def test_at_most_three_sentences_and_points_that_add_up(inputs: dict[str, Any]) -> None:
    """E22: within half a point of each, and together exactly the difference of the two whole figures shown."""
    patient = Patient.parse(MODEL.features, inputs["features"], alive_months=inputs["alive_months"])
    prediction = predict(MODEL, patient)
    told, explanation = tell(english(), MODEL, prediction), prediction.explanation
    assert 1 <= len(told.sentences) <= 3
    if explanation.contributions:
        assert sum(told.whole_points) == whole(explanation.survival) - whole(explanation.reference_survival)
        exact = sum(contribution.points for contribution in explanation.contributions)
        shown = 100 * (explanation.survival - explanation.reference_survival)
        assert exact == pytest.approx(shown, abs=0.5)


@given(valid_inputs())
def test_every_unknown_is_told(inputs: dict[str, Any]) -> None:
    """E17: each one, with its handling."""
    patient = Patient.parse(MODEL.features, inputs["features"], alive_months=inputs["alive_months"])
    told = tell(english(), MODEL, predict(MODEL, patient))
    assert [unknown.feature for unknown in told.unknown] == list(patient.unknown)
    assert all(unknown.handling for unknown in told.unknown)


@pytest.mark.parametrize(
    ("support", "shown"),
    [
        (Support(9, 9, "registry"), (None, None)),
        (Support(10, 9, "registry"), (10, None)),
        (Support(40, 12, "registry"), (40, 12)),
        (Support(9, None, "published"), (9, None)),
    ],
)
def test_small_numbers_of_a_registry_are_hidden(support: Support, shown: tuple[int | None, int | None]) -> None:
    """E14: hidden below 10; a published number is public already."""
    assert shown_support(support) == shown
    sentence = support_sentence(english(), support, "a recurrence")
    assert ("fewer than 10" in sentence) == (None in shown and support.source == "registry")


def test_deaths_that_are_not_known_are_not_told_as_few() -> None:
    """Not known is not the same as too few to show."""
    assert "died" not in support_sentence(english(), Support(40, None, "registry"), "a recurrence")
    assert "of whom fewer than 10 died" in support_sentence(english(), Support(40, 9, "registry"), "a recurrence")


def test_problems_come_in_the_order_of_the_questions() -> None:
    """So that the summary is read beside the form; strangers come last."""
    problems = {name: Problem("unknown_field", allowed={"fields": []}) for name in ("zzz", "alive_months", "pattern")}
    assert list(problem_sentences(problems, MODEL.features, "then", of_json(english()))) == [
        "pattern",
        "alive_months",
        "zzz",
    ]


def test_each_reader_is_addressed_in_their_own_names() -> None:
    """E19: labels at the form, names and codes in the interfaces."""
    problem = {"resection": Problem("not_used", "yes", {"stratum": "distant"})}
    said = problem_sentences(problem, MODEL.features, "then", at_form(english()))["resection"]
    assert "Resection of the recurrence" in said
    assert "Distant metastasis only" in said
    for reader in (of_json(english()), of_table(english())):
        assert (
            "“resection” is not used for “distant”"
            in problem_sentences(problem, MODEL.features, "then", reader)["resection"]
        )


@pytest.mark.parametrize("given", ["x" * 1000, {"deep": ["x"] * 1000}, 10**400, "\ud800", None, float("inf")])
def test_an_echo_is_short_and_can_be_written(given: object) -> None:
    """Whatever was sent."""
    assert len(echo(given)) <= LONGEST_ECHO
    assert echo(given).encode("utf-8")


@pytest.mark.parametrize(
    ("limits", "flagged"),
    [
        ([(0.6, 0.9), (0.4, 0.7), (0.2, 0.5)], []),
        ([(0.6, 0.9), (0.2, 0.8), (0.1, 0.3)], [24, 36]),
        ([(0.6, 0.9), (0.4, 0.7), (None, None)], [36]),
        ([(None, None), (0.4, 0.7), (0.2, 0.5)], [12, 24, 36]),
        ([(0.20, 0.74), (0.2, 0.4), (0.1, 0.2)], []),
        ([(0.20, 0.76), (0.2, 0.4), (0.1, 0.2)], [12, 24, 36]),
    ],
)
def test_what_next_to_nothing_is_known_of_stays_so(
    limits: list[tuple[float | None, float | None]], flagged: list[int]
) -> None:
    """E18: from the first interval wider than 55 points, or missing, on: near nobody alive limits are narrow anyhow."""
    patient = Patient(stratum="both", values={})
    prediction = predict(MODEL, patient)
    times = tuple(
        Horizon(months, 0.5, lower, upper) for months, (lower, upper) in zip((12, 24, 36), limits, strict=True)
    )
    assert says_nothing(replace(prediction, survival=times)) == flagged
