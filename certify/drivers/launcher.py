"""The process that boots a stack and keeps it up: JSON lines both ways, for the whole run.

It is told what to do on its standard input and takes everything down when that ends. On its standard output come events:
`service` (a part changed its state), `up` or `failed` once, and one `reply` for each command.
"""

import asyncio
import contextlib
import itertools
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from certify.model.check import Disruption, DisruptionRefusedError
from certify.model.escape import visible
from certify.processes import die_with_parent

LOG = "launcher.log"
_STOP_SECONDS = 15.0
# A part that is started again may take as long as it takes to boot.
_REPLY_SECONDS = 60.0
_LINE = 16 * 1024 * 1024


class Launcher:
    """One `python -m MODULE up`, from start to stop."""

    def __init__(
        self, module: str, folder: Path, arguments: tuple[str, ...] = (), python: str = sys.executable
    ) -> None:
        self._command = (python, "-m", module, "up", "--dir", str(folder), *arguments)
        self._log = folder / LOG
        self._process: asyncio.subprocess.Process | None = None
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._gone = False

    async def start(self) -> None:
        """Start it. Call it from the main thread, whose end would be the launcher's."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_LINE,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """All events but the replies, until its standard output ends."""
        assert self._process  # noqa: S101 - narrowing for the type checker: it was started before
        assert self._process.stdout  # noqa: S101 - as above: a pipe
        try:
            async for line in self._process.stdout:
                event = _parse(line)
                if event.get("event") == "reply":
                    self._take(event)
                else:
                    yield event
        finally:
            self._gone = True
            for reply in self._replies.values():
                reply.cancel()

    async def obey(self, disruption: Disruption) -> None:
        """Have it do something to a part of the stack; returns when it is done.

        Raises:
            DisruptionRefusedError: it said no, said nothing in time, or is gone.
        """
        number = next(self._numbers)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        command = {"id": number, "do": disruption.do, "service": disruption.part, "of": disruption.of}
        try:
            await self._write(msgspec.json.encode(command) + b"\n")
            told = await _within(reply, _REPLY_SECONDS)
        finally:
            del self._replies[number]
        if not told.get("ok"):
            raise DisruptionRefusedError(visible(str(told.get("error") or "no reason given")))

    async def stop(self) -> None:
        """End its standard input and wait for it; what does not end in time is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def last_words(self) -> str:
        """The end of what it wrote to its standard error, in one line."""
        lines = self._log.read_text(errors="replace").splitlines()
        return visible(" | ".join(lines[-5:])) or "it said nothing"

    async def _write(self, line: bytes) -> None:
        if self._gone or self._process is None or self._process.stdin is None:
            raise DisruptionRefusedError("the stack's launcher is gone")
        try:
            self._process.stdin.write(line)
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise DisruptionRefusedError("the stack's launcher is gone") from error

    def _take(self, reply: dict[str, Any]) -> None:
        waiting = self._replies.get(reply["id"]) if isinstance(reply.get("id"), int) else None
        if waiting and not waiting.done():
            waiting.set_result(reply)


async def _within(reply: "asyncio.Future[dict[str, Any]]", seconds: float) -> dict[str, Any]:
    done, _ = await asyncio.wait({reply}, timeout=seconds)
    if not done:
        raise DisruptionRefusedError(f"not done within {seconds:g} s")
    if reply.cancelled():
        raise DisruptionRefusedError("the stack's launcher ended before it was done")
    return reply.result()


def _parse(line: bytes) -> dict[str, Any]:
    try:
        event = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return {}
    return event if isinstance(event, dict) else {}
