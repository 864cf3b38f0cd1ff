"""The job `migrations`: all databases at head, with data in them, and users who can log in. What is done stays as it is."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import asyncpg

from certify_stack.containers import places
from certify_stack.erp.auth.accounts import seed_users_async
from certify_stack.erp.seed import seed
from certify_stack.kit import logs, migrate

_PATIENCE_SECONDS = 300.0
_PAUSE = 0.1


async def fill(folder: Path) -> None:
    """Migrate and fill; `folder` holds DSNs by service and passwords by role.

    Raises:
        OSError: The database server does not answer in time.
    """
    logs.configure("migrations")
    databases = dict(json.loads((folder / places.DATABASES_FILE).read_text(encoding="utf-8")))
    users = dict(json.loads((folder / places.USERS_FILE).read_text(encoding="utf-8")))
    await _until_there(next(iter(databases.values())))
    # What has no script is left to Alembic, which keeps the state of a migration in globals: one at a time.
    for name, dsn in databases.items():
        await migrate.upgrade_async(dsn, name, Path(places.SCRIPTS))
    await seed(databases)
    await seed_users_async(databases["auth"], {role: (password, role) for role, password in users.items()})


async def _until_there(dsn: str) -> None:
    """A server that is made anew listens on the network only when all databases are there."""
    late = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=_PATIENCE_SECONDS)
        except (OSError, asyncpg.CannotConnectNowError):
            if time.monotonic() > late:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            await connection.close()
            return
