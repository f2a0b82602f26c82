"""From a registry and its specification to a model folder and its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from model.fitted import Stratum
from training.artefact import model_document, refuse_if_occupied, write_artefact
from training.development.assumptions import doubts, mean_errors, proportionality, remedies, sample_size
from training.development.card import development_card
from training.development.describing import characteristics, flow, groups_of, impossible, outcome
from training.development.procedure import Developed, develop
from training.registry.cohort import Cohort
from training.registry.reading import check_for_fitting, read_registry
from training.registry.specification import Specification, refuse_unchecked
from training.validation.measures import by_group, measure
from training.validation.observed import Observed
from training.validation.optimism import Optimism, optimism
from training.validation.predicting import predict_cohort, strata_of

SEED = 20170603

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Development:
    """A model that was developed: its strata, its card and its report, all plain but for the strata."""

    strata: Mapping[str, Stratum]
    card: dict[str, Any]
    report: dict[str, Any]


def train_on_registry(
    registry: Path,
    specification: Specification,
    output: Path,
    *,
    seed: int = SEED,
    jobs: int = -1,
    progress: Progress = lambda _done: None,
) -> Development:
    """Read, fit, check and validate, and write the model folder; the same seed gives the same digits.

    Raises WrongSpecification, UnreadableRegistry, ImpossibleRegistry, NotFitted or OutputOccupied; nothing is written
    then.
    """
    refuse_unchecked(specification)
    refuse_if_occupied(output)
    cohort = read_registry(registry, specification)
    check_for_fitting(cohort)
    groups = develop(cohort, np.random.default_rng(seed))
    corrected = optimism(cohort, seed=seed, bootstraps=specification.fitting.bootstraps, jobs=jobs, progress=progress)
    strata = strata_of(groups)
    report = _report(cohort, groups, strata, corrected, registry)
    card = development_card(specification, report, groups, seed)
    write_artefact(
        output,
        document=model_document(_description(specification, cohort, groups), list(strata.values())),
        card=card,
        estimators={},
        seed=seed,
        specification=specification.text,
    )
    return Development(strata, card, report)


def about_file(path: Path) -> dict[str, str]:
    """Which file it was: its name and digest."""
    return {"file": path.name, "sha256": sha256(path.read_bytes()).hexdigest()}


def _report(
    cohort: Cohort, groups: Sequence[Developed], strata: Mapping[str, Stratum], corrected: Optimism, registry: Path
) -> dict[str, Any]:
    form = cohort.specification.form
    predicted = predict_cohort(strata, cohort, range(form.support_months + 1))
    observed = Observed(cohort.time, cohort.event, cohort.entry)
    tests = [(one, proportionality(one)) for one in groups]
    changes = [row for one, rows in tests for doubt in doubts(one, rows) for row in remedies(doubt)]
    return {
        "kind": "development",
        "title": form.title,
        "model": {"name": form.name, "version": form.version},
        "made_from": form.made_from,
        "registry": about_file(registry),
        "flow": flow(cohort),
        "impossible": impossible(cohort),
        "outcome": outcome(cohort),
        "characteristics": characteristics(cohort),
        "sample_size": [sample_size(one) for one in groups if one.terms],
        "proportionality": [row for _, rows in tests for row in rows],
        "remedies": changes,
        "remedies_in_short": mean_errors(changes),
        "optimism": _plain_optimism(corrected),
        "measures": measure(observed, predicted, list(form.horizons_months)).plain(),
        "groups": by_group(observed, predicted, groups_of(cohort), list(form.horizons_months)),
    }


def _plain_optimism(corrected: Optimism) -> dict[str, Any]:
    return {
        "bootstraps": corrected.bootstraps,
        "failed": corrected.failed,
        "measures": [
            {
                "measure": one.measure,
                "apparent": one.apparent.plain(),
                "corrected": None if one.corrected is None else one.corrected.plain(),
                "harrell": one.harrell,
            }
            for one in corrected.measures
        ],
    }


def _description(specification: Specification, cohort: Cohort, groups: Sequence[Developed]) -> dict[str, Any]:
    """The specification's words and questions, of what is used; usual ranges from the data where none are stated."""
    description = specification.description()
    used = {name: {term.feature for term in one.terms} for one in groups for name in one.group.strata}
    questions = []
    for question in description["features"]:
        name = question["name"]
        strata = [stratum for stratum in specification.strata if name in used[stratum]]
        if not strata:
            continue
        soft = question.get("soft") or _usual(cohort, name, strata)
        limited = {} if len(strata) == len(specification.strata) else {"strata": strata}
        rest = {key: value for key, value in question.items() if key not in ("soft", "strata")}
        questions.append({**rest, **limited, **({"soft": soft} if soft else {})})
    not_asked = {name: list(items) for name, items in description["not_asked"].items()}
    for one in groups:
        for name in one.dropped:
            reason = "It did not predict survival in these patients beyond the others, by the rule stated beforehand."
            for stratum in one.group.strata:
                label = specification.form_of(name).label
                not_asked.setdefault(stratum, []).append({"label": label, "reason": reason})
    return {**description, "features": questions, "not_asked": not_asked}


def _usual(cohort: Cohort, name: str, strata: Sequence[str]) -> dict[str, Any]:
    """By stratum, from the 1st to the 99th percentile of a number, to two digits; nothing for a category."""
    form = cohort.specification.form_of(name)
    if form.hard is None:
        return {}
    ranges = {}
    for stratum in strata:
        values = cohort.patients[name][cohort.stratum == stratum].dropna().astype(float)
        low, high = (float(f"{values.quantile(share):.2g}") for share in (0.01, 0.99))
        if form.hard.low <= low < high <= form.hard.high:
            ranges[stratum] = {"low": low, "high": high}
    return ranges
