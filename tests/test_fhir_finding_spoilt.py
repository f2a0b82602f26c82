"""A record that is spoilt, in another order, or has more in it: what is found in it can only become less."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.entering.dates import date_fields
from server.fhir.finding import findings_of, has_come_back
from server.fhir.reading import banner_of, belongs
from tests.invented import small_model
from tests.records import (
    BASE,
    FILLED,
    ICD_10,
    LMS,
    METASTASIS,
    NOT_ASKED,
    PATIENT,
    RETROPERITONEUM,
    TODAY,
    WHOLE,
    Resource,
    by_kind,
    concept,
    filled,
    findings,
    histology,
    metastasis,
    operation,
    primary,
    recurrence,
)

Path = tuple[Any, ...]


def places(node: object, path: Path = ()) -> Iterator[Path]:
    """Where in a document there is something."""
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, member in members:
        yield (*path, name)
        yield from places(member, (*path, name))


def put(document: Any, path: Path, value: object) -> Any:  # noqa: ANN401 - JSON of any kind
    """The document with something else at a place; the same where there is no such place any more."""
    changed = copy.deepcopy(document)
    node = changed
    try:
        for name in path[:-1]:
            node = node[name]
        node[path[-1]] = value
    except (KeyError, IndexError, TypeError):
        return document
    return changed


RECORD = by_kind(*WHOLE)
ELEMENTS = [path for path in places(RECORD) if len(path) > 2]
"""Every element of every resource."""
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["Condition/primary", "\ud800", "2020", "http://snomed.info/sct", "recurrence", "no"])
)
NAMES = st.sampled_from(["coding", "system", "code", "extension", "url", "reference", "text"]) | st.text(max_size=3)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


@given(st.sampled_from(ELEMENTS), JSON)
def test_a_spoilt_element_takes_values_away_and_gives_no_other(path: Path, value: object) -> None:
    """Whatever stands in place of an element, nothing is filled in that the record did not say."""
    assert findings_of(small_model(), put(RECORD, path, value), BASE, TODAY).filled.items() <= FILLED.items()


@given(st.lists(st.tuples(st.sampled_from(ELEMENTS), JSON), min_size=1, max_size=9))
def test_a_spoilt_record_is_read_as_far_as_it_can_be(changes: list[tuple[Path, object]]) -> None:
    """Nothing in a record is a failure of the program, and no text of it is one that no page can be written with."""
    record = RECORD
    for path, value in changes:
        record = put(record, path, value)
    found = findings_of(small_model(), record, BASE, TODAY)
    assert set(found.filled) <= set(FILLED)
    assert has_come_back(small_model(), record, BASE) in {True, False}
    for one in (one for resources in record.values() for one in resources):
        assert belongs(one, PATIENT, BASE) in {True, False}
        banner_of(one).name.encode()
        banner_of(one).born.encode()
    for told in found.found:
        f"{told.source}{told.text}{told.day}".encode()


@pytest.mark.parametrize("path", ELEMENTS)
def test_a_missing_element_takes_values_away_and_gives_no_other(path: Path) -> None:
    """Whatever is null or left out, nothing else is filled in for it."""
    assert findings_of(small_model(), put(RECORD, path, None), BASE, TODAY).filled.items() <= FILLED.items()
    without = copy.deepcopy(RECORD)
    node: Any = without
    for name in path[:-1]:
        node = node[name]
    del node[path[-1]]
    assert findings_of(small_model(), without, BASE, TODAY).filled.items() <= FILLED.items()


def test_extensions_may_be_as_deep_as_json_lets_them() -> None:
    """No depth of extensions is a failure of the program."""
    deep: dict[str, Any] = {"url": "urn:deep"}
    for _ in range(20_000):
        deep = {"url": "urn:deep", "extension": [deep]}
    changed = recurrence(extension=[*recurrence()["extension"], deep])
    assert filled(primary(), changed) == filled(primary(), recurrence()) != {}


MESSY = (
    *WHOLE,
    recurrence("second", "2022-01-01", ["recurrence"]),
    metastasis(),
    metastasis("lung", "2022", ["second"], code=concept((ICD_10, "C78.0", "Lung"), METASTASIS)),
    primary("twin", code=concept(RETROPERITONEUM, text="Sarcoma")),
    operation("planned", "2020-07-01", ["recurrence"], status="preparation"),
    operation("both", "2020-07-02", ["primary", "recurrence"]),
    operation("operation", "2018-03-02"),
    histology("other", LMS, NOT_ASKED),
    histology("strange", NOT_ASKED, about=[]),
)
CHOSEN = st.sets(st.integers(0, len(MESSY) - 1))


@given(st.permutations(range(len(MESSY))), CHOSEN)
def test_the_order_of_a_record_does_not_matter(order: list[int], chosen: set[int]) -> None:
    """Whichever resource a server puts first: the same is found, and told in the same order."""
    ordered = findings(*(MESSY[position] for position in sorted(chosen)))
    assert findings(*(MESSY[position] for position in order if position in chosen)) == ordered


@given(CHOSEN)
def test_a_resource_twice_is_one(chosen: set[int]) -> None:
    """What two pages of a search both hold is told once, and does not speak against itself."""
    resources = [MESSY[position] for position in sorted(chosen)]
    assert findings(*resources, *resources) == findings(*resources)


@given(CHOSEN)
def test_whatever_is_filled_in_can_be_answered_and_is_shown_with_its_source(chosen: set[int]) -> None:
    """E21: a value is a day of the calendar or an answer, never "no", and its sources are told; none says another."""
    resources: list[Resource] = [MESSY[position] for position in chosen]
    found = findings(*resources)
    features = small_model().features
    answers = {feature.name: {level.code for level in feature.levels} - {"no"} for feature in features.all}
    for name, value in found.filled.items():
        if name in set(date_fields(features)):
            assert date.fromisoformat(value).isoformat() == value
        else:
            assert value in answers[name]
        assert value in {one.value for one in found.found if one.field == name} <= {value, None}
    sources = {f"{one['resourceType']}/{one['id']}" for one in resources}
    assert {one.source for one in found.found} <= sources
