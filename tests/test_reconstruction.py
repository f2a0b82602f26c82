"""Reconstruction: the same seed gives the same cohorts, and a figure that cannot be met is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.published.default_model import default_generators
from training.published.generating import Cohort, Generator
from training.published.reconstruction import BATCH, NotReconstructed, reconstruct

BOTH: Generator = next(generator for generator in default_generators() if generator.stratum == "both")


def _same(one: Cohort, other: Cohort) -> bool:
    return bool(np.array_equal(one.time, other.time) and np.array_equal(one.event, other.event))


def test_the_same_seed_gives_the_same_cohorts_on_any_number_of_cores() -> None:
    one, two = reconstruct(BOTH, 12, (5, 0)), reconstruct(BOTH, 12, (5, 0), jobs=2)
    assert all(_same(a, b) for a, b in zip(one.cohorts, two.cohorts, strict=True))
    assert (one.tries, one.met) == (two.tries, two.met)


def test_another_seed_gives_other_cohorts() -> None:
    one, other = reconstruct(BOTH, 2, (5, 0)), reconstruct(BOTH, 2, (6, 0))
    assert not _same(one.cohorts[0], other.cohorts[0])


def test_more_cohorts_begin_with_the_same_ones() -> None:
    few, more = reconstruct(BOTH, 3, (5, 0)), reconstruct(BOTH, 6, (5, 0))
    assert all(_same(a, b) for a, b in zip(few.cohorts, more.cohorts[:3], strict=True))


def test_progress_counts_every_accepted_cohort_once() -> None:
    seen: list[int] = []
    reconstruct(BOTH, 7, (5, 0), progress=seen.append)
    assert sum(seen) == 7


def test_acceptance_multiplies_up_to_the_share_accepted() -> None:
    result = reconstruct(BOTH, 10, (5, 0))
    assert np.prod(list(result.met.values())) == pytest.approx(10 / result.tries)


def test_a_figure_that_cannot_be_met_stops_with_its_name() -> None:
    """Issue: stop with an error that says which figure could not be met."""
    figures = dict(BOTH.evidence.figures)
    figures["acceptance.median_tolerance"] = replace(figures["acceptance.median_tolerance"], value=-1.0)
    impossible = replace(BOTH, evidence=replace(BOTH.evidence, figures=figures))
    with pytest.raises(NotReconstructed, match="Only 0 of 5 cohorts for stratum both") as stopped:
        reconstruct(impossible, 5, (5, 0), most_tries=2 * BATCH)
    assert "published median survival" in str(stopped.value)
    assert f"after {2 * BATCH} tries" in str(stopped.value)
