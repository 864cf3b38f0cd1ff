"""One answer of one probe. Times in microseconds."""

import msgspec

# What bodies of well-known health formats say when a service is not well; with a status of 200 it is a contradiction.
CONTRADICTIONS = frozenset(
    {"down", "unready", "not ready", "not_ready", "unhealthy", "fail", "error", "out_of_service"}
)


class Contained(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a container was like at one look.

    Attributes:
        status: the engine's word: `running`, `paused`, `restarting`, `exited`, `dead`, `created`.
        health: the word of its health check; empty: it has none that can run.
        ends: ending with exit code 0 is all that is asked of it.
        again: its process was started anew since the first look.
        unserved: published ports behind which nobody answered.
        left: ports that its image or file names, at which it listened at the first look, and does no more.
    """

    status: str
    exit_code: int = 0
    health: str = ""
    ends: bool = False
    again: bool = False
    unserved: tuple[int, ...] = ()
    left: tuple[int, ...] = ()

    @property
    def trouble(self) -> str:
        """What is wrong with it; empty when it does what is asked of it."""
        if self.status == "exited":
            return "" if self.ends and not self.exit_code else f"it ended with exit code {self.exit_code}"
        if self.status != "running":
            return f"it is {self.status or 'not there'}"
        if self.again:
            return "its process was started anew meanwhile"
        if self.health not in {"", "healthy"}:
            return f"its health check says {self.health!r}"
        if self.unserved:
            return f"nobody answers at its published port {self.unserved[0]}"
        return f"nobody listens at its port {self.left[0]} any more" if self.left else ""


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer of one probe.

    Attributes:
        at_us: since the window began.
        status: HTTP status; 0 when there was no answer.
        latency_us: until the answer, or until it was given up.
        error: why there was no answer.
        says: the `status` member of a JSON body, if any, in lower case.
        contained: what was seen of a container, when it was the engine that answered.
    """

    at_us: int
    status: int = 0
    latency_us: int = 0
    error: str = ""
    says: str = ""
    contained: Contained | None = None

    @property
    def trouble(self) -> str:
        """What is wrong with it; empty when the service said that it is well."""
        if self.error:
            return self.error
        if self.contained:
            return self.contained.trouble
        if not 200 <= self.status < 300:
            return f"HTTP {self.status}"
        return f"HTTP {self.status}, but the body says {self.says!r}" if self.says in CONTRADICTIONS else ""
