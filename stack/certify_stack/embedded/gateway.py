"""The gateway's process: started, asked for its port, ended with the launcher."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certify_stack.embedded.procs import ProcessId, dying_with_caller
from certify_stack.gateway.process import Subgraph, command, configuration

_START_SECONDS = 20.0


class GatewayError(RuntimeError):
    """The gateway did not start; the message says why."""


@dataclass
class Gateway:
    """A planned or running gateway. Its port stays the same over restarts."""

    subgraphs: tuple[Subgraph, ...]
    jwt: dict[str, Any]
    file: Path
    log: Path
    port: int = 0
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id; 0 when it was never started."""
        return self.process.pid if self.process else 0

    async def start(self) -> None:
        """Start it; returns when it listens. Call from the main thread.

        Raises:
            GatewayError: It did not come up, for example because the subgraphs do not compose.
        """
        self.file.write_text(configuration(self.subgraphs, self.jwt, self.port), encoding="utf-8")
        with self.log.open("ab") as errors:
            self.process = await asyncio.create_subprocess_exec(
                *command(self.file),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=dying_with_caller(),
            )
        assert self.process.stdout is not None  # noqa: S101 - made with a pipe; for the type checker
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), _START_SECONDS)
            told = json.loads(line or b"{}")
        except (TimeoutError, ValueError) as error:
            raise GatewayError(
                f"the gateway did not say where it listens: {type(error).__name__}; see {self.log}"
            ) from error
        if "listening" not in told:
            raise GatewayError(f"the gateway did not start: {told.get('failed', f'see {self.log}')}")
        self.port = int(told["listening"])

    def signal(self, number: int) -> None:
        """Signal it; nothing happens when it is gone."""
        if self.process and self.process.returncode is None and (identity := ProcessId.of(self.process.pid)):
            identity.signal(number)

    def endpoint(self) -> dict[str, Any]:
        """What callers of the stack are told."""
        return {
            "url": self.url,
            "graphql": "/graphql",
            "live": "/health/live",
            "ready": "/health/ready",
            "pid": self.pid,
            "log": str(self.log),
        }
