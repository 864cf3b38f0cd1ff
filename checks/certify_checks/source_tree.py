"""Which files are a service's source: those that the profile names, without what its patterns leave out."""

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import msgspec

from certify.api import Criteria, Ruling, Service

SHARED = "shared"

# Third-party code, build output and tests: none of it is production source of the service.
EXCLUDED = (
    "*/__pycache__/*",
    "*/.venv/*",
    "*/venv/*",
    "*/node_modules/*",
    "*/dist/*",
    "*/build/*",
    "*/.git/*",
    "*/tests/*",
    "*/test_*.py",
    "*/*_test.py",
    "*/*.test.[jt]s",
    "*/*.min.js",
    "*/*.pyc",
)


class ServiceSource(msgspec.Struct, frozen=True):
    """The source of one service. `files` are relative to the source root; `problem` says why there are none."""

    service: str
    files: tuple[str, ...] = ()
    problem: str = ""


def collect(
    root: Path, services: Sequence[Service], shared: Sequence[str] = (), exclude: Sequence[str] = EXCLUDED
) -> tuple[ServiceSource, ...]:
    """The source files of each service, and of folders that several share, in a stable order."""
    wanted = [(service.name, service.source) for service in services]
    if shared:
        wanted.append((SHARED, tuple(shared)))
    return tuple(_of_service(root.resolve(), name, entries, exclude) for name, entries in wanted)


def all_files(sources: Sequence[ServiceSource]) -> dict[str, str]:
    """Every file once, with the first service that names it."""
    owners: dict[str, str] = {}
    for source in sources:
        for file in source.files:
            owners.setdefault(file, source.service)
    return owners


def covered(sources: Sequence[ServiceSource], criteria: Criteria) -> tuple[ServiceSource, ...]:
    """The sources that a control is about; what services share belongs to all of them."""
    return tuple(source for source in sources if source.service == SHARED or criteria.covers(source.service))


def unseen(sources: Sequence[ServiceSource], examined: int) -> Ruling | None:
    """Say that it cannot be told when a service has no source, or nothing at all was examined."""
    without = [source for source in sources if source.problem]
    if without:
        shown = "; ".join(f"{source.service}: {source.problem}" for source in without[:5])
        return Ruling.inconclusive(
            "no-source",
            f"{len(without)} of {len(sources)} services have no source to look at ({shown})",
            cure="give each service `source:` with folders that exist under the profile's source root",
            examined=examined,
        )
    if not examined:
        return Ruling.inconclusive(
            "nothing-examined", "no file was examined", cure="give services a `source:` with files of a known language"
        )
    return None


def _of_service(root: Path, name: str, entries: Sequence[str], exclude: Sequence[str]) -> ServiceSource:
    if not entries:
        return ServiceSource(name, problem="the profile names no source")
    files: set[str] = set()
    for entry in entries:
        place = (root / entry).resolve()
        if not place.is_relative_to(root):
            return ServiceSource(name, problem=f"{entry} leads out of the source root")
        if not place.exists():
            return ServiceSource(name, problem=f"{entry} does not exist")
        files.update(file for file in _walk(root, place) if not _left_out(file, exclude))
    return ServiceSource(name, tuple(sorted(files)), "" if files else f"no files in {', '.join(entries)}")


def _walk(root: Path, place: Path) -> Iterator[str]:
    if place.is_file():
        yield place.relative_to(root).as_posix()
        return
    # Links are not followed: they could lead out of the tree that is certified.
    for folder, _, names in os.walk(place, followlinks=False):
        for name in names:
            file = Path(folder, name)
            if file.is_file() and not file.is_symlink():
                yield file.relative_to(root).as_posix()


def _left_out(file: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch("/" + file, pattern) for pattern in patterns)
