"""The launcher's side of the pre-loaded parent (`zygote.py`): commands out, events in."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_LINE_LIMIT = 16 << 20


class ForkerError(RuntimeError):
    """The pre-loaded parent failed or refused a command."""


@dataclass(frozen=True)
class Bound:
    """A service before it runs: its port and its schema."""

    port: int
    sdl: str


@dataclass(frozen=True)
class Wanted:
    """What the parent is to load: services, start hooks, what sends `spans`; `scripts` is the folder of rendered migrations."""

    services: tuple[str, ...]
    overlays: tuple[str, ...]
    scripts: Path | None
    spans: bool


@dataclass
class Forker:
    """A running pre-loaded parent."""

    process: subprocess.Popen[bytes]
    log: Path
    on_event: Callable[[dict[str, Any]], None]
    _writing: asyncio.WriteTransport
    bound: asyncio.Future[Mapping[str, Bound]]
    _waiting: dict[int, asyncio.Future[None]] = field(default_factory=dict)
    _numbers: int = 0
    _reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls, process: subprocess.Popen[bytes], wanted: Wanted, logs: Path, on_event: Callable[[dict[str, Any]], None]
    ) -> Forker:
        """Tell a parent that was just spawned what to load; it does so while this returns."""
        loop = asyncio.get_running_loop()
        writing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, process.stdin)
        forker = cls(process, logs / "zygote.log", on_event, writing, loop.create_future())
        forker._send({**asdict(wanted), "scripts": str(wanted.scripts or ""), "logs": str(logs)})
        reader = asyncio.StreamReader(limit=_LINE_LIMIT)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
        forker._reading = asyncio.create_task(forker._read(reader))
        return forker

    async def do(self, command: str, **arguments: Any) -> None:
        """Have a command done.

        Raises:
            ForkerError: It was refused, or the parent is gone.
        """
        if self._reading is not None and self._reading.done():
            raise self._gone()
        self._numbers += 1
        number = self._numbers
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "do": command, **arguments})
        try:
            await self._waiting[number]
        finally:
            # Also of one who does not wait any more: the answer may still come.
            self._waiting.pop(number, None)

    def _send(self, message: dict[str, Any]) -> None:
        self._writing.write((json.dumps(message) + "\n").encode())

    async def _read(self, reader: asyncio.StreamReader) -> None:
        async for line in reader:
            self._take(json.loads(line))
        waited_for: list[asyncio.Future[Any]] = [self.bound, *self._waiting.values()]
        for waiting in waited_for:
            if not waiting.done():
                waiting.set_exception(self._gone())

    def _gone(self) -> ForkerError:
        return ForkerError(f"the parent of the services ended; see {self.log}")

    def _take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "bound":
                self.bound.set_result({name: Bound(**told) for name, told in event["services"].items()})
            case "done":
                waiting = self._waiting.pop(event["id"], None)
                if waiting is None or waiting.done():
                    return
                if event["error"] is None:
                    waiting.set_result(None)
                else:
                    waiting.set_exception(ForkerError(event["error"]))
            case _:
                self.on_event(event)
