"""Multiple reconstruction: cohorts that nobody released, drawn until enough of them agree with what was published.

Like multiple imputation, each cohort is one that could have been; what was not published differs between them, and so
widens the pooled interval by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import joblib
import numpy as np
from numpy.typing import NDArray

from training.published.acceptance import criteria, first_unmet
from training.published.generating import Cohort, Generator

Array = NDArray[np.float64]

BATCH = 250
"""Cohorts drawn from one seed. The batches are taken in order, so the result does not depend on how many cores there
are."""
COHORTS_OF_ONE_TRUTH = 5
"""A truth takes longer to draw than a cohort. One cohort in hundreds is kept, so two of one truth hardly ever are."""
MOST_TRIES = 400_000

Progress = Callable[[int], None]
"""Told how many more cohorts were accepted."""


class NotReconstructed(Exception):
    """Too few cohorts agree with the published figures; the message says which figure stands in the way."""


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """The accepted cohorts of one stratum, and how often each criterion was met by the cohorts that came to it."""

    generator: Generator
    cohorts: tuple[Cohort, ...]
    tries: int
    met: Mapping[str, float]


def reconstruct(
    generator: Generator,
    wanted: int,
    seed: tuple[int, ...],
    *,
    most_tries: int = MOST_TRIES,
    progress: Progress = lambda _: None,
    jobs: int = 1,
) -> Reconstruction:
    """Draw cohorts until ``wanted`` of them agree with every published figure of the stratum.

    The same seed gives the same cohorts whatever ``jobs`` is. Raises NotReconstructed after ``most_tries``.
    """
    accepted: list[Cohort] = []
    unmet: Counter[str | None] = Counter()
    for batch in _batches(generator, seed, most_tries // BATCH, jobs):
        for cohort, failed in batch:
            if len(accepted) == wanted:
                break
            unmet[failed] += 1
            if cohort is not None:
                accepted.append(cohort)
                progress(1)
        if len(accepted) == wanted:
            return Reconstruction(generator, tuple(accepted), unmet.total(), _met(generator, unmet))
    raise NotReconstructed(_explain_failure(generator, wanted, len(accepted), unmet))


def _batches(
    generator: Generator, seed: tuple[int, ...], count: int, jobs: int
) -> Iterator[list[tuple[Cohort | None, str | None]]]:
    cores = joblib.effective_n_jobs(jobs)
    if cores == 1:
        yield from (_draw_batch(generator, (*seed, number)) for number in range(count))
        return
    # In rounds, so that no core draws far beyond the cohort that completes the set.
    with joblib.Parallel(n_jobs=cores) as parallel:
        for start in range(0, count, 4 * cores):
            numbers = range(start, min(start + 4 * cores, count))
            yield from parallel(joblib.delayed(_draw_batch)(generator, (*seed, number)) for number in numbers)


def _draw_batch(generator: Generator, seed: tuple[int, ...]) -> list[tuple[Cohort | None, str | None]]:
    """For each cohort of one batch: itself where it is accepted, else the criterion that it does not meet."""
    rng = np.random.default_rng(seed)
    outcomes: list[tuple[Cohort | None, str | None]] = []
    for _ in range(BATCH // COHORTS_OF_ONE_TRUTH):
        truth = generator.draw_truth(rng)
        for _ in range(COHORTS_OF_ONE_TRUTH):
            cohort = generator.draw_cohort(truth, rng)
            failed = first_unmet(generator, cohort)
            outcomes.append((cohort if failed is None else None, failed))
    return outcomes


def _met(generator: Generator, unmet: Mapping[str | None, int]) -> dict[str, float]:
    """The share that met each criterion, of those that met all before it."""
    left, shares = sum(unmet.values()), {}
    for criterion in criteria(generator):
        failed = unmet.get(criterion.name, 0)
        shares[criterion.name] = (left - failed) / left if left else 0.0
        left -= failed
    return shares


def _explain_failure(generator: Generator, wanted: int, got: int, unmet: Mapping[str | None, int]) -> str:
    met = _met(generator, unmet)
    hardest = min(criteria(generator), key=lambda criterion: met[criterion.name])
    return (
        f"Only {got} of {wanted} cohorts for stratum {generator.stratum} agree with the published figures after "
        f"{sum(unmet.values())} tries. The figure that most often is not met: {hardest.what} "
        f"({hardest.name}: met by {100 * met[hardest.name]:.2g} % of the cohorts that came to it). "
        "Check this figure and its priors in the evidence."
    )
