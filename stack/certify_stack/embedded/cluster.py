"""An empty PostgreSQL cluster: made once per version, then copied, because `initdb` costs 0.45 s and a copy 0.05 s."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from certify_stack.embedded.accounts import Account
from certify_stack.embedded.binaries import BinariesError, cache_root
from certify_stack.embedded.copying import copy_tree
from certify_stack.embedded.housekeeping import keep, used
from certify_stack.embedded.procs import dying_with_caller

SUPERUSER = "postgres"
_INITDB_OPTIONS = (
    *("--username", SUPERUSER, "--encoding", "UTF8", "--no-sync", "--no-instructions"),
    # The built-in provider: the same order of strings whatever the C library, and present on every machine.
    *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
    *("--auth-local", "peer", "--auth-host", "scram-sha-256"),
)
_TIMEOUT = 60
_PREFIX = "cluster-"
# Each takes 39 MB.
_KEPT = 2
_LOG_LINES = 15


def create_cluster(installation: Path, account: Account, data: Path, origin: Path | None = None) -> None:
    """Fill `data`, an absent folder in a folder of `account`, with a copy of `origin`, else with an empty cluster.

    Raises:
        RuntimeError: `initdb` failed; carries the end of its log.
    """
    template = origin or _template(installation, account)
    if template is None:
        initdb(installation, account, data)
        return
    copy_tree(template, data, account)


def initdb(installation: Path, account: Account, data: Path) -> None:
    """Run `initdb` as `account`."""
    data.mkdir(mode=0o700)
    account.own(data)
    done = subprocess.run(
        [installation / "bin" / "initdb", "--pgdata", data, *_INITDB_OPTIONS],
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_TIMEOUT,
        check=False,
        preexec_fn=dying_with_caller(),
        **account.spawn_options(),
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-_LOG_LINES:])
        raise RuntimeError(f"initdb ended with {done.returncode}:\n{tail}")


def environment() -> dict[str, str]:
    """What PostgreSQL's programs see: nothing of ours, so that a PGDATA or LC_ALL of the caller changes nothing."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _template(installation: Path, account: Account) -> Path | None:
    """The cached empty cluster; None where there is no place for a cache, which only costs time."""
    try:
        root = cache_root(account)
    except BinariesError:
        return None
    target = root / f"{_PREFIX}{key(installation, account)}"
    if _usable(target) and used(target):
        keep(root, _PREFIX, _KEPT)
        return target
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=root))
    try:
        work.chmod(0o711)
        account.own(work)
        initdb(installation, account, work / "data")
        # Ours alone from here on: what runs as the unprivileged account must not change later clusters.
        _take(work / "data")
        (work / "data").rename(target)
    except OSError:
        return target if _usable(target) else None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def key(installation: Path, account: Account) -> str:
    """Changes with the programs, the options and the account, whose name `pg_hba.conf` depends on."""
    server = (installation / "bin" / "postgres").stat()
    parts = (str(server.st_size), str(server.st_mtime_ns), account.name, *_INITDB_OPTIONS)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _usable(template: Path) -> bool:
    """Whether it is complete and ours."""
    return (template / "PG_VERSION").is_file() and template.lstat().st_uid == os.geteuid()


def _take(folder: Path) -> None:
    """Make it ours again."""
    if os.geteuid() != 0:
        return
    for path, _, files in os.walk(folder):
        for name in (path, *(os.path.join(path, file) for file in files)):  # noqa: PTH118 - a thousand files: strings
            os.chown(name, os.geteuid(), os.getegid())
