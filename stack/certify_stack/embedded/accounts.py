"""The unprivileged account that PostgreSQL runs as, because it refuses to run as root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OTHERS_MAY_ENTER = 0o001


@dataclass(frozen=True)
class Account:
    """An account of this machine; `foreign` when it is not the one that we run as."""

    name: str
    uid: int
    gid: int
    foreign: bool

    def spawn_options(self) -> dict[str, Any]:
        """What `subprocess` needs to start a process under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.foreign else {}

    def can_reach(self, path: Path) -> bool:
        """Whether this account may walk to `path` and read it, judged by the permission bits for others."""
        if not self.foreign:
            return True
        folders = path.resolve().parents
        return all(folder.stat().st_mode & _OTHERS_MAY_ENTER for folder in folders) and bool(
            path.stat().st_mode & 0o004
        )

    def own(self, path: Path) -> None:
        """Give `path` to this account."""
        if self.foreign:
            os.chown(path, self.uid, self.gid)


def unprivileged() -> Account:
    """The current account, or `nobody` when that is root.

    Raises:
        RuntimeError: The account has no entry in the password database, which PostgreSQL insists on.
    """
    uid = os.geteuid()
    try:
        entry = pwd.getpwnam("nobody") if uid == 0 else pwd.getpwuid(uid)
    except KeyError:
        who = "'nobody'" if uid == 0 else f"number {uid}"
        raise RuntimeError(f"PostgreSQL needs the user {who} in /etc/passwd; add such a line and try again") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, foreign=uid == 0)
