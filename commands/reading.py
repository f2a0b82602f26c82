"""What every command needs: options, files in and out, progress, and errors in the words of those who raise them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from model.artefact import Artefact

ONE_MODEL_OPTION = click.option(
    "--model",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A model folder made by training.",
)


def read_artefact(folder: Path) -> Artefact:
    from model.artefact import read_artefact

    with model_errors():
        return read_artefact(folder)


@contextmanager
def model_errors() -> Iterator[None]:
    from model.artefact import ModelUnavailable

    try:
        yield
    except ModelUnavailable as error:
        raise click.ClickException(str(error)) from error


def read_text(source: Path) -> str:
    try:
        content = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        message = f"{source} cannot be read: {error.strerror}."
        raise click.UsageError(message) from error
    except UnicodeDecodeError as error:
        message = f"{source} is not text in UTF-8."
        raise click.UsageError(message) from error


def write(output: Path | None, text: str) -> None:
    if output is None:
        sys.stdout.buffer.write(text.encode("utf-8"))
        return
    try:
        output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror}."
        raise click.ClickException(message) from error


def json_text(document: object) -> str:
    import json

    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2, default=str) + "\n"


@contextmanager
def progress(length: int, label: str) -> Iterator[Callable[[int], None]]:
    """A bar with the time left on standard error; nothing where that is no terminal."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden, show_eta=True) as bar:
        yield bar.update


@contextmanager
def training_errors() -> Iterator[None]:
    """Everything that can be wrong with what was given to training, in its own words."""
    from training.artefact import OutputOccupied
    from training.development.procedure import NotFitted
    from training.development.recalibration import NotRecalibrated
    from training.published.anchoring import NotAnchored
    from training.published.default_model import FollowUpOff
    from training.published.evidence import UnfoundedFigure
    from training.published.reconstruction import NotReconstructed
    from training.registry.reading import ImpossibleRegistry
    from training.registry.specification import WrongSpecification
    from training.registry.table import UnreadableRegistry

    try:
        yield
    except (
        FollowUpOff,
        ImpossibleRegistry,
        NotAnchored,
        NotFitted,
        NotRecalibrated,
        NotReconstructed,
        OutputOccupied,
        UnfoundedFigure,
        UnreadableRegistry,
        WrongSpecification,
    ) as error:
        raise click.ClickException(str(error)) from error
