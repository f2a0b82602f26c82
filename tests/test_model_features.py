"""Questions: ranges, levels, and where they are asked."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.features import Range
from tests.invented import FEATURES as INVENTED
from tests.invented import small_model

FEATURES = small_model().features
NUMBERS = st.floats(-10, 10)


@given(
    NUMBERS, NUMBERS, st.tuples(st.booleans(), st.booleans()), st.one_of(NUMBERS, st.just(math.inf), st.just(-math.inf))
)
def test_a_number_is_below_a_range_or_in_it_or_above(
    low: float, high: float, is_open: tuple[bool, bool], value: float
) -> None:
    """Nothing falls through (mistake 1)."""
    if low >= high:
        return
    low_open, high_open = is_open
    allowed = Range(low, high, low_open=low_open, high_open=high_open)
    inside = (low < value < high) or (value == low and not low_open) or (value == high and not high_open)
    assert [allowed.below(value), inside, allowed.above(value)].count(True) == 1


def test_an_open_end_is_left_out_and_a_closed_one_is_not() -> None:
    """``0 < x ≤ 240`` as DESIGN §6 has it."""
    hard = FEATURES.named("interval_months").hard
    assert hard == Range(0, 240, low_open=True)
    assert hard.below(0)
    assert not hard.below(5e-324)
    assert not hard.above(240)
    assert hard.above(math.nextafter(240, 300))


def test_a_feature_is_a_number_or_has_levels_and_never_both() -> None:
    """Every question of the default model and of an invented one."""
    for feature in (*FEATURES.all, *INVENTED.all):
        assert feature.is_number == (not feature.levels)
        assert feature.is_number == (feature.unit is not None)


def test_questions_are_found_by_name_and_levels_by_code() -> None:
    """E19; a name or a code that does not exist is an error and not another one."""
    assert [feature.name for feature in FEATURES.all] == ["pattern", "interval_months", "resection", "subtype"]
    assert FEATURES.named("pattern") is FEATURES.stratum
    assert FEATURES.named("resection").level("no").code == "no"
    with pytest.raises(KeyError):
        FEATURES.named("Pattern")
    with pytest.raises(KeyError):
        FEATURES.named("resection").level("No, and none is planned")


def test_each_stratum_asks_what_the_published_analysis_found_for_it() -> None:
    """DESIGN §6, default features: the interval for local and distant, resection for local, subtype for distant."""
    asked = {code: [f.name for f in FEATURES.used_in(code)] for code in ("local", "distant", "both")}
    assert asked == {
        "local": ["interval_months", "resection"],
        "distant": ["interval_months", "subtype"],
        "both": [],
    }


def test_the_time_alive_ends_before_the_last_supported_month() -> None:
    """DESIGN §6: 0 ≤ s < last supported time."""
    for stratum in ("local", "distant", "both", None):
        allowed = FEATURES.alive_range(stratum)
        assert allowed == Range(0, 60, high_open=True)
        assert allowed.above(60)
        assert not allowed.above(59)
        assert not allowed.below(0)


def test_every_question_says_what_it_means_where_it_stands_and_when_it_is_known() -> None:
    """E20: a definition, where in the record to find it, and its timing relative to the recurrence."""
    for feature in FEATURES.all:
        for words in (feature.label, feature.question, feature.definition, feature.where, feature.timing):
            assert words.strip()
