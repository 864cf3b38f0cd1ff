"""The launcher's knowledge of one service: where it listens, which process serves it, in which state it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TAIL_BYTES = 16 << 10
_TAIL_LINES = 20


@dataclass
class ServiceState:
    """Changes with the events of the pre-loaded parent.

    Attributes:
        state: planned, starting, migrated, listening, ready or died.
        failure: Why it is not ready; empty while nothing is known to be wrong.
    """

    name: str
    port: int
    sdl: str
    database: str
    log: Path
    pid: int = 0
    state: str = "planned"
    failure: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ready_url(self) -> str:
        """Address of the readiness probe."""
        return f"{self.url}/health/ready"

    @property
    def running(self) -> bool:
        """Whether a process serves it, ready or not."""
        return self.state in {"starting", "migrated", "listening", "ready"}

    def enter(self, state: str, pid: int | None = None, failure: str = "") -> None:
        """Take a new state and wake whoever waits for one."""
        self.state, self.failure = state, failure
        if pid is not None:
            self.pid = pid
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    async def reaches(self, *states: str) -> None:
        """Wait until it is in one of the states."""
        while self.state not in states:
            await self.changed.wait()

    def endpoint(self) -> dict[str, Any]:
        """What callers of the stack are told."""
        return {
            "url": self.url,
            "graphql": "/graphql",
            "live": "/health/live",
            "ready": "/health/ready",
            "metrics": "/metrics",
            "database": self.database,
            "pid": self.pid,
            "log": str(self.log),
        }


def log_tail(path: Path) -> list[str]:
    """The last lines of a log; none when there is no such file."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
    except OSError:
        return []
