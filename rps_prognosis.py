"""The command line: it translates, and everything that it does can be called without it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import socket

    from model.artefact import Artefact
    from server.batch import AnsweredRow
    from server.served import Served
    from server.tables import Table

MODEL_OPTION = click.option(
    "--model",
    "folders",
    required=True,
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A model folder made by training. Repeat it to serve several; the first is the default.",
)


ONE_MODEL_OPTION = click.option(
    "--model",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A model folder made by training.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rps-prognosis")
def main() -> None:
    """Survival after a first recurrence of retroperitoneal sarcoma: train a model, serve it, ask it."""


@main.command()
@click.option("--seed", default=None, type=click.IntRange(min=0), help="The same seed gives the same digits.")
@click.option(
    "--reconstructions",
    default=None,
    type=click.IntRange(min=2),
    metavar="M",
    help="How many cohorts to keep for each pattern; more leave less Monte Carlo error. [default: 100]",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write the model to; a model that is there already is replaced.",
)
def train(seed: int | None, reconstructions: int | None, output: Path) -> None:
    """Fit the default model on cohorts reconstructed from the published figures, and report on it.

    \b
    Example:
      rps-prognosis train --output build/model

    The exit code is 1 when a published figure cannot be met; nothing is written then, and standard error says which.
    """
    from training.artefact import OutputOccupied
    from training.published.anchoring import NotAnchored
    from training.published.default_model import RECONSTRUCTIONS, SEED, FollowUpOff, train_default
    from training.published.evidence import UnfoundedFigure
    from training.published.reconstruction import NotReconstructed
    from training.published.report import report, steps

    wanted = reconstructions or RECONSTRUCTIONS
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=steps(wanted), label="Reconstructing", file=sys.stderr, hidden=hidden) as bar:
        try:
            card = train_default(
                output,
                seed=SEED if seed is None else seed,
                reconstructions=wanted,
                progress=lambda _stratum, done: bar.update(done),
            )
        except (UnfoundedFigure, NotReconstructed, NotAnchored, FollowUpOff, OutputOccupied) as error:
            raise click.ClickException(str(error)) from error
    click.echo(report(card))
    click.echo(f"The model is in {output}. Serve it: rps-prognosis serve --model {output}")


@main.command()
@MODEL_OPTION
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--root-path", default="", help="Where a portal mounts it, such as /rps.")
@click.option(
    "--frame-ancestors",
    multiple=True,
    metavar="ORIGIN",
    help="An origin whose pages may show it in a frame, such as https://portal.hospital.example. Repeat it for others.",
)
@click.option("--access-log", is_flag=True, help="Write a line for each request: who, when, which page; never a value.")
def serve(
    folders: Sequence[Path],
    host: str,
    port: int,
    root_path: str,
    frame_ancestors: Sequence[str],
    access_log: bool,  # noqa: FBT001 - an option of the command line
) -> None:
    """Serve the form, the interface and the card.

    \b
    Example:
      rps-prognosis serve --model build/model --port 8000 --root-path /rps \\
          --frame-ancestors https://portal.hospital.example

    The exit code is 1 when a model cannot be served or the port is taken; the reason is on standard error.
    """
    import gc
    import logging

    import uvicorn

    from server.application import create_app
    from server.logs import WithoutQuery

    artefacts = [_read_artefact(folder) for folder in folders]
    try:
        with _model_errors():
            app = create_app(artefacts, frame_ancestors=frame_ancestors, root_path=root_path)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    server = uvicorn.Server(uvicorn.Config(app, server_header=False, access_log=access_log))
    logging.getLogger("uvicorn.access").addFilter(WithoutQuery())
    listening = listen(host, port)
    # What is there now stays for good; the collector need not look at it again at every turn.
    gc.collect()
    gc.freeze()
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"Answering at http://{shown}:{listening.getsockname()[1]}{root_path.rstrip('/')}/ (Ctrl+C stops it)")
    with suppress(KeyboardInterrupt):  # which is how it is stopped
        server.run(sockets=[listening])


@main.command()
@ONE_MODEL_OPTION
@click.argument("source", metavar="INPUT", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
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
def predict(folder: Path, source: Path, output: Path | None, identifiers: Sequence[str]) -> None:
    """Predict survival for one patient (.json) or for each row of a table (.csv, .parquet).

    A JSON document is what the interface takes, {"features": {…}, "alive_months": 0}; "-" reads one from standard
    input. The columns of a table are the names of the features and alive_months; an empty cell is not given. A row
    that cannot be answered keeps its place and lists its problems.

    \b
    Example:
      rps-prognosis predict --model build/model patients.csv --id study_number --output answers.csv

    Exit codes: 0 when everything was answered, 1 when a patient or a row was not (or the model cannot be used), 2 when
    the command or the file cannot be understood.
    """
    from server.served import prepare

    with _model_errors():
        served = prepare(_read_artefact(folder))
    kind = ".json" if str(source) == "-" else source.suffix.lower()
    if kind == ".json":
        _predict_document(served, _read_text(source), output, identifiers)
    elif kind in {".csv", ".parquet"}:
        _predict_table(served, source, output, identifiers)
    else:
        message = f"{source} is neither .json nor .csv nor .parquet."
        raise click.UsageError(message)


@main.command()
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

    _write(output, "".join(json.dumps(pair) + "\n" for pair in pairs(_read_artefact(folder).model, count, seed)))


def _predict_document(served: Served, text: str, output: Path | None, identifiers: Sequence[str]) -> None:
    from model.patient import InvalidPatient
    from server.answer import answer_document
    from server.documents import UnreadableDocument, json_object
    from server.refusing import OF_JSON, problem_sentences

    if identifiers:
        message = "--id is for tables."
        raise click.UsageError(message)
    if output is not None and output.suffix.lower() != ".json":
        message = f"One patient is answered as JSON: call the output {output.with_suffix('.json')}."
        raise click.UsageError(message)
    model = served.model
    try:
        answer = answer_document({model.name: served}, json_object(text))
    except UnreadableDocument as error:
        raise click.UsageError(str(error)) from error
    except InvalidPatient as invalid:
        sentences = problem_sentences(invalid.problems, model.features, model.about.time_zero, OF_JSON)
        raise click.ClickException("\n".join(sentences.values())) from invalid
    _write(output, _json(answer))


def _predict_table(served: Served, source: Path, output: Path | None, identifiers: Sequence[str]) -> None:
    from server.batch import answer_rows, columns_of
    from server.refusing import OF_JSON, OF_TABLE
    from server.tables import UnreadableTable, check_columns, read_csv
    from server.words import refusals

    from_csv = source.suffix.lower() == ".csv"
    if output is not None and output.suffix.lower() not in {".json", ".csv", ".parquet"}:
        message = f"{output} is neither .json nor .csv nor .parquet."
        raise click.UsageError(message)
    try:
        table = read_csv(_read_text(source)) if from_csv else _read_parquet(source)
        check_columns(table, served.model.features, identifiers)
        columns = columns_of(served.model, table)
    except UnreadableTable as error:
        raise click.UsageError(str(error)) from error
    rows = answer_rows(served, table, OF_TABLE if from_csv else OF_JSON)
    with click.progressbar(
        rows, length=len(table.rows), label="Predicting", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as steps:
        answered = list(steps)
    _write_rows(output, served, columns, answered)
    refused = sum(row.answer is None for row in answered)
    if refused:
        raise click.ClickException(refusals().say("rows_refused", refused=refused, rows=len(answered)))


def _write_rows(output: Path | None, served: Served, columns: tuple[str, ...], rows: Sequence[AnsweredRow]) -> None:
    from server.batch import flat_row, nested_row
    from server.tables import written_csv

    kind = ".csv" if output is None else output.suffix.lower()
    if kind == ".json":
        _write(output, _json([nested_row(row, served.model.features) for row in rows]))
    elif output is None or kind == ".csv":
        _write(output, written_csv(columns, (flat_row(row, columns) for row in rows)))
    else:
        _write_parquet(output, columns, [flat_row(row, columns) for row in rows])


def _read_artefact(folder: Path) -> Artefact:
    from model.artefact import read_artefact

    with _model_errors():
        return read_artefact(folder)


@contextmanager
def _model_errors() -> Iterator[None]:
    from model.artefact import ModelUnavailable

    try:
        yield
    except ModelUnavailable as error:
        raise click.ClickException(str(error)) from error


def listen(host: str, port: int) -> socket.socket:
    """A listening socket: from here on a request waits rather than fails."""
    import socket

    # Named as TCP, because asyncio sends small answers at once (TCP_NODELAY) on such sockets alone; otherwise each
    # answer waits 40 ms for the client's acknowledgement of its head.
    listening = socket.socket(
        socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        message = f"Port {port} of {host} cannot be listened at: {error.strerror}."
        raise click.ClickException(message) from error
    return listening


def _read_text(source: Path) -> str:
    try:
        content = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        message = f"{source} cannot be read: {error.strerror}."
        raise click.UsageError(message) from error
    except UnicodeDecodeError as error:
        message = f"{source} is not text in UTF-8."
        raise click.UsageError(message) from error


def _write(output: Path | None, text: str) -> None:
    if output is None:
        sys.stdout.buffer.write(text.encode("utf-8"))
        return
    try:
        output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror}."
        raise click.ClickException(message) from error


def _json(document: object) -> str:
    import json

    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2, default=str) + "\n"


def _read_parquet(source: Path) -> Table:
    """A Parquet file as a table; null, and the NaN that stands for it in other programs, is not given."""
    pyarrow, parquet = _pyarrow()
    from server.tables import Table, TableRow

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


def _write_parquet(output: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    pyarrow, parquet = _pyarrow()
    from server.batch import TEXTS

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


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        from pyarrow import parquet
    except ImportError as error:
        message = "Parquet files need pyarrow, one of the packages for training (requirements.lock); CSV files do not."
        raise click.ClickException(message) from error
    return pa, parquet


if __name__ == "__main__":
    main()
