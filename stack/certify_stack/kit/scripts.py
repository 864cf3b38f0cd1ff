"""Migrations of a service as plain SQL: rendered once by Alembic, kept in a folder, found again by what they were made of.

An empty database gets the script; Alembic's own import would cost each process more than all of its tables.
"""

import hashlib
import importlib.metadata
import logging
import os
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from certify_stack.kit.revisions import ENVIRONMENT, versions_of

log = logging.getLogger(__name__)


def script_of(service: str, folder: Path) -> str | None:
    """Return the kept script for the revisions as they are now; None when there is none."""
    try:
        return (folder / _name(service)).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def missing(services: Iterable[str], folder: Path) -> tuple[str, ...]:
    """Return the services that have no script in ``folder``."""
    return tuple(service for service in services if not (folder / _name(service)).is_file())


def keep(services: Iterable[str], folder: Path) -> None:
    """Render scripts into ``folder``. Revisions that cannot be rendered are left to Alembic, which is said in the log."""
    from certify_stack.kit.alembic_runs import rendered  # noqa: PLC0415 - see there

    for service in services:
        try:
            script = rendered(service)
        except Exception:
            log.warning("revisions cannot be rendered", extra={"of": service}, exc_info=True)
            continue
        _write(folder / _name(service), script)


def _write(target: Path, script: str) -> None:
    """In one step, so that a reader at the same moment finds all of it or nothing."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor, work = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(script)
    Path(work).replace(target)


def _name(service: str) -> str:
    made_of = hashlib.sha256(_tools())
    # What revisions share lies beside Alembic's environment.
    for path in (*sorted(ENVIRONMENT.glob("*.py")), *sorted(versions_of(service).glob("*.py"))):
        content = path.read_bytes()
        made_of.update(f"{path.name}\0{len(content)}\0".encode())
        made_of.update(content)
    return f"{service}-{made_of.hexdigest()[:32]}.sql"


@cache
def _tools() -> bytes:
    return "\0".join(importlib.metadata.version(name) for name in ("alembic", "sqlalchemy")).encode()
