"""The environment in which Alembic runs the revisions of any service, or renders them to SQL."""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script

TABLE = """
    CREATE TABLE IF NOT EXISTS alembic_checksum (revision varchar(32) PRIMARY KEY, sha256 varchar(64) NOT NULL)
"""


def run() -> None:
    """Apply revisions over the connection that the caller opened, or write them down where there is none."""
    if context.is_offline_mode():
        # Named parameters, because the default style of this dialect would double every percent sign.
        context.configure(
            dialect_name="postgresql",
            literal_binds=True,
            dialect_opts={"paramstyle": "named"},
            on_version_apply=keep_checksums,
        )
    else:
        connection = context.config.attributes["connection"]
        context.configure(connection=connection, target_metadata=None, on_version_apply=keep_checksums)
    context.run_migrations()


def keep_checksums(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """Keep the SHA-256 of each revision file beside its version: Alembic does not notice that one was edited later."""
    del heads, run_args
    ctx.impl.execute(TABLE)
    applied: tuple[object, ...] = step.up_revisions if step.is_upgrade else ()
    for revision in applied:
        if not isinstance(revision, Script):
            continue
        digest = hashlib.sha256(Path(revision.path).read_bytes()).hexdigest()
        # Both are hexadecimal or plain names of our own: a rendered script has no parameters to bind.
        known = f"ON CONFLICT (revision) DO UPDATE SET sha256 = '{digest}'"
        ctx.impl.execute(f"INSERT INTO alembic_checksum VALUES ('{revision.revision}', '{digest}') {known}")  # noqa: S608 - see above


run()
