"""Writing a model folder: all of it or nothing, and never over what is not a model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import joblib
import pytest

from model.artefact import CARD, ESTIMATORS, GOLDEN, MANIFEST, MODEL, ModelUnavailable, digest_of, read_artefact
from model.document import UnreadableModel
from model.features import UNKNOWN
from model.fitted import Model
from tests.invented import THREE, document, stratum
from tests.small_artefact import FITS, SEED, build, small_strata
from training.artefact import (
    PACKAGES,
    OutputOccupied,
    golden_pairs,
    load_estimators,
    model_document,
    refuse_if_occupied,
    write_artefact,
)
from training.published.description import default_description

FILES = {MODEL, CARD, GOLDEN, MANIFEST, ESTIMATORS, "specification.toml"}


@pytest.fixture(autouse=True)
def few_packages() -> Iterator[None]:
    """The tests of this file need not have installed what a real training needs."""
    with patch("training.artefact.PACKAGES", ("numpy", "joblib")):
        yield


def write(folder: Path, *, fits: int = 2, seed: int = 1, estimators: Mapping[str, Any] | None = None) -> None:
    write_artefact(folder, document(stratum(3, fits, THREE)), {"made": "by a test"}, estimators or {}, seed)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_folder_holds_six_files_and_the_manifest_names_five(tmp_path: Path) -> None:
    """DESIGN §4: model, estimators, card and golden pairs by their SHA-256; packages, seed and time."""
    write(tmp_path / "model", seed=17)
    assert {path.name for path in (tmp_path / "model").iterdir()} == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    manifest = read_artefact(tmp_path / "model").manifest
    assert manifest["files"] == {
        name: digest_of((tmp_path / "model" / name).read_bytes()) for name in FILES - {MANIFEST}
    }
    assert manifest["seed"] == 17
    assert manifest["packages"] == {"numpy": version("numpy"), "joblib": version("joblib")}
    assert manifest["created"].endswith("+00:00")


def test_the_estimators_are_what_was_given_and_their_digest_is_stated(tmp_path: Path) -> None:
    """DESIGN §4: analysts open them when the SHA-256 agrees with the manifest."""
    write(tmp_path / "model", estimators={"local": [1.5, 2.5]})
    content = (tmp_path / "model" / ESTIMATORS).read_bytes()
    assert digest_of(content) == read_artefact(tmp_path / "model").manifest["files"][ESTIMATORS]
    assert joblib.load(BytesIO(content)) == {"local": [1.5, 2.5]}


def test_the_packages_that_decide_a_fit_are_recorded() -> None:
    """DESIGN §4: package versions; the project's own among them."""
    assert {"numpy", "scipy", "scikit-survival", "rps-prognosis"} <= set(PACKAGES)
    for package in PACKAGES:
        try:
            assert version(package)
        except PackageNotFoundError:
            assert package == "rps-prognosis"  # where the tests run from a tree that is not installed


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    """As any program does that is given an output."""
    write(tmp_path / "a" / "b" / "model")
    read_artefact(tmp_path / "a" / "b" / "model")


def test_the_same_seed_gives_the_same_bytes(artefact_folder: Path, tmp_path: Path) -> None:
    """Issue: a fixed seed that gives the same digits every time."""
    again = build(tmp_path / "model")
    for name in (MODEL, CARD, GOLDEN):
        assert (again / name).read_bytes() == (artefact_folder / name).read_bytes()
    other = model_document(default_description(), small_strata(SEED + 1, FITS))
    assert other != json.loads((again / MODEL).read_text(encoding="utf-8"))


# All or nothing.


def test_an_old_model_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """And nothing of it, or of the writing, stays behind."""
    write(tmp_path / "model", fits=2)
    before = contents(tmp_path)
    write(tmp_path / "model", fits=3)
    assert read_artefact(tmp_path / "model").model.strata["invented"].fits.count == 3
    assert contents(tmp_path).keys() == before.keys()
    assert contents(tmp_path)["model/model.json"] != before["model/model.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


STEPS = [
    "joblib.dump",
    "training.artefact.golden_pairs",
    "training.artefact.version",
    "training.artefact.read_artefact",
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interruption_leaves_the_old_model_and_nothing_else(
    tmp_path: Path, step: str, error: type[BaseException]
) -> None:
    """Issue: written atomically."""
    write(tmp_path / "model")
    before = contents(tmp_path)
    with patch(step, side_effect=error), pytest.raises(error):
        write(tmp_path / "model", fits=3)
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("step", STEPS)
def test_an_interruption_of_the_first_writing_leaves_nothing(tmp_path: Path, step: str) -> None:
    """No half a model that a server could be pointed at."""
    with patch(step, side_effect=RuntimeError), pytest.raises(RuntimeError):
        write(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_the_old_model_comes_back_when_the_last_move_fails(
    tmp_path: Path, failing: int, error: type[BaseException]
) -> None:
    """Between taking the old folder away and putting the new one in its place nothing is lost."""
    write(tmp_path / "model")
    before = contents(tmp_path)
    move, moves = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        moves.append(self)
        if len(moves) == failing:
            raise error
        return move(self, target)

    with patch.object(Path, "replace", replace), pytest.raises(error):
        write(tmp_path / "model", fits=3)
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_document_that_is_no_model_is_not_written(tmp_path: Path) -> None:
    """What could not be served is not put where servers look."""
    write(tmp_path / "model")
    before = contents(tmp_path)
    wrong = document(stratum(3, 2, THREE)) | {"headline_months": 7}
    with pytest.raises(UnreadableModel, match="headline 7"):
        write_artefact(tmp_path / "model", wrong, {}, {}, 1)
    assert contents(tmp_path) == before


def test_a_card_with_a_number_that_is_none_is_not_written(tmp_path: Path) -> None:
    """JSON has no NaN, and other programs' readers refuse it."""
    with pytest.raises(ValueError, match="JSON"):
        write_artefact(tmp_path / "model", document(stratum(3, 2, THREE)), {"c_index": float("nan")}, {}, 1)
    assert list(tmp_path.iterdir()) == []


# Never over what is not a model.


def refused(folder: Path, reason: str) -> None:
    before = contents(folder.parent)
    with pytest.raises(OutputOccupied, match=reason):
        refuse_if_occupied(folder)
    with pytest.raises(OutputOccupied, match=reason):
        write(folder)
    assert contents(folder.parent) == before


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    """--output with the name of a file."""
    (tmp_path / "model").write_text("precious", encoding="utf-8")
    refused(tmp_path / "model", "is a file")


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    """--output with the name of a home directory."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.docx").write_text("precious", encoding="utf-8")
    refused(tmp_path / "model", "holds files that are not a model")


def test_a_folder_with_a_manifest_of_another_kind_is_not_replaced(tmp_path: Path) -> None:
    """Many programs have a manifest.json: web pages, extensions of browsers."""
    (tmp_path / "model").mkdir()
    for name in (MANIFEST, "index.html"):
        (tmp_path / "model" / name).write_text("{}", encoding="utf-8")
    refused(tmp_path / "model", "holds files that are not a model")


def test_a_model_beside_which_somebody_keeps_files_is_not_replaced(tmp_path: Path) -> None:
    """A registry put beside the model would be lost with it."""
    write(tmp_path / "model")
    (tmp_path / "model" / "registry.csv").write_text("precious", encoding="utf-8")
    refused(tmp_path / "model", "holds files that are not a model")


def test_an_empty_folder_and_a_model_may_be_written_to(tmp_path: Path) -> None:
    """An empty folder is what one gets ready for an output."""
    (tmp_path / "model").mkdir()
    refuse_if_occupied(tmp_path / "model")
    write(tmp_path / "model")
    refuse_if_occupied(tmp_path / "model")
    refuse_if_occupied(tmp_path / "nothing")


# Golden pairs.


def test_golden_pairs_reach_every_answer(model: Model) -> None:
    """Every stratum, every level, every unknown, both ends of the usual range of each number, alive at 0 and later."""
    pairs = golden_pairs(model)
    for code in model.strata:
        inputs = [pair["input"] for pair in pairs if pair["input"]["features"]["pattern"] == code]
        assert {one["alive_months"] for one in inputs} == {0, 12}
        for feature in model.features.used_in(code):
            given = {one["features"][feature.name] for one in inputs}
            expected: set[float | str] = {level.code for level in feature.levels}
            if feature.hard is not None:
                expected = {feature.soft[code].low, feature.soft[code].high}
            if feature.unknown is not None:
                expected |= {UNKNOWN}
            assert expected <= given
        names = [feature.name for feature in model.features.used_in(code)]
        combined = {tuple(one["features"][name] for name in names) for one in inputs}
        # Were the answers walking in step, only as many combinations as answers would be seen.
        assert len(combined) > max([len({one["features"][name] for one in inputs}) for name in names], default=0)


def test_golden_pairs_are_made_for_other_questions_too(tmp_path: Path) -> None:
    """Numbers that may be unknown, an open end, one fit, predictors distributed together."""
    write_artefact(tmp_path / "model", document(stratum(3, 1, THREE, joint=True)), {}, {}, 1)
    model = read_artefact(tmp_path / "model").model
    given = {pair["input"]["features"]["size"] for pair in golden_pairs(model)}
    assert given == {1.0, 15.5, 30.0, UNKNOWN}


def test_estimators_are_opened_only_when_their_digest_agrees(artefact_folder: Path, tmp_path: Path) -> None:
    """DESIGN §4: only the training side opens the pickle, and only when its SHA-256 agrees with the manifest."""
    assert isinstance(load_estimators(artefact_folder), dict)
    copy = tmp_path / "model"
    shutil.copytree(artefact_folder, copy)
    (copy / ESTIMATORS).write_bytes((copy / ESTIMATORS).read_bytes() + b" ")
    with pytest.raises(ModelUnavailable, match="it was not opened"):
        load_estimators(copy)


def test_the_folder_that_one_stands_in_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputOccupied, match="name a folder inside it"):
        refuse_if_occupied(Path())
