"""A million rows: fit and validate, beside lifelines, scikit-survival and R's coxph on the same file.

    python -m benchmarks.million --rows 1000000

Each runs in a process of its own and reports its time and its largest memory. lifelines and R are used where they are
installed; nobody needs them otherwise. Times are rounded to days, so that many are tied.
"""

from __future__ import annotations

import importlib.util
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import pandas as pd

from training.fitting.cox import fit, fit_cox
from training.fitting.survival_data import SurvivalData
from training.validation.measures import Predicted, measure
from training.validation.observed import Observed

COLUMNS = 11
R_PROGRAM = """
suppressMessages(library(survival)); d <- as.data.frame(readBin("{file}", "double", {rows} * 13))
m <- matrix(d[[1]], ncol = 13); begin <- proc.time()[3]
f <- coxph(Surv(m[, 1], m[, 2]) ~ m[, 3:13], ties = "efron"); cat(proc.time()[3] - begin)
"""


@click.group(invoke_without_command=True)
@click.option("--rows", default=1_000_000, show_default=True)
@click.pass_context
def main(context: click.Context, rows: int) -> None:
    """Run every task on the same rows and print a table."""
    if context.invoked_subcommand is not None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "rows.bin"
        _rows(rows).astype("<f8").tofile(file, sep="")
        for task in ("ours-fit", "ours-validate", "sksurv-fit", "lifelines-fit"):
            if task.startswith("lifelines") and importlib.util.find_spec("lifelines") is None:
                click.echo(f"{task:15} not installed")
                continue
            subprocess.run([sys.executable, "-m", "benchmarks.million", "task", task, str(file)], check=True)
        r = shutil.which("Rscript")
        if r is not None:
            program = R_PROGRAM.format(file=file, rows=rows)
            done = subprocess.run([r, "-e", program], check=True, capture_output=True, text=True)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
            click.echo(f"{'R coxph':15} {float(done.stdout):8.1f} s   (largest child so far {peak:.1f} GB)")


@main.command()
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
def task(name: str, file: Path) -> None:
    """One task, timed without reading the file."""
    table = np.fromfile(file, dtype="<f8").reshape(13, -1).T
    begin = time.perf_counter()
    {"ours-fit": _fit, "ours-validate": _validate, "sksurv-fit": _sksurv, "lifelines-fit": _lifelines}[name](table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    click.echo(f"{name:15} {time.perf_counter() - begin:8.1f} s   {peak:.1f} GB")


def _rows(rows: int) -> np.ndarray:
    """(13, rows): time, death and eleven columns, one column after the other."""
    rng = np.random.default_rng(1)
    design = rng.normal(size=(rows, COLUMNS))
    death = rng.exponential(60, rows) / np.exp(design @ np.linspace(-0.3, 0.3, COLUMNS))
    censored = rng.uniform(0, 60, rows)
    months = np.ceil(np.minimum(death, censored) * 30.4375) / 30.4375
    return np.column_stack([months, death < censored, design]).T


def _fit(table: np.ndarray) -> None:
    fit_cox(SurvivalData(table[:, 2:], table[:, 0], table[:, 1] == 1))


def _validate(table: np.ndarray) -> None:
    score = table[:, 2:] @ np.linspace(-0.3, 0.3, COLUMNS)
    months = list(range(61))
    survival = np.exp(-np.outer(np.exp(score), np.array(months) / 60))
    predicted = Predicted(survival, months, score, np.full(len(score), "all"))
    measure(Observed(table[:, 0], table[:, 1] == 1), predicted, [12, 24, 36])


def _sksurv(table: np.ndarray) -> None:
    fit(pd.DataFrame(table[:, 2:], columns=[f"x{n}" for n in range(COLUMNS)]), table[:, 0], table[:, 1] == 1)


def _lifelines(table: np.ndarray) -> None:
    lifelines = importlib.import_module("lifelines")
    names = ["time", "event", *(f"x{n}" for n in range(COLUMNS))]
    lifelines.CoxPHFitter().fit(pd.DataFrame(table, columns=names), "time", "event")


if __name__ == "__main__":
    main()
