"""Migration tools other than Alembic: how their files are called, what their tables say, how they compute checksums."""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from certify_checks.health.model import Migrated, Revision

Rows = list[dict[str, Any]]


class Tool(NamedTuple):
    """One tool.

    Attributes:
        name: as people call it.
        pattern: of its files, relative to the folder of the migrations; the group is what sorts and names them.
        ident: id of a migration, from that group.
        checksum: of a file's content, as the tool writes it down; empty when it keeps none.
        query: what its table says, one row per migration or one for all.
        digest: turns the rows into what was applied.
    """

    name: str
    pattern: re.Pattern[str]
    ident: Callable[[str], str]
    checksum: Callable[[bytes], str]
    query: str
    digest: Callable[[Migrated, Rows], Migrated]


def detect(folder: Path) -> Tool | None:
    """The tool whose files lie in a folder; None when it is none of these."""
    files = list(_files(folder))
    return next((tool for tool in TOOLS if any(tool.pattern.fullmatch(name) for name, _ in files)), None)


def read_files(tool: Tool, folder: Path, root: Path) -> tuple[Revision, ...]:
    """The migrations in a folder, in the order in which the tool applies them.

    Raises:
        OSError: a file cannot be read.
    """
    found = sorted(
        (_order(match[1]), tool.ident(match[1]), path)
        for name, path in _files(folder)
        if (match := tool.pattern.fullmatch(name))
    )
    revisions: list[Revision] = []
    for _, ident, path in found:
        after = (revisions[-1].id,) if revisions else ()
        checksum = tool.checksum(path.read_bytes())
        revisions.append(Revision(ident, after, path.relative_to(root).as_posix(), 1, checksum))
    return tuple(revisions)


def flyway_checksum(content: bytes) -> str:
    """Flyway's: CRC-32 of the lines as UTF-8, without their ends and a byte order mark, as a signed number."""
    text = content.decode("utf-8", errors="replace").removeprefix("\ufeff").replace("\r", "").replace("\n", "")
    value = zlib.crc32(text.encode())
    return str(value - (1 << 32) if value >= 1 << 31 else value)


def _files(folder: Path) -> Iterable[tuple[str, Path]]:
    return ((path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob("*.sql")))


def _order(text: str) -> tuple[tuple[int, str], ...]:
    """Numbers by their value, everything else by its letters."""
    return tuple((int(part), "") if part.isdigit() else (0, part) for part in re.split(r"[._]", text))


def _flyway(source: Migrated, rows: Rows) -> Migrated:
    applied: list[str] = []
    recorded: dict[str, str] = {}
    dirty: list[str] = []
    for row in rows:
        version, kind = str(row["version"]).replace("_", "."), str(row["type"])
        if not row["success"]:
            dirty.append(f"migration {version} failed")
        elif kind.endswith("BASELINE"):
            # Everything up to a baseline counts as applied: it was there before Flyway was, or is in the baseline's own file.
            applied += [one.id for one in source.revisions if _order(one.id) <= _order(version)]
        elif kind.startswith("UNDO_") or kind == "DELETE":
            # Taken back, or declared to be gone: as if it had never been applied.
            applied = [one for one in applied if one != version]
            recorded.pop(version, None)
        else:
            applied.append(version)
            if row["checksum"] is not None:
                recorded[version] = str(row["checksum"])
    return replace(source, applied=_once(applied), recorded=recorded, dirty=tuple(dirty), listed=True, checksums=True)


def _prisma(source: Migrated, rows: Rows) -> Migrated:
    standing = [row for row in rows if row["rolled_back_at"] is None]
    return replace(
        source,
        applied=_once(row["migration_name"] for row in standing if row["finished_at"] is not None),
        recorded={row["migration_name"]: row["checksum"] for row in standing},
        dirty=tuple(
            f"migration {row['migration_name']} is unfinished" for row in standing if row["finished_at"] is None
        ),
        listed=True,
        checksums=True,
    )


def _golang(source: Migrated, rows: Rows) -> Migrated:
    dirty = tuple(f"version {row['version']} is dirty" for row in rows if row["dirty"])
    return replace(source, applied=tuple(str(row["version"]) for row in rows), dirty=dirty)


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


TOOLS: Final = (
    Tool(
        "flyway",
        re.compile(r"(?:.*/)?V([0-9]+(?:[._][0-9]+)*)__[^/]*\.sql"),
        lambda version: version.replace("_", "."),
        flyway_checksum,
        "SELECT version, type, checksum, success FROM flyway_schema_history"
        " WHERE version IS NOT NULL ORDER BY installed_rank",
        _flyway,
    ),
    Tool(
        "prisma",
        re.compile(r"(?:.*/)?([^/]+)/migration\.sql"),
        str,
        lambda content: hashlib.sha256(content).hexdigest(),
        "SELECT migration_name, checksum, finished_at, rolled_back_at FROM _prisma_migrations ORDER BY started_at",
        _prisma,
    ),
    Tool(
        "golang-migrate",
        re.compile(r"(?:.*/)?([0-9]+)_[^/]*\.up\.sql"),
        lambda version: str(int(version)),
        lambda _: "",
        "SELECT version, dirty FROM schema_migrations",
        _golang,
    ),
)
BY_NAME: Final = {tool.name: tool for tool in TOOLS}
