"""What a stack of containers was made of, by digest: its files, what it mounts from this machine, its images."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from certify.model.escape import visible
from certify.model.record import Component

_MOST_BYTES = 256 << 20
_MOST_FILES = 20_000
_CHUNK = 1 << 20


class TooMuchError(Exception):
    """More is mounted than anybody would call source."""


def of_files(
    config: Mapping[str, Any], files: Sequence[Path], base: Path, own: Path | None = None
) -> tuple[Component, ...]:
    """The compose files, then files and folders of this machine that containers see, as they are now; not our `own`.

    Secrets and environment files are left out: a digest of something short gives it away.
    """
    paths = dict.fromkeys([*files, *_mounted(config)])
    return tuple(_component(path, base) for path in paths if path != own and (path.is_file() or path.is_dir()))


def of_images(details: Mapping[str, Mapping[str, Any]]) -> tuple[Component, ...]:
    """The image of each container, by the digest that the engine knows it by."""
    return tuple(
        Component(f"image of {name}", "verified", image=str(container["Image"]))
        for name, container in sorted(details.items())
        if container.get("Image")
    )


def _mounted(config: Mapping[str, Any]) -> Iterator[Path]:
    services: Mapping[str, Any] = config.get("services") or {}
    for service in services.values():
        for volume in service.get("volumes") or ():
            if volume.get("type") == "bind" and volume.get("source"):
                yield Path(volume["source"])
    configs: Mapping[str, Any] = config.get("configs") or {}
    for one in configs.values():
        if one.get("file"):
            yield Path(one["file"])


def _component(path: Path, base: Path) -> Component:
    shown = path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name
    try:
        return Component(visible(shown) or ".", "verified", tree=f"sha256:{_digest(path)}")
    except (OSError, TooMuchError):
        return Component(visible(shown) or ".", "unknown")


def _digest(path: Path) -> str:
    """SHA-256 over each file's relative name, length and bytes, in order of names."""
    total, whole = 0, hashlib.sha256()
    for number, file in enumerate(_files(path)):
        total += file.stat().st_size
        if number >= _MOST_FILES or total > _MOST_BYTES:
            raise TooMuchError(path)
        name = os.fsencode(file.relative_to(path)) if file != path else b""
        whole.update(b"%d:%s%d:" % (len(name), name, file.stat().st_size))
        with file.open("rb") as opened:
            # What the kernel makes up as it is read has no end: more than a file says to hold is not read.
            left = file.stat().st_size
            while left > 0 and (chunk := opened.read(min(_CHUNK, left))):
                whole.update(chunk)
                left -= len(chunk)
    return whole.hexdigest()


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path, onerror=_raise):
        folders.sort()
        # Sockets and pipes have nothing to read, and reading them may never end.
        yield from (file for name in sorted(names) if (file := Path(folder, name)).is_file())


def _raise(error: OSError) -> None:
    raise error
