"""When what ran: spans on the monotonic clock, and how much of a run they fill."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


def now_us() -> int:
    """The monotonic clock in microseconds."""
    return time.monotonic_ns() // 1000


class Spans:
    """Collects named spans (start, end), in microseconds of the monotonic clock."""

    def __init__(self) -> None:
        self._spans: list[tuple[str, int, int]] = []

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Record how long the body takes, however it ends."""
        started = now_us()
        try:
            yield
        finally:
            self._spans.append((name, started, now_us()))

    def lengths(self) -> dict[str, int]:
        """Length of each name's spans together."""
        total: dict[str, int] = {}
        for name, start, end in self._spans:
            total[name] = total.get(name, 0) + end - start
        return total

    def covered(self, prefixes: tuple[str, ...]) -> int:
        """How much time at least one span whose name starts with one of `prefixes` was open."""
        return covered((start, end) for name, start, end in self._spans if name.startswith(prefixes))


def covered(spans: Iterable[tuple[int, int]]) -> int:
    """Length of the union of spans."""
    total, reached = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
