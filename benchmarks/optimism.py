"""Is the optimism that the bootstrap takes off the right one? C corrected against C on fresh patients.

    python -m benchmarks.optimism --registries 200 --bootstraps 100

Each registry has 120 patients, about 60 deaths and ten predictors that are noise, so that the C of fresh patients is
near one half and all of the apparent rest is optimism. The whole of ``training.validation.optimism`` is run on each.
"""

from __future__ import annotations

import click
import joblib
import numpy as np
import pandas as pd

from training.development.procedure import develop
from training.registry.cohort import Cohort
from training.registry.specification import Specification, read_specification
from training.validation.discrimination import harrell_c, value_of
from training.validation.observed import Observed
from training.validation.optimism import optimism
from training.validation.predicting import predict_cohort, strata_of

PATIENTS, PREDICTORS, FRESH = 120, 10, 20_000
HEAD = """
name = "noise"
version = "1"
title = "Noise"
origin = "after time zero"
outcome = "death"
time_zero = "time zero"
horizons_months = [12, 24]
headline_months = 12
support_months = 24
data_period = "simulated"
made_from = "Simulated."
not_for = ["anyone"]
[population]
label = "Patients"
phrase = "noise"
[registry]
zero_times = "refuse"
impossible = "refuse"
"""
FEATURE = """
[[features]]
name = "x{number}"
label = "x{number}"
question = "x{number}?"
definition = "Noise."
where = "Nowhere."
timing = "Time zero."
unit = "units"
reference = 0
transformation = "identity"
hard = {{ low = -9, high = 9 }}
"""


@click.command()
@click.option("--registries", default=200, show_default=True)
@click.option("--bootstraps", default=100, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--jobs", default=2, show_default=True)
def main(registries: int, bootstraps: int, seed: int, jobs: int) -> None:
    """Print the mean difference between corrected and fresh C by either correction, and its standard error."""
    found = np.array(
        joblib.Parallel(n_jobs=jobs)(joblib.delayed(_one)((seed, number), bootstraps) for number in range(registries))
    )
    apparent, corrected, harrell, fresh, deaths = found.T
    click.echo(f"registries {registries}, bootstraps {bootstraps}, mean deaths {deaths.mean():.1f}")
    click.echo(f"mean C: apparent {apparent.mean():.4f}, fresh {fresh.mean():.4f}")
    for name, values in (("corrected (.632+)", corrected), ("Harrell's bootstrap", harrell)):
        difference = values - fresh
        error = difference.std(ddof=1) / np.sqrt(registries)
        click.echo(f"{name}: {values.mean():.4f}, minus fresh {difference.mean():+.4f} (standard error {error:.4f})")


def _one(seed: tuple[int, int], bootstraps: int) -> tuple[float, ...]:
    specification = read_specification(HEAD + "".join(FEATURE.format(number=number) for number in range(PREDICTORS)))
    rng = np.random.default_rng(seed)
    cohort = _cohort(specification, PATIENTS, rng)
    row = optimism(cohort, seed=seed[1], bootstraps=bootstraps, jobs=1).measures[0]
    model = strata_of(develop(cohort, np.random.default_rng(seed[1])))
    fresh = _cohort(specification, FRESH, rng)
    score = predict_cohort(model, fresh, [0, 24]).score
    other = value_of(harrell_c(Observed(fresh.time, fresh.event), score))
    corrected = float("nan") if row.corrected is None else row.corrected.value
    harrell = float("nan") if row.harrell is None else row.harrell
    return value_of(row.apparent), corrected, harrell, other, float(cohort.event.sum())


def _cohort(specification: Specification, patients: int, rng: np.random.Generator) -> Cohort:
    death, censored = rng.exponential(30, patients), rng.uniform(5, 50, patients)
    columns = {f"x{number}": rng.normal(size=patients) for number in range(PREDICTORS)}
    return Cohort(
        specification=specification,
        patients=pd.DataFrame(columns),
        time=np.minimum(death, censored),
        event=death < censored,
        entry=None,
        stratum=np.full(patients, "all"),
        subgroups=pd.DataFrame(index=range(patients)),
    )


if __name__ == "__main__":
    main()
