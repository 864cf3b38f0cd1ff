"""The door of a stack of containers: both of its sides, joined by a folder, without any container."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from certify.drivers.compose.door import Doorkeeper
from certify.drivers.compose.inside import Door, Spans
from certify_stack.containers import door as inner_side

LARGE = b"x" * 3_000_000


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers only when the other side has said that it is done, so that a half-closed line must get through."""
    writer.write(await reader.read())
    await writer.drain()
    writer.close()


async def _ask(address: str, text: bytes) -> bytes:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(text)
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


@asynccontextmanager
async def _both_sides(inner: str, spans_to: str = "", spans: int | None = None) -> AsyncIterator[Doorkeeper]:
    keeper = Doorkeeper(Door("door", "FOLDER", "USER", {inner: "PORT"}, Spans("http://door:1", "SPANS")))
    serving = asyncio.create_task(inner_side.serve(keeper.folder, [inner], spans))
    try:
        await keeper.open(spans_to)
        while not (keeper.folder / inner).exists():  # noqa: ASYNC110 - the other side tells nobody
            await asyncio.sleep(0.01)
        yield keeper
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        await keeper.close()


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def test_what_is_inside_is_reached_at_a_port_of_loopback():
    async def scene() -> None:
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        inner = f"127.0.0.1:{_port(server)}"
        async with _both_sides(inner) as keeper:
            outer = keeper.addresses[inner]
            assert outer != inner
            assert await asyncio.gather(*(_ask(outer, text) for text in (b"a", b"", LARGE))) == [b"a", b"", LARGE]
            told = keeper.variables(spans=True)
            assert told["PORT"] == outer.rpartition(":")[2]
            assert (told["FOLDER"], told["SPANS"]) == (str(keeper.folder), "http://door:1")
            assert keeper.folder.stat().st_mode & 0o077 == 0
        assert not keeper.folder.exists()
        server.close()

    asyncio.run(scene())


def test_spans_come_out():
    async def scene() -> None:
        listener = await asyncio.start_server(_echo, "127.0.0.1", 0)
        free = await asyncio.start_server(_echo, "127.0.0.1", 0)
        inner_port = _port(free)
        free.close()
        await free.wait_closed()
        async with _both_sides("127.0.0.1:1", f"http://127.0.0.1:{_port(listener)}", inner_port):
            assert await _ask(f"127.0.0.1:{inner_port}", b"span") == b"span"
        listener.close()

    asyncio.run(scene())


def test_who_is_away_inside_keeps_nobody_waiting():
    async def scene() -> None:
        # Nobody can listen at port 1 as anybody but root, and nobody does as root.
        async with _both_sides("127.0.0.1:1") as keeper:
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(30):
                    assert await _ask(keeper.addresses["127.0.0.1:1"], b"x") == b""

    asyncio.run(scene())
