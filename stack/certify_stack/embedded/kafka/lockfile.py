"""`kafka.lock.toml`: which jars make the broker, by coordinate, size and SHA-256. It names no repository."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from certify_stack.embedded.kafka.errors import KafkaError

LOCK_FILE = Path(__file__).with_name("kafka.lock.toml")
_CHUNK = 1 << 20
_COORDINATE_PARTS = 3
_SHA256_DIGITS = 64
_HEADER = "# The jars of the embedded broker. Made by: python -m certify_stack.embedded.kafka lock\n"


@dataclass(frozen=True)
class Jar:
    """One file of the class path."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    @property
    def coordinate(self) -> str:
        """As Maven writes it."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        """As Maven names the file."""
        return f"{self.artifact}-{self.version}.jar"


@dataclass(frozen=True)
class Lock:
    """All jars of one version of Kafka, in the order of the class path."""

    version: str
    jars: tuple[Jar, ...]

    @property
    def size(self) -> int:
        """Bytes of all jars."""
        return sum(jar.size for jar in self.jars)

    @property
    def key(self) -> str:
        """Changes with any byte of any jar and with their order."""
        return hashlib.sha256("\0".join(jar.sha256 for jar in self.jars).encode()).hexdigest()[:16]


def read(path: Path = LOCK_FILE) -> Lock:
    """Read a lock.

    Raises:
        KafkaError: It is absent or malformed; names the file and what is wrong.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return Lock(str(raw["kafka"]), tuple(_jar(entry) for entry in raw["jar"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KafkaError(f"{path}: not a lock of the broker's jars ({error!r}); install this package anew") from error


def write(lock: Lock, path: Path = LOCK_FILE) -> None:
    """Write a lock, byte for byte the same for the same jars."""
    lines = [_HEADER, f'kafka = "{lock.version}"\n']
    for jar in lock.jars:
        lines += [f'\n[[jar]]\ncoordinate = "{jar.coordinate}"\nsize = {jar.size}\nsha256 = "{jar.sha256}"\n']
    path.write_text("".join(lines), encoding="utf-8")


def sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _jar(entry: dict[str, object]) -> Jar:
    parts = str(entry["coordinate"]).split(":")
    digest, size = str(entry["sha256"]), entry["size"]
    if len(parts) != _COORDINATE_PARTS or any("/" in part or not part for part in parts):
        raise ValueError(f"{entry['coordinate']!r} is not group:artifact:version")
    if len(digest) != _SHA256_DIGITS or not isinstance(size, int):
        raise ValueError(f"{entry['coordinate']!r} has no usable sha256 and size")
    group, artifact, version = parts
    return Jar(group, artifact, version, digest, size)
