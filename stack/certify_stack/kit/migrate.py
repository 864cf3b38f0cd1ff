"""Versioned migrations of each service, kept and applied by Alembic over asyncpg."""

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from certify_stack.kit.revisions import source_heads, versions_of

__all__ = ["config_of", "source_heads", "upgrade", "upgrade_async"]

ENVIRONMENT = Path(__file__).parent / "migrations"


def config_of(service: str) -> Config:
    """Return Alembic's configuration for one service; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(versions_of(service)).replace("%", "%%"))
    return config


def upgrade(dsn: str, service: str) -> None:
    """Bring the database to head. Call it where no event loop runs.

    Raises:
        LookupError: There is no such service.
    """
    asyncio.run(upgrade_async(dsn, service))


async def upgrade_async(dsn: str, service: str) -> None:
    """Bring the database to head in one transaction."""
    async with _engine(dsn).begin() as connection:
        await connection.run_sync(_upgrade, config_of(service))


def _engine(dsn: str) -> AsyncEngine:
    # asyncpg itself reads the DSN, so that unix sockets and options mean the same as in the pool.
    return create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(dsn))


def _upgrade(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
