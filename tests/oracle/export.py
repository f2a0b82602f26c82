"""Numerically coded public data sets for the comparison with R's ``survival``.

``frames`` is the only place where the coding is defined: the tests import it,
and run as a script this module writes the same frames as CSV files for
``survfit.R``::

    python tests/oracle/export.py FOLDER

Coding, all columns numeric, times in days, ``event`` 1 = death or recurrence:

``gbsg2`` (German Breast Cancer Study Group 2)
    time, event, age (years), log1p_pnodes = log(1 + positive nodes),
    log1p_progrec = log(1 + progesterone receptor), tsize (mm),
    horTh (yes = 1), tgrade2 (grade II = 1), tgrade3 (grade III = 1),
    menostat (Post = 1)
``veterans`` (Veterans' Administration lung cancer trial)
    time, event, karnofsky, log_months = log(1 + months from diagnosis),
    treatment_test (test = 1), cell_smallcell, cell_squamous, cell_large
    (adeno is the reference), prior (yes = 1), age (years)
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sksurv.datasets import (  # type: ignore[import-untyped,unused-ignore]
    load_gbsg2,
    load_veterans_lung_cancer,
)


def _is(column: pd.Series, level: str) -> pd.Series:
    """Return 1 where ``column`` equals ``level`` and 0 elsewhere."""
    if level not in set(column):
        message = f"no row of {column.name} has the level {level!r}"
        raise ValueError(message)
    return (column == level).astype("int64")


def _gbsg2() -> pd.DataFrame:
    """Return the coded GBSG2 data, 686 rows in the order of the source."""
    x, y = load_gbsg2()
    return pd.DataFrame(
        {
            "time": y["time"].astype("float64"),
            "event": y["cens"].astype("int64"),
            "age": x["age"],
            "log1p_pnodes": np.log1p(x["pnodes"]),
            "log1p_progrec": np.log1p(x["progrec"]),
            "tsize": x["tsize"],
            "horTh": _is(x["horTh"], "yes"),
            "tgrade2": _is(x["tgrade"], "II"),
            "tgrade3": _is(x["tgrade"], "III"),
            "menostat": _is(x["menostat"], "Post"),
        }
    )


def _veterans() -> pd.DataFrame:
    """Return the coded veterans data, 137 rows in the order of the source."""
    x, y = load_veterans_lung_cancer()
    return pd.DataFrame(
        {
            "time": y["Survival_in_days"].astype("float64"),
            "event": y["Status"].astype("int64"),
            "karnofsky": x["Karnofsky_score"],
            "log_months": np.log1p(x["Months_from_Diagnosis"]),
            "treatment_test": _is(x["Treatment"], "test"),
            "cell_smallcell": _is(x["Celltype"], "smallcell"),
            "cell_squamous": _is(x["Celltype"], "squamous"),
            "cell_large": _is(x["Celltype"], "large"),
            "prior": _is(x["Prior_therapy"], "yes"),
            "age": x["Age_in_years"],
        }
    )


def frames() -> dict[str, pd.DataFrame]:
    """Return the coded data sets by name: time, event, then the covariates."""
    return {"gbsg2": _gbsg2(), "veterans": _veterans()}


def main() -> None:
    """Write every frame as ``NAME.csv`` into the folder given as argument."""
    parser = argparse.ArgumentParser(description="Write the CSV files survfit.R reads.")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames().items():
        frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.17g")


if __name__ == "__main__":
    main()
