"""What stands before the form in a hospital: it ends TLS, passes everything on, and here also keeps what was said."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from rps_prognosis import listen
from tests.certificates import Certificates

AT_ONCE = 65_536


@dataclass(slots=True)
class Relay:
    """One way to a server, and all that went along it: one entry for each connection."""

    port: int
    to: int = 0
    """The port of the server."""
    asked: list[bytearray] = field(default_factory=list)
    answered: list[bytearray] = field(default_factory=list)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        asked, answered = bytearray(), bytearray()
        self.asked.append(asked)
        self.answered.append(answered)
        there, back = await asyncio.open_connection("127.0.0.1", self.to)
        await asyncio.gather(_copied(reader, back, asked), _copied(there, writer, answered))


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: bytearray) -> None:
    with closing(writer), suppress(ConnectionError, ssl.SSLError):
        while piece := await reader.read(AT_ONCE):
            heard += piece
            writer.write(piece)
            await writer.drain()


@contextmanager
def relaying(certificates: Certificates) -> Iterator[Relay]:
    """Stand before a server, whose port is told later."""
    listening = listen("127.0.0.1", 0)
    relay = Relay(listening.getsockname()[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    loop, ending = asyncio.new_event_loop(), asyncio.Event()

    async def stand() -> None:
        async with await asyncio.start_server(relay.pass_on, sock=listening, ssl=context):
            await ending.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(stand())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield relay
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join()
