"""The pool of one service: opened lazily, small, with deadlines."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from certify_stack.kit.errors import UnavailableError
from certify_stack.kit.query_spans import QuerySpans

log = logging.getLogger(__name__)

COMMAND_TIMEOUT = 10.0
ACQUIRE_TIMEOUT = 5.0

AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

Connection = Any
"""An asyncpg connection; asyncpg's own generics do not survive its pool proxy."""


async def _keep(_connection: Connection) -> None:
    """Leave a connection as it is: nothing here sets session state, so there is nothing to reset."""


class Database:
    """Connections to the service's own database.

    The pool holds no connection until the first use, so a service starts, and stays alive, without its database.
    """

    def __init__(self, dsn: str, size: int, spans: QuerySpans | None = None) -> None:
        self._dsn = dsn
        self._size = size
        self._spans = spans
        self._pool: Any = None

    async def open(self) -> None:
        """Create the pool and try one connection; a database that is away is logged, not fatal."""
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=self._size,
            command_timeout=COMMAND_TIMEOUT,
            timeout=ACQUIRE_TIMEOUT,
            reset=_keep,
            init=self._watch,
        )
        try:
            await self.fetchval("SELECT 1")
        except UnavailableError as error:
            log.warning("database away at start", extra={"error": repr(error.__cause__)})

    async def _watch(self, connection: Connection) -> None:
        if self._spans is not None:
            connection.add_query_logger(self._spans.asked)

    async def close(self) -> None:
        """Close all connections; those that do not end in time are dropped."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(1):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection.

        Raises:
            UnavailableError: The database does not let us in, or all connections are busy for too long.
        """
        began = time.perf_counter_ns()
        try:
            connection = await self._pool.acquire(timeout=ACQUIRE_TIMEOUT)
        except AWAY as error:
            raise UnavailableError("the database does not answer") from error
        if self._spans is not None:
            self._spans.waited(began)
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Borrow a connection inside of a transaction that commits unless the block raises."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """Return all rows."""
        async with self.connection() as connection:
            rows: list[Any] = await connection.fetch(query, *args)
            return rows

    async def fetchrow(self, query: str, *args: Any) -> Any:
        """Return the first row, or None."""
        async with self.connection() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        """Return the first value of the first row, or None."""
        async with self.connection() as connection:
            return await connection.fetchval(query, *args)
