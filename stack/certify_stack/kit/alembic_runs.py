"""Everything that needs Alembic itself. Imported only when it is needed, because it takes a quarter of a second."""

from io import StringIO
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from certify_stack.kit.revisions import ENVIRONMENT, versions_of


def config_of(service: str) -> Config:
    """Return Alembic's configuration for one service; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", _plain(ENVIRONMENT))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", _plain(versions_of(service)))
    return config


async def upgrade(dsn: str, service: str) -> None:
    """Bring the database to head in one transaction, whatever revision it is at."""
    async with engine_of(dsn).begin() as connection:
        await connection.run_sync(_upgrade, config_of(service))


def rendered(service: str) -> str:
    """Return the SQL that Alembic's offline mode makes of all revisions, its own table included.

    Raises:
        Exception: A revision asks the database something, so it cannot be written down without one.
    """
    config = config_of(service)
    config.output_buffer = StringIO()
    command.upgrade(config, "head", sql=True)
    return config.output_buffer.getvalue()


def engine_of(dsn: str) -> AsyncEngine:
    """Return an engine whose connections asyncpg opens, so that a DSN means the same as in the pool."""
    return create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(dsn))


def _upgrade(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _plain(path: Path) -> str:
    return str(path).replace("%", "%%")
