"""A run's folder as a set of files with digests, and the list `SHA256SUMS` that both sealing and verifying compare.

Only regular files count. Symbolic links, devices and names that a terminal or a list could misread are problems, never
followed and never opened.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from certify.seal.errors import Problem, SealError
from certify.seal.names import ATTESTATIONS, DOCUMENTS, EVIDENCE, SUMS

_LINE: Final = re.compile(r"([0-9a-f]{64})  ([^\n]+)\n")
_ODD: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u2028\u2029\ud800-\udfff]")
_CURE_KIND: Final = "Put the file itself in its place and seal again."
_CURE_EDIT: Final = "Take the file from where it was sealed; if the change is wanted, decide and seal again."


class Tree(msgspec.Struct, frozen=True):
    """Digest (SHA-256, hex) of every regular file by its path below the folder, and what else was found there."""

    digests: dict[str, str]
    problems: tuple[Problem, ...]

    @property
    def sealed_files(self) -> dict[str, str]:
        """Every file that `SHA256SUMS` must list: all but itself and the attestations."""
        return {path: digest for path, digest in self.digests.items() if _listed(path)}

    @property
    def attestations(self) -> tuple[str, ...]:
        """The attestation files, sorted."""
        return tuple(sorted(path for path in self.digests if path.startswith(f"{ATTESTATIONS}/")))


def _listed(path: str) -> bool:
    return path != SUMS and not path.startswith(f"{ATTESTATIONS}/")


def scan(directory: Path) -> Tree:
    """Walk `directory` without following links and digest its files."""
    directory = directory.resolve()  # only the folder itself may be named by a link
    digests: dict[str, str] = {}
    problems: list[Problem] = []

    def unreadable(error: OSError) -> None:
        problems.append(Problem("unreadable", _below(directory, str(error.filename)), f"unreadable: {error.strerror}"))

    for folder, folders, files, handle in os.fwalk(directory, follow_symlinks=False, onerror=unreadable):
        for name in sorted((*folders, *files)):
            path = _below(directory, os.path.join(folder, name))  # noqa: PTH118 - fwalk speaks text
            found = _examine(name, path, handle)
            if isinstance(found, Problem):
                problems.append(found)
            elif found:
                digests[path] = found
    return Tree(dict(sorted(digests.items())), tuple(problems))


def sealable(path: str) -> bool:
    """Whether a file of this name can be sealed: no control characters, no backslash, no text that is not UTF-8."""
    return not _ODD.search(path)


def _below(directory: Path, path: str) -> str:
    return os.path.relpath(path, directory)


def _examine(name: str, path: str, handle: int) -> str | Problem | None:
    """The digest of a file, None for a folder, or what is wrong with the entry."""
    if not sealable(name):
        return Problem("file-name", ascii(path), "a name with control characters, backslash or broken text", _CURE_KIND)
    try:
        mode = os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            return None
        if not stat.S_ISREG(mode):
            code, what = ("symlink", "a symbolic link") if stat.S_ISLNK(mode) else ("special-file", "no regular file")
            return Problem(code, path, f"{what}; a sealed run holds regular files only", _CURE_KIND)
        with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=handle), "rb") as file:  # noqa: PTH123 - by handle
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return Problem("unreadable", path, f"unreadable: {error.strerror}", "Make the file readable and try again.")


def sums(files: Mapping[str, str]) -> bytes:
    """The text of `SHA256SUMS`, as `sha256sum --check` reads it, sorted by path."""
    return "".join(f"{files[path]}  {path}\n" for path in sorted(files)).encode()


def parse_sums(data: bytes) -> dict[str, str]:
    """Digest by path out of `SHA256SUMS`.

    Raises:
        SealError: truncated, unsorted, a line of another form, or a path that leaves the folder.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad_sums(f"not UTF-8 at byte {error.start}") from None
    files: dict[str, str] = {}
    end = 0
    for number, line in enumerate(_LINE.finditer(text), 1):
        digest, path = line.groups()
        if line.start() != end or not _is_safe(path):
            raise _bad_sums(f"line {number} is not a digest and a path inside the folder", unsafe=line.start() == end)
        files[path] = digest
        end = line.end()
    if end != len(text) or not files:
        raise _bad_sums(f"truncated or malformed after {len(files)} lines")
    if list(files) != sorted(files) or sums(files) != data:
        raise _bad_sums("its lines are not sorted and unique")
    return files


def _bad_sums(why: str, *, unsafe: bool = False) -> SealError:
    return SealError("unsafe-path" if unsafe else "sums-malformed", why, file=SUMS, cure=_CURE_EDIT)


def _is_safe(path: str) -> bool:
    parts = path.split("/")
    return _listed(path) and sealable(path) and not any(part in ("", ".", "..") for part in parts)


def kind(path: str) -> str:
    """What a file is, as reason codes name it: release, record, decision, sums, evidence or report."""
    if path in DOCUMENTS:
        return path.removesuffix(".json")
    if path == SUMS:
        return "sums"
    return "evidence" if path.startswith(f"{EVIDENCE}/") else "report"


def edited(path: str) -> Problem:
    """The problem that a file's content is not what was sealed."""
    return Problem(f"{kind(path)}-edited", path, "its content is not what was sealed", _CURE_EDIT)


def compare(found: Mapping[str, str], listed: Mapping[str, str]) -> Iterator[Problem]:
    """Every file that is edited, missing or extra beside what `SHA256SUMS` lists."""
    for path in sorted({*found, *listed}):
        if path not in found:
            yield Problem(f"{kind(path)}-missing", path, "sealed, but not there", _CURE_EDIT)
        elif path not in listed:
            yield Problem(f"{kind(path)}-extra", path, "there, but not sealed", "Take the file out of the folder.")
        elif found[path] != listed[path]:
            yield edited(path)
