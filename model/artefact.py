"""A model on disk: read, checked against its manifest and its golden pairs, or refused with a reason."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.document import UnreadableModel, read_model
from model.fitted import Model
from model.patient import InvalidPatient, Patient
from model.plain import plain_prediction
from model.prediction import predict

MODEL, CARD, GOLDEN, MANIFEST, ESTIMATORS = (
    "model.json",
    "card.json",
    "golden.json",
    "manifest.json",
    "estimators.joblib",
)
GOLDEN_TOLERANCE = 1e-9


class ModelUnavailable(Exception):
    """A model cannot be served; the message tells an operator which folder, which file and why."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model that holds what its golden pairs promise, with its card."""

    model: Model
    card: Mapping[str, Any]
    manifest: Mapping[str, Any]


def read_artefact(folder: Path) -> Artefact:
    """Read a model folder and verify every file's digest and every golden pair.

    ``estimators.joblib`` is not opened, for it is a pickle and only analysts need it. Raises ModelUnavailable.
    """
    manifest = _json(folder, MANIFEST, _bytes(folder, MANIFEST))
    digests = manifest.get("files")
    if not isinstance(digests, dict):
        message = f"{folder / MANIFEST} names no files, so nothing shows that they are what training wrote."
        raise ModelUnavailable(message)
    contents = {name: _verified(folder, name, digests) for name in (MODEL, CARD, GOLDEN)}
    try:
        model = read_model(_json(folder, MODEL, contents[MODEL]), digests[MODEL])
    except UnreadableModel as error:
        message = f"{folder / MODEL} cannot be read: {error}."
        raise ModelUnavailable(message) from error
    _check_golden(model, _json(folder, GOLDEN, contents[GOLDEN]), folder)
    return Artefact(model=model, card=_json(folder, CARD, contents[CARD]), manifest=manifest)


def digest_of(content: bytes) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _bytes(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        message = f"{folder / name} cannot be read ({error.strerror}). Is {folder} a model folder made by training?"
        raise ModelUnavailable(message) from error


def _verified(folder: Path, name: str, digests: Mapping[str, str]) -> bytes:
    content = _bytes(folder, name)
    found, stated = digest_of(content), digests.get(name)
    if found != stated:
        message = (
            f"{folder / name} is not the file that {MANIFEST} names (SHA-256 {found}, stated {stated}). "
            "It was changed or damaged after training: restore the folder or train again."
        )
        raise ModelUnavailable(message)
    return content


def _json(folder: Path, name: str, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        message = f"{folder / name} is not JSON: {error}."
        raise ModelUnavailable(message) from error
    if not isinstance(document, dict):
        message = f"{folder / name} does not hold a JSON object."
        raise ModelUnavailable(message)
    return document


def _check_golden(model: Model, golden: Mapping[str, Any], folder: Path) -> None:
    pairs = golden.get("pairs")
    if not pairs or not isinstance(pairs, list):
        message = f"{folder / GOLDEN} holds no pairs, so nothing shows that this program computes what was trained."
        raise ModelUnavailable(message)
    for number, pair in enumerate(pairs, start=1):
        try:
            patient = Patient.parse(
                model.features, pair["input"]["features"], alive_months=pair["input"].get("alive_months")
            )
        except InvalidPatient as error:
            message = f"Golden pair {number} of {folder} is not a patient of this model ({error})."
            raise ModelUnavailable(message) from error
        except (AttributeError, KeyError, TypeError) as error:
            message = f"Golden pair {number} of {folder} is not a pair of input and output ({error!r})."
            raise ModelUnavailable(message) from error
        try:
            difference = first_difference(pair.get("output"), plain_prediction(predict(model, patient)))
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            message = f"Golden pair {number} of {folder} cannot be computed ({error!r})."
            raise ModelUnavailable(message) from error
        if difference is not None:
            message = (
                f"Golden pair {number} of {folder} is not met: {difference}. "
                "This program computes something else than the one that trained the model."
            )
            raise ModelUnavailable(message)


def first_difference(expected: object, found: object, where: str = "") -> str | None:
    """Where two plain results first differ by more than the golden tolerance, in words; None when they agree."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        if expected.keys() != found.keys():
            return f"{where or 'it'} has {sorted(found)} and should have {sorted(expected)}"
        pairs = [(f"{where}.{key}".lstrip("."), expected[key], found[key]) for key in expected]
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return f"{where} has {len(found)} items and should have {len(expected)}"
        pairs = [(f"{where}[{i}]", a, b) for i, (a, b) in enumerate(zip(expected, found, strict=True))]
    elif isinstance(expected, float) and isinstance(found, float):
        agree = math.isclose(expected, found, rel_tol=GOLDEN_TOLERANCE, abs_tol=1e-12)
        return None if agree else f"{where} is {found!r} and should be {expected!r}"
    else:
        return None if expected == found else f"{where} is {found!r} and should be {expected!r}"
    return next((d for path, a, b in pairs if (d := first_difference(a, b, path)) is not None), None)
