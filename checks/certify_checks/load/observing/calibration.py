"""A server of our own whose latency is known: it says in each answer how long that answer really took."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

DELAY = 0.005


@contextlib.asynccontextmanager
async def calibration_server(delay: float = DELAY) -> AsyncIterator[str]:
    """Serve on a loopback port that the system picks; gives the address.

    Each answer waits for `delay` seconds; its body is the microseconds from the request read to the answer written.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                began = time.perf_counter_ns()
                await asyncio.sleep(delay)
                true = str((time.perf_counter_ns() - began) // 1000).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(true), true))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
