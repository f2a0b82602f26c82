"""A fitted model as plain numbers: columns of the design, cells of a distribution, and what is pooled once."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from model.fitted import Block, Stratum, Term
from tests.invented import EDGES, MIDDLES, NONE, THREE, Answers, strata, stratum


def test_a_column_is_the_number_its_logarithm_or_whether_it_is_the_level() -> None:
    """The three transformations of the format."""
    assert Term("size", "identity").evaluate(7.5) == 7.5
    assert Term("size", "log").evaluate(7.5) == math.log(7.5)
    assert Term("grade", "level", "g2").evaluate("g2") == 1
    assert Term("grade", "level", "g2").evaluate("g1") == 0


def test_a_column_is_named_as_a_table_names_it() -> None:
    """By the feature, and by what is done to it."""
    assert Term("size", "identity").name == "size"
    assert Term("size", "log").name == "log size"
    assert Term("grade", "level", "g2").name == "grade = g2"


def test_a_number_on_the_edge_of_two_bins_belongs_to_the_upper_one() -> None:
    """One rule for patients and for the cohorts that were counted."""
    block = Block(("size",), tuple({"size": size} for size in MIDDLES), np.full((1, 4), 0.25), {"size": EDGES})
    for bin_number, edge in enumerate(EDGES):
        assert block.cell("size", math.nextafter(edge, 0)) == bin_number
        assert block.cell("size", edge) == bin_number + 1
        assert block.cell("size", math.nextafter(edge, 99)) == bin_number + 1
    assert [block.cell("size", size) for size in (5e-324, *MIDDLES, 1e308)] == [0, 0, 1, 2, 3, 3]


def test_a_level_is_its_own_cell() -> None:
    """What is no number agrees with itself alone."""
    block = Block(("grade",), ({"grade": "g1"}, {"grade": "g2"}), np.full((1, 2), 0.5), {})
    assert block.cell("grade", "g1") == "g1"
    assert block.cell("grade", "g2") != block.cell("grade", "g1")


@given(strata())
def test_hazards_and_coefficients_are_means_over_the_fits(of: Stratum) -> None:
    """DESIGN §4: a bar is the arithmetic mean over fits."""
    m = of.fits.count
    np.testing.assert_allclose(of.hazard, sum(of.fits.hazard) / m, rtol=1e-12)
    np.testing.assert_allclose(of.hazard_variance, sum(of.fits.hazard_variance) / m, rtol=1e-12)
    np.testing.assert_allclose(of.coefficients, sum(of.fits.coefficients) / m, rtol=1e-12)


@given(strata(min_fits=2))
def test_coefficients_vary_within_and_between_the_fits(of: Stratum) -> None:
    """Rubin: T = W̄ + (1 + 1/M)·B, with B the sample covariance of the fits' coefficients."""
    if not of.terms:
        assert of.coefficient_covariance.shape == (0, 0)
        return
    m = of.fits.count
    between = np.atleast_2d(np.cov(of.fits.coefficients, rowvar=False, ddof=1))
    expected = of.fits.covariance.mean(axis=0) + (1 + 1 / m) * between
    np.testing.assert_allclose(of.coefficient_covariance, expected, rtol=1e-10, atol=1e-14)


def test_one_fit_has_nothing_between_fits() -> None:
    """M = 1: T = W, and no division by M - 1 = 0."""
    of = stratum(1, 1, THREE)
    assert of.between_weight == 0
    np.testing.assert_allclose(of.coefficient_covariance, of.fits.covariance[0], rtol=1e-14)
    assert stratum(1, 4, THREE).between_weight == pytest.approx((1 + 1 / 4) / 3)


def test_the_last_month_is_the_last_supported_one() -> None:
    """DESIGN §4: no number beyond the last time that the data support."""
    assert stratum(1, 2, NONE, months=25).last_month == 24


def test_a_design_row_is_centred_and_goes_by_name() -> None:
    """Mistake 4: features fed by position in the wrong order."""
    of = replace(stratum(1, 2, THREE), centre=np.array([0.5, 0.1, 0.2, 0.3]))
    expected = [math.log(7.5) - 0.5, 1 - 0.1, 0 - 0.2, 0 - 0.3]
    one: Answers = {"size": 7.5, "grade": "g2", "site": "here"}
    other: Answers = {"site": "here", "grade": "g2", "size": 7.5}
    np.testing.assert_allclose(of.design(one), expected, rtol=1e-14)
    np.testing.assert_array_equal(of.design(one), of.design(other))
