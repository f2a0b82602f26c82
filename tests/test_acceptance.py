"""Which cohorts are accepted: each criterion decides alone on a cohort made to fail it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.fitting.cox import newton, wald_p
from training.published.acceptance import criteria, first_unmet, median_and_survival, p_values
from training.published.default_model import default_generators
from training.published.generating import Cohort, Generator
from training.published.reconstruction import reconstruct

GENERATORS = {generator.stratum: generator for generator in default_generators()}


@pytest.fixture(scope="module")
def accepted() -> dict[str, Cohort]:
    """One accepted cohort of each stratum."""
    return {name: reconstruct(generator, 1, (11, 0)).cohorts[0] for name, generator in GENERATORS.items()}


def _with(generator: Generator, **figures: float) -> Generator:
    known = dict(generator.evidence.figures)
    for name, value in figures.items():
        figure = name.replace("__", ".")
        known[figure] = replace(known[figure], value=value)
    return replace(generator, evidence=replace(generator.evidence, figures=known))


def test_kaplan_meier_by_hand() -> None:
    """Five patients: deaths at 1, 3, 4, censored at 2 and 5. S = 4/5, 4/5·2/3 = 8/15, 8/15·1/2 = 4/15."""
    time = np.array([3.0, 1.0, 2.0, 5.0, 4.0])
    event = np.array([True, True, False, False, True])
    median, survival = median_and_survival(time, event, 3.5)
    assert median == 4.0
    assert survival == pytest.approx(8 / 15)
    assert median_and_survival(time, event, 0.5) == (4.0, 1.0)
    assert median_and_survival(time, np.zeros(5, dtype=bool), 3) == (np.inf, 1.0)


def test_an_accepted_cohort_meets_every_criterion(accepted: dict[str, Cohort]) -> None:
    for name, generator in GENERATORS.items():
        assert first_unmet(generator, accepted[name]) is None


@pytest.mark.parametrize(
    ("change", "unmet"),
    [
        ({"local__median": 50.0}, "median"),
        ({"local__five_year": 0.6}, "five_year"),
        ({"acceptance__level_patients": 150.0}, "levels"),
        ({"acceptance__level_deaths": 150.0}, "levels"),
        ({"local__interval_months__p": 1e-8}, "p.interval_months"),
        ({"local__interval_months__p": 0.1}, "p.interval_months"),
        ({"local__interval_months__effect": 0.4}, "p.interval_months"),
        ({"local__resection__p": 1e-30}, "p.resection"),
        ({"local__resection__effect__yes": 0.7}, "p.resection"),
    ],
)
def test_each_criterion_refuses_in_both_directions(
    accepted: dict[str, Cohort], change: dict[str, float], unmet: str
) -> None:
    """The last and the third last: an effect of the other sign than published is refused whatever its P."""
    generator = _with(GENERATORS["local"], **change)
    assert first_unmet(generator, accepted["local"]) == unmet


def test_somebody_must_be_at_risk_at_the_last_month(accepted: dict[str, Cohort]) -> None:
    cohort = accepted["both"]
    left = np.minimum(cohort.time, 59.9)
    nobody = replace(cohort, time=left, event=cohort.event & (cohort.time < 59.9))
    assert first_unmet(GENERATORS["both"], nobody) == "at_risk"


def test_criteria_are_named_in_the_order_in_which_they_are_checked() -> None:
    assert [criterion.name for criterion in criteria(GENERATORS["distant"])] == [
        "median",
        "five_year",
        "at_risk",
        "levels",
        "p.interval_months",
        "p.subtype",
    ]
    assert [criterion.name for criterion in criteria(GENERATORS["both"])] == ["median", "five_year", "at_risk"]


def test_wald_p_by_hand() -> None:
    """β = (1.959964, 0) with unit variance: P .05 on one degree of freedom, exp(-z²/2) = .1465 on two."""
    z = 1.959963984540054
    assert wald_p(np.array([z]), np.eye(1)) == pytest.approx(0.05)
    assert wald_p(np.array([z, 0.0]), np.eye(2)) == pytest.approx(np.exp(-(z**2) / 2))


def test_several_levels_are_tested_together(accepted: dict[str, Cohort]) -> None:
    generator, cohort = GENERATORS["distant"], accepted["distant"]
    coefficients, sets = newton(cohort.design, cohort.time, cohort.event)
    found = {name: p for name, p, _ in p_values(generator, coefficients, sets.covariance)}
    together = wald_p(coefficients[1:], sets.covariance[1:, 1:])
    assert found == {
        "interval_months": wald_p(coefficients[:1], sets.covariance[:1, :1]),
        "subtype": together,
    }
