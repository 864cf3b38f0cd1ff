"""The door: connects sockets in a folder of the machine with the network of the containers, in both directions.

Databases and brokers publish no port: whoever tests the stack opens a socket named like their address instead, and what the
services send to the door's own port arrives at the socket `spans`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Taking = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_CHUNK = 1 << 16
_CONNECT_SECONDS = 5.0


async def serve(folder: Path, inward: Iterable[str], spans: int | None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        folder: Where the sockets are.
        inward: Addresses `HOST:PORT`; each gets a socket of its name.
        spans: The port whose connections go to the socket `spans`.
    """
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with contextlib.AsyncExitStack() as stack:
        if spans is not None:
            out = _passing(lambda: asyncio.open_unix_connection(folder / "spans"))
            server = await asyncio.start_server(out, port=spans)
            await stack.enter_async_context(server)
        for address in inward:
            (folder / address).unlink(missing_ok=True)
            server = await asyncio.start_unix_server(_passing(_network(address)), folder / address)
            await stack.enter_async_context(server)
        await over.wait()


def _network(address: str) -> Callable[[], Awaitable[Streams]]:
    host, _, port = address.rpartition(":")
    return lambda: asyncio.open_connection(host, int(port))


def _passing(connect: Callable[[], Awaitable[Streams]]) -> Taking:
    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                there, back = await connect()
        except (OSError, TimeoutError):
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
        back.close()
        writer.close()

    return pass_on


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the end of one direction, which the other side is told; a broken line breaks both."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()
