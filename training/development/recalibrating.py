"""From a model folder and a registry to a recalibrated model folder and its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model.artefact import MODEL, digest_of, read_artefact
from model.document import read_model, stratum_document
from training.artefact import refuse_if_occupied, write_artefact
from training.development.card import NOT_AVAILABLE
from training.development.development import SEED
from training.development.recalibration import Recalibrated, recalibrate
from training.registry.reading import read_registry
from training.validation.validation import specification_for, validation_report


def recalibrate_model(
    folder: Path,
    registry: Path,
    output: Path,
    *,
    specification: Path | None = None,
    slope: bool = False,
    seed: int = SEED,
) -> dict[str, Any]:
    """Write the recalibrated model and return its report: what was done, and the measures before and after.

    Raises ModelUnavailable, WrongSpecification, UnreadableRegistry, ImpossibleRegistry, NotRecalibrated or
    OutputOccupied; nothing is written then.
    """
    refuse_if_occupied(output)
    artefact = read_artefact(folder)
    own = specification_for(folder, artefact, specification)
    cohort = read_registry(registry, own)
    features = {name: artefact.model.features.used_in(name) for name in artefact.model.strata}
    made = recalibrate(artefact.model.strata, features, cohort, slope=slope, seed=seed)
    before = validation_report(artefact, cohort, registry)
    document = _document(folder, made, before)
    card = _card(dict(artefact.card), made, before, slope=slope)
    write_artefact(output, document, card, {}, seed, own.text)
    after = validation_report(read_artefact(output), cohort, registry)
    return {**after, "kind": "recalibration", "recalibration": made.rows, "measures_before": before["measures"]}


def _document(folder: Path, made: Recalibrated, before: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / MODEL).read_bytes())
    document["name"] = f"{document['name']}-recalibrated"
    document["strata"] = {name: stratum_document(stratum) for name, stratum in made.strata.items()}
    document["about"]["made_from"] = f"{document['about']['made_from']} {_sentence(made, before)}"
    read_model(document, digest_of(b""))
    return document


def _card(card: dict[str, Any], made: Recalibrated, before: dict[str, Any], *, slope: bool) -> dict[str, Any]:
    validation = dict(card.get("validation", {}))
    kept = "Effects were multiplied by one slope." if slope else "Effects were kept."
    validation["sentence"] = (
        f"{_sentence(made, before)} {kept} It has not been validated since, on patients other than those."
    )
    validation["local"] = NOT_AVAILABLE
    return {
        **card,
        "name": f"{card.get('name', '')}-recalibrated",
        "made_from": f"{card.get('made_from', '')} {_sentence(made, before)}",
        "validation": validation,
        "recalibration": made.rows,
        "recalibrated_on": [{**before["registry"], "patients": before["measures"]["patients"]}],
        "estimators": "estimators.joblib is empty: a fitted estimator would hold each patient's time of death.",
    }


def _sentence(made: Recalibrated, before: dict[str, Any]) -> str:
    measures = before["measures"]
    untouched = [row["stratum"] for row in made.rows if row["recalibrated"] != "yes"]
    rest = f" Too few for {', '.join(untouched)}, which is as it was." if untouched else ""
    return (
        f"Its baseline was fitted anew on {measures['patients']} patients, {measures['deaths']} of whom died, of one "
        f"hospital's registry.{rest}"
    )
