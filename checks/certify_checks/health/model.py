"""What the health check sees. Times in microseconds."""

import msgspec

from certify.api import CheckConfig, Duration
from certify_checks.health.exercise import Exercise


class HealthConfig(CheckConfig, frozen=True):
    """Which probes every service must have; how long, how often and how patiently they are asked."""

    probes: tuple[str, ...] = ("live", "ready")

    window: Duration = Duration("3 s")
    interval: Duration = Duration("500 ms")
    timeout: Duration = Duration("2 s")

    exercise: Exercise = Exercise()


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


# What bodies of well-known health formats say when a service is not well; with a status of 200 it is a contradiction.
CONTRADICTIONS = frozenset(
    {"down", "unready", "not ready", "not_ready", "unhealthy", "fail", "error", "out_of_service"}
)


class Probed(msgspec.Struct, frozen=True, omit_defaults=True):
    """All answers of one probe of one service; `path` is empty when the profile names none."""

    service: str
    probe: str
    path: str = ""
    up: bool = True
    samples: tuple[Sample, ...] = ()


class Revision(msgspec.Struct, frozen=True, omit_defaults=True):
    """One migration in the source: its id, the ids it builds on, and where it is written."""

    id: str
    after: tuple[str, ...] = ()
    file: str = ""
    line: int = 0


class Migrated(msgspec.Struct, frozen=True, omit_defaults=True):
    """A database beside the migrations in the source.

    Attributes:
        folder: of the migrations, relative to the source root; empty when the profile names none.
        revisions: in the source.
        unreadable: files that are no migrations, each with the reason.
        applied: rows of the version table.
        versioned: whether there is a version table.
        error: why the database could not be read.
    """

    service: str
    folder: str = ""
    revisions: tuple[Revision, ...] = ()
    unreadable: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    versioned: bool = True
    error: str = ""


class HealthObservation(msgspec.Struct, frozen=True):
    """Answers of all probes, those of the decoys with known behaviour, and the state of all databases."""

    window_us: int
    interval_us: int
    probed: tuple[Probed, ...] = ()
    decoys: tuple[Probed, ...] = ()
    migrated: tuple[Migrated, ...] = ()
