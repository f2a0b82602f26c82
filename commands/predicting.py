"""Asking a model: predict and vectors."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.reading import ONE_MODEL_OPTION, json_text, model_errors, read_artefact, read_text, write

if TYPE_CHECKING:
    from server.entering.tables import Table
    from server.interface.batch import AnsweredRow
    from server.served import Served


@click.command()
@ONE_MODEL_OPTION
@click.argument(
    "source", metavar="[INPUT]", required=False, type=click.Path(dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option(
    "--receipt",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Answer a kept receipt once more, in place of INPUT: an answer in JSON, or the receipt in it.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write: .json, .csv or .parquet. Without it, standard output.",
)
@click.option(
    "--id",
    "identifiers",
    multiple=True,
    metavar="COLUMN",
    help="A column of the table to carry along unread, such as a study number. Repeat it for others.",
)
def predict(
    folder: Path, source: Path | None, receipt: Path | None, output: Path | None, identifiers: Sequence[str]
) -> None:
    """Predict survival for one patient (.json) or for each row of a table (.csv, .parquet).

    A JSON document is what the interface takes, {"features": {…}, "alive_months": 0}; "-" reads one from standard
    input. The columns of a table are the names of the features and alive_months; an empty cell is not given. A row
    that cannot be answered keeps its place and lists its problems. A receipt is answered with the same digits by the
    same model; where the model is another, that is said.

    \b
    Examples:
      rps-prognosis predict --model build/model patients.csv --id study_number --output answers.csv
      rps-prognosis predict --model build/model --receipt result.json

    Exit codes: 0 when everything was answered, 1 when a patient or a row was not, when a receipt is of another model
    or its figures do not come out again (or the model cannot be used), 2 when the command or the file cannot be
    understood.
    """
    from server.served import prepare
    from server.wording.language import english

    if (source is None) == (receipt is None):
        message = "Name either a file of patients or, with --receipt, the file of a receipt."
        raise click.UsageError(message)
    with model_errors():
        served = prepare(read_artefact(folder), english())
    if source is None:
        _predict_again(served, read_text(receipt or Path("-")), output, identifiers)
        return
    kind = ".json" if str(source) == "-" else source.suffix.lower()
    if kind == ".json":
        _predict_document(served, read_text(source), output, identifiers)
    elif kind in {".csv", ".parquet"}:
        _predict_table(served, source, output, identifiers)
    else:
        message = f"{source} is neither .json nor .csv nor .parquet."
        raise click.UsageError(message)


@click.command()
@ONE_MODEL_OPTION
@click.option("--count", default=1000, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Without it, standard output.")
def vectors(folder: Path, count: int, seed: int, output: Path | None) -> None:
    """Write random valid inputs with what the model predicts, to check another implementation against.

    \b
    Example:
      rps-prognosis vectors --model build/model --output vectors.jsonl
    """
    import json

    from training.vectors import vectors as pairs

    write(output, "".join(json.dumps(pair) + "\n" for pair in pairs(read_artefact(folder).model, count, seed)))


def _predict_document(served: Served, text: str, output: Path | None, identifiers: Sequence[str]) -> None:
    from server.entering.documents import json_object
    from server.interface.answer import answer_document

    _check_one(output, identifiers)
    with _document_errors(served):
        answer = answer_document({served.model.name: served}, json_object(text))
    write(output, json_text(answer))


def _predict_again(served: Served, text: str, output: Path | None, identifiers: Sequence[str]) -> None:
    from server.entering.documents import json_object
    from server.interface.receipts import answer_again

    _check_one(output, identifiers)
    with _document_errors(served):
        again = answer_again(served, json_object(text))
    write(output, json_text(again.answer))
    say, model = served.language.refusals.say, served.model
    if again.other_model is not None:
        here = say("model_named", name=model.name, version=model.version, digest=model.digest)
        raise click.ClickException(say("receipt_of_another_model", kept=again.other_model, here=here))
    if again.differs:
        raise click.ClickException(say("not_reproduced", members=again.differs))


def _check_one(output: Path | None, identifiers: Sequence[str]) -> None:
    if identifiers:
        message = "--id is for tables."
        raise click.UsageError(message)
    if output is not None and output.suffix.lower() != ".json":
        message = f"One patient is answered as JSON: call the output {output.with_suffix('.json')}."
        raise click.UsageError(message)


@contextmanager
def _document_errors(served: Served) -> Iterator[None]:
    """What can be wrong with the document of one patient, in sentences."""
    from model.patient import InvalidPatient
    from server.wording.refusing import Unreadable, of_json, problem_sentences

    model = served.model
    try:
        yield
    except Unreadable as error:
        raise click.UsageError(error.said(served.language)) from error
    except InvalidPatient as invalid:
        reader = of_json(served.language)
        sentences = problem_sentences(invalid.problems, model.features, model.about.time_zero, reader)
        raise click.ClickException("\n".join(sentences.values())) from invalid


def _predict_table(served: Served, source: Path, output: Path | None, identifiers: Sequence[str]) -> None:
    from server.entering.tables import UnreadableTable, check_columns, read_csv
    from server.interface.batch import answer_rows, columns_of
    from server.wording.refusing import of_json, of_table

    from_csv = source.suffix.lower() == ".csv"
    if output is not None and output.suffix.lower() not in {".json", ".csv", ".parquet"}:
        message = f"{output} is neither .json nor .csv nor .parquet."
        raise click.UsageError(message)
    try:
        table = read_csv(read_text(source)) if from_csv else read_parquet(source)
        check_columns(table, served.model.features, identifiers)
        columns = columns_of(served.model, table)
    except UnreadableTable as error:
        raise click.UsageError(error.said(served.language)) from error
    rows = answer_rows(served, table, (of_table if from_csv else of_json)(served.language))
    with click.progressbar(
        rows, length=len(table.rows), label="Predicting", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as steps:
        answered = list(steps)
    _write_rows(output, served, columns, answered)
    refused = sum(row.answer is None for row in answered)
    if refused:
        say = served.language.refusals.say
        raise click.ClickException(say("rows_refused", refused=refused, rows=len(answered)))


def _write_rows(output: Path | None, served: Served, columns: tuple[str, ...], rows: Sequence[AnsweredRow]) -> None:
    from server.entering.tables import written_csv
    from server.interface.batch import flat_row, nested_row

    kind = ".csv" if output is None else output.suffix.lower()
    if kind == ".json":
        write(output, json_text([nested_row(row, served.model.features) for row in rows]))
    elif output is None or kind == ".csv":
        write(output, written_csv(columns, (flat_row(row, columns) for row in rows)))
    else:
        write_parquet(output, columns, [flat_row(row, columns) for row in rows])


def read_parquet(source: Path) -> Table:
    """A Parquet file as a table; null, and the NaN that stands for it in other programs, is not given."""
    pyarrow, parquet = arrow()
    from server.entering.tables import Table, TableRow

    try:
        content = parquet.read_table(source)
    except (OSError, pyarrow.ArrowException) as error:
        message = f"{source} cannot be read as Parquet: {error}"
        raise click.UsageError(message) from error
    rows = [{name: None if _is_nan(value) else value for name, value in row.items()} for row in content.to_pylist()]
    return Table(tuple(content.column_names), tuple(TableRow(row) for row in rows))


def _is_nan(value: object) -> bool:
    import math

    return isinstance(value, float) and math.isnan(value)


def write_parquet(output: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    pyarrow, parquet = arrow()
    from server.interface.batch import TEXTS

    cells = {name: [row[name] for row in rows] for name in columns}
    # A column without any value still has a type, so that the files of two runs can be put together.
    empty = {name: pyarrow.string() if name in TEXTS else pyarrow.float64() for name in columns}
    arrays = {
        name: pyarrow.array(values, None if any(value is not None for value in values) else empty[name])
        for name, values in cells.items()
    }
    try:
        parquet.write_table(pyarrow.table(arrays), output)
    except (OSError, pyarrow.ArrowException) as error:
        message = f"{output} cannot be written: {error}"
        raise click.ClickException(message) from error


def arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        from pyarrow import parquet
    except ImportError as error:
        message = "Parquet files need pyarrow, one of the packages for training (requirements.lock); CSV files do not."
        raise click.ClickException(message) from error
    return pa, parquet
