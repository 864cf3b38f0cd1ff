"""What is seen while a service is cut from what it stands on. Times in microseconds."""

import msgspec

from certify_checks.health.samples import Sample

DATABASE, BROKER = "database", "broker"


class Watched(msgspec.Struct, frozen=True, omit_defaults=True):
    """One service before, during and after one disturbance.

    Attributes:
        before: answers of the ready probe while nothing was disturbed.
        during: answers of the ready probe, timed from the moment when the disturbance was done; they end soon after it said no.
        after: answers of the ready probe, timed from the moment when all was given back; they end soon after it said yes.
        live: answers of the live probe during the disturbance.
        reached: the check itself could still reach what the service was cut from.
        refused: why the driver did not cut it.
        left: why the driver did not give it back.
    """

    service: str
    before: tuple[Sample, ...] = ()
    during: tuple[Sample, ...] = ()
    after: tuple[Sample, ...] = ()
    live: tuple[Sample, ...] = ()
    reached: bool = False
    refused: str = ""
    left: str = ""


class Disturbance(msgspec.Struct, frozen=True, omit_defaults=True):
    """All services that one thing was taken from at the same time.

    Attributes:
        of: `database` or `broker`.
        watched: those that stand on it.
        absent: why this was not done, when there is no such thing in the stack.
        patience_us: how long a service had for saying no.
        recovery_us: how long it had for saying yes again.
    """

    of: str
    watched: tuple[Watched, ...] = ()
    absent: str = ""
    patience_us: int = 0
    recovery_us: int = 0


def first_no(watched: Watched) -> int | None:
    """When readiness first said no and stayed at it, since the disturbance; None when it was yes at the end."""
    return _first_of_last_spell(watched.during, well=False)


def first_yes(watched: Watched) -> int | None:
    """When readiness first said yes and stayed at it, since all was given back; None when it was no at the end."""
    return _first_of_last_spell(watched.after, well=True)


def was_ready(watched: Watched) -> bool:
    """Whether readiness said yes, always, before anything was disturbed."""
    return bool(watched.before) and not any(sample.trouble for sample in watched.before)


def _first_of_last_spell(samples: tuple[Sample, ...], *, well: bool) -> int | None:
    found = None
    for sample in reversed(samples):
        if bool(sample.trouble) is well:
            break
        found = sample.at_us + sample.latency_us
    return found
