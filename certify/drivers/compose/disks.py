"""The small folders in memory that a container may fill up: what a full disk is like, without harm to this machine."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

DISK = "disk"
LARGEST = 256 << 20
_NAME = ".certify-full"
_SIZE = re.compile(r"(?:^|,)size=(\d+)([kmg]?)(?:,|$)", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def small(details: Mapping[str, Any]) -> dict[str, int]:
    """Folder -> bytes of each tmpfs of a container that has a limit, the smallest first, as long as all together are small."""
    found: dict[str, int] = {}
    for path, size in sorted(_limited(details), key=lambda one: (one[1], one[0])):
        if 0 < size <= LARGEST - sum(found.values()):
            found[path] = size
    return found


def _limited(details: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    host: Mapping[str, Any] = details.get("HostConfig") or {}
    for path, options in (host.get("Tmpfs") or {}).items():
        if found := _SIZE.search(str(options)):
            yield str(path), int(found[1]) * _UNITS[found[2].lower()]
    for mount in host.get("Mounts") or ():
        if mount.get("Type") == "tmpfs":
            yield str(mount.get("Target")), int((mount.get("TmpfsOptions") or {}).get("SizeBytes") or 0)


def filling(path: str, size: int) -> list[str]:
    """The command that leaves no room in a folder; it succeeds when there is none left."""
    # One byte more than there is room for: the writer must be told that the disk is full.
    script = f'head -c {size + 1} /dev/zero >"$0/{_NAME}" 2>/dev/null; test $? -ne 0 && test -s "$0/{_NAME}"'
    return ["sh", "-c", script, path]


def clearing(path: str) -> list[str]:
    """The command that takes the filler away."""
    return ["rm", "-f", "--", f"{path}/{_NAME}"]
