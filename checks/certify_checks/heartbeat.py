"""Tells for how long this process could not run: what was asked meanwhile was not given the time that it was promised."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_EVERY = 0.05
# Below this a late beat is ordinary: the loop was busy, or the scheduler had others to serve.
_NOTICED = 0.2
_REMEMBERED = 1_000


class Heartbeat:
    """Beats on the running loop. A machine that stands still (a small virtual one does, for seconds) makes a beat late.

    Source: the same idea as jHiccup's, whose idle thread measures the stalls that an application is subject to.
    """

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def lost(self, since: float) -> float:
        """Seconds that were lost after `since` (of `time.perf_counter`), a beat that is due by now included."""
        now = time.perf_counter()
        late = [(at, seconds) for at, seconds in self._late if at > since]
        if now - self._due > _NOTICED:
            late.append((now, now - self._due))
        return sum(min(seconds, at - since) for at, seconds in late)

    def _beat(self) -> None:
        now = time.perf_counter()
        if now - self._due > _NOTICED:
            self._late.append((now, now - self._due))
        self._next(now)

    def _next(self, now: float) -> None:
        self._due = now + _EVERY
        # By `call_later`, no task: timers run in the order in which they are due, so this one before a time-out beside it.
        self._timer = asyncio.get_running_loop().call_later(_EVERY, self._beat)

    @classmethod
    @asynccontextmanager
    async def beating(cls) -> "AsyncIterator[Heartbeat]":
        """A heart that beats until the block is left."""
        one = cls()
        one._next(time.perf_counter())
        try:
            yield one
        finally:
            if one._timer:
                one._timer.cancel()
