"""OTLP over HTTP on loopback. Whoever connects may be broken or hostile: all sizes and times have limits.

Answers follow the OTLP specification, "OTLP/HTTP Response"; metrics and logs are taken and thrown away, because many
services send all three to one endpoint and would complain in their logs.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import h11

from certify.listener.answer import MAX_BODY, Answer, Asked, answer, complaint
from certify.listener.spans_file import SpansFile
from certify.model.escape import clip, visible

MAX_CONNECTIONS: Final = 256
REQUEST_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 120.0
_CHUNK: Final = 256 * 1024
_DISCARDED: Final = 16 * MAX_BODY


@asynccontextmanager
async def serve(listener: socket.socket, spans: SpansFile) -> AsyncIterator[None]:
    """Answer on `listener` until the block ends."""
    busy: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(busy) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.ensure_future(_converse(reader, writer, spans))
        busy.add(task)
        task.add_done_callback(busy.discard)

    server = await asyncio.start_server(accept, sock=listener, limit=_CHUNK)
    try:
        yield
    finally:
        server.close()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, spans: SpansFile) -> None:
    """One connection: request after request until either side has enough."""
    connection = h11.Connection(h11.SERVER)
    try:
        while await _exchange(connection, reader, writer, spans):
            connection.start_next_cycle()
    except (OSError, TimeoutError, h11.ProtocolError):
        pass
    except Exception as error:  # noqa: BLE001 - one bad request must not end the listener; it is told in the log
        sys.stderr.write(f"{clip(visible(f'{type(error).__name__}: {error}'), 500)}\n")
    finally:
        writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()


async def _exchange(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, spans: SpansFile
) -> bool:
    """One request and its answer; whether another may follow."""
    event = partial(_next_event, connection, reader, writer)
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            request = await event()
        if not isinstance(request, h11.Request):
            return False
        async with asyncio.timeout(REQUEST_SECONDS):
            body = await _body(event)
        reply = answer(_asked(request, body), spans)
    except h11.RemoteProtocolError as error:
        reply = complaint(error.error_status_hint or 400, str(error))
    writer.write(_sent(connection, reply))
    await asyncio.wait_for(writer.drain(), REQUEST_SECONDS)
    return connection.states == {connection.our_role: h11.DONE, connection.their_role: h11.DONE}


def _asked(request: h11.Request, body: bytes | None) -> Asked:
    headers = {name.decode("latin-1"): value.decode("latin-1").strip().lower() for name, value in request.headers}
    return Asked(
        request.method.decode("latin-1"),
        request.target.decode("latin-1").partition("?")[0],
        headers.get("content-type", "").partition(";")[0].strip(),
        headers.get("content-encoding", "") or "identity",
        body,
    )


async def _next_event(connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        if connection.they_are_waiting_for_100_continue:
            writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        connection.receive_data(await reader.read(_CHUNK))
    return event


async def _body(event: Callable[[], Awaitable[object]]) -> bytes | None:
    """The request's body; None when it is too large. What is too large is read to some length, so that the client hears so."""
    parts, size = [], 0
    while isinstance(part := await event(), h11.Data):
        size += len(part.data)
        if size <= MAX_BODY:
            parts.append(bytes(part.data))
        elif size > _DISCARDED:
            break
    return b"".join(parts) if size <= MAX_BODY else None


def _sent(connection: h11.Connection, reply: Answer) -> bytes:
    headers = [("content-type", reply.media), ("content-length", str(len(reply.body)))]
    if connection.their_state is not h11.DONE:
        headers.append(("connection", "close"))
    events = (
        h11.Response(status_code=reply.status, headers=headers),
        h11.Data(data=reply.body),
        h11.EndOfMessage(),
    )
    return b"".join(connection.send(event) or b"" for event in events)
