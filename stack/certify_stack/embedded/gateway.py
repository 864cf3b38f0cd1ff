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

from certify_stack.embedded import snapshot
from certify_stack.embedded.accounts import unprivileged
from certify_stack.embedded.binaries import BinariesError, cache_root
from certify_stack.embedded.database import WatchOver
from certify_stack.embedded.part import PartError, Say
from certify_stack.embedded.ports import HeldPort
from certify_stack.embedded.probe import until_good
from certify_stack.embedded.procs import dying_with_caller
from certify_stack.embedded.spawned import SpawnedPart
from certify_stack.gateway.node import NodeError, find_node
from certify_stack.gateway.process import Subgraph, command, configuration, environment

GATEWAY = "gateway"
_START_SECONDS = 20.0
_LINE_LIMIT = 1 << 20
_POLL_SECONDS = 0.005
_ENDED_BY_SOMEBODY = frozenset(f"signal {number.name}" for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT))


class GatewayPart(SpawnedPart):
    """One Node process in front of all services."""

    def __init__(self, folder: Path, log: Path, say: Say, watch_over: WatchOver, *, lasting: bool = True) -> None:
        """Plan it; what it composes is `lasting` when later runs will have it too."""
        super().__init__(GATEWAY, log, say)
        self._watch_over = watch_over
        self._lasting = lasting
        self._image: Path | None = None
        self._file = folder / "gateway.json"
        self._port = HeldPort()
        weakref.finalize(self, self._port.close)
        self._subgraphs: tuple[Subgraph, ...] = ()
        self._jwt: dict[str, Any] = {}
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
        cache = _cache()
        listener = self._port.listener.fileno()
        self._file.write_text(
            configuration(self._subgraphs, self._jwt, listener=listener, cache=cache), encoding="utf-8"
        )
        try:
            self._image = await self._provided(cache)
            self._spawn()
        except NodeError as error:
            raise PartError(str(error)) from error
        self.tell("starting")

    async def _provided(self, cache: Path | None) -> Path | None:
        """The image that it starts from; None where there is none, which only costs time."""
        node = find_node()
        image = snapshot.place(cache, node, self._subgraphs) if cache else None
        if image is None or snapshot.usable(image):
            return image
        made = self._lasting and await asyncio.to_thread(snapshot.make, image, node, self._subgraphs)
        return image if made else None

    def _spawn(self) -> None:
        with self.log.open("ab") as errors:
            process = subprocess.Popen(
                command(self._file, self._image),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(),
                pass_fds=(self._port.listener.fileno(),),
                start_new_session=True,
                preexec_fn=dying_with_caller(),  # noqa: PLW1509 - one prctl call, resolved before the fork
            )
        self.watch(process)
        self._watch_over(process.pid, signal.SIGTERM)

    async def answers(self) -> None:
        """When it has composed the schema, and then finds all services ready."""
        told = await self._told()
        if "listening" not in told:
            raise PartError(f"the gateway did not start: {told.get('failed', f'see {self.log}')}")
        self.tell("listening")
        await self.may_ask.wait()
        await until_good(f"{self.url}/health/ready")

    async def _told(self) -> dict[str, Any]:
        """Its first line; where it ends without one, and starts again without its image, that of the next."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                while True:
                    process, image = self.process, self._image
                    assert process is not None  # noqa: S101 - spawned by `launch`; for the type checker
                    line = await (await _lines_of(process)).readline()
                    if line or image is None:
                        return dict(json.loads(line or b"{}"))
                    while self.process is process:  # noqa: ASYNC110 - `ended` is about to hear of it; else this is cancelled
                        await asyncio.sleep(_POLL_SECONDS)
        except (TimeoutError, ValueError) as error:
            raise PartError(f"the gateway did not say whether it listens: {type(error).__name__}") from error

    def ended(self, how: str) -> None:
        """An image that it cannot start from is given up, which is no death. One that somebody ended stays down."""
        if self.state != "starting" or self._image is None or self._over or how in _ENDED_BY_SOMEBODY:
            super().ended(how)
            return
        self._image.unlink(missing_ok=True)
        self._image = None
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self._spawn()

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
