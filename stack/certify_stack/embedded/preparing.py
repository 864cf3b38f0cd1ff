"""Makes a cluster with the services' databases (see `prepared`), in the pre-loaded parent's child: the services are loaded there."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from certify_stack.embedded import postgres
from certify_stack.embedded.prepared import MANIFEST, services_of
from certify_stack.erp.seed import seed
from certify_stack.kit import logs, migrate

log = logging.getLogger(__name__)


def make(services: Iterable[str], scripts: Path | None, target: Path | None, spare: Path) -> int:
    """Make one in a server of its own; returns the exit code.

    It becomes `target`, unless a service could not be migrated or there is no `target`: then it becomes `spare`, which is for
    this run alone. Such a service says itself what is the matter when it starts.
    """
    logs.configure("prepare")
    wanted = tuple(services)
    with postgres.temporary() as server:
        databases = server.create_databases(wanted)
        done = asyncio.run(_fill(databases, scripts))
        # Each run gives out its own.
        server.forget_passwords(wanted)
        server.shut_down()
        _slim(server.data, server.first_segment())
        if target and len(done) == len(wanted):
            try:
                _publish(server.data, done, target)
            except OSError:
                log.exception("not kept, so made for this run alone")
            else:
                return 0
        _publish(server.data, done, spare)
    return 0


async def _fill(databases: Mapping[str, str], scripts: Path | None) -> tuple[str, ...]:
    migrated: dict[str, str] = {}

    async def upgrade(name: str, dsn: str) -> None:
        try:
            await migrate.upgrade_async(dsn, name, scripts)
            migrated[name] = dsn
        except Exception:
            log.exception("not migrated, so not filled", extra={"of": name})

    if scripts is None:
        # Alembic keeps the state of a migration in globals: one at a time.
        for name, dsn in databases.items():
            await upgrade(name, dsn)
    else:
        await asyncio.gather(*(upgrade(name, dsn) for name, dsn in databases.items()))
    await seed(migrated)
    return tuple(sorted(migrated))


def _slim(data: Path, needed: str) -> None:
    """Drop what the server makes again when it needs it, since each run copies every file.

    Maps of free space and of what everybody sees are hints: without them pages are looked at. Of the log of a server that ended
    in order only the segment `needed`, with the last checkpoint, is read; later ones are empty ones kept for reuse.
    """
    for path in (
        *data.glob("base/*/*_fsm"),
        *data.glob("base/*/*_vm"),
        *data.glob("global/*_fsm"),
        *data.glob("global/*_vm"),
    ):
        path.unlink()
    for path in (data / "pg_wal").iterdir():
        if path.is_file() and path.name > needed:
            path.unlink()


def _publish(data: Path, done: tuple[str, ...], target: Path) -> None:
    """In one step; whoever was first wins."""
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        # Ours alone: what runs as the unprivileged account must not change later clusters.
        shutil.copytree(data, work / "data", symlinks=True)
        (work / "data" / MANIFEST).write_text(json.dumps(done), encoding="utf-8")
        (work / "data").rename(target)
    except OSError:
        if services_of(target) is None:
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
