"""The launcher's side of the pre-loaded parent (`zygote.py`): commands out, events in."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from certify_stack.embedded.procs import dying_with_caller

_LINE_LIMIT = 16 << 20
# Nothing that is imported or built before a fork is ever garbage, and looking for it takes a fifth of the time. The HTTP client's
# command line, with the terminal library that it draws by, is optional to it and of no use here.
_ZYGOTE = "import gc, sys; gc.disable(); sys.modules['httpx._main'] = None; from certify_stack.embedded.zygote import main; main()"


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

    process: asyncio.subprocess.Process
    log: Path
    on_event: Callable[[dict[str, Any]], None]
    bound: asyncio.Future[Mapping[str, Bound]]
    _waiting: dict[int, asyncio.Future[None]] = field(default_factory=dict)
    _numbers: int = 0
    _reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, wanted: Wanted, logs: Path, on_event: Callable[[dict[str, Any]], None]) -> Forker:
        """Start it; imports go on while this returns. Call from the main thread."""
        log = logs / "zygote.log"
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", _ZYGOTE),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=_LINE_LIMIT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
                preexec_fn=dying_with_caller(),
            )
        forker = cls(process, log, on_event, asyncio.get_running_loop().create_future())
        forker._send({**asdict(wanted), "scripts": str(wanted.scripts or ""), "logs": str(logs)})
        forker._reading = asyncio.create_task(forker._read())
        return forker

    async def do(self, command: str, **arguments: Any) -> None:
        """Have a command done.

        Raises:
            ForkerError: It was refused, or the parent is gone.
        """
        self._numbers += 1
        number = self._numbers
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "do": command, **arguments})
        await self._waiting[number]

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None  # noqa: S101 - made with a pipe; for the type checker
        self.process.stdin.write((json.dumps(message) + "\n").encode())

    async def _read(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - made with a pipe; for the type checker
        async for line in self.process.stdout:
            self._take(json.loads(line))
        error = ForkerError(f"the parent of the services ended; see {self.log}")
        if not self.bound.done():
            self.bound.set_exception(error)
        for waiting in self._waiting.values():
            waiting.set_exception(error)

    def _take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "bound":
                self.bound.set_result({name: Bound(**told) for name, told in event["services"].items()})
            case "done":
                waiting = self._waiting.pop(event["id"])
                if event["error"] is None:
                    waiting.set_result(None)
                else:
                    waiting.set_exception(ForkerError(event["error"]))
            case _:
                self.on_event(event)
