"""The check's side of disturbing the stack: asks go out with the protocol, replies come in on standard input."""

import asyncio
import itertools
import os
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from certify.engine.protocol import MAX_LINE, Ask, Message, Reply
from certify.model.check import Disruption, DisruptionRefusedError


class Asking:
    """`Context.disrupt` of a check process; several asks may be under way in one event loop."""

    def __init__(self, send: Callable[[Message], None], replies: BinaryIO) -> None:
        self._send = send
        self._replies = replies
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._numbers = itertools.count(1)
        self._reading: asyncio.Task[None] | None = None

    async def __call__(self, disruption: Disruption) -> None:
        """Ask the engine and wait until it is done.

        Raises:
            DisruptionRefusedError: it was not done.
        """
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send(Ask(number, disruption))
        try:
            reply = await future
        finally:
            del self._waiting[number]
        if reply.error:
            raise DisruptionRefusedError(reply.error)

    async def _read(self) -> None:
        reader = asyncio.StreamReader(limit=MAX_LINE)
        # A descriptor of its own: the loop closes what it is given, and standard input stays for the next loop.
        pipe = os.fdopen(os.dup(self._replies.fileno()), "rb", buffering=0)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            async for line in reader:
                reply = msgspec.json.decode(line, type=Reply)
                future = self._waiting.get(reply.id)
                if future and not future.done():
                    future.set_result(reply)
        finally:
            transport.close()
            self._reading = None
            for number, future in self._waiting.items():
                if not future.done():
                    future.set_result(Reply(number, "nobody is there any more who could do it"))
