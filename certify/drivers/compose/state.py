"""When a container counts as ready, done or failed. Pure: one look at it in, one judgement out."""

import re
from enum import StrEnum

import msgspec

from certify.drivers.compose.project import Part

# With no probe and no health check, running this long without a restart is all that can be known.
SETTLED_US = 1_000_000
SETTLING = "settling"
CRASH_LOOP = 3
# The engine starts what it will start again at once, or calls it `restarting`; what rests longer has been given up.
GIVEN_UP_US = 3_000_000
# What shells and the engine answer when the program of a health check does not exist or cannot be run.
_NOT_RUNNABLE = frozenset({126, 127})
_NOT_FOUND = ("executable file not found", "no such file or directory", "not found")
_TAKEN = re.compile(r":(?P<port>\d+)(?: failed)?: (?:bind: )?(?:port is already allocated|address already in use)")


class State(StrEnum):
    """What a service of the file has come to."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    FAILED = "failed"


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One look at a container.

    Attributes:
        status: the engine's word: `created`, `running`, `paused`, `restarting`, `exited`, `dead`; empty: there is none.
        running_us: how long its process has been running.
        ended_us: how long ago it ended.
        error: why the engine could not start it.
        health: `starting`, `healthy`, `unhealthy`; empty without a health check.
        health_exit: exit code of the last health check that ended.
        health_log: what the last health checks said, the latest last.
        answered: whether the published ports were served when asked from outside; False too while nobody has asked them;
            None: there is none to ask.
    """

    status: str = ""
    exit_code: int = 0
    oom: bool = False
    restarts: int = 0
    running_us: int = 0
    ended_us: int = 0
    error: str = ""
    health: str = ""
    health_exit: int = 0
    health_log: tuple[str, ...] = ()
    answered: bool | None = None


class Judged(msgspec.Struct, frozen=True):
    """What a look comes to; `why` is for people, `final`: waiting longer cannot change it."""

    state: State
    code: str = ""
    why: str = ""
    final: bool = False

    @property
    def ripens(self) -> bool:
        """Whether the mere passing of time may change it: what runs, or rests, long enough counts as something else."""
        return self.code == SETTLING or (self.state is State.FAILED and not self.final)


def broken_check(seen: Seen) -> bool:
    """Whether the health check itself cannot run, so that it says nothing of the service."""
    if not seen.health or seen.health == "healthy":
        return False
    last = seen.health_log[-1].lower() if seen.health_log else ""
    return seen.health_exit in _NOT_RUNNABLE or (seen.health_exit != 0 and any(hint in last for hint in _NOT_FOUND))


def port_taken(error: str) -> int:
    """The port that the engine could not publish because it is taken; 0 when its error tells of something else."""
    found = _TAKEN.search(error)
    return int(found["port"]) if found else 0


def judge(part: Part, seen: Seen, *, started: bool) -> Judged:
    """Judge one container.

    Args:
        part: what the file says of it.
        seen: the look.
        started: `docker compose up` has ended, so what was not started by now never will be.
    """
    match seen.status:
        case "" | "created":
            return _unstarted(seen, started=started)
        case "exited" | "dead":
            return _ended(part, seen)
        case "restarting":
            return _restarting(seen)
        case "paused":
            return Judged(State.STARTING, "paused", "it is paused")
        case _:
            return _job(seen) if part.awaited else _running(seen)


def _unstarted(seen: Seen, *, started: bool) -> Judged:
    if port := port_taken(seen.error):
        return Judged(State.FAILED, "port-taken", f"the port {port} that it publishes is taken", final=True)
    if seen.error:
        return Judged(State.FAILED, "cannot-start", f"the engine could not start it: {seen.error}", final=True)
    if started:
        return Judged(State.FAILED, "never-started", "it was never started", final=True)
    return Judged(State.WAITING, "waiting", "it waits for what it depends on")


def _ended(part: Part, seen: Seen) -> Judged:
    if seen.exit_code == 0 and not seen.oom and part.may_end:
        return Judged(State.DONE, "done", "it ended well", final=True)
    # With a restart policy the engine will start it again; the loop is told by `_restarting`.
    final = not part.restarts or seen.ended_us >= GIVEN_UP_US
    if seen.oom:
        return Judged(State.FAILED, "out-of-memory", "it was ended because it ran out of memory", final=final)
    if seen.error:
        return Judged(State.FAILED, "cannot-start", f"the engine could not start it: {seen.error}", final=final)
    return Judged(State.FAILED, "exited", f"it ended with {_exit(seen.exit_code)}", final=final)


def _exit(code: int) -> str:
    return f"exit code {code}" + (f" (signal {code - 128})" if 128 < code < 160 else "")


def _restarting(seen: Seen) -> Judged:
    why = f"it was restarted {seen.restarts} times; the last time it ended with {_exit(seen.exit_code)}"
    if seen.restarts >= CRASH_LOOP:
        return Judged(State.FAILED, "crash-loop", why, final=True)
    return Judged(State.STARTING, "restarting", why)


def _job(seen: Seen) -> Judged:
    return (
        _running(seen) if seen.restarts >= CRASH_LOOP else Judged(State.STARTING, "unfinished", "it has not ended yet")
    )


def _running(seen: Seen) -> Judged:
    if seen.restarts >= CRASH_LOOP:
        return Judged(State.FAILED, "crash-loop", f"it was restarted {seen.restarts} times", final=True)
    if seen.answered is False:
        return Judged(State.STARTING, "silent", f"nobody answers at its published port{_though(seen)}")
    if seen.health == "healthy":
        return Judged(State.READY, "healthy")
    if seen.health and not broken_check(seen):
        return Judged(State.STARTING, seen.health, f"its health check says {seen.health!r}")
    if seen.answered or seen.running_us >= SETTLED_US:
        return Judged(State.READY, "broken-health-check" if seen.health else "")
    return Judged(State.STARTING, SETTLING, "it has run for less than a second")


def _though(seen: Seen) -> str:
    return ", though its health check says healthy" if seen.health == "healthy" else ""
