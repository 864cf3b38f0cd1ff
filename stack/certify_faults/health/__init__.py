"""Faults that the health check must notice: in probes, in starts, in databases, and in calls between services."""

from collections.abc import Callable

from starlette.applications import Starlette

from certify.api import Fault, FaultKind
from certify_faults.health import edges, probes, schemas, starts
from certify_stack.kit.settings import Settings

READY, TRUTHFUL, CLEAN_START = "health.ready", "health.truthful", "health.clean-start"
MIGRATIONS, EDGES = "health.migrations", "health.edges"
# A service that does not run is not ready, calls nobody, and its events are missed.
_AWAY = (READY, EDGES)
Hook = Callable[[Starlette, str, Settings], None]


def _overlay(  # noqa: PLR0913, PLR0917 - the fields of a fault
    name: str, rule: str, hook: Hook, target: str, breaks: str, also: tuple[str, ...] = ()
) -> Fault:
    path = f"{hook.__module__}:{hook.__name__}"
    return Fault(name, FaultKind.OVERLAY, breaks, (rule,), target, overlay=path, also=also)


_PROBES = (
    _overlay(
        "never-ready",
        READY,
        probes.never_ready,
        probes.NEVER_READY,
        "a service is never ready",
        also=(CLEAN_START,),
    ),
    _overlay("ready-now-and-then", READY, probes.flapping, probes.FLAPPING, "a service is ready only now and then"),
    _overlay(
        "relay-dead",
        READY,
        probes.relay_dead,
        probes.RELAY_DEAD,
        "the task that sends events has ended for good",
        also=(EDGES,),
    ),
    _overlay(
        "ready-lies-about-database",
        TRUTHFUL,
        probes.lies_about_database,
        probes.LIES_ABOUT_DATABASE,
        "a service says that it is ready without its database",
    ),
    _overlay(
        "ready-lies-about-broker",
        TRUTHFUL,
        probes.lies_about_broker,
        probes.LIES_ABOUT_BROKER,
        "a service says that it is ready without the broker",
    ),
    _overlay(
        "never-ready-again",
        TRUTHFUL,
        probes.never_recovers,
        probes.NEVER_RECOVERS,
        "a service that lost its database once is not ready ever again",
        also=(READY,),
    ),
    _overlay(
        "liveness-follows-database",
        TRUTHFUL,
        probes.liveness_follows,
        probes.LIVENESS_FOLLOWS,
        "a service is not live without its database",
    ),
)

_STARTS = (
    _overlay(
        "crash-loop",
        CLEAN_START,
        starts.crash_loop,
        starts.CRASH_LOOP,
        "a service dies whenever it is started",
        also=_AWAY,
    ),
    _overlay(
        "late-death",
        CLEAN_START,
        starts.late_death,
        starts.LATE_DEATH,
        "a service dies two seconds after it was ready",
        also=(*_AWAY, TRUTHFUL),
    ),
    Fault(
        "slow-start",
        FaultKind.OVERLAY,
        "a service takes longer to be ready than it may",
        (CLEAN_START,),
        starts.SLOW_START,
        overlay=f"{starts.__name__}:slow_start",
        options={"health": {"start_budget": starts.START_BUDGET}},
    ),
    _overlay(
        "restart-once",
        CLEAN_START,
        starts.restart_once,
        starts.RESTART_ONCE,
        "a service comes up only when it is started again",
    ),
    _overlay(
        "port-taken",
        CLEAN_START,
        starts.port_taken,
        starts.PORT_TAKEN,
        "a service wants a port that another one has",
        also=_AWAY,
    ),
    _overlay(
        "error-storm-at-start",
        CLEAN_START,
        starts.error_storm,
        starts.ERROR_STORM,
        "a service logs hundreds of errors while it starts",
    ),
)

_SCHEMAS = (
    Fault(
        "pending-migration",
        FaultKind.PATCH,
        "the source has a migration that the database does not have",
        (MIGRATIONS,),
        schemas.PENDING,
        patch=schemas.pending_migration,
    ),
    Fault(
        "migration-edited",
        FaultKind.PATCH,
        "a migration was edited after it was applied",
        (MIGRATIONS,),
        schemas.EDITED,
        patch=schemas.edited_migration,
    ),
    Fault(
        "dirty-migration",
        FaultKind.DATA,
        "a database is at two versions at once",
        (MIGRATIONS,),
        schemas.HALF_DONE,
        damage=schemas.half_done,
        also=(READY,),
    ),
    Fault(
        "version-forgotten",
        FaultKind.DATA,
        "a database does not know its version",
        (MIGRATIONS,),
        schemas.FORGOTTEN,
        damage=schemas.forget_version,
        also=(READY,),
    ),
    Fault(
        "version-unknown",
        FaultKind.DATA,
        "a database is at a version that the source does not have",
        (MIGRATIONS,),
        schemas.UNKNOWN,
        damage=schemas.claim_other_version,
        also=(READY,),
    ),
)

_EDGES = (
    _overlay(
        "missing-edge",
        EDGES,
        edges.missing_edge,
        edges.MISSING,
        "a service never calls another that it is declared to call",
    ),
    _overlay(
        "edge-to-wrong-service",
        EDGES,
        edges.wrong_service,
        edges.MISTAKEN,
        "a service calls another one than it is declared to call",
    ),
    _overlay(
        "undeclared-edge",
        EDGES,
        edges.undeclared_edge,
        edges.CHATTY,
        "a service calls another that it is not declared to call",
    ),
)

FAULTS = (*_PROBES, *_STARTS, *_SCHEMAS, *_EDGES)
