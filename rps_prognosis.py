"""The command line: it translates, and everything that it does can be called without it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands import developing, predicting, translating
from commands.reading import model_errors, read_artefact

if TYPE_CHECKING:
    import socket

MODEL_OPTION = click.option(
    "--model",
    "folders",
    required=True,
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A model folder made by training. Repeat it to serve several; the first is the default.",
)


SECONDS_TO_FINISH = 10


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rps-prognosis")
def main() -> None:
    """Survival after a first recurrence of retroperitoneal sarcoma: train a model, serve it, ask it."""


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
@click.option(
    "--support-line",
    metavar="TEXT",
    help="What the page for patients says to somebody in distress, such as whom to call.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    default=["en"],
    show_default=True,
    help="A language to answer in. Repeat it for others; the first answers readers who ask for none of them.",
)
@click.option(
    "--ehr",
    "ehrs",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="The file of EHRs that it can be opened from and answers (docs/ehr.md).",
)
@click.option(
    "--instance",
    default="",
    metavar="NAME",
    help="What tells this process from others that serve the same address: small letters and digits.",
)
@click.option(
    "--rate-limit",
    default="1200/minute",
    show_default=True,
    metavar="RATE",
    help='How often one address may ask; a whole hospital may share one. "none" sets no limit.',
)
@click.option(
    "--forwarded-allow-ips",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="A proxy whose X-Forwarded-For and -Proto are believed, or a network of them. Repeat it for others.",
)
@click.option("--access-log", is_flag=True, help="Write a line for each request: who, when, which page; never a value.")
def serve(
    folders: Sequence[Path],
    host: str,
    port: int,
    root_path: str,
    frame_ancestors: Sequence[str],
    support_line: str | None,
    languages: Sequence[str],
    ehrs: Path | None,
    instance: str,
    rate_limit: str,
    proxies: Sequence[str],
    access_log: bool,  # noqa: FBT001 - an option of the command line
) -> None:
    """Serve the form, the interface and the card.

    \b
    Example:
      rps-prognosis serve --model build/model --port 8000 --root-path /rps \\
          --frame-ancestors https://portal.hospital.example

    When it is stopped, by SIGTERM or Ctrl+C, requests that have begun are answered first, within ten seconds; the exit
    code is 0 then. It is 1 when a model cannot be served or the port is taken; the reason is on standard error.
    """
    import gc
    import logging
    import signal

    import uvicorn

    from commands.connecting import connect_to
    from server.addresses import checked_proxies
    from server.application import create_app
    from server.limits import Limits
    from server.logs import WithoutQuery
    from server.wording.language import read_language

    if not re.fullmatch(r"[a-z0-9]*", instance):
        message = f"--instance {instance} may hold small letters and digits alone."
        raise click.UsageError(message)
    connected = None if ehrs is None else connect_to(ehrs, instance)
    artefacts = [read_artefact(folder) for folder in folders]
    try:
        with model_errors():
            app = create_app(
                artefacts,
                frame_ancestors=frame_ancestors,
                root_path=root_path,
                support_line=support_line or None,
                languages=[read_language(code) for code in languages],
                connected=connected,
                limits=Limits(address=None if rate_limit == "none" else rate_limit),
            )
            believed = checked_proxies(proxies)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    config = uvicorn.Config(
        app,
        server_header=False,
        access_log=access_log,
        proxy_headers=bool(believed),
        forwarded_allow_ips=believed,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.access").addFilter(WithoutQuery())
    listening = listen(host, port)
    # What is there now stays for good; the collector need not look at it again at every turn.
    gc.collect()
    gc.freeze()
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"Answering at http://{shown}:{listening.getsockname()[1]}{root_path.rstrip('/')}/ (Ctrl+C stops it)")
    # Once it has ended what was begun, the server raises anew what it was stopped by, which then is no failure.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


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


for command in (
    developing.train,
    developing.spec,
    developing.validate,
    developing.recalibrate,
    predicting.predict,
    predicting.vectors,
    translating.catalogue,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
