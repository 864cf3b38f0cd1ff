"""Databases that are not where the migrations say: patches of a copy of the source, and damage to version tables."""

import ast
from pathlib import Path

import asyncpg

from certify.api import Stack

PENDING = "audit"
EDITED = "finance"
HALF_DONE = "master-data"
FORGOTTEN = "organization"
UNKNOWN = "scm"
_NEW = '''"""Adds a table that nobody has migrated to."""

from alembic import op

revision = "forgotten"
down_revision = {head!r}


def upgrade() -> None:
    """Add it."""
    op.execute("CREATE TABLE forgotten (id integer PRIMARY KEY)")
'''


def pending_migration(root: Path) -> Path:
    """Write a migration that was never applied; returns the file."""
    folder = _versions(root, PENDING)
    file = folder / "9999_forgotten.py"
    file.write_text(_NEW.format(head=_head(folder)), encoding="utf-8")
    return file


def edited_migration(root: Path) -> Path:
    """Edit the first migration, which was applied long ago; returns the file."""
    file = min(_versions(root, EDITED).glob("[0-9]*.py"))
    file.write_text(file.read_text(encoding="utf-8") + '\n\nEDITED = "afterwards"\n', encoding="utf-8")
    return file


async def half_done(stack: Stack) -> None:
    """A second version beside the right one, as an interrupted migration of another branch leaves it."""
    await _execute(stack, HALF_DONE, "INSERT INTO alembic_version VALUES ('ffff')")


async def forget_version(stack: Stack) -> None:
    """Empty the table that says which migrations the database has."""
    await _execute(stack, FORGOTTEN, "DELETE FROM alembic_version")


async def claim_other_version(stack: Stack) -> None:
    """Put the database at a version that the source does not have, as a roll-back of the code alone does."""
    await _execute(stack, UNKNOWN, "UPDATE alembic_version SET version_num = 'ffff'")


async def _execute(stack: Stack, service: str, statement: str) -> None:
    connection = await asyncpg.connect(stack.service(service).database)
    try:
        done = await connection.execute(statement)
        if not done.endswith(" 1"):
            raise LookupError(f"there was not one version in the database of {service}: {done}")
    finally:
        await connection.close()


def _versions(root: Path, service: str) -> Path:
    return root / "certify_stack" / "erp" / service.replace("-", "_") / "migrations" / "versions"


def _head(folder: Path) -> str:
    """The newest revision in a folder whose files are numbered."""
    newest = max(folder.glob("[0-9]*.py"))
    for node in ast.parse(newest.read_bytes()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "revision":
            return str(ast.literal_eval(node.value))
    raise LookupError(f"{newest} names no revision")
