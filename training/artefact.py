"""Write a model folder: all of it or nothing."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib

from model.artefact import CARD, ESTIMATORS, GOLDEN, MANIFEST, MODEL, ModelUnavailable, digest_of, read_artefact
from model.document import FORMAT, read_model, stratum_document
from model.features import ALIVE_MONTHS, UNKNOWN, Feature
from model.fitted import Model, Stratum
from model.patient import Patient
from model.plain import plain_prediction
from model.prediction import predict

SPECIFICATION = "specification.toml"
FILES = frozenset({MODEL, CARD, GOLDEN, MANIFEST, ESTIMATORS, SPECIFICATION})
ABOUT = ("title", "origin", "time_zero", "outcome", "reconstructed", "made_from", "data_period", "not_for", "cautions")
PACKAGES = ("numpy", "scipy", "scikit-learn", "scikit-survival", "pandas", "joblib", "rps-prognosis")


class OutputOccupied(Exception):
    """The output folder holds something that is not a model; the message says what to do."""


def model_document(description: Mapping[str, Any], strata: Sequence[Stratum]) -> dict[str, Any]:
    """What ``model.json`` holds: the description's questions and words, and the fitted strata."""
    document = {
        "format": FORMAT,
        "name": description["name"],
        "version": description["version"],
        "about": {
            **{key: description[key] for key in ABOUT},
            "not_asked": description["not_asked"],
            "for_patients": description.get("for_patients"),
        },
        "horizons_months": description["horizons_months"],
        "headline_months": description["headline_months"],
        "stratum_feature": description["stratum_feature"],
        "features": description["features"],
        "strata": {stratum.name: stratum_document(stratum) for stratum in strata},
    }
    return document if description.get("record") is None else document | {"record": description["record"]}


def write_artefact(
    folder: Path,
    document: Mapping[str, Any],
    card: Mapping[str, Any],
    estimators: Mapping[str, Any],
    seed: int,
    specification: str = "",
) -> None:
    """Write and verify a model folder, then put it in its place in one move; an old model there is replaced.

    Raises OutputOccupied rather than replace what is not a model.
    """
    refuse_if_occupied(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        _write_json(new / MODEL, document)
        model = read_model(document, digest_of((new / MODEL).read_bytes()))
        _write_json(new / CARD, card)
        _write_json(new / GOLDEN, {"pairs": golden_pairs(model)})
        joblib.dump(estimators, new / ESTIMATORS, compress=3)
        (new / SPECIFICATION).write_text(specification, encoding="utf-8")
        _write_json(
            new / MANIFEST,
            {
                "format": FORMAT,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "seed": seed,
                "packages": {package: version(package) for package in PACKAGES},
                "files": {name: digest_of((new / name).read_bytes()) for name in sorted(FILES - {MANIFEST})},
            },
        )
        read_artefact(new)
        old = Path(scratch) / "old"
        if folder.exists():
            folder.replace(old)
        try:
            new.replace(folder)
        except BaseException:
            if old.exists():
                old.replace(folder)
            raise


def load_estimators(folder: Path) -> dict[str, list[Any]]:
    """The fitted scikit-survival estimators of each stratum, for analysts; opened only when the digest agrees.

    A pickle can run anything, so open none but those of a folder that you trust. Raises ModelUnavailable.
    """
    stated = read_artefact(folder).manifest["files"].get(ESTIMATORS)
    content = (folder / ESTIMATORS).read_bytes()
    if digest_of(content) != stated:
        message = f"{folder / ESTIMATORS} is not the file that {MANIFEST} names; it was not opened."
        raise ModelUnavailable(message)
    loaded: dict[str, list[Any]] = joblib.load(io.BytesIO(content))
    return loaded


def read_own_specification(folder: Path) -> str:
    """The text of the specification that a model was made from; empty where it came without one.

    Raises ModelUnavailable where it is not the file that the manifest names.
    """
    stated = read_artefact(folder).manifest["files"].get(SPECIFICATION)
    content = (folder / SPECIFICATION).read_bytes() if stated is not None else b""
    if stated is not None and digest_of(content) != stated:
        message = f"{folder / SPECIFICATION} is not the file that {MANIFEST} names."
        raise ModelUnavailable(message)
    return content.decode("utf-8")


def refuse_if_occupied(folder: Path) -> None:
    """Raise OutputOccupied where a folder holds anything but a model. To be asked before the long work begins."""
    if folder.is_dir() and (folder.is_mount() or folder.samefile(Path.cwd())):
        message = f"{folder} cannot be put in place in one move: name a folder inside it."
        raise OutputOccupied(message)
    if folder.exists() and not folder.is_dir():
        message = f"{folder} is a file. Name a folder that does not exist yet, or one that holds a model."
        raise OutputOccupied(message)
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    # Everything in it would be lost, so a file of the name manifest.json does not make it a model yet.
    if names and (MANIFEST not in names or not names <= FILES):
        message = f"{folder} holds files that are not a model. Name a folder that does not exist yet, or an empty one."
        raise OutputOccupied(message)


def golden_pairs(model: Model) -> list[dict[str, Any]]:
    """Inputs that reach every stratum, level, unknown and both ends of the usual ranges, with what is predicted."""
    pairs = []
    for stratum in model.strata.values():
        for number, answers in enumerate(_answers(model.features.used_in(stratum.name), stratum.name)):
            values = {model.features.stratum.name: stratum.name, **answers}
            alive = (0, stratum.last_month // 5)[number % 2]
            patient = Patient.parse(model.features, values, alive_months=alive)
            pairs.append(
                {
                    "input": {"features": values, ALIVE_MONTHS: alive},
                    "output": plain_prediction(predict(model, patient)),
                }
            )
    return pairs


def _answers(features: Sequence[Feature], stratum: str) -> list[dict[str, Any]]:
    """Sets of answers in which each feature's every answer occurs; the others walk along, each at its own pace."""
    choices = [_choices(feature, stratum) for feature in features]
    longest = max((len(choice) for choice in choices), default=1) * 2
    return [
        {
            feature.name: choice[(number + number // len(choice) * shift) % len(choice)]
            for shift, (feature, choice) in enumerate(zip(features, choices, strict=True))
        }
        for number in range(longest)
    ]


def _choices(feature: Feature, stratum: str) -> list[float | str]:
    unknown = [UNKNOWN] if feature.unknown is not None else []
    if feature.hard is None:
        return [*(level.code for level in feature.levels), *unknown]
    usual = feature.soft.get(stratum, feature.hard)
    numbers = (usual.low, (usual.low + usual.high) / 2, usual.high)
    return [*(float(x) for x in numbers if not usual.below(x) and not usual.above(x)), *unknown]


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
