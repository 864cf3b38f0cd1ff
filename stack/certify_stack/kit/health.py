"""Readiness that tells the truth: the database answers, its schema is at head, the broker answers, background tasks live."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from certify_stack.kit.background import Supervised
from certify_stack.kit.database import Database

DEADLINE = 1.0
OK = "ok"

Trouble = Callable[[], Awaitable[str | None]]
"""Tells what is wrong with a part, or None."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Each part with ``ok`` or what is wrong with it."""

    parts: dict[str, str]

    @property
    def ready(self) -> bool:
        """Whether every part is well."""
        return all(state == OK for state in self.parts.values())

    def body(self, service: str) -> dict[str, Any]:
        """Return the JSON answer."""
        failing = sorted(name for name, state in self.parts.items() if state != OK)
        return {
            "status": "ready" if self.ready else "unready",
            "service": service,
            "failing": failing,
            "parts": self.parts,
        }


async def readiness(
    database: Database,
    heads: frozenset[str],
    tasks: Iterable[Supervised],
    apart: Mapping[str, Trouble],
    stored: Mapping[str, Trouble],
) -> Readiness:
    """Look at every part within the deadline.

    Args:
        database: The service's own.
        heads: The revisions that the source has.
        tasks: Background tasks that only must live.
        apart: Parts that do not need the database, each with what tells its trouble.
        stored: Parts that do. One after the other, so that a probe needs no second connection.
    """
    told, kept = await asyncio.gather(
        asyncio.gather(*(within(DEADLINE, _asked(trouble)) for trouble in apart.values())),
        _stored(database, heads, stored),
    )
    living = {task.name: task.dead() or OK for task in tasks}
    return Readiness({**kept, **living, **dict(zip(apart, told, strict=True))})


async def _stored(database: Database, heads: frozenset[str], more: Mapping[str, Trouble]) -> dict[str, str]:
    answers = await within(DEADLINE, lambda: _ping(database))
    if answers != OK:
        return {"database": answers, **dict.fromkeys(("migrations", *more), "unknown: the database does not answer")}
    parts = {"database": OK, "migrations": await within(DEADLINE, lambda: _at_head(database, heads))}
    for name, trouble in more.items():
        parts[name] = await within(DEADLINE, _asked(trouble))
    return parts


def _asked(trouble: Trouble) -> Callable[[], Awaitable[str]]:
    async def probe() -> str:
        return await trouble() or OK

    return probe


async def within(seconds: float, probe: Callable[[], Awaitable[str]]) -> str:
    """Return the probe's answer or why there is none, never later than ``seconds``.

    Cancelling a query waits for the server, which may be stopped: so the probe is left behind, not awaited.
    """
    task = asyncio.ensure_future(probe())
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.cancel()
        task.add_done_callback(_retrieve)
        return f"no answer within {seconds:g} s"
    error = task.exception()
    return f"failed: {type(error.__cause__ or error).__name__}" if error else task.result()


def _retrieve(task: "asyncio.Future[str]") -> None:
    """Take the late probe's outcome, so that the loop does not report it as lost."""
    if not task.cancelled():
        task.exception()


async def _ping(database: Database) -> str:
    return OK if await database.fetchval("SELECT 1") == 1 else "SELECT 1 gave something else"


async def _at_head(database: Database, heads: frozenset[str]) -> str:
    rows = await database.fetch("SELECT version_num FROM alembic_version")
    applied = frozenset(row["version_num"] for row in rows)
    if applied == heads:
        return OK
    return f"applied {sorted(applied)}, source has {sorted(heads)}"
