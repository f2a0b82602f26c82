"""Newton on our own risk sets finds what scikit-survival finds, and says when there is nothing to find."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.fitting.cox import NoFit, fit, newton
from training.fitting.risk_sets import risk_sets


def test_newton_equals_scikit_survival_with_ties() -> None:
    rng = np.random.default_rng(1)
    design = rng.normal(size=(200, 3))
    time = np.ceil(rng.exponential(20, size=200) / np.exp(design @ [0.5, -0.3, 0.0]))
    event = rng.uniform(size=200) < 0.7
    coefficients, sets = newton(design, time, event)
    assert coefficients == pytest.approx(fit(pd.DataFrame(design), time, event).coef_, abs=1e-8)
    assert sets.score == pytest.approx(np.zeros(3), abs=1e-4)


def test_scikit_survivals_coefficients_are_the_maximum() -> None:
    """The score of Efron's partial likelihood is zero there."""
    rng = np.random.default_rng(2)
    design = rng.normal(size=(150, 2))
    time, event = np.ceil(rng.exponential(10, size=150)), rng.uniform(size=150) < 0.8
    coefficients = np.asarray(fit(pd.DataFrame(design), time, event).coef_)
    assert risk_sets(design, time, event, coefficients).score == pytest.approx(np.zeros(2), abs=1e-8)


@pytest.mark.parametrize(
    "design",
    [
        pytest.param(np.zeros((6, 1)), id="a column without variation"),
        pytest.param(np.array([[5.0], [4.0], [3.0], [2.0], [1.0], [0.0]]), id="a column that separates perfectly"),
    ],
)
def test_a_likelihood_without_a_maximum_is_refused(design: np.ndarray) -> None:
    with pytest.raises(NoFit):
        newton(design, np.arange(1.0, 7.0), np.ones(6, dtype=bool))
