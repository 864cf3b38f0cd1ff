"""Background tasks that are watched: a crash is logged and restarted, and readiness shows a dead one."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

STALE_AFTER = 15.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


class Pauses:
    """Waits that grow until something succeeds again; short, so that what comes back is noticed at once."""

    FIRST = 0.05
    LONGEST = 1.0

    def __init__(self) -> None:
        self._next = self.FIRST

    def reset(self) -> None:
        """Begin with the shortest again."""
        self._next = self.FIRST

    async def wait(self) -> None:
        """Sleep, longer than the time before."""
        pause, self._next = self._next, min(self._next * 2, self.LONGEST)
        await asyncio.sleep(pause)


class Supervised:
    """Runs one endless coroutine again and again, with growing pauses after crashes.

    The coroutine calls ``beat()`` in each of its rounds; a task that stops beating counts as dead.
    """

    def __init__(self, name: str, work: Callable[["Supervised"], Awaitable[None]]) -> None:
        self.name = name
        self.trouble: str | None = None
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._beat = time.monotonic()

    def start(self) -> None:
        """Start the task in the running loop."""
        self._beat = time.monotonic()
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Cancel the task and wait for its end."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def beat(self, trouble: str | None = None) -> None:
        """Say that the task is alive, and what hinders it, if anything does."""
        self._beat = time.monotonic()
        self.trouble = trouble

    def dead(self) -> str | None:
        """Return why the task counts as dead, or None."""
        if self._task is None or self._task.done():
            return "not running"
        silent = time.monotonic() - self._beat
        if silent > STALE_AFTER:
            return f"silent for {silent:.0f} s ({self.trouble or 'no known trouble'})"
        return None

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            started = time.monotonic()
            try:
                await self._work(self)
                self.trouble = "ended"
            except Exception as error:
                self.trouble = type(error).__name__
                log.exception("background task crashed", extra={"task": self.name})
            pause = FIRST_PAUSE if time.monotonic() - started > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)
