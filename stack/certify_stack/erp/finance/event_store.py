"""The append-only table of events: one global order without gaps, and one version per event of a stream."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from certify_stack.erp.finance.events import Event, Recorded, decode, encode
from certify_stack.kit.database import Connection
from certify_stack.kit.errors import ConflictError

APPEND_LOCK = 7_201
COLUMNS = "position, stream_id, stream_version, type, type_version, data, recorded_at"
INSERT = """
    INSERT INTO events (position, event_id, stream_type, stream_id, stream_version, type, type_version, data,
        metadata, recorded_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb, $10)
"""
STREAM = (
    f"SELECT {COLUMNS} FROM events "  # noqa: S608 - constant names
    "WHERE stream_id = $1 AND stream_version > $2 ORDER BY stream_version"
)


class NewEvent(msgspec.Struct, frozen=True):
    """An event that is about to be appended."""

    event_id: UUID
    stream_type: str
    stream_id: UUID
    stream_version: int
    event: Event


async def lock(connection: Connection) -> int:
    """Wait for the right to append until the transaction ends, and return the last position.

    One writer at a time: positions have no gaps and become visible in order, so a reader who has seen position n
    has seen all before it. The unique stream version still guards against writers that do not take the lock.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", APPEND_LOCK)
    last: int = await connection.fetchval("SELECT coalesce(max(position), 0) FROM events")
    return last


async def append(
    connection: Connection, last: int, events: Sequence[NewEvent], metadata: dict[str, Any]
) -> list[Recorded]:
    """Append events after position ``last``; the caller holds the lock.

    Raises:
        asyncpg.UniqueViolationError: Another writer was faster on the same stream.
    """
    now = datetime.now(UTC)
    about = msgspec.json.encode(metadata).decode()
    recorded = []
    for position, new in enumerate(events, last + 1):
        kind, version, data = encode(new.event)
        await connection.execute(
            INSERT,
            position,
            new.event_id,
            new.stream_type,
            new.stream_id,
            new.stream_version,
            kind,
            version,
            data,
            about,
            now,
        )
        recorded.append(Recorded(position, new.stream_id, new.stream_version, now, new.event))
    return recorded


def from_row(row: Any) -> Recorded:
    """Return a stored event in its newest version."""
    event = decode(row["type"], row["type_version"], row["data"])
    return Recorded(row["position"], row["stream_id"], row["stream_version"], row["recorded_at"], event)


async def stream(connection: Connection, stream_id: UUID, after: int = 0) -> list[Recorded]:
    """Return the events of one stream in order, from the version after ``after`` on."""
    return [from_row(row) for row in await connection.fetch(STREAM, stream_id, after)]


def check_version(actual: int, expected: int | None) -> None:
    """Refuse a command that was decided on an older state than there is now.

    Raises:
        ConflictError: The stream moved on.
    """
    if expected is not None and expected != actual:
        raise ConflictError(f"the entry is at version {actual}, not {expected}")
