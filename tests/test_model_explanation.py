"""Why an estimate differs from that of all patients: Shapley values, by another road, and hazard ratios by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.explanation import explain, hazard_ratios
from model.features import Feature
from model.fitted import Block, Stratum, Term
from model.mixture import mixture
from model.survival import Z, reference, survival, survival_at
from tests.invented import FEATURES, NONE, THREE, Answers, known_answers, strata, stratum

SIZE, GRADE, SITE = FEATURES.predictors


def asked(of: Stratum) -> tuple[Feature, ...]:
    names = {name for block in of.blocks for name in block.features}
    return tuple(feature for feature in FEATURES.predictors if feature.name in names)


def by_permutations(of: Stratum, known: Answers, horizon: int, alive: int) -> dict[str, float]:
    """The mean, over every order in which the predictors could become known, of what each one changes (Shapley)."""
    sums = dict.fromkeys(known, 0.0)
    orders = list(permutations(known))
    for order in orders:
        so_far: dict[str, float | str] = {}
        before = survival_at(of, mixture(of, so_far), horizon, alive)
        for name in order:
            so_far = {**so_far, name: known[name]}
            after = survival_at(of, mixture(of, so_far), horizon, alive)
            sums[name] += 100 * (after - before) / len(orders)
            before = after
    return sums


def points(of: Stratum, known: Answers, horizon: int, alive: int = 0) -> dict[str, float]:
    return {c.feature: c.points for c in explain(of, asked(of), known, horizon, alive).contributions}


@given(strata(), st.data())
def test_points_are_shapley_values(of: Stratum, data: st.DataObject) -> None:
    """DESIGN §4: exact, over the known predictors, an unknown being no player; in the order in which they are asked."""
    known = data.draw(known_answers(of))
    alive = data.draw(st.integers(0, of.last_month - 1))
    horizon = data.draw(st.integers(alive + 1, of.last_month))
    found = points(of, known, horizon, alive)
    assert found == pytest.approx(by_permutations(of, known, horizon, alive), abs=1e-10)
    assert list(found) == [feature.name for feature in asked(of) if feature.name in known]


@given(strata(), st.data())
def test_points_sum_to_the_difference_between_patient_and_reference(of: Stratum, data: st.DataObject) -> None:
    """Issue, point 5, and E22: they sum to 100·(S - S̄), S and S̄ being the curve's and the reference's own points."""
    known = data.draw(known_answers(of))
    alive = data.draw(st.integers(0, of.last_month - 1))
    horizon = data.draw(st.integers(alive + 1, of.last_month))
    found = explain(of, asked(of), known, horizon, alive)
    assert found.horizon_months == horizon
    assert found.survival == pytest.approx(
        float(survival(of, mixture(of, known), alive).estimate[horizon - alive]), rel=1e-13
    )
    assert found.reference_survival == pytest.approx(float(reference(of, alive)[horizon - alive]), rel=1e-13)
    total = sum(contribution.points for contribution in found.contributions)
    assert total == pytest.approx(100 * (found.survival - found.reference_survival), abs=1e-11)


def test_a_predictor_without_an_effect_has_no_points() -> None:
    """The dummy player: coefficient 0 in every fit, distributed on its own."""
    of = stratum(8, 3, THREE)
    coefficients = of.fits.coefficients.copy()
    coefficients[:, 3] = 0
    of = replace(of, fits=replace(of.fits, coefficients=coefficients))
    found = points(of, {"size": 9.0, "grade": "g2", "site": "there"}, 13)
    assert found["site"] == pytest.approx(0, abs=1e-12)
    assert abs(found["size"]) > 0.1


def twins() -> tuple[Stratum, tuple[Feature, Feature]]:
    """Two predictors with the same effect and the same distribution."""
    of = stratum(8, 1, (Term("grade", "level", "g2"), Term("twin", "level", "g2")))
    coefficients = np.array([[0.5, 0.5]])
    weights = np.array([[0.2, 0.5, 0.3]])
    blocks = tuple(
        Block((name,), tuple({name: code} for code in ("g1", "g2", "g3")), weights, {}) for name in ("grade", "twin")
    )
    of = replace(of, fits=replace(of.fits, coefficients=coefficients), centre=np.zeros(2), blocks=blocks)
    return of, (GRADE, replace(GRADE, name="twin"))


def test_two_predictors_that_do_the_same_have_the_same_points() -> None:
    """Symmetry: neither gets more for being asked first."""
    of, features = twins()
    found = explain(of, features, {"grade": "g2", "twin": "g2"}, 13)
    first, second = (contribution.points for contribution in found.contributions)
    assert first == pytest.approx(second, abs=1e-12)
    assert first < -1


def test_one_known_predictor_has_the_whole_difference() -> None:
    """And an unknown one none at all."""
    of = stratum(8, 3, THREE)
    found = explain(of, asked(of), {"size": 9.0}, 13)
    (only,) = found.contributions
    assert only.points == pytest.approx(100 * (found.survival - found.reference_survival), abs=1e-12)


def test_unless_said_otherwise_time_counts_from_zero() -> None:
    """The last argument is optional."""
    of = stratum(8, 3, THREE)
    assert explain(of, asked(of), {"size": 9.0}, 13) == explain(of, asked(of), {"size": 9.0}, 13, 0)


def test_where_nothing_is_known_or_asked_there_is_nothing_to_explain() -> None:
    """The estimate is the reference, to the last bit."""
    for terms in (NONE, THREE):
        of = stratum(8, 3, terms)
        found = explain(of, asked(of), {}, 13)
        assert found.contributions == ()
        assert found.survival == found.reference_survival


def test_a_value_with_a_higher_hazard_has_points_below_zero() -> None:
    """Mistake 5, risk sign flipped: a hazard ratio over 1 against everybody lowers survival."""
    of, features = twins()
    worse = explain(of, features, {"grade": "g2"}, 13)
    better = explain(of, features, {"grade": "g1"}, 13)
    assert worse.contributions[0].points < 0 < better.contributions[0].points
    assert worse.contributions[0].hazard_ratios[0].estimate > 1 == better.contributions[0].hazard_ratios[0].estimate
    assert worse.survival < worse.reference_survival < better.survival


def test_a_hazard_ratio_of_a_number_is_against_its_reference_value() -> None:
    """By hand: log hazard ratio β·(log 20 - log 5), with Rubin's variance of β; the centre does not matter."""
    of = stratum(2, 2, (Term("size", "log"),))
    fits = replace(of.fits, coefficients=np.array([[0.3], [0.5]]), covariance=np.array([[[0.04]], [[0.06]]]))
    (found,) = hazard_ratios(replace(of, fits=fits), SIZE, 20.0)
    # W̄ = .05, B = .02, (1 + 1/2)·B = .03.
    error = math.sqrt(0.05 + 0.03) * math.log(4)
    assert found.reference == 5.0
    assert found.estimate == pytest.approx(4**0.4, rel=1e-13)
    assert found.lower == pytest.approx(4**0.4 * math.exp(-Z * error), rel=1e-12)
    assert found.upper == pytest.approx(4**0.4 * math.exp(Z * error), rel=1e-12)


def test_a_hazard_ratio_of_a_level_is_against_its_reference_level() -> None:
    """Against g1, which has no column; against g2 it is the difference of two, with their covariance."""
    of = stratum(2, 1, (Term("grade", "level", "g2"), Term("grade", "level", "g3")))
    covariance = np.array([[[0.04, 0.01], [0.01, 0.09]]])
    of = replace(of, fits=replace(of.fits, coefficients=np.array([[0.2, -0.5]]), covariance=covariance))
    (against_first,) = hazard_ratios(of, GRADE, "g3")
    assert against_first.reference == "g1"
    assert against_first.estimate == pytest.approx(math.exp(-0.5), rel=1e-13)
    assert against_first.upper == pytest.approx(math.exp(-0.5 + Z * 0.3), rel=1e-12)
    (against_second,) = hazard_ratios(of, replace(GRADE, reference="g2"), "g3")
    assert against_second.estimate == pytest.approx(math.exp(-0.7), rel=1e-13)
    assert against_second.upper == pytest.approx(math.exp(-0.7 + Z * math.sqrt(0.04 + 0.09 - 0.02)), rel=1e-12)


@pytest.mark.parametrize(("feature", "value"), [(SIZE, 5.0), (GRADE, "g1"), (SITE, "here")])
def test_the_reference_value_itself_has_a_ratio_of_1_without_uncertainty(feature: Feature, value: float | str) -> None:
    """A ratio to oneself is known."""
    (found,) = hazard_ratios(stratum(2, 3, THREE), feature, value)
    assert (found.lower, found.estimate, found.upper) == (1, 1, 1)


def test_other_predictors_do_not_touch_a_hazard_ratio() -> None:
    """All else equal: only the feature's own columns count."""
    of = stratum(2, 3, THREE)
    (found,) = hazard_ratios(of, SITE, "there")
    assert found.estimate == pytest.approx(math.exp(of.coefficients[3]), rel=1e-13)
    error = math.sqrt(of.coefficient_covariance[3, 3])
    assert found.lower == pytest.approx(math.exp(of.coefficients[3] - Z * error), rel=1e-12)


def test_a_feature_without_a_reference_has_no_hazard_ratio() -> None:
    """An error and not a ratio to something."""
    with pytest.raises(ValueError, match="size has no reference value"):
        hazard_ratios(stratum(2, 3, THREE), replace(SIZE, reference=None), 3.0)


@pytest.mark.parametrize("known", [{"size": 9.0}, {"size": 9.0, "grade": "g2"}])
def test_predictors_distributed_together_explain_together(known: Mapping[str, float | str]) -> None:
    """What a known predictor says of an unknown one of its block is its own part, and still all adds up."""
    of = stratum(8, 3, THREE, joint=True)
    found = explain(of, asked(of), known, 13)
    total = sum(contribution.points for contribution in found.contributions)
    assert total == pytest.approx(100 * (found.survival - found.reference_survival), abs=1e-11)
