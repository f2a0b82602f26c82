"""A model held against a registry: any model folder, any registry whose file its specification can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model.artefact import Artefact, read_artefact
from model.fitted import Model
from training.artefact import read_own_specification
from training.development.describing import characteristics, flow, groups_of, impossible, outcome
from training.development.development import about_file
from training.registry.cohort import Cohort
from training.registry.reading import read_registry
from training.registry.specification import Specification, WrongSpecification, read_specification
from training.validation.measures import by_group, measure
from training.validation.observed import Observed
from training.validation.predicting import predict_cohort


def validate_model(folder: Path, registry: Path, specification: Path | None = None) -> dict[str, Any]:
    """The report of a model on a registry, which it may not have been made from.

    ``specification`` says where the registry holds what, if that is not as the model's own specification has it. Raises
    ModelUnavailable, WrongSpecification, UnreadableRegistry or ImpossibleRegistry.
    """
    artefact = read_artefact(folder)
    cohort = read_registry(registry, specification_for(folder, artefact, specification))
    return validation_report(artefact, cohort, registry)


def specification_for(folder: Path, artefact: Artefact, path: Path | None) -> Specification:
    """The specification to read a registry with: the one given, or the model's own. Raises WrongSpecification."""
    text = read_own_specification(folder) if path is None else path.read_text(encoding="utf-8-sig")
    if not text:
        message = f"{folder} came without a specification, so --spec must say where the registry holds what."
        raise WrongSpecification(message)
    specification = read_specification(text, "the model's specification" if path is None else str(path))
    _check_same_questions(specification, artefact.model)
    return specification


def validation_report(artefact: Artefact, cohort: Cohort, registry: Path) -> dict[str, Any]:
    """What the model predicts for the cohort against what became of it."""
    model = artefact.model
    last = min(stratum.last_month for stratum in model.strata.values())
    horizons = [month for month in model.horizons if month <= last]
    predicted = predict_cohort(model.strata, cohort, range(last + 1))
    observed = Observed(cohort.time, cohort.event, cohort.entry)
    return {
        "kind": "validation",
        "title": model.about.title,
        "model": {"name": model.name, "version": model.version, "digest": model.digest},
        "made_from": model.about.made_from,
        "registry": about_file(registry),
        "flow": flow(cohort),
        "impossible": impossible(cohort),
        "outcome": outcome(cohort),
        "characteristics": characteristics(cohort),
        "measures": measure(observed, predicted, horizons).plain(),
        "groups": by_group(observed, predicted, groups_of(cohort), horizons),
    }


def _check_same_questions(specification: Specification, model: Model) -> None:
    """A specification must answer what the model asks, in the same codes; else patients would be mixed up."""
    found = []
    if model.features.only_stratum is None and specification.stratum_form.name != model.features.stratum.name:
        found.append(f"the model's stratum question is {model.features.stratum.name}")
    if set(specification.strata) != set(model.strata):
        found.append(f"the model's strata are {', '.join(model.strata)}")
    own = {feature.name: feature for feature in specification.features}
    for feature in model.features.predictors:
        other = own.get(feature.name)
        if other is None:
            found.append(f"the model's predictor {feature.name} is not specified")
        elif other.unit != feature.unit:
            found.append(f"{feature.name} is in {feature.unit} in the model")
        elif {level.code for level in other.levels} != {level.code for level in feature.levels}:
            codes = ", ".join(level.code for level in feature.levels)
            found.append(f"the levels of {feature.name} are {codes} in the model")
    if found:
        message = "The specification does not fit the model: " + "; ".join(found) + "."
        raise WrongSpecification(message)
