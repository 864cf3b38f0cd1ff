"""The class path of the broker: the locked jars in the user's cache, fetched where they are not there intact."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from certify_stack.embedded.kafka import cache
from certify_stack.embedded.kafka.errors import KafkaError, Progress, Tell
from certify_stack.embedded.kafka.lockfile import Jar, Lock, sha256

# Given to each verified jar: whoever changes one later sets another, and the archives of the JVM insist on an equal one.
_VERIFIED = 946_684_800
_MEGA = 1_000_000


def provide(lock: Lock, tell: Tell) -> tuple[Path, ...]:
    """The jars of `lock`, in its order.

    A jar whose size or time of change is not that of a verified one is hashed again, and fetched again when it differs.

    Raises:
        KafkaError: One is missing and cannot be fetched, or what is served is not what was locked.
    """
    root = cache.root()
    folder = root / f"kafka-{lock.version}-{lock.key}"
    if not all(_verified(folder / jar.file_name, jar) for jar in lock.jars):
        with cache.locked(root, tell):
            folder.mkdir(mode=0o755, exist_ok=True)
            _complete(lock, folder, tell)
    return tuple(folder / jar.file_name for jar in lock.jars)


def _complete(lock: Lock, folder: Path, tell: Tell) -> None:
    missing = tuple(jar for jar in lock.jars if not _intact(folder / jar.file_name, jar))
    if not missing:
        return
    total = sum(jar.size for jar in missing)
    from certify_stack.embedded.kafka import maven  # noqa: PLC0415 - takes 0.3 s, and only a first use needs it

    with cache.workplace(folder.parent) as work:
        try:
            maven.fetch(missing, folder, work, _counter(f"fetching Apache Kafka {lock.version}", total, tell))
        except KafkaError as error:
            raise KafkaError(
                f"Apache Kafka {lock.version} is not complete in {folder}: {len(missing)} of {len(lock.jars)} jars are "
                f"missing ({total / _MEGA:.1f} MB). {error}\n"
                "Connect this machine once and run  python -m certify_stack.embedded.kafka fetch  ; or name a Maven "
                "repository that it reaches in ~/.config/jgo.conf, under [repositories] as  central = URL  ; or copy "
                "that folder from a machine that has it"
            ) from error
    for jar in missing:
        _mark(folder / jar.file_name)


def _counter(text: str, total: int, tell: Tell) -> _Counter:
    return _Counter(text, total, tell)


class _Counter:
    """Adds up what several threads fetch."""

    def __init__(self, text: str, total: int, tell: Tell) -> None:
        self._text, self._total, self._tell = text, total, tell
        self._done = 0
        self._guard = threading.Lock()
        tell(Progress(text, 0, total))

    def __call__(self, count: int) -> None:
        with self._guard:
            self._done += count
            self._tell(Progress(self._text, min(self._done, self._total), self._total))


def _verified(path: Path, jar: Jar) -> bool:
    try:
        seen = path.lstat()
    except OSError:
        return False
    return (
        stat.S_ISREG(seen.st_mode)
        and seen.st_size == jar.size
        and seen.st_mtime == _VERIFIED
        and seen.st_uid == os.geteuid()
    )


def _intact(path: Path, jar: Jar) -> bool:
    """Whether it is verified already, or can be by its content."""
    if _verified(path, jar):
        return True
    if path.is_symlink() or not path.is_file() or path.stat().st_size != jar.size or sha256(path) != jar.sha256:
        return False
    _mark(path)
    return _verified(path, jar)


def _mark(path: Path) -> None:
    os.utime(path, (_VERIFIED, _VERIFIED))
