"""A circuit breaker: who does not answer is left alone for a while, so that asking costs nothing."""

from dataclasses import dataclass
from enum import StrEnum


class BreakerState(StrEnum):
    """What a breaker does with the next call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(slots=True)
class Breaker:
    """The state for one dependency; it is told the time, in seconds of any clock that never goes back.

    After ``threshold`` failures in a row no call is allowed for ``rest`` seconds; then one call tries, and its outcome
    closes the breaker or keeps it open. A try that is never reported counts for nothing: after ``rest`` comes the next.
    """

    threshold: int = 5
    rest: float = 2.0
    failures: int = 0
    retry_at: float | None = None

    def state(self, now: float) -> BreakerState:
        """Return what the next call would meet."""
        if self.retry_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.retry_at else BreakerState.HALF_OPEN

    def allows(self, now: float) -> bool:
        """Return whether a call may be made now; whoever is told so makes it and reports its outcome."""
        state = self.state(now)
        if state is BreakerState.HALF_OPEN:
            self.retry_at = now + self.rest
        return state is not BreakerState.OPEN

    def succeeded(self) -> bool:
        """Note an answer; return whether it closed the breaker."""
        was_open = self.retry_at is not None
        self.failures, self.retry_at = 0, None
        return was_open

    def failed(self, now: float) -> bool:
        """Note that no answer came; return whether it opened the breaker."""
        self.failures += 1
        if self.failures < self.threshold:
            return False
        was_closed = self.retry_at is None
        self.retry_at = now + self.rest
        return was_closed
