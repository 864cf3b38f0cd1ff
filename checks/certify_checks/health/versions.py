"""Reading migrations: what the source has (without running it) and what a database says that it has."""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
from msgspec.structs import replace

from certify.api import Service
from certify_checks.health import tools
from certify_checks.health.model import Migrated, Revision
from certify_checks.http import describe

PATIENCE = 10.0


def read_source(service: Service, root: Path) -> Migrated:
    """The revision files of one service, read as text: importing them would run code of the certified product."""
    if not service.migrations:
        return Migrated(service.name)
    folder = root / service.migrations
    if tool := tools.detect(folder):
        return _read_files(service, tool, folder, root)
    revisions, unreadable = [], []
    for path in sorted(folder.rglob("*.py")):
        file = path.relative_to(root).as_posix()
        try:
            content = path.read_bytes()
            revision = parse_revision(content.decode(), file)
        except (OSError, SyntaxError, ValueError) as error:
            unreadable.append(f"{file}: {describe(error)}")
            continue
        if revision:
            revisions.append(replace(revision, checksum=hashlib.sha256(content).hexdigest()))
    return Migrated(service.name, service.migrations, tuple(revisions), tuple(unreadable))


def _read_files(service: Service, tool: tools.Tool, folder: Path, root: Path) -> Migrated:
    read = Migrated(service.name, service.migrations, tool=tool.name)
    try:
        return replace(read, revisions=tools.read_files(tool, folder, root))
    except OSError as error:
        return replace(read, unreadable=(f"{service.migrations}: {describe(error)}",))


def parse_revision(text: str, file: str) -> Revision | None:
    """Read `revision` and `down_revision` of an Alembic revision file; None when it is another kind of module.

    Raises:
        SyntaxError: not Python.
        ValueError: `revision` is there, but not written as a literal.
    """
    found = {name: (value, line) for name, value, line in _assignments(ast.parse(text, file))}
    if "revision" not in found:
        return None
    ident, line = found["revision"]
    after = found.get("down_revision", (None, 0))[0]
    if not isinstance(ident, str):
        raise ValueError(f"line {line}: revision is no text")  # noqa: TRY004 - a bad file, not a bad call
    return Revision(ident, _ids(after), file, line)


def _assignments(module: ast.Module) -> Iterator[tuple[str, Any, int]]:
    for node in module.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and target.id in {"revision", "down_revision"} and value is not None:
            yield target.id, ast.literal_eval(value), node.lineno


def _ids(after: Any) -> tuple[str, ...]:
    if after is None:
        return ()
    return (after,) if isinstance(after, str) else tuple(str(one) for one in after)


async def read_applied(source: Migrated, dsn: str) -> Migrated:
    """Add what the database's own tables say."""
    try:
        connection = await asyncpg.connect(dsn, timeout=PATIENCE, command_timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return replace(source, error=f"no connection: {describe(error)}")
    try:
        if tool := tools.BY_NAME.get(source.tool):
            return tool.digest(source, [dict(row) for row in await connection.fetch(tool.query)])
        return await _alembic(source, connection)
    except asyncpg.UndefinedTableError:
        return replace(source, versioned=False)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return replace(source, error=f"version table: {describe(error)}")
    finally:
        await connection.close(timeout=PATIENCE)


async def _alembic(source: Migrated, connection: Any) -> Migrated:
    """Alembic itself keeps no checksums; whoever wants them keeps `alembic_checksum(revision, sha256)` beside its table."""
    applied = await connection.fetch("SELECT version_num FROM alembic_version ORDER BY version_num")
    source = replace(source, applied=tuple(row["version_num"] for row in applied))
    try:
        kept = await connection.fetch("SELECT revision, sha256 FROM alembic_checksum ORDER BY revision")
    except asyncpg.UndefinedTableError:
        return source
    return replace(source, checksums=True, recorded={row["revision"]: row["sha256"].strip() for row in kept})
