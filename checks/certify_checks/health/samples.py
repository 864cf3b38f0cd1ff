"""One answer of one probe. Times in microseconds."""

import msgspec

# What bodies of well-known health formats say when a service is not well; with a status of 200 it is a contradiction.
CONTRADICTIONS = frozenset(
    {"down", "unready", "not ready", "not_ready", "unhealthy", "fail", "error", "out_of_service"}
)


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer of one probe.

    Attributes:
        at_us: since the window began.
        status: HTTP status; 0 when there was no answer.
        latency_us: until the answer, or until it was given up.
        error: why there was no answer.
        says: the `status` member of a JSON body, if any, in lower case.
    """

    at_us: int
    status: int = 0
    latency_us: int = 0
    error: str = ""
    says: str = ""

    @property
    def trouble(self) -> str:
        """What is wrong with it; empty when the service said that it is well."""
        if self.error:
            return self.error
        if not 200 <= self.status < 300:
            return f"HTTP {self.status}"
        return f"HTTP {self.status}, but the body says {self.says!r}" if self.says in CONTRADICTIONS else ""
