"""The generating model: what it draws is what the evidence says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.published.default_model import default_generators
from training.published.evidence import UnfoundedFigure
from training.published.generating import Generator, design_of

GENERATORS = {generator.stratum: generator for generator in default_generators()}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_large_cohort_lives_as_its_truth_says(name: str) -> None:
    """The average of the true curves over a large cohort is the drawn target at the median and at 60 months."""
    generator = GENERATORS[name]
    rng = np.random.default_rng(1)
    for _ in range(5):
        truth = generator.draw_truth(rng)
        rows = np.concatenate([generator.draw_cohort(truth, rng).design for _ in range(60)])
        alive = np.array([truth.survival(row, np.array([truth.target_median, 60.0])) for row in rows]).mean(axis=0)
        assert alive == pytest.approx([0.5, truth.target_five_year], abs=0.012)


@pytest.mark.parametrize("name", GENERATORS)
def test_deaths_come_when_the_true_curve_says(name: str) -> None:
    """Expected deaths by 24 months, each patient's own share of them, against those drawn: within 4 standard errors."""
    generator, rng = GENERATORS[name], np.random.default_rng(2)
    truth = generator.draw_truth(rng)
    observed, expected, variance = 0.0, 0.0, 0.0
    for _ in range(40):
        cohort = generator.draw_cohort(truth, rng)
        until = np.minimum(cohort.time, 24.0)
        exposure = np.array(
            [-np.log(truth.survival(row, np.array([end]))[0]) for row, end in zip(cohort.design, until, strict=True)]
        )
        # A martingale: deaths minus cumulative hazard at risk has mean zero and variance the cumulative hazard.
        observed += float((cohort.event & (cohort.time <= 24)).sum())
        expected += float(exposure.sum())
        variance += float(exposure.sum())
    assert observed == pytest.approx(expected, abs=4 * np.sqrt(variance))


def test_the_design_has_the_logarithm_of_a_number_and_every_level_but_the_reference() -> None:
    terms = [(term.feature, term.transformation, term.level) for term in GENERATORS["distant"].terms]
    assert terms == [
        ("interval_months", "log", None),
        ("subtype", "level", "lms"),
        ("subtype", "level", "ups_mpnst"),
        ("subtype", "level", "other"),
    ]
    generator = GENERATORS["distant"]
    design = design_of(generator.features, {"interval_months": np.array([np.e]), "subtype": np.array([2.0])}, 1)
    assert design.tolist() == [[1.0, 0.0, 1.0, 0.0]]


def test_the_resected_share_is_beta_12_12() -> None:
    """DESIGN §3: mean .5, standard deviation 1/sqrt(4·25) = .1."""
    generator, rng = GENERATORS["local"], np.random.default_rng(3)
    shares = np.array([generator.draw_truth(rng).shares["resection"][0] for _ in range(1500)])
    assert shares.mean() == pytest.approx(0.5, abs=0.011)
    assert shares.std() == pytest.approx(0.1, abs=0.01)


def _effects(generator: Generator, draws: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    return np.array([generator.draw_truth(rng).coefficients for _ in range(draws)])


@pytest.mark.parametrize("name", ["local", "distant"])
def test_effects_are_drawn_from_their_priors(name: str) -> None:
    generator = GENERATORS[name]
    drawn = _effects(generator, 1500)
    for column in range(drawn.shape[1]):
        prior = generator.effect(column)
        spread = prior.drawn_spread
        assert drawn[:, column].mean() == pytest.approx(prior.value, abs=4 * spread / np.sqrt(1500))
        assert drawn[:, column].std() == pytest.approx(spread, rel=0.1)


def test_the_clock_of_a_cohort_is_positive_and_its_numbers_stay_in_their_range() -> None:
    generator, rng = GENERATORS["local"], np.random.default_rng(5)
    for _ in range(50):
        cohort = generator.draw_cohort(generator.draw_truth(rng), rng)
        assert (cohort.time > 0).all()
        assert np.isfinite(cohort.time).all()
        assert cohort.answers["interval_months"].min() >= 3
        assert cohort.answers["interval_months"].max() <= 140
        assert len(cohort.time) == 219


def test_targets_that_never_go_together_stop_with_their_names() -> None:
    """A median beyond the supported months would otherwise be drawn for ever."""
    generator = GENERATORS["both"]
    figures = dict(generator.evidence.figures)
    figures["both.median"] = replace(figures["both.median"], value=600.0)
    impossible = replace(generator, evidence=replace(generator.evidence, figures=figures))
    with pytest.raises(UnfoundedFigure, match=r"both\.median and both\.five_year cannot be drawn"):
        impossible.draw_truth(np.random.default_rng(1))
