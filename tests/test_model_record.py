"""How a record says what a model asks: only what fits the questions, and nothing twice."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from model.document import UnreadableModel, read_model
from model.record import RECURRENCE, Code
from tests.small_artefact import small_strata
from training.artefact import model_document
from training.published.description import default_description, default_specification
from training.registry.specification import WrongSpecification, read_specification


def test_a_display_does_not_make_a_code() -> None:
    """E19: a code is known by its system and identifier, never by its label."""
    assert Code("s", "1", "one") == Code("s", "1", "another word")
    assert Code("s", "1") != Code("t", "1")


def test_the_default_model_says_where_its_answers_are() -> None:
    """Each code and event reaches the program as it stands in the description."""
    model = read_model(model_document(default_description(), small_strata()), "0" * 64)
    record = model.record
    assert record is not None
    assert record.time_zero == RECURRENCE
    assert set(record.begins) <= {feature.name for feature in model.features.all}
    answered = {one.feature for one in record.says} | set(record.begins)
    assert answered == {feature.name for feature in model.features.all}


def test_a_record_never_says_no() -> None:
    """Nothing is assumed from absence: no code and no event stands for an answer that something was not done."""
    says = default_description()["record"]["says"]
    assert not [one for one in says if one["level"] == "no"]


def _stranger(record: dict[str, Any]) -> None:
    record["says"][0]["feature"] = "stranger"


def _level(record: dict[str, Any]) -> None:
    record["says"][0]["level"] = "nowhere"


def _twice(record: dict[str, Any]) -> None:
    record["says"][1]["codes"] += record["says"][0]["codes"]


def _neither(record: dict[str, Any]) -> None:
    record["says"][0]["codes"] = []


def _event(record: dict[str, Any]) -> None:
    record["time_zero"] = "birthday"


def _begins(record: dict[str, Any]) -> None:
    record["begins"] = {record["says"][0]["feature"]: "recurrence"}


@pytest.mark.parametrize("spoil", [_stranger, _level, _twice, _neither, _event, _begins])
def test_what_does_not_fit_the_questions_is_refused(spoil: Callable[[dict[str, Any]], None]) -> None:
    """A model whose bindings name what is not asked, or one code twice, is not served."""
    description = copy.deepcopy(default_description())
    document = model_document(description, small_strata())
    read_model(document, "0" * 64)
    spoil(document["record"])
    with pytest.raises(UnreadableModel, match="part about records"):
        read_model(document, "0" * 64)


def test_a_specification_is_told_where_it_is_wrong() -> None:
    """The line of the part is named, and what does not fit."""
    text = default_specification().text
    wrong = text.replace('feature = "subtype"\nlevel = "ddlps"', 'feature = "subtype"\nlevel = "dd"')
    assert wrong != text
    with pytest.raises(WrongSpecification, match=r"line \d+: record cannot be used: 'dd' is no answer to 'subtype'"):
        read_specification(wrong)
