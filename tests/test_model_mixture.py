"""Whom an estimate averages over: one kind of patient, or all who agree with what is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.fitted import Array, Stratum
from model.mixture import Mixture, everybody, mixture
from tests.invented import GRADES, MIDDLES, NONE, ONE, SITES, THREE, Answers, known_answers, strata, stratum

TOO_SMALL_FOR_G3: Answers = {"size": 1.3, "grade": "g3"}
"""In the invented joint distributions nobody has both."""


def as_shares(mixed: Mixture) -> dict[tuple[float, ...], float]:
    """The share of each kind, by its design row."""
    found: dict[tuple[float, ...], float] = {}
    for row, weight in zip(mixed.rows, mixed.weights, strict=True):
        key = tuple(np.round(row, 9).tolist())
        found[key] = found.get(key, 0.0) + float(weight)
    return found


def row_of(of: Stratum, answers: Answers) -> tuple[float, ...]:
    return tuple(np.round(of.design(answers), 9).tolist())


@given(strata(), st.data())
def test_shares_sum_to_1_and_their_deviations_to_0(of: Stratum, data: st.DataObject) -> None:
    """In the pool and in each fit; every kind of patient has a row of finite numbers."""
    mixed = mixture(of, data.draw(known_answers(of)))
    assert mixed.rows.shape == (len(mixed.weights), len(of.terms))
    assert np.isfinite(mixed.rows).all()
    assert (mixed.weights > 0).all()
    assert mixed.weights.sum() == pytest.approx(1, abs=1e-12)
    if mixed.weight_deviations is not None:
        assert mixed.weight_deviations.shape == (of.fits.count, len(mixed.weights))
        np.testing.assert_allclose(mixed.weight_deviations.sum(axis=1), 0, atol=1e-12)
        np.testing.assert_allclose(mixed.weight_deviations.mean(axis=0), 0, atol=1e-12)
        assert (mixed.weights + mixed.weight_deviations > -1e-12).all()


@given(strata(), st.data())
def test_a_patient_of_whom_all_is_known_is_one_kind(of: Stratum, data: st.DataObject) -> None:
    """And is this patient, not the middle of a bin."""
    answers = data.draw(known_answers(of, complete=True))
    mixed = mixture(of, answers)
    np.testing.assert_allclose(mixed.rows, [of.design(answers)], rtol=0, atol=1e-14)
    assert mixed.weights.tolist() == [1]
    assert mixed.weight_deviations is None


def test_without_predictors_there_is_one_kind() -> None:
    """P = 0: everybody is the same."""
    mixed = mixture(stratum(1, 3, NONE), {})
    assert mixed.rows.shape == (1, 0)
    assert mixed.weights.tolist() == [1]


@given(st.integers(0, 99), st.integers(1, 4))
def test_blocks_are_independent_of_each_other_within_each_fit(seed: int, fits: int) -> None:
    """Everybody: the mean over the fits of the product of the blocks' shares."""
    of = stratum(seed, fits, THREE)
    expected: dict[tuple[float, ...], float] = {}
    size, grade, site = (block.weights for block in of.blocks)
    for i, s in enumerate(MIDDLES):
        for j, g in enumerate(GRADES):
            for k, here in enumerate(SITES):
                product = [size[m, i] * grade[m, j] * site[m, k] for m in range(fits)]
                expected[row_of(of, {"size": s, "grade": g, "site": here})] = sum(product) / fits
    assert as_shares(everybody(of)) == pytest.approx(expected, abs=1e-12)


def test_known_values_replace_the_kinds_own() -> None:
    """A number counts as it is; the rest is mixed as the stratum is."""
    of = stratum(4, 3, THREE)
    mixed = mixture(of, {"size": 4.4, "grade": "g3"})
    site = of.blocks[2].weights.mean(axis=0)
    expected = {row_of(of, {"size": 4.4, "grade": "g3", "site": s}): site[k] for k, s in enumerate(SITES)}
    assert as_shares(mixed) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("size", "bin_number"), [(1.999, 0), (2.0, 1), (4.999, 1), (5.0, 2), (500.0, 3), (0.001, 0)])
def test_a_known_number_says_what_is_usual_for_its_bin(size: float, bin_number: int) -> None:
    """Distributed together: the grade is mixed as it is among those of the same bin of size, edge included."""
    of = stratum(4, 3, THREE, joint=True)
    joint = of.blocks[0].weights.reshape(3, len(MIDDLES), len(GRADES))[:, bin_number]
    grades = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    expected = {
        row_of(of, {"size": size, "grade": g, "site": "here"}): share
        for g, share in zip(GRADES, grades, strict=True)
        if share > 0
    }
    assert as_shares(mixture(of, {"size": size, "site": "here"})) == pytest.approx(expected, abs=1e-12)


def test_a_known_level_says_which_numbers_are_usual_for_it() -> None:
    """The other way round."""
    of = stratum(4, 2, THREE, joint=True)
    joint = of.blocks[0].weights.reshape(2, len(MIDDLES), len(GRADES))[:, :, 1]
    sizes = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    expected = {
        row_of(of, {"size": s, "grade": "g2", "site": "there"}): share for s, share in zip(MIDDLES, sizes, strict=True)
    }
    assert as_shares(mixture(of, {"grade": "g2", "site": "there"})) == pytest.approx(expected, abs=1e-12)


def test_where_nobody_agrees_with_all_that_is_known_those_who_agree_with_the_most_do() -> None:
    """Nobody of the cohorts has this size and this grade; a third predictor of their block is unknown."""
    of = stratum(4, 3, THREE, joint=True)
    block = of.blocks[0]
    atoms = tuple({**atom, "site": site} for atom in block.atoms for site in SITES)
    weights = np.repeat(block.weights, 2, axis=1) * np.tile([0.3, 0.7], len(block.atoms))
    joint = replace(block, features=("size", "grade", "site"), atoms=atoms, weights=weights)
    of = replace(of, blocks=(joint,))
    mixed = mixture(of, TOO_SMALL_FOR_G3)
    expected = {row_of(of, {**TOO_SMALL_FOR_G3, "site": s}): share for s, share in (("here", 0.3), ("there", 0.7))}
    assert as_shares(mixed) == pytest.approx(expected, abs=1e-12)


def test_a_bin_that_no_cohort_has_takes_everybody() -> None:
    """Of one known number that agrees with nobody, all agree with as much: the weights stay finite."""
    of = stratum(4, 3, THREE, joint=True)
    weights = of.blocks[0].weights.copy()
    weights[:, :3] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    of = replace(of, blocks=(replace(of.blocks[0], weights=weights), *of.blocks[1:]))
    mixed = mixture(of, {"size": 1.3, "site": "here"})
    grades = weights.reshape(3, len(MIDDLES), len(GRADES)).sum(axis=1).mean(axis=0)
    expected = {row_of(of, {"size": 1.3, "grade": g, "site": "here"}): w for g, w in zip(GRADES, grades, strict=True)}
    assert as_shares(mixed) == pytest.approx(expected, abs=1e-12)


def test_a_fit_without_such_patients_takes_the_mix_of_the_others() -> None:
    """So that one small cohort makes nothing undefined."""
    of = stratum(4, 3, THREE, joint=True)
    weights = of.blocks[0].weights.copy()
    weights[0, :3] = 0
    weights[0] /= weights[0].sum()
    of = replace(of, blocks=(replace(of.blocks[0], weights=weights), *of.blocks[1:]))
    mixed = mixture(of, {"size": 1.3, "site": "here"})
    own = weights[1:, :2] / weights[1:, :2].sum(axis=1, keepdims=True)
    others = weights[1:, :2].sum(axis=0) / weights[1:, :2].sum()
    expected = np.vstack([others, own]).mean(axis=0)
    np.testing.assert_allclose(sorted(mixed.weights), sorted(expected), rtol=1e-12)


def test_kinds_that_no_single_cohort_has_are_left_out() -> None:
    """Each level occurs in a fit, but not in the same one: a kind without a share would only cost digits."""
    of = stratum(4, 2, THREE)
    size, grade, site = of.blocks
    size = replace(size, weights=np.array([[1.0, 0, 0, 0], [0, 0, 0, 1.0]]))
    grade = replace(grade, weights=np.array([[1.0, 0, 0], [0, 0.5, 0.5]]))
    of = replace(of, blocks=(size, grade, site))
    here = {"site": "here"}
    expected = {
        row_of(of, {**here, "size": 1.3, "grade": "g1"}): 0.5,
        row_of(of, {**here, "size": 20.0, "grade": "g2"}): 0.25,
        row_of(of, {**here, "size": 20.0, "grade": "g3"}): 0.25,
    }
    assert as_shares(mixture(of, {"site": "here"})) == pytest.approx(expected, abs=1e-12)


def test_everybody_is_the_mixture_of_whom_nothing_is_known() -> None:
    """And is made once."""
    of = stratum(4, 3, THREE)
    assert as_shares(everybody(of)) == as_shares(mixture(of, {}))
    assert everybody(of) is everybody(of)


def test_two_strata_never_share_a_mixture() -> None:
    """Mistake 7: what is kept for later is kept by stratum, also where their names are the same."""
    one, other = stratum(1, 2, ONE), stratum(2, 2, ONE)
    assert one.name == other.name
    first, second = everybody(one), everybody(other)
    assert first is not second
    assert not np.allclose(first.weights, second.weights)
    known: Answers = {"size": 3.0}
    assert not np.allclose(mixture(one, known).rows, mixture(other, known).rows)


def test_what_was_asked_before_changes_nothing() -> None:
    """Mistake 11: a typo keeping the previous patient's result. Answers in one cell share their mix, not their row."""
    of = stratum(4, 3, THREE, joint=True)

    def rows(size: float) -> Array:
        return mixture(of, {"size": size, "site": "here"}).rows

    before = rows(3.0).copy()
    other = rows(4.0).copy()
    np.testing.assert_array_equal(rows(3.0), before)
    np.testing.assert_allclose(other - before, [[math.log(4 / 3), 0, 0, 0]] * len(before), atol=1e-12)
