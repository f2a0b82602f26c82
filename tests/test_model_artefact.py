"""A model folder is the model that was trained, or it is refused with a reason that an operator understands."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from model.artefact import (
    CARD,
    ESTIMATORS,
    GOLDEN,
    GOLDEN_TOLERANCE,
    MANIFEST,
    MODEL,
    ModelUnavailable,
    digest_of,
    first_difference,
    read_artefact,
)

Document = dict[str, Any]


@pytest.fixture
def folder(artefact_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model folder, to be tampered with."""
    return Path(shutil.copytree(artefact_folder, tmp_path / "model"))


def read(path: Path) -> Document:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


def sign(folder: Path) -> None:
    """Make the manifest agree with what the files now hold, so that only what they say can be refused."""
    manifest = read(folder / MANIFEST)
    manifest["files"] = {name: digest_of((folder / name).read_bytes()) for name in manifest["files"]}
    write(folder / MANIFEST, manifest)


def refused(folder: Path, reason: str) -> None:
    """It is refused, and the message says which folder and why."""
    with pytest.raises(ModelUnavailable, match=reason) as refusal:
        read_artefact(folder)
    assert str(folder) in str(refusal.value)


def test_a_folder_as_it_was_written_is_read(artefact_folder: Path) -> None:
    """DESIGN §4: the model, its card and its manifest."""
    artefact = read_artefact(artefact_folder)
    assert artefact.model.digest == digest_of((artefact_folder / MODEL).read_bytes())
    assert artefact.card == read(artefact_folder / CARD)
    assert artefact.manifest == read(artefact_folder / MANIFEST)
    assert list(artefact.model.strata) == ["local", "distant", "both"]


# Files that are not what the manifest names.


@pytest.mark.parametrize("name", [MODEL, CARD, GOLDEN])
@pytest.mark.parametrize("where", [0.0, 0.5, 1.0], ids=["first byte", "a byte between", "last byte"])
def test_one_changed_byte_is_refused(folder: Path, name: str, where: float) -> None:
    """DESIGN §4: SHA-256 of each file; also where the file could still be read."""
    content = bytearray((folder / name).read_bytes())
    content[int(where * (len(content) - 1))] ^= 1
    (folder / name).write_bytes(content)
    refused(folder, f"{name} is not the file that manifest.json names .*changed or damaged")


@pytest.mark.parametrize("name", [MODEL, CARD, GOLDEN])
def test_white_space_at_the_end_is_a_change_too(folder: Path, name: str) -> None:
    """The digest is of bytes and not of what they mean."""
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    refused(folder, f"{name} is not the file")


@pytest.mark.parametrize("name", [MODEL, CARD, GOLDEN, MANIFEST])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    """And named."""
    (folder / name).unlink()
    refused(folder, f"{name} cannot be read .*Is .* a model folder")


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """A typing error in the command line."""
    refused(tmp_path / "nowhere", "manifest.json cannot be read")


@pytest.mark.parametrize("name", [MODEL, CARD, GOLDEN, MANIFEST])
@pytest.mark.parametrize("content", [b"", b"{", b"not JSON", b"\xff\xfe", b'{"a": 1'])
def test_a_file_that_is_not_json_is_refused(folder: Path, name: str, content: bytes) -> None:
    """Though its digest agrees."""
    (folder / name).write_bytes(content)
    if name != MANIFEST:
        sign(folder)
    refused(folder, f"{name} is not JSON")


@pytest.mark.parametrize("name", [MODEL, CARD, GOLDEN, MANIFEST])
@pytest.mark.parametrize("content", [b"[]", b"null", b"1", b'"text"'])
def test_a_file_that_holds_no_object_is_refused(folder: Path, name: str, content: bytes) -> None:
    """JSON, but not of this kind."""
    (folder / name).write_bytes(content)
    if name != MANIFEST:
        sign(folder)
    refused(folder, f"{name} does not hold a JSON object")


@pytest.mark.parametrize("files", [None, [], "all", {}, {MODEL: None}, {MODEL: 1}])
def test_a_manifest_that_names_no_digests_is_refused(folder: Path, files: object) -> None:
    """No digest is a wrong digest."""
    write(folder / MANIFEST, {**read(folder / MANIFEST), "files": files})
    refused(folder, "names no files|is not the file that manifest.json names")


def test_a_manifest_without_files_is_refused(folder: Path) -> None:
    """Another program's manifest.json."""
    write(folder / MANIFEST, {"name": "a web page"})
    refused(folder, "names no files")


# Contents that are what the manifest names, and make no sense.


def test_another_format_version_is_refused(folder: Path) -> None:
    """Issue: refused when the format version disagrees."""
    write(folder / MODEL, {**read(folder / MODEL), "format": 1})
    sign(folder)
    refused(folder, "model.json cannot be read: its format is 1, and this program reads format 3")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "null"])
def test_a_number_that_is_none_is_refused(folder: Path, value: str) -> None:
    """In the middle of a hazard."""
    document = read(folder / MODEL)
    document["strata"]["local"]["fits"]["hazard"][3][30] = "HERE"
    (folder / MODEL).write_text(json.dumps(document).replace('"HERE"', value), encoding="utf-8")
    sign(folder)
    refused(folder, "model.json cannot be read: a number is not finite")


def test_a_falling_hazard_is_refused(folder: Path) -> None:
    """Nobody comes back to life."""
    document = read(folder / MODEL)
    hazard = document["strata"]["local"]["fits"]["hazard"][3]
    hazard[30] = hazard[29] - 1e-6
    write(folder / MODEL, document)
    sign(folder)
    refused(folder, "stratum local: a cumulative hazard does not start at 0, or falls")


# Golden pairs.


def numbers(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """The paths of all numbers in a document that are not whole."""
    if isinstance(document, dict | list):
        items = document.items() if isinstance(document, dict) else enumerate(document)
        for key, value in items:
            yield from numbers(value, (*path, key))
    elif isinstance(document, float) and not document.is_integer():
        yield path


def change(document: Any, path: tuple[Any, ...], how: Callable[[float], float]) -> Document:  # noqa: ANN401
    changed = copy.deepcopy(document)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = how(holder[path[-1]])
    return dict(changed)


def moved(number: float, factor: float) -> float:
    return number * factor + math.copysign(2e-12, factor - 1)


OUTPUTS = [
    (0, "output", "survival", 0, "estimate"),
    (0, "output", "survival", 2, "lower"),
    (1, "output", "curve", "upper", 17),
    (2, "output", "reference", "estimate", 40),
    (3, "output", "spans", "worst_tenth_months"),
    (0, "output", "explanation", "contributions", 0, "points"),
    (0, "output", "explanation", "contributions", 0, "hazard_ratio_upper"),
]


@pytest.mark.parametrize("path", OUTPUTS, ids=lambda path: ".".join(map(str, path[2:])))
@pytest.mark.parametrize("factor", [1 + 1e-8, 1 - 1e-8, 1 + 2e-9, 1 - 2e-9, -1.0, 0.0])
def test_a_golden_pair_that_is_not_met_is_refused_whether_too_high_or_too_low(
    folder: Path, path: tuple[Any, ...], factor: float
) -> None:
    """DESIGN §4, S3 and mistake 13: a relative tolerance of 1e-9, on the difference's size and not its sign."""
    golden = read(folder / GOLDEN)
    write(folder / GOLDEN, change(golden, ("pairs", *path), lambda x: x * factor))
    sign(folder)
    refused(folder, f"Golden pair {path[0] + 1} of .* is not met: {re.escape(str(path[2]))}.* is .* and should be")


@pytest.mark.parametrize("path", OUTPUTS, ids=lambda path: ".".join(map(str, path[2:])))
@pytest.mark.parametrize("factor", [1 + 5e-10, 1 - 5e-10])
def test_a_golden_pair_that_is_met_within_the_tolerance_is_accepted(
    folder: Path, path: tuple[Any, ...], factor: float
) -> None:
    """Another processor may round otherwise."""
    assert GOLDEN_TOLERANCE == 1e-9
    golden = read(folder / GOLDEN)
    write(folder / GOLDEN, change(golden, ("pairs", *path), lambda x: x * factor))
    sign(folder)
    read_artefact(folder)


def test_every_number_of_every_golden_pair_counts(artefact_folder: Path) -> None:
    """No number of an output is left out of the comparison; below 1e-12 two numbers are the same."""
    for pair in read(artefact_folder / GOLDEN)["pairs"][::4]:
        output = pair["output"]
        assert first_difference(output, output) is None
        for path in numbers(output):
            for factor in (1 + 1e-8, 1 - 1e-8):
                changed = change(output, path, partial(moved, factor=factor))
                assert first_difference(changed, output) is not None, path


@pytest.mark.parametrize(
    ("expected", "found", "difference"),
    [
        ({"a": 1.0}, {"b": 1.0}, r"it has \['b'\] and should have \['a'\]"),
        ({"a": {"b": 1.0}}, {"a": {}}, r"a has \[\] and should have \['b'\]"),
        ({"a": [1.0, 2.0]}, {"a": [1.0]}, "a has 1 items and should have 2"),
        ({"a": [1.0, 2.0]}, {"a": [1.0, 2.1]}, r"a\[1\] is 2.1 and should be 2.0"),
        ({"a": 1.0}, {"a": None}, "a is None and should be 1.0"),
        ({"a": None}, {"a": 1.0}, "a is 1.0 and should be None"),
        ({"a": "yes"}, {"a": "no"}, "a is 'no' and should be 'yes'"),
        ({"a": 12}, {"a": 24}, "a is 24 and should be 12"),
        ({"a": float("nan")}, {"a": float("nan")}, "a is nan and should be nan"),
        ({"a": 1.0}, {"a": float("nan")}, "a is nan and should be 1.0"),
        (None, {"a": 1.0}, "is {'a': 1.0} and should be None"),
        ({"a": [1.0]}, {"a": {"0": 1.0}}, "and should be"),
    ],
)
def test_the_first_difference_is_told_with_its_place(expected: object, found: object, difference: str) -> None:
    """So that an operator can say what is wrong; shapes count as much as numbers."""
    told = first_difference(expected, found)
    assert told is not None
    assert re.search(difference, told)


def test_a_coefficient_that_was_changed_is_found_by_the_golden_pairs(folder: Path) -> None:
    """Mistake 5: a flipped sign, in a folder whose digests all agree."""
    document = read(folder / MODEL)
    for beta in document["strata"]["distant"]["fits"]["coefficients"]:
        beta[2] = -beta[2]
    write(folder / MODEL, document)
    sign(folder)
    refused(folder, "Golden pair .* is not met")


@pytest.mark.parametrize("golden", [{}, {"pairs": []}, {"pairs": None}, {"pairs": {}}, {"pairs": "none"}])
def test_a_model_without_golden_pairs_is_refused(folder: Path, golden: Document) -> None:
    """S3: nothing would show that the program computes what was trained."""
    write(folder / GOLDEN, golden)
    sign(folder)
    refused(folder, "holds no pairs")


@pytest.mark.parametrize("pair", [{}, [], None, 1, {"input": {}}, {"input": {"features": None}}, {"input": 5}])
def test_a_golden_pair_that_is_no_pair_is_refused(folder: Path, pair: object) -> None:
    """With a reason, and not with a traceback."""
    golden = read(folder / GOLDEN)
    write(folder / GOLDEN, {"pairs": [*golden["pairs"], pair]})
    sign(folder)
    refused(folder, f"Golden pair {len(golden['pairs']) + 1} of .* is not a pair")


def test_a_golden_pair_without_output_is_refused(folder: Path) -> None:
    """An answer is expected."""
    golden = read(folder / GOLDEN)
    write(folder / GOLDEN, {"pairs": [{"input": golden["pairs"][0]["input"]}]})
    sign(folder)
    refused(folder, "Golden pair 1 of .* is not met")


def test_a_golden_pair_that_is_no_patient_of_the_model_is_refused(folder: Path) -> None:
    """The questions changed, and the pairs did not."""
    golden = read(folder / GOLDEN)
    golden["pairs"][2]["input"]["features"]["interval_months"] = 500
    write(folder / GOLDEN, golden)
    sign(folder)
    refused(folder, r"Golden pair 3 of .* is not a patient of this model \(interval_months: too_high\)")


# S5: the server never unpickles.


class _Trap:
    """A pickle that leaves a trace when it is opened."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return _spring, (str(self.trace),)


def _spring(trace: str) -> str:
    Path(trace).write_text("opened", encoding="utf-8")
    return trace


def test_the_estimators_are_never_opened(folder: Path, tmp_path: Path) -> None:
    """S5 and DESIGN §4: a pickle runs what it likes; the trap works, and reading the folder does not spring it."""
    trace = tmp_path / "trace"
    content = pickle.dumps(_Trap(trace))
    pickle.loads(content)  # noqa: S301
    assert trace.exists()
    trace.unlink()
    (folder / ESTIMATORS).write_bytes(content)
    sign(folder)
    read_artefact(folder)
    assert not trace.exists()


def test_a_server_needs_no_estimators(folder: Path) -> None:
    """DESIGN §4: the server reads only model.json, its card and its golden pairs."""
    (folder / ESTIMATORS).unlink()
    read_artefact(folder)
