"""The archive of loaded and linked classes with which the broker starts in a third of the time.

Written by one run of the broker that is ended for it: 25 and later write an ahead-of-time cache, 17 and later an archive of class
data. It is valid for one build of Java, one class path and one set of options, which its name stands for.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from certify_stack.embedded.kafka import cache, short_life
from certify_stack.embedded.kafka.errors import KafkaError, Progress, Tell
from certify_stack.embedded.kafka.runtime import Runtime, trains

_PREFIX = "kafka-java-"
_SUFFIX = ".archive"
_STAMP = ".stamp"
# An archive takes 66 MB, and each new build of Java, option or jar needs another. A running broker keeps what it has mapped.
_KEPT = 3
_IN_USE_SECONDS = 600


def provide(runtime: Runtime, formatted: Path, tell: Tell) -> Path | None:
    """The archive, trained now where there is none; None where that does not work, which only costs time."""
    root = cache.root()
    target = root / f"{_PREFIX}{runtime.key}{_SUFFIX}"
    if usable(target):
        _stamp_of(target).touch()
        return target
    with cache.locked(root, tell):
        if usable(target):
            return target
        tell(Progress("training the Java run-time, once: the broker starts in a third of the time afterwards"))
        try:
            with cache.workplace(root) as work:
                _train(runtime, formatted, work)
                _publish(work / "archive", target)
        except (KafkaError, OSError, TimeoutError, subprocess.TimeoutExpired) as error:
            tell(Progress(f"the training failed, so the broker starts slowly: {error}"))
            return None
    return target


def usable(archive: Path) -> bool:
    """Whether it is complete and as it was when it was published."""
    try:
        return _stamp_of(archive).read_text(encoding="ascii") == _state(archive)
    except OSError:
        return False


def discard(archive: Path) -> None:
    """Remove an archive that a broker did not start with."""
    _stamp_of(archive).unlink(missing_ok=True)
    archive.unlink(missing_ok=True)


def _publish(made: Path, target: Path) -> None:
    """The stamp comes last; a running broker keeps the file that it has mapped."""
    discard(target)
    made.replace(target)
    _stamp_of(target).write_text(_state(target), encoding="ascii")
    stamps = sorted(target.parent.glob(f"{_PREFIX}*{_SUFFIX}{_STAMP}"), key=lambda stamp: -stamp.stat().st_mtime)
    for stamp in stamps[_KEPT:]:
        if time.time() - stamp.stat().st_mtime > _IN_USE_SECONDS:
            discard(stamp.with_suffix(""))


def _stamp_of(archive: Path) -> Path:
    """Beside the archive: its state when it was published. Touched at each use."""
    return Path(f"{archive}{_STAMP}")


def _state(archive: Path) -> str:
    seen = archive.stat()
    return f"{seen.st_size} {seen.st_mtime_ns}"


def _train(runtime: Runtime, formatted: Path, work: Path) -> None:
    """Java writes the archive when the broker ends."""
    made = work / "archive"
    short_life.live(runtime, formatted, work, _use, extra=(trains(runtime.java, made),))
    if not made.is_file():
        raise KafkaError(f"Java wrote no archive into {made}")


async def _use(bootstrap: str, cluster: str) -> None:
    """What every run asks for, so that those classes are in the archive too."""
    from certify_stack.embedded.kafka import admin  # noqa: PLC0415 - training is rare, and the client's import slow

    await admin.prepare(bootstrap, cluster, ["training"])
    await admin.exchange(bootstrap, "training")
