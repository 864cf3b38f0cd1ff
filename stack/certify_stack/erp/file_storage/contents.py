"""What is in stored files: kept once under its digest, in parts, and never read without looking at the digest again."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import msgspec

from certify_stack.kit.database import Connection, Database
from certify_stack.kit.errors import InvalidInputError, NotFoundError

PART = 256 * 1024
LARGEST = 64 * 1024 * 1024
SECONDS = 60.0
PUT_PART = "INSERT INTO content_part (content_id, number, data) VALUES ($1, $2, $3)"
PUT = "INSERT INTO content (id, sha256, size_bytes) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO NOTHING RETURNING id"
FIND = "SELECT id FROM content WHERE sha256 = $1"
PARTS = "SELECT data FROM content_part WHERE content_id = $1 ORDER BY number"


class DamagedError(Exception):
    """What is stored is not what was stored: its digest differs."""


class Content(msgspec.Struct, frozen=True):
    """Digest and size of a content."""

    sha256: str
    size_bytes: int


class _KnownError(Exception):
    """Takes back the parts of a content that is there already."""


async def keep(database: Database, parts: AsyncIterator[bytes]) -> Content:
    """Store a stream, in constant memory; the same content again is stored once.

    Raises:
        InvalidInputError: It is larger than allowed.
    """
    digest, size, key = hashlib.sha256(), 0, uuid4()
    with contextlib.suppress(_KnownError):
        async with database.transaction() as connection:
            number = 0
            async for part in _evenly(parts):
                digest.update(part)
                size += len(part)
                if size > LARGEST:
                    raise InvalidInputError(f"a file has at most {LARGEST} bytes")
                await connection.execute(PUT_PART, key, number, part, timeout=SECONDS)
                number += 1
            if await connection.fetchval(PUT, key, digest.hexdigest(), size) is None:
                raise _KnownError
    return Content(digest.hexdigest(), size)


async def _evenly(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the same bytes in parts of one size."""
    waiting = bytearray()
    async for part in parts:
        waiting += part
        while len(waiting) >= PART:
            yield bytes(waiting[:PART])
            del waiting[:PART]
    if waiting:
        yield bytes(waiting)


async def find(database: Database, sha256: str) -> UUID:
    """Return the key of a content.

    Raises:
        NotFoundError: There is none with this digest.
    """
    key: UUID | None = await database.fetchval(FIND, sha256)
    if key is None:
        raise NotFoundError("there is no content with this digest")
    return key


async def read(database: Database, key: UUID, sha256: str) -> AsyncIterator[bytes]:
    """Yield a content in parts. The last part is given only when all of it has the digest.

    Raises:
        DamagedError: It has not; whoever reads gets no end.
    """
    digest = hashlib.sha256()
    last = b""
    async with database.transaction() as connection:
        async for part in _parts(connection, key):
            digest.update(part)
            if last:
                yield last
            last = part
    if digest.hexdigest() != sha256:
        raise DamagedError(f"content {sha256} has another digest")
    yield last


async def _parts(connection: Connection, key: UUID) -> AsyncIterator[bytes]:
    async for row in connection.cursor(PARTS, key, prefetch=4):
        yield row["data"]
