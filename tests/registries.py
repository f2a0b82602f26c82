"""Registries for the tests: a real data set of scikit-survival's wheel as a hospital would hold it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sksurv.datasets import load_gbsg2

MONTH_DAYS = 30.4375

SPECIFICATION = """
name = "gbsg2"
version = "1.0.0"
title = "Recurrence-free survival after surgery for node-positive breast cancer"
origin = "after the operation"
outcome = "recurrence or death"
time_zero = "the day of the operation"
horizons_months = [12, 24, 36, 60]
headline_months = 36
support_months = 60
data_period = "1984 to 1989"
made_from = "Made from the records of 686 women of the German Breast Cancer Study Group."
not_for = ["anyone whose cancer is not node-positive"]

[population]
label = "Patients"
phrase = "node-positive breast cancer"

[[features]]
name = "nodes"
column = "pnodes"
label = "Positive nodes"
question = "How many lymph nodes were positive?"
definition = "Number of positive lymph nodes at the operation."
where = "Pathology report of the operation."
timing = "Known at time zero."
unit = "nodes"
unit_of_one = "node"
reference = 3.0
transformation = "log"
hard = { low = 1, high = 60 }

[[features]]
name = "grade"
column = "tgrade"
label = "Grade"
question = "Which grade has the tumour?"
definition = "Histologic grade."
where = "Pathology report."
timing = "Known at time zero."
reference = "g2"
unknown = "Not known"
unknown_handling = "The estimate is an average over the grades that the registry's patients had."

[[features.levels]]
code = "g1"
label = "Grade 1"
phrase = "a grade 1 tumour"
codes = ["I"]

[[features.levels]]
code = "g2"
label = "Grade 2"
phrase = "a grade 2 tumour"
codes = ["II"]

[[features.levels]]
code = "g3"
label = "Grade 3"
phrase = "a grade 3 tumour"
codes = ["III"]

[registry]
patient = "id"
time = "days"
time_unit = "days"
death = "event"
centre = "hospital"
subgroups = ["grade"]
zero_times = "exclude"
impossible = "exclude"

[[registry.eligible]]
column = "age"
at_least = 18
reason = "under 18"

[fitting]
imputations = 3
bootstraps = 4
"""


def registry() -> pd.DataFrame:
    """686 real patients; every seventh grade taken away, so that something is missing."""
    x, y = load_gbsg2()
    grade = x["tgrade"].astype(str).to_numpy(dtype=object)
    grade[::7] = ""
    return pd.DataFrame(
        {
            "id": np.arange(1, len(x) + 1),
            "days": y["time"].astype(int),
            "event": y["cens"].astype(int),
            "age": x["age"].astype(int),
            "pnodes": x["pnodes"].astype(int),
            "tgrade": grade,
            "hospital": np.where(np.arange(len(x)) % 3 == 0, "north", "south"),
        }
    )


def write_registry(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table) -> Path:
    """The registry as CSV, changed in some way."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "registry.csv"
    change(registry().astype(object)).to_csv(path, index=False)
    return path


def write_specification(folder: Path, text: str = SPECIFICATION) -> Path:
    """The specification as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "registry.toml"
    path.write_text(text, encoding="utf-8")
    return path
