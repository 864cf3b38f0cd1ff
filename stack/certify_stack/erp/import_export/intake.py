"""A file comes in: its content goes to file-storage while it arrives, and a job to import it is noted once."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from certify_stack.kit.client import CallError
from certify_stack.kit.errors import InvalidInputError
from certify_stack.kit.outbox import Event
from certify_stack.kit.runtime import Context
from certify_stack.kit.scalars import check_text, parse_id
from certify_stack.kit.streams import turn
from certify_stack.kit.tracing import outgoing
from certify_stack.kit.transfer import Transfers

TARGET = "Invoice"
FOLDER = "Imports"
MEDIA_TYPE = "text/csv"
MOST_UPLOADS, UPLOAD_SECONDS = 3, 60.0
LARGEST = 32 * 1024 * 1024
WAKE = "imports"

# One job for a content, unless it failed: the index import_job_one_effect says so.
PUT = """
    INSERT INTO import_job (target, file_id, requested_by_id, state, rows_read, rows_refused, file_name, sha256, rows_total)
    VALUES ($1, $2, $3, 'PENDING', 0, 0, $4, $5, $6) ON CONFLICT (sha256) WHERE state <> 'FAILED' DO NOTHING RETURNING id
"""
KNOWN = "SELECT id FROM import_job WHERE sha256 = $1 AND state <> 'FAILED'"
QUEUE = "INSERT INTO import_run (job_id, actor, traceparent) VALUES ($1, $2, $3)"


class Stored(msgspec.Struct, frozen=True):
    """What file-storage says of a content that it took."""

    id: UUID
    sha256: str
    size_bytes: int


class Taken(msgspec.Struct, frozen=True):
    """The job that imports a content, and whether it is a new one."""

    id: UUID
    new: bool


class _Passing:
    """Lets a stream pass, and counts what passes: bytes, lines, and the digest."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts
        self._digest = hashlib.sha256()
        self._last = b"\n"
        self.lines = self.size = 0
        self.trouble: InvalidInputError | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._parts:
            if not part:
                continue
            self.size += len(part)
            if self.size > LARGEST:
                self.trouble = InvalidInputError(f"a file has at most {LARGEST} bytes")
                raise self.trouble
            self._digest.update(part)
            self.lines += part.count(b"\n")
            self._last = part[-1:]
            yield part

    @property
    def rows(self) -> int:
        """How many lines there were besides the header; blank ones too."""
        return max(self.lines + (self._last != b"\n") - 1, 0)

    @property
    def sha256(self) -> str:
        """Digest of what passed."""
        return self._digest.hexdigest()


async def take(context: Context, name: str, parts: AsyncIterator[bytes]) -> Taken:
    """Store a file and note the job; the same content again is the same job, unless that failed.

    Raises:
        InvalidInputError: The name or the size is not acceptable, or the caller is no user.
        CallError: file-storage did not take the content whole.
    """
    owner = parse_id(context.principal.subject, "the caller's id")
    file_name = check_text(name, "name", 200)
    passing = _Passing(parts)
    try:
        async with turn(context.runtime, "upload", MOST_UPLOADS), asyncio.timeout(UPLOAD_SECONDS):
            stored = await _store(context, owner, file_name, passing)
    except TimeoutError as error:
        raise InvalidInputError(f"the file did not arrive within {UPLOAD_SECONDS:g} s") from error
    if stored.sha256 != passing.sha256:
        raise CallError("file-storage has another digest than what was sent")
    async with context.database.transaction() as connection:
        row = (TARGET, stored.id, owner, file_name, stored.sha256, passing.rows)
        key: UUID | None = await connection.fetchval(PUT, *row)
        if key is None:
            return Taken(await connection.fetchval(KNOWN, stored.sha256), new=False)
        await connection.execute(QUEUE, key, context.principal.subject, outgoing().get("traceparent"))
        await context.record(connection, _created(key, row))
    waker = context.runtime.shared.get(WAKE)
    if waker is not None:
        waker.set()
    return Taken(key, new=True)


async def _store(context: Context, owner: UUID, name: str, passing: _Passing) -> Stored:
    about = urlencode({"name": name, "folder": FOLDER, "owner": str(owner)})
    transfers = Transfers(context.runtime.client, context.runtime.tracing)
    try:
        answer = await transfers.send(
            "file-storage", f"/contents?{about}", aiter(passing), {"content-type": MEDIA_TYPE}
        )
    except CallError:
        if passing.trouble is not None:
            raise passing.trouble from None
        raise
    return msgspec.json.decode(answer, type=Stored)


def _created(key: UUID, row: tuple[Any, ...]) -> Event:
    names = ("target", "file_id", "requested_by_id", "file_name", "sha256", "rows_total")
    data = dict(zip(names, row, strict=True)) | {"state": "PENDING"}
    return Event(type="ImportJobCreated", subject=key, subject_type="ImportJob", data=data)
