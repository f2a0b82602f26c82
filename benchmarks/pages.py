"""The result page beside its first version, in one run: the time of the server, and the weight that travels.

    python -m benchmarks.pages --model build/model

The first version is taken from the project's history and serves a model that it has trained itself, for it cannot read
what has been added to models since.
"""

from __future__ import annotations

import gzip
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from io import BytesIO
from pathlib import Path

import click

from benchmarks.serving import FORM_BODY, Server, Target, measure, post, running

FIRST = "8ccda19"
"""The last commit before the result was given in several forms."""
FORM_TYPE = "application/x-www-form-urlencoded"
ROOT = Path(__file__).parent.parent


@click.command(help=__doc__)
@click.option("--model", "folder", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--first", default=FIRST, show_default=True, help="The commit of the first version.")
@click.option("--rounds", default=7, show_default=True)
@click.option("--requests", default=800, show_default=True, help="For each target in each round.")
def main(folder: Path, first: str, rounds: int, requests: int) -> None:
    """Measure and print two tables."""
    with tempfile.TemporaryDirectory() as scratch:
        before = _first_version(first, Path(scratch))
        with (
            running(["rps_prognosis", "serve", "--model", str(folder.resolve()), "--rate-limit", "none"]) as ours,
            running(["rps_prognosis", "serve", "--model", "first-model"], code=before) as theirs,
        ):
            targets = [
                Target("page, first version", theirs, "/", FORM_BODY, FORM_TYPE),
                Target("page", ours, "/", FORM_BODY, FORM_TYPE),
                Target("fragment", ours, "/fragment", FORM_BODY, FORM_TYPE),
            ]
            rates = measure(targets, rounds, requests)
            click.echo(f"{'':24}{'ms/request':>12}{'beside the first':>18}")
            for name, found in rates.items():
                beside = statistics.median(
                    first / now for now, first in zip(found, rates[targets[0].name], strict=True)
                )
                click.echo(f"{name:24}{1000 / statistics.median(found):12.2f}{beside:18.2f}")
            click.echo(f"\n{'':24}{'HTML':>9}{'style':>9}{'script':>9}{'icon':>9}{'together':>10}   bytes, compressed")
            for name, server in (("page, first version", theirs), ("page", ours)):
                weights = _weights(server)
                click.echo(f"{name:24}{''.join(f'{weight:9d}' for weight in weights)}{sum(weights):10d}")


def _first_version(commit: str, folder: Path) -> Path:
    """The code of a commit, and a model that it has trained."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)  # noqa: S607
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    subprocess.run(
        [sys.executable, "-m", "rps_prognosis", "train", "--output", "first-model"],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder


def _weights(server: Server) -> list[int]:
    """The compressed bytes of a result page and of what it loads; 0 for what it does not."""
    page = post(server.port, "/", FORM_BODY, FORM_TYPE)
    weights = [len(gzip.compress(page))]
    for kind in ("css", "js", "svg"):
        address = re.search(rf'"(/static/[^"]+\.{kind})"', page.decode())
        weights.append(0 if address is None else len(gzip.compress(_get(server, address[1]))))
    return weights


def _get(server: Server, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}") as response:
        return bytes(response.read())


if __name__ == "__main__":
    main()
