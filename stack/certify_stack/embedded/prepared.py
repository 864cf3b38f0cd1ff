"""Clusters that hold the services' databases already, migrated and filled: made once, then copied, like the empty one.

One belongs to one version of PostgreSQL, of the services' source and of the kit: whatever migrations and seeds are made of.
Migrating and filling 18 databases costs 1.5 s of computing, the copy of the outcome 0.4 s.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from certify_stack.embedded import cluster
from certify_stack.embedded.accounts import unprivileged
from certify_stack.embedded.binaries import BinariesError, cache_root, installation
from certify_stack.embedded.housekeeping import keep, used

_PREFIX = "prepared-"
# Which services have been migrated and filled; PostgreSQL does not mind a file of others.
MANIFEST = "certify-prepared.json"
_PACKAGE = Path(__file__).resolve().parent.parent
_SOURCES = ("erp", "kit", "embedded/administration.py", "embedded/preparing.py")
# Each takes 180 MB. A changed source gives a new one; those that nobody uses any more go.
_KEPT = 3


def place(services: Iterable[str]) -> Path | None:
    """Where the cluster of these services, as their source is now, belongs; None where there is no place for a cache."""
    account = unprivileged()
    try:
        return cache_root(account) / f"{_PREFIX}{_key(cluster.key(installation(account), account), services)}"
    except BinariesError:
        return None


def services_of(prepared: Path) -> frozenset[str] | None:
    """The services whose databases are migrated and filled in it; None when it is not there, or not ours."""
    try:
        if prepared.lstat().st_uid != os.geteuid():
            return None
        return frozenset(json.loads((prepared / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def use(prepared: Path) -> bool:
    """Mark it as used now, and remove older ones that are not; whether it is there, whole and ours."""
    if services_of(prepared) is None or not used(prepared):
        return False
    keep(prepared.parent, _PREFIX, _KEPT)
    return True


def _key(base: str, services: Iterable[str]) -> str:
    made_of = hashlib.sha256("\0".join((base, *services)).encode())
    for part in _SOURCES:
        source = _PACKAGE / part
        for path in sorted(source.rglob("*.py")) if source.is_dir() else [source]:
            content = path.read_bytes()
            made_of.update(f"{path.relative_to(_PACKAGE)}\0{len(content)}\0".encode())
            made_of.update(content)
    return made_of.hexdigest()[:16]
