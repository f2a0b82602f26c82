"""Anchoring: the reference meets the published figures exactly, and nothing else about the fits changes."""

from __future__ import annotations

import numpy as np
import pytest

from model.fitted import Stratum
from model.survival import reference
from training.published.anchoring import NotAnchored, anchor
from training.published.default_model import default_generators
from training.published.pooling import common_centre, fit_cohort, pool
from training.published.reconstruction import reconstruct


@pytest.fixture(scope="module")
def pooled() -> Stratum:
    """The stratum of local recurrence from four cohorts, before anchoring."""
    generator = next(generator for generator in default_generators() if generator.stratum == "local")
    cohorts = reconstruct(generator, 4, (21, 0)).cohorts
    centre = common_centre(cohorts)
    fitted = [fit_cohort(generator.terms, cohort, centre) for cohort in cohorts]
    return pool(generator, cohorts, fitted, centre)


@pytest.mark.parametrize(("median", "last"), [(33, 0.29), (32, 0.28), (34, 0.30)])
def test_the_reference_has_the_median_and_the_last_survival(pooled: Stratum, median: int, last: float) -> None:
    anchored, _ = anchor(pooled, median, last)
    curve = reference(anchored)
    assert curve[median] == pytest.approx(0.5, abs=1e-12)
    assert curve[-1] == pytest.approx(last, abs=1e-12)


def test_increments_are_multiplied_by_the_ratio_its_square_and_itself(pooled: Stratum) -> None:
    """DESIGN §3: dH → r·dH, dA by r², dQ by r, up to the median and after it."""
    anchored, anchors = anchor(pooled, 33, 0.29)
    ratios = np.where(np.arange(60) < 33, anchors.before, anchors.after)
    for name, factors in (
        ("hazard", ratios),
        ("hazard_variance", ratios**2),
        ("hazard_gradient", ratios[:, None]),
    ):
        before, after = (np.diff(getattr(stratum.fits, name), axis=1) for stratum in (pooled, anchored))
        assert after == pytest.approx(before * factors, rel=1e-9, abs=1e-14)
    assert anchored.fits.coefficients is pooled.fits.coefficients
    assert anchored.fits.covariance is pooled.fits.covariance


@pytest.mark.parametrize(
    ("median", "last", "named"),
    [
        (20, 0.29, "median of stratum local"),
        (55, 0.29, "median of stratum local"),
        (33, 0.05, "survival at 60 months of stratum local"),
        (33, 0.45, "survival at 60 months of stratum local"),
    ],
)
def test_a_ratio_out_of_bounds_stops_with_the_figure(pooled: Stratum, median: int, last: float, named: str) -> None:
    """Both too low and too high (mistake 13: a signed difference always passed on one side)."""
    with pytest.raises(NotAnchored, match=named):
        anchor(pooled, median, last)
