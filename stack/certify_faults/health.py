"""Faults that the health check must notice: an overlay for one service, and damage to a database from outside."""

from collections.abc import Awaitable, Callable
from itertools import count

import asyncpg
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from certify_stack.kit.settings import Settings

SERVICE = "crm"
READY = "/health/ready"

Next = Callable[[Request], Awaitable[Response]]


def ready_lies_down(app: FastAPI, service_name: str, settings: Settings) -> None:
    """One service of 18 refuses every third question whether it is ready."""
    del settings
    if service_name != SERVICE:
        return
    numbers = count(1)

    @app.middleware("http")
    async def flapping(request: Request, call_next: Next) -> Response:
        if request.url.path == READY and next(numbers) % 3 == 0:
            return JSONResponse({"status": "unready", "service": service_name}, 503)
        return await call_next(request)


async def forget_version(dsn: str) -> None:
    """Empty the table that says which migrations the database has."""
    await _execute(dsn, "DELETE FROM alembic_version")


async def claim_other_version(dsn: str) -> None:
    """Put the database at a version that the source does not have, as a roll-back of the code alone does."""
    await _execute(dsn, "UPDATE alembic_version SET version_num = 'ffff'")


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
