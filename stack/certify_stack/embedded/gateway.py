"""The gateway as a part of the stack. Its listening socket is ours, so its port is known before it runs and stays its own."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from certify_stack.embedded.accounts import unprivileged
from certify_stack.embedded.binaries import BinariesError, cache_root
from certify_stack.embedded.database import WatchOver
from certify_stack.embedded.part import PartError, Say
from certify_stack.embedded.ports import HeldPort
from certify_stack.embedded.probe import until_good
from certify_stack.embedded.procs import dying_with_caller
from certify_stack.embedded.spawned import SpawnedPart
from certify_stack.gateway.node import NodeError
from certify_stack.gateway.process import Subgraph, command, configuration, environment

GATEWAY = "gateway"
_START_SECONDS = 20.0
_LINE_LIMIT = 1 << 20


class GatewayPart(SpawnedPart):
    """One Node process in front of all services."""

    def __init__(self, folder: Path, log: Path, say: Say, watch_over: WatchOver) -> None:
        super().__init__(GATEWAY, log, say)
        self._watch_over = watch_over
        self._file = folder / "gateway.json"
        self._port = HeldPort()
        weakref.finalize(self, self._port.close)
        self._subgraphs: tuple[Subgraph, ...] = ()
        self._jwt: dict[str, Any] = {}
        self._said: asyncio.StreamReader | None = None
        # It asks every service, so there is no use in asking it before all of these are well for the first time.
        self.may_ask = asyncio.Event()

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self._port.number}"

    def plan(self, subgraphs: Iterable[Subgraph], jwt: dict[str, Any]) -> None:
        """Say what it composes and how it verifies tokens."""
        self._subgraphs, self._jwt = tuple(subgraphs), jwt

    async def launch(self) -> None:
        """Start it; clients wait in the queue of our socket until it accepts them."""
        listener = self._port.listener.fileno()
        self._file.write_text(
            configuration(self._subgraphs, self._jwt, listener=listener, cache=_cache()), encoding="utf-8"
        )
        try:
            words = command(self._file)
        except NodeError as error:
            raise PartError(str(error)) from error
        with self.log.open("ab") as errors:
            process = subprocess.Popen(  # noqa: ASYNC220 - returns as soon as it is forked, and it must be by this thread
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(),
                pass_fds=(listener,),
                start_new_session=True,
                preexec_fn=dying_with_caller(),  # noqa: PLW1509 - one prctl call, resolved before the fork
            )
        self.watch(process)
        self._watch_over(process.pid, signal.SIGTERM)
        self.tell("starting")
        self._said = await _lines_of(process)

    async def answers(self) -> None:
        """When it has composed the schema, and then finds all services ready."""
        assert self._said is not None  # noqa: S101 - set by `launch`; for the type checker
        try:
            told = json.loads(await asyncio.wait_for(self._said.readline(), _START_SECONDS) or b"{}")
        except (TimeoutError, ValueError) as error:
            raise PartError(f"the gateway did not say whether it listens: {type(error).__name__}") from error
        if "listening" not in told:
            raise PartError(f"the gateway did not start: {told.get('failed', f'see {self.log}')}")
        self.tell("listening")
        await self.may_ask.wait()
        await until_good(f"{self.url}/health/ready")

    async def refuse(self) -> None:
        """Close the queue that we hold."""
        self._port.refuse()

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


def _cache() -> Path | None:
    """Where composed schemas are kept, for this user alone; None where there is no place, which only costs time."""
    try:
        folder = cache_root(unprivileged()) / GATEWAY
        folder.mkdir(mode=0o700, exist_ok=True)
    except (BinariesError, OSError):
        return None
    return folder


async def _lines_of(process: subprocess.Popen[bytes]) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=_LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
    return reader
