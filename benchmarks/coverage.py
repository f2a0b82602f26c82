"""How often the 95 % interval of a reconstructed model holds the truth.

Each run draws a truth from the priors, draws a cohort of the published size from it, "publishes" that cohort's
summaries as a paper would, runs the whole reconstruction on them (acceptance, scikit-survival fits, pooling, anchoring)
and asks whether the interval of three patients at 12, 36 and 60 months holds the truth.

    python -m benchmarks.coverage --runs 300 --reconstructions 30 --seed 7 --jobs 2 --output coverage.json
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import joblib
import numpy as np

from model.mixture import mixture
from model.survival import survival
from training.fitting.cox import NoFit, newton
from training.published.acceptance import median_and_survival, p_values
from training.published.anchoring import NotAnchored, anchor
from training.published.default_model import default_generators
from training.published.evidence import Evidence
from training.published.generating import Cohort, Generator
from training.published.pooling import common_centre, fit_cohort, pool
from training.published.reconstruction import NotReconstructed, reconstruct

HORIZONS = (12, 36, 60)
PATIENTS: Mapping[str, Mapping[str, dict[str, float | str]]] = {
    "local": {
        "low": {"interval_months": 60.0, "resection": "yes"},
        "middle": {"interval_months": 22.0, "resection": "yes"},
        "high": {"interval_months": 8.0, "resection": "no"},
    },
    "distant": {
        "low": {"interval_months": 40.0, "subtype": "lms"},
        "middle": {"interval_months": 14.0, "subtype": "lms"},
        "high": {"interval_months": 6.0, "subtype": "ddlps"},
        "rare subtype": {"interval_months": 14.0, "subtype": "ups_mpnst"},
    },
    "both": {"all": {}},
}


def published(generator: Generator, cohort: Cohort) -> Evidence | None:
    """The evidence as it would stand had this cohort been the study; None where it would not have been so described."""
    name, last = generator.stratum, generator.last_month
    median, five_year = median_and_survival(cohort.time, cohort.event, last)
    figures = dict(generator.evidence.figures)
    if not math.isfinite(median) or not 0.01 < five_year < 0.49 or not (cohort.time >= last).any():
        return None
    found = {f"{name}.median": round(median), f"{name}.five_year": round(five_year, 2)}
    relations = {}
    if generator.features:
        try:
            coefficients, sets = newton(cohort.design, cohort.time, cohort.event)
        except NoFit:
            return None
        for feature, p, sign_agrees in p_values(generator, coefficients, sets.covariance):
            if not sign_agrees:
                return None
            found[f"{name}.{feature}.p"] = max(float(f"{p:.2g}"), 1e-4)
            relations[f"{name}.{feature}.p"] = "<" if p < 1e-4 else "="
    for figure, value in found.items():
        figures[figure] = replace(figures[figure], value=value, relation=relations.get(figure, "="))
    return replace(generator.evidence, figures=figures)


def one_run(generator: Generator, seed: int, run: int, reconstructions: int) -> dict[str, Any]:
    """One truth, its publication and the reconstruction from it: which intervals hold the truth."""
    name = generator.stratum
    rng = np.random.default_rng([seed, run])
    evidence, truth = None, None
    while evidence is None or truth is None:
        truth = generator.draw_truth(rng)
        evidence = published(generator, generator.draw_cohort(truth, rng))
    pretended = replace(generator, evidence=evidence)
    try:
        result = reconstruct(pretended, reconstructions, (seed, run), most_tries=200_000)
        centre = common_centre(result.cohorts)
        fitted = [fit_cohort(pretended.terms, cohort, centre) for cohort in result.cohorts]
        stratum = pool(pretended, result.cohorts, fitted, centre)
        stratum, _ = anchor(stratum, round(evidence[f"{name}.median"]), evidence[f"{name}.five_year"])
    except (NotReconstructed, NotAnchored, ValueError) as error:
        return {"stratum": name, "run": run, "failed": f"{type(error).__name__}: {error}"}
    held = {}
    for risk, known in PATIENTS[name].items():
        curve = survival(stratum, mixture(stratum, known))
        row = stratum.design(known) + stratum.centre
        true = truth.survival(row, np.array(HORIZONS, dtype=float))
        for month, value in zip(HORIZONS, true, strict=True):
            held[f"{risk} {month}"] = {
                "held": bool(curve.lower[month] <= value <= curve.upper[month]),
                "above": bool(value > curve.upper[month]),
                "width": float(curve.upper[month] - curve.lower[month]),
                "error": float(curve.estimate[month] - value),
            }
    return {"stratum": name, "run": run, "tries": result.tries, "held": held}


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Coverage, its Monte Carlo error, mean width and bias by stratum, risk and horizon."""
    out: dict[str, Any] = {}
    for stratum in PATIENTS:
        done = [result["held"] for result in results if result["stratum"] == stratum and "held" in result]
        failed = sum(result["stratum"] == stratum and "failed" in result for result in results)
        rows = {}
        for key in done[0] if done else ():
            share = float(np.mean([held[key]["held"] for held in done]))
            rows[key] = {
                "coverage": share,
                "truth_above": float(np.mean([held[key]["above"] for held in done])),
                "standard_error": math.sqrt(share * (1 - share) / len(done)),
                "mean_width": float(np.mean([held[key]["width"] for held in done])),
                "mean_error": float(np.mean([held[key]["error"] for held in done])),
            }
        out[stratum] = {"runs": len(done), "failed": failed, "intervals": rows}
    return out


@click.command(help=__doc__)
@click.option("--runs", default=300, show_default=True)
@click.option("--reconstructions", default=30, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option("--jobs", default=2, show_default=True)
@click.option("--stratum", "strata", multiple=True, help="Only these patterns.")
@click.option("--output", type=click.Path(path_type=Path), required=True)
def main(runs: int, reconstructions: int, seed: int, jobs: int, strata: tuple[str, ...], output: Path) -> None:
    """Run the simulation and write its summary."""
    generators = [generator for generator in default_generators() if not strata or generator.stratum in strata]
    tasks = [(generator, run) for run in range(runs) for generator in generators]
    results: list[dict[str, Any]] = []
    stream = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(
        joblib.delayed(one_run)(generator, seed, run, reconstructions) for generator, run in tasks
    )
    with click.progressbar(stream, length=len(tasks), label="Runs", file=sys.stderr) as bar:
        for result in bar:
            results.append(result)
            document = {
                "runs": runs,
                "reconstructions": reconstructions,
                "seed": seed,
                "strata": summary(results),
            }
            output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    for result in results:
        if "failed" in result:
            click.echo(f"{result['stratum']} run {result['run']}: {result['failed']}", err=True)


if __name__ == "__main__":
    main()
