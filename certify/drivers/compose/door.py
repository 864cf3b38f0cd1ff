"""Our side of the door: ports of loopback that lead to inner addresses, and the socket by which spans come out."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from certify.drivers.compose.inside import Door
from certify.outside import HOST

_CHUNK = 1 << 16
_CONNECT_SECONDS = 5.0
_SPANS = "spans"
# sun_path of unix(7) holds 108 bytes, with a zero at the end; the names of the sockets need some of them.
_LONGEST_FOLDER = 60

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Doorkeeper:
    """Holds a free port for each inner address from the beginning, so that everybody can be told of them before the boot.

    Attributes:
        folder: where the sockets are, for this user alone.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self.folder = Path(tempfile.mkdtemp(prefix="certify-door-", dir=_short()))
        self._sockets = {inner: socket.create_server((HOST, 0)) for inner in door.to}
        self._servers: list[asyncio.AbstractServer] = []
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def addresses(self) -> dict[str, str]:
        """Inner address -> the one of this machine that leads to it."""
        return {inner: f"{HOST}:{bound.getsockname()[1]}" for inner, bound in self._sockets.items()}

    def variables(self, *, spans: bool) -> dict[str, str]:
        """What the compose file must be told."""
        ports = {variable: self.addresses[inner].rpartition(":")[2] for inner, variable in self._door.to.items()}
        told = {name: port for name, port in ports.items() if name}
        told |= {self._door.folder: str(self.folder), self._door.user: f"{os.getuid()}:{os.getgid()}"}
        if spans and self._door.spans:
            told[self._door.spans.variable] = self._door.spans.url
        return told

    async def open(self, spans_to: str) -> None:
        """Let everybody through. `spans_to`: the address of who takes the spans; empty: nobody does."""
        for inner, bound in self._sockets.items():
            path = self.folder / inner
            leading = self._leading(partial(asyncio.open_unix_connection, path))
            self._servers.append(await asyncio.start_server(leading, sock=bound))
        if spans_to and self._door.spans:
            there = urlsplit(spans_to)
            leading = self._leading(partial(asyncio.open_connection, there.hostname, there.port))
            self._servers.append(await asyncio.start_unix_server(leading, self.folder / _SPANS))

    async def close(self) -> None:
        """Close all ports, end who is still passing, and remove the folder."""
        for server in self._servers:
            server.close()
        for bound in self._sockets.values():
            bound.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _leading(self, connect: Callable[[], Awaitable[Streams]]) -> Callable[..., None]:
        """What a server does with a connection. The event loop itself knows tasks by weak references only."""

        def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(_pass(connect, reader, writer))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

        return come


def _short() -> str | None:
    return None if len(tempfile.gettempdir()) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108 - of a random name in there


async def _pass(
    connect: Callable[[], Awaitable[Streams]], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            there, back = await connect()
    except (OSError, TimeoutError):
        writer.transport.abort()
        return
    try:
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
    finally:
        back.close()
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the end of one direction, which the other side is told; a broken line breaks both."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()
