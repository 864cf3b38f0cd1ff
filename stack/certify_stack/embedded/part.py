"""A part of the stack that runs as a process of its own: its state, its death, its return."""

from __future__ import annotations

import asyncio
import signal
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from certify_stack.embedded.procs import HALT_SECONDS, ProcessId

Say = Callable[[dict[str, Any]], None]

RUNNING = frozenset({"starting", "migrated", "listening", "ready"})
_TAIL_BYTES = 16 << 10
_TAIL_LINES = 20
_TERM_SECONDS = 3.0
_KILL_SECONDS = 10.0
_HALT_POLL_SECONDS = 0.005


class PartError(RuntimeError):
    """A part could not be started, or refuses what was asked of it; the message says why."""


class Deaths:
    """How soon a part that died again and again may come back: at once, then with growing pauses, then not any more."""

    LIMIT = 5
    WITHIN = 30.0
    PAUSES = (0.0, 0.1, 0.2, 0.4)

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=self.LIMIT)

    def pause_after(self, now: float) -> float | None:
        """Note a death at `now`, in seconds; how long to wait before the next start, None when there shall be none."""
        self._times.append(now)
        recent = sum(1 for time in self._times if now - time <= self.WITHIN)
        return None if recent >= self.LIMIT else self.PAUSES[recent - 1]


class Part(ABC):
    """One part. What is done to it, and what it goes through, is told to `say`.

    Attributes:
        state: planned, starting, migrated, listening, ready, died, restarting or given-up.
        failure: Why it does not run; empty while nothing is known to be wrong.
        asked: A command brought it into its present state, so nobody but a command brings it out of it.
        pid: Of its present or last process; 0 when it never had one.
    """

    def __init__(self, name: str, log: Path, say: Say) -> None:
        self.name = name
        self.log = log
        self.state = "planned"
        self.failure = ""
        self.asked = False
        self.pid = 0
        self._say = say
        self._deaths = Deaths()
        self._changed = asyncio.Event()
        self._returning: asyncio.Task[None] | None = None
        self._over = False

    @abstractmethod
    async def launch(self) -> None:
        """Start the process and return when it exists.

        Raises:
            PartError: It cannot be started, now or later.
        """

    @abstractmethod
    async def answers(self) -> None:
        """Return when it does its work. It is cancelled when the process dies."""

    @abstractmethod
    async def send(self, number: int) -> None:
        """Signal all that it consists of."""

    def processes(self) -> list[ProcessId]:
        """What it consists of, as far as it runs now: its process, before the ones that this started."""
        process = ProcessId.of(self.pid)
        return [] if process is None else [process]

    async def refuse(self) -> None:  # noqa: B027 - parts without a queue of ours need nothing
        """Have its clients refused from now on, until it is launched again."""

    async def removed(self) -> None:  # noqa: B027 - most parts leave nothing
        """Tidy up behind a process that was killed."""

    @property
    def running(self) -> bool:
        """Whether a process serves it, ready or not."""
        return self.state in RUNNING

    def tell(self, state: str, detail: str | None = None, failure: str = "") -> None:
        """Take a new state, tell it, and wake whoever waits for one."""
        self.state, self.failure = state, failure
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self._say(event(self.name, state, detail, asked=self.asked))

    async def reaches(self, *states: str) -> None:
        """Wait until it is in one of the states."""
        while self.state not in states:
            await self._changed.wait()

    async def come_up(self) -> None:
        """Start it and return when it is ready, or has died."""
        try:
            await self.launch()
        except (PartError, OSError) as error:
            self.tell("died", str(error), str(error))
            await self._give_up(str(error))
            return
        working = asyncio.create_task(self.answers())
        dying = asyncio.create_task(self.reaches("died", "restarting", "given-up"))
        try:
            await asyncio.wait({working, dying}, return_when=asyncio.FIRST_COMPLETED)
            if working.done() and self.running:
                working.result()
                self.tell("ready")
                self.asked = False
        except PartError as error:
            self.failure = str(error)
        finally:
            working.cancel()
            dying.cancel()

    def ended(self, how: str) -> None:
        """Its process is gone. Unless that was asked for, it comes back, or is given up when it does so all the time."""
        if self._over:
            return
        tail = "\n".join(log_tail(self.log))
        self.tell("died", f"{how}\n{tail}" if tail else how, f"its process ended: {how}")
        if not self.asked:
            pause = self._deaths.pause_after(asyncio.get_running_loop().time())
            self._returning = asyncio.create_task(self._return(pause, how))

    def leave(self) -> None:
        """Whatever happens to it from now on is the end of the whole stack."""
        self._over = True
        if self._returning is not None:
            self._returning.cancel()

    async def kill(self) -> None:
        """SIGKILL; returns when the process is gone. It stays down until `restart`, and its clients are refused."""
        self._taken_over()
        await self.refuse()
        if self.running:
            await self.send(signal.SIGKILL)
            async with asyncio.timeout(_KILL_SECONDS):
                await self.reaches("died")
        await self.removed()

    async def pause(self) -> None:
        """SIGSTOP: the process is there and answers nothing, from when this returns.

        Raises:
            PartError: It does not run, or did not stand still in time.
        """
        self._insist()
        await self.send(signal.SIGSTOP)
        processes = self.processes()
        try:
            async with asyncio.timeout(HALT_SECONDS):
                while not all(process.halted for process in processes):  # noqa: ASYNC110 - only the kernel knows, and tells when asked
                    await asyncio.sleep(_HALT_POLL_SECONDS)
        except TimeoutError:
            raise PartError(f"{self.name} was sent SIGSTOP and did not stand still within {HALT_SECONDS:g} s") from None

    async def resume(self) -> None:
        """SIGCONT."""
        self._insist()
        await self.send(signal.SIGCONT)

    async def restart(self) -> None:
        """End it in order when it runs, start it at the same address, return when it is ready.

        Raises:
            PartError: It did not come back.
        """
        self._taken_over()
        if self.running:
            await self.send(signal.SIGTERM)
            await self.send(signal.SIGCONT)
            try:
                await asyncio.wait_for(self.reaches("died"), _TERM_SECONDS)
            except TimeoutError:
                await self.kill()
        await self.come_up()
        if self.state != "ready":
            raise PartError(f"{self.name} did not come back: {self.failure}")

    def _insist(self) -> None:
        if not self.running:
            raise PartError(f"{self.name} does not run")

    def _taken_over(self) -> None:
        """A command decides from here on, not the supervision."""
        self.asked = True
        self._deaths = Deaths()
        if self._returning is not None:
            self._returning.cancel()

    async def _return(self, pause: float | None, how: str) -> None:
        if pause is None:
            await self._give_up(f"died {Deaths.LIMIT} times within {Deaths.WITHIN:g} s, the last time by {how}")
            return
        await asyncio.sleep(pause)
        self.tell("restarting", f"after {pause:g} s")
        await self.come_up()

    async def _give_up(self, why: str) -> None:
        await self.refuse()
        self.tell("given-up", why, why)


def event(name: str, state: str, detail: str | None = None, *, asked: bool = False) -> dict[str, Any]:
    """An event about one part of the stack."""
    return {"event": "service", "name": name, "state": state, "detail": detail, "asked": asked}


def log_tail(path: Path) -> list[str]:
    """The last lines of a log; none when there is no such file."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
    except OSError:
        return []
