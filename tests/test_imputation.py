"""Multiple imputation: values that others had, the outcome in the model, and pooled estimates as R's mice has them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.oracle.export import frames
from tests.registries import SPECIFICATION, write_registry
from training.development.imputation import impute
from training.development.procedure import pooled
from training.fitting.cox import fit_cox
from training.fitting.survival_data import SurvivalData
from training.registry.cohort import Cohort
from training.registry.reading import read_registry
from training.registry.specification import Specification, read_specification

MICE = json.loads((Path(__file__).parent / "oracle" / "imputation.json").read_text(encoding="utf-8"))
FEATURE = """
[[features]]
name = "{name}"
label = "{name}"
question = "{name}?"
definition = "A column of the data set."
where = "The data set."
timing = "Time zero."
{rest}
"""
NUMBER = 'unit = "units"\nreference = {value}\ntransformation = "identity"\nhard = {{ low = 0, high = 200 }}'
LEVELS = """reference = "0"
[[features.levels]]
code = "0"
label = "no"
phrase = "no"
[[features.levels]]
code = "1"
label = "yes"
phrase = "yes"
"""


def specification() -> Specification:
    """Two numbers and a category of GBSG2."""
    head = SPECIFICATION[: SPECIFICATION.index("[[features]]")]
    tail = '[registry]\nzero_times = "exclude"\nimpossible = "exclude"\n'
    features = [
        FEATURE.format(name="age", rest=NUMBER.format(value=50)),
        FEATURE.format(name="log1p_pnodes", rest=NUMBER.format(value=1)),
        FEATURE.format(name="horth", rest=LEVELS),
    ]
    return read_specification(head + "".join(features) + tail)


def test_pooled_estimates_are_those_of_mice() -> None:
    """Coefficients and variances as by R's mice with 400 imputations (matching for the number, logistic for the level).

    Tolerance: four Monte Carlo standard errors of m imputations, which are √(B/m) for a coefficient and √(2/(m − 1))·B
    for B, and 5 % for the variance within. The draws depend on how a processor rounds: nothing closer holds everywhere.
    """
    data = frames()["gbsg2"]
    row = np.arange(1, len(data) + 1)
    patients = pd.DataFrame(
        {
            "age": data["age"].astype(float),
            "log1p_pnodes": data["log1p_pnodes"].where((row * 7) % 10 >= 3),
            "horth": data["horTh"].astype(str).astype(object),
        }
    )
    patients.loc[((row * 11) % 10 < 2) & (data["age"] > 45), "horth"] = None
    outcome = pd.DataFrame(
        {"time": data["time"].astype(float), "event": data["event"] == 1, "entry": 0.0, "stratum": "all"}
    )
    m = 30
    imputed = impute(specification(), patients, outcome, count=m, rng=np.random.default_rng(5))
    fits = []
    for one in imputed:
        design = np.column_stack([one["age"], one["log1p_pnodes"], (one["horth"] == "1").astype(float)])
        time, event = outcome["time"].to_numpy(dtype=float), outcome["event"].to_numpy(dtype=bool)
        fits.append(fit_cox(SurvivalData(design - design.mean(axis=0), time, event)))
    estimate, covariance = pooled(fits)
    between, within = np.array(MICE["between"]), np.array(MICE["within"])
    monte_carlo = np.sqrt(between / m)
    assert (np.abs(estimate - np.array(MICE["estimate"])) < 4 * monte_carlo).all()
    tolerance = 4 * np.sqrt(2 / (m - 1)) * between + 0.05 * within
    assert (np.abs(np.diag(covariance) - within - between * (1 + 1 / m)) < tolerance).all()


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """A registry in which every seventh grade is missing."""
    return read_registry(write_registry(tmp_path), read_specification(SPECIFICATION))


def outcome_of(cohort: Cohort) -> pd.DataFrame:
    """What the imputation is told of the outcome."""
    return pd.DataFrame(
        {"time": cohort.time, "event": cohort.event, "entry": cohort.entry_or_zero, "stratum": cohort.stratum}
    )


def test_what_is_known_stays_and_what_is_imputed_was_seen(cohort: Cohort) -> None:
    """Known answers are untouched; imputed ones are levels that other patients have; the copies differ."""
    known = cohort.patients["grade"].notna()
    imputed = impute(cohort.specification, cohort.patients, outcome_of(cohort), count=3, rng=np.random.default_rng(1))
    assert len(imputed) == 3
    for one in imputed:
        assert not one.isna().to_numpy().any()
        assert (one["grade"][known] == cohort.patients["grade"][known]).all()
        assert set(one["grade"]) == {"g1", "g2", "g3"}
        assert (one["nodes"] == cohort.patients["nodes"]).all()
    assert (imputed[0]["grade"] != imputed[1]["grade"]).any()


def test_the_outcome_is_in_the_imputation_model() -> None:
    """A predictor whose missing half is known to go with death is imputed so: else its effect would be halved."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=400)
    death, censored = rng.exponential(30, 400) / np.exp(1.2 * x), rng.uniform(20, 80, 400)
    time, event = np.minimum(death, censored), death < censored
    patients = pd.DataFrame({"log1p_pnodes": np.where(rng.random(400) < 0.5, np.nan, x + 5)})
    outcome = pd.DataFrame({"time": time, "event": event, "entry": 0.0, "stratum": "all"})
    effects = []
    for one in impute(specification(), patients, outcome, count=5, rng=rng):
        design = one[["log1p_pnodes"]].to_numpy(dtype=float)
        effects.append(fit_cox(SurvivalData(design - design.mean(axis=0), time, event)).coefficients[0])
    assert 0.95 < np.mean(effects) < 1.45


def test_nothing_missing_is_one_data_set(cohort: Cohort) -> None:
    """Then there is nothing to impute, and nothing between the fits."""
    whole = cohort.patients.dropna()
    outcome = outcome_of(cohort)[cohort.patients.notna().all(axis=1).to_numpy()]
    (same,) = impute(cohort.specification, whole, outcome, count=20, rng=np.random.default_rng(1))
    pd.testing.assert_frame_equal(same, whole)
