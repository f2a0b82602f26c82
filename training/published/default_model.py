"""The default model: from the published figures to a model folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sksurv.linear_model import CoxPHSurvivalAnalysis

from model.document import read_feature
from model.fitted import Stratum
from training.artefact import model_document, refuse_if_occupied, write_artefact
from training.published.acceptance import median_and_survival, p_values
from training.published.anchoring import Anchors, anchor
from training.published.card import default_card
from training.published.description import default_description, default_specification
from training.published.evidence import Evidence, default_evidence
from training.published.generating import Cohort, Generator
from training.published.pooling import FittedCohort, common_centre, fit_cohort, pool
from training.published.reconstruction import Reconstruction, reconstruct

RECONSTRUCTIONS = 100
SEED = 20170603
FEWEST = 2
"""With one cohort nothing shows how much the cohorts differ."""

Progress = Callable[[str, int], None]
"""Told which stratum is at work, and how many more of its cohorts are done."""


class FollowUpOff(Exception):
    """The cohorts' follow-up, all patterns together, is not the published one; the message says by how much."""


@dataclass(frozen=True, slots=True)
class TrainedStratum:
    """One stratum with everything that its report and its card tell."""

    generator: Generator
    reconstruction: Reconstruction
    fitted: tuple[FittedCohort, ...]
    stratum: Stratum
    anchors: Anchors
    median_p: Mapping[str, float]
    """For each predictor with a published P, the median of the Wald P over the cohorts."""


def default_generators(evidence: Evidence | None = None) -> tuple[Generator, ...]:
    """The generating model of every stratum of the default model, in the order in which they are asked."""
    description = default_description()
    features = [read_feature(feature) for feature in description["features"]]
    return tuple(
        Generator(
            stratum=level["code"],
            features=tuple(feature for feature in features if feature.used_in(level["code"])),
            evidence=evidence or default_evidence(),
            last_month=description["support_months"],
        )
        for level in description["stratum_feature"]["levels"]
    )


def train_default(
    output: Path,
    *,
    seed: int = SEED,
    reconstructions: int = RECONSTRUCTIONS,
    jobs: int = -1,
    progress: Progress = lambda _stratum, _done: None,
) -> dict[str, Any]:
    """Reconstruct, fit, pool and anchor every stratum, write the model folder, and return its card.

    The same seed gives the same digits, whatever ``jobs`` is. Raises NotReconstructed, NotAnchored or FollowUpOff
    where a published figure cannot be met, and OutputOccupied where ``output`` holds something else; nothing is
    written then.
    """
    if reconstructions < FEWEST:
        message = f"at least {FEWEST} reconstructions are needed, and {reconstructions} were asked for"
        raise ValueError(message)
    refuse_if_occupied(output)
    description, evidence = default_description(), default_evidence()
    trained = [
        _train_stratum(generator, reconstructions, (seed, number), jobs, progress)
        for number, generator in enumerate(default_generators(evidence))
    ]
    follow_up = _follow_up(evidence, [one.reconstruction.cohorts for one in trained])
    card = default_card(description, evidence, trained, follow_up=follow_up, seed=seed)
    write_artefact(
        output,
        document=model_document(description, [one.stratum for one in trained]),
        card=card,
        estimators={one.generator.stratum: _estimators(one.fitted) for one in trained},
        seed=seed,
        specification=default_specification().text,
    )
    return card


def _train_stratum(
    generator: Generator, wanted: int, seed: tuple[int, ...], jobs: int, progress: Progress
) -> TrainedStratum:
    name, evidence = generator.stratum, generator.evidence
    # A cohort counts half when it is accepted and half when it is fitted: the bar then runs about evenly.
    result = reconstruct(generator, wanted, seed, jobs=jobs, progress=lambda done: progress(name, done))
    centre = common_centre(result.cohorts)
    fitted = []
    for one in joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(fit_cohort)(generator.terms, cohort, centre) for cohort in result.cohorts
    ):
        fitted.append(one)
        progress(name, 1)
    pooled = pool(generator, result.cohorts, fitted, centre)
    anchored, anchors = anchor(pooled, round(evidence[f"{name}.median"]), evidence[f"{name}.five_year"])
    return TrainedStratum(
        generator=generator,
        reconstruction=result,
        fitted=tuple(fitted),
        stratum=anchored,
        anchors=anchors,
        median_p=_median_p(generator, fitted),
    )


def _median_p(generator: Generator, fitted: Sequence[FittedCohort]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for one in fitted:
        for name, p, _ in p_values(generator, one.coefficients, one.sets.covariance):
            found.setdefault(name, []).append(p)
    return {name: float(np.median(p)) for name, p in found.items()}


def _follow_up(evidence: Evidence, cohorts: Sequence[Sequence[Cohort]]) -> float:
    """The reverse Kaplan-Meier median follow-up of all patterns together: the median over the reconstructed series."""
    medians = []
    for series in zip(*cohorts, strict=True):
        time = np.concatenate([cohort.time for cohort in series])
        event = np.concatenate([cohort.event for cohort in series])
        medians.append(median_and_survival(time, ~event, 0)[0])
    found, published = float(np.median(medians)), evidence["series.follow_up"]
    if abs(found - published) > evidence["series.follow_up_tolerance"]:
        message = (
            f"The reconstructed series has a median follow-up of {found:.1f} months, and the published one is "
            f"{published:.0f}: the priors of the censoring do not fit this figure."
        )
        raise FollowUpOff(message)
    return found


def _estimators(fitted: Sequence[FittedCohort]) -> list[CoxPHSurvivalAnalysis]:
    return [one.estimator for one in fitted if one.estimator is not None]
