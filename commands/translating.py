"""For translators: catalogue."""

from __future__ import annotations

from pathlib import Path

import click

from commands.reading import ONE_MODEL_OPTION, read_artefact, write


@click.command()
@ONE_MODEL_OPTION
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Without it, standard output.")
def catalogue(folder: Path, output: Path | None) -> None:
    """Write every text of the pages, and of a model, for translation (PO).

    A translation of it, named by its language and put into templates/languages, can be served with --language.

    \b
    Example:
      rps-prognosis catalogue --model build/model --output messages.pot
    """
    from server.wording.catalogue import source_catalogue, written

    write(output, written(source_catalogue([read_artefact(folder)])).decode("utf-8"))
