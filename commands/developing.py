"""Making, checking and recalibrating a model: train, spec, validate, recalibrate."""

from __future__ import annotations

from pathlib import Path

import click

from commands.reading import ONE_MODEL_OPTION, model_errors, progress, read_text, training_errors, write

REGISTRY_OPTION = click.option(
    "--registry",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The registry's file: .csv or .parquet, one row a patient.",
)
SPEC_OPTION = click.option(
    "--spec",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Where the registry holds what, if that is not as the model's own specification has it.",
)


@click.command()
@click.option(
    "--registry",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A hospital's own: .csv or .parquet.",
)
@click.option(
    "--spec", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What stands where in it, in TOML."
)
@click.option("--seed", default=None, type=click.IntRange(min=0), help="The same seed gives the same digits.")
@click.option(
    "--reconstructions",
    default=None,
    type=click.IntRange(min=2),
    metavar="M",
    help="For the default model: how many cohorts to keep for each pattern. [default: 100]",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write the model to; a model that is there already is replaced.",
)
@click.option(
    "--report",
    "report_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="With a registry: a folder for the report, as HTML and JSON.",
)
def train(
    registry: Path | None,
    spec: Path | None,
    seed: int | None,
    reconstructions: int | None,
    output: Path,
    report_folder: Path | None,
) -> None:
    """Fit a model and report on it: the default one on reconstructed cohorts, or your own on your registry.

    \b
    Examples:
      rps-prognosis train --output build/model
      rps-prognosis train --registry registry.csv --spec registry.toml --output own-model --report own-report

    The exit code is 1 when a model cannot be made; nothing is written then, and standard error says why.
    """
    if (registry is None) != (spec is None):
        message = "--registry and --spec go together: the file, and what stands where in it."
        raise click.UsageError(message)
    if registry is None and report_folder is not None:
        message = "--report goes with --registry; the default model's report is its card."
        raise click.UsageError(message)
    if registry is not None and reconstructions is not None:
        message = "--reconstructions is for the default model, which is made without a registry."
        raise click.UsageError(message)
    with training_errors():
        if registry is None or spec is None:
            _train_default(seed, reconstructions, output)
        else:
            _train_on_registry(registry, spec, seed, output, report_folder)
    click.echo(f"The model is in {output}. Serve it: rps-prognosis serve --model {output}")


def _train_default(seed: int | None, reconstructions: int | None, output: Path) -> None:
    from training.published.default_model import RECONSTRUCTIONS, SEED, train_default
    from training.published.report import report, steps

    wanted = reconstructions or RECONSTRUCTIONS
    with progress(steps(wanted), "Reconstructing") as done:
        card = train_default(
            output,
            seed=SEED if seed is None else seed,
            reconstructions=wanted,
            progress=lambda _stratum, more: done(more),
        )
    click.echo(report(card))


def _train_on_registry(registry: Path, spec: Path, seed: int | None, output: Path, report_folder: Path | None) -> None:
    from training.development.development import SEED, train_on_registry
    from training.development.text import development_text
    from training.registry.specification import read_specification
    from training.validation.page import refuse_other_files, write_report

    specification = read_specification(read_text(spec), str(spec))
    if report_folder is not None:
        refuse_other_files(report_folder)
    with progress(specification.fitting.bootstraps, "Bootstrapping") as done:
        made = train_on_registry(registry, specification, output, seed=SEED if seed is None else seed, progress=done)
    click.echo(development_text(made.card))
    if report_folder is not None:
        write_report(report_folder, made.report)
        click.echo(f"The report is in {report_folder}.")


@click.command()
@REGISTRY_OPTION
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Without it, standard output.")
def spec(registry: Path, output: Path | None) -> None:
    """Write a first draft of a specification from the columns of a registry.

    What a person must decide says CHECK; training refuses the draft until nothing does.

    \b
    Example:
      rps-prognosis spec --registry registry.csv --output registry.toml
    """
    from training.registry.draft import draft_specification

    with training_errors():
        text = draft_specification(registry)
    if output is not None and output.exists():
        message = f"{output} is there already; a draft would replace what somebody has written."
        raise click.UsageError(message)
    write(output, text)


@click.command()
@ONE_MODEL_OPTION
@REGISTRY_OPTION
@SPEC_OPTION
@click.option(
    "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="A folder for the report."
)
def validate(folder: Path, registry: Path, spec: Path | None, output: Path) -> None:
    """Hold a model against a registry: discrimination, calibration, error and benefit, as HTML and JSON.

    \b
    Example:
      rps-prognosis validate --model build/model --registry registry.csv --output validation
    """
    from training.validation.page import refuse_other_files, write_report
    from training.validation.validation import validate_model

    with model_errors(), training_errors():
        refuse_other_files(output)
        report = validate_model(folder, registry, spec)
        write_report(output, report)
    click.echo(f"Measured on {report['measures']['patients']} patients; the report is in {output}.")


@click.command()
@ONE_MODEL_OPTION
@REGISTRY_OPTION
@SPEC_OPTION
@click.option("--slope", is_flag=True, help="Multiply all effects by one slope as well, estimated on the registry.")
@click.option("--seed", default=None, type=click.IntRange(min=0), help="The same seed gives the same digits.")
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write the recalibrated model to.",
)
@click.option(
    "--report",
    "report_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for the report on what was done, with the measures before and after.",
)
def recalibrate(
    folder: Path,
    registry: Path,
    spec: Path | None,
    slope: bool,  # noqa: FBT001 - an option of the command line
    seed: int | None,
    output: Path,
    report_folder: Path | None,
) -> None:
    """Bring a model to a registry's patients: its effects kept, its baseline fitted anew.

    \b
    Example:
      rps-prognosis recalibrate --model build/model --registry registry.csv --output recalibrated
    """
    from training.development.development import SEED
    from training.development.recalibrating import recalibrate_model
    from training.text import text_table
    from training.validation.page import refuse_other_files, write_report

    with model_errors(), training_errors():
        if report_folder is not None:
            refuse_other_files(report_folder)
        report = recalibrate_model(
            folder, registry, output, specification=spec, slope=slope, seed=SEED if seed is None else seed
        )
        if report_folder is not None:
            write_report(report_folder, report)
    click.echo(text_table(report["recalibration"]))
    click.echo(f"The model is in {output}. Serve it: rps-prognosis serve --model {output}")
