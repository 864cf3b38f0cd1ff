"""Where arrivals wait for a user who is free, and users for an arrival. Imported by the generator only."""

from collections import deque
from collections.abc import Callable, Iterator

import gevent  # type: ignore[import-untyped]
from gevent.event import AsyncResult  # type: ignore[import-untyped]

from certify_checks.load.generator.arrivals import MICRO


class Desk:
    """Arrivals of an open model, handed to whoever is free; a new user is asked for when nobody is, up to a bound.

    Attributes:
        users: how many there are.
        busiest: how many arrivals waited at once, at most.
        coming: when the next arrival is due that was not handed out yet; None when there are no more.
    """

    def __init__(self, clock: Callable[[], int], most: int, hire: Callable[[], None]) -> None:
        self._clock, self._most, self._hire = clock, most, hire
        self._idle: list[AsyncResult] = []
        self._queue: deque[tuple[int, bool]] = deque()
        self._open = True
        self.users = self.busiest = 0
        self.coming: int | None = None

    def receive(self, arrivals: Iterator[int]) -> None:
        """Hand out arrivals as they come due, until there are no more of them; blocks."""
        for due in arrivals:
            self.coming = due
            while (wait := due - self._clock()) > 0:
                gevent.sleep(wait / MICRO)
            self._hand(due)
        self.coming = None

    def catch_up(self, until: int) -> None:
        """Wait until all that was due before `until`, which is over, is handed out: what comes late must not be left out."""
        while self.coming is not None and self.coming < until:
            gevent.sleep(0.01)

    def _hand(self, due: int) -> None:
        if self._idle:
            # The last who came free: connections that rest stay at rest.
            self._idle.pop().set((due, False))
            return
        hired = self.users < self._most
        self._queue.append((due, not hired))
        self.busiest = max(self.busiest, len(self._queue))
        if hired:
            self.users += 1
            self._hire()

    def next(self) -> tuple[int, bool] | None:
        """When the next arrival was due, and whether it had to wait because all were busy; None when there are no more."""
        if self._queue:
            return self._queue.popleft()
        if not self._open:
            return None
        called = AsyncResult()
        self._idle.append(called)
        found: tuple[int, bool] | None = called.get()
        return found

    def close(self, seconds: float) -> list[int]:
        """Let those who wait be served, at most so long, and send users home; returns the arrivals that never were."""
        until = self._clock() + int(seconds * MICRO)
        while self._queue and self._clock() < until:
            gevent.sleep(0.02)
        self._open = False
        left = [due for due, _ in self._queue]
        self._queue.clear()
        while self._idle:
            self._idle.pop().set(None)
        return left
