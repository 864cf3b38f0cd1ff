"""What the health check sees. Times in microseconds."""

import msgspec

from certify.api import CheckConfig, Duration
from certify_checks.health.beginning import Allowed, Beginning
from certify_checks.health.disturbance import Disturbance
from certify_checks.health.edges_model import EdgesConfig, EdgesSeen
from certify_checks.health.exercise import Exercise
from certify_checks.health.samples import Sample


class HealthConfig(CheckConfig, frozen=True):
    """Which probes every service must have; how long, how often and how patiently they are asked.

    Attributes:
        window: for which every probe is watched, and for which every process must stay after its start.
        patience: within which a service must say that it is not ready, once it is cut from what it stands on.
        recovery: within which it must be ready again, once it has that back.
        broker_dependents: services that are not ready without the broker; all when empty.
        start_budget: within which each service must be ready, counted from its own start.
        allow: error lines in logs that are no defect until the service is ready.
    """

    probes: tuple[str, ...] = ("live", "ready")

    window: Duration = Duration("3 s")
    interval: Duration = Duration("500 ms")
    timeout: Duration = Duration("2 s")

    patience: Duration = Duration("5 s")
    recovery: Duration = Duration("10 s")
    broker_dependents: tuple[str, ...] = ()

    start_budget: Duration = Duration("30 s")
    allow: tuple[Allowed, ...] = ()

    exercise: Exercise = Exercise()
    edges: EdgesConfig = EdgesConfig()


class Probed(msgspec.Struct, frozen=True, omit_defaults=True):
    """All answers of one probe of one service; `path` is empty when the profile names none."""

    service: str
    probe: str
    path: str = ""
    up: bool = True
    samples: tuple[Sample, ...] = ()


class Revision(msgspec.Struct, frozen=True, omit_defaults=True):
    """One migration in the source: its id, the ids it builds on, where it is written, and its checksum if it has one."""

    id: str
    after: tuple[str, ...] = ()
    file: str = ""
    line: int = 0
    checksum: str = ""


class Migrated(msgspec.Struct, frozen=True, omit_defaults=True):
    """A database beside the migrations in the source.

    Attributes:
        folder: of the migrations, relative to the source root; empty when the profile names none.
        revisions: in the source.
        unreadable: files that are no migrations, each with the reason.
        tool: that applies them.
        applied: rows of the version table.
        listed: the version table names every migration that was applied, not only the newest.
        versioned: whether there is a version table.
        recorded: revision -> checksum of its file when it was applied.
        checksums: whether the database keeps checksums at all.
        dirty: what the tool says it left half done.
        error: why the database could not be read.
    """

    service: str
    folder: str = ""
    revisions: tuple[Revision, ...] = ()
    unreadable: tuple[str, ...] = ()
    tool: str = "alembic"
    applied: tuple[str, ...] = ()
    listed: bool = False
    versioned: bool = True
    recorded: dict[str, str] = {}
    checksums: bool = False
    dirty: tuple[str, ...] = ()
    error: str = ""


class HealthObservation(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that was seen, as far as one of the rules asked wanted it.

    Attributes:
        probed: answers of all probes while nothing was disturbed.
        decoys: those of servers of our own with known behaviour.
        migrated: the state of all databases.
        disturbed: what services said while they were cut from what they stand on.
        start: how the stack started, and what has died since.
        edges: the calls between services.
        undeclared: services that were started and that the profile does not name.
    """

    window_us: int = 0
    interval_us: int = 0
    probed: tuple[Probed, ...] = ()
    decoys: tuple[Probed, ...] = ()
    migrated: tuple[Migrated, ...] = ()
    disturbed: tuple[Disturbance, ...] = ()
    start: Beginning | None = None
    edges: EdgesSeen | None = None
    undeclared: tuple[str, ...] = ()
