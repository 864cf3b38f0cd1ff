"""The archive of loaded and linked classes with which the broker starts in a third of the time.

Written by one run of the broker that is ended for it: 25 and later write an ahead-of-time cache, 17 and later an archive of class
data. It is valid for one build of Java, one class path and one set of options, which its name stands for.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import threading
import time
from pathlib import Path

from certify_stack.embedded.kafka import cache, config
from certify_stack.embedded.kafka.errors import KafkaError, Progress, Tell
from certify_stack.embedded.kafka.runtime import STARTED, Runtime, log_tail, trains
from certify_stack.embedded.kafka.storage import create
from certify_stack.embedded.ports import HeldPort

_PREFIX = "kafka-java-"
_SUFFIX = ".archive"
_STAMP = ".stamp"
# An archive takes 66 MB, and each new build of Java needs another.
_KEPT_SECONDS = 30 * 24 * 3600
_BOOT_SECONDS = 60.0
_EXIT_SECONDS = 120.0
_POLL_SECONDS = 0.05


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
    for stamp in target.parent.glob(f"{_PREFIX}*{_SUFFIX}{_STAMP}"):
        if time.time() - stamp.stat().st_mtime > _KEPT_SECONDS:
            discard(stamp.with_suffix(""))


def _stamp_of(archive: Path) -> Path:
    """Beside the archive: its state when it was published. Touched at each use."""
    return Path(f"{archive}{_STAMP}")


def _state(archive: Path) -> str:
    seen = archive.stat()
    return f"{seen.st_size} {seen.st_mtime_ns}"


def _train(runtime: Runtime, formatted: Path, work: Path) -> None:
    """One short life of a broker: up, a topic made, down in order, when Java writes the archive."""
    cluster = create(formatted, work / "data")
    port = HeldPort()
    log = work / "log"
    (work / "server.properties").write_text(config.properties(work / "data", port.number), encoding="ascii")
    try:
        with log.open("wb") as output:
            broker = runtime.spawn(work, output, extra=(trains(runtime.java, work / "archive"),))
        try:
            _until_started(broker, log)
            _used(f"127.0.0.1:{port.number}", cluster)
            broker.send_signal(signal.SIGTERM)
            broker.wait(_EXIT_SECONDS)
        finally:
            broker.kill()
            broker.wait()
    finally:
        port.close()
    if not (work / "archive").is_file():
        raise KafkaError(f"Java wrote no archive:\n{log_tail(log)}")


def _until_started(broker: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    while STARTED not in log.read_text(encoding="utf-8", errors="replace"):
        if broker.poll() is not None or time.monotonic() > deadline:
            raise KafkaError(f"the broker did not start:\n{log_tail(log)}")
        time.sleep(_POLL_SECONDS)


def _used(bootstrap: str, cluster: str) -> None:
    """Have it do what every run asks for, so that those classes are in the archive too. In a thread: the caller may have a loop."""
    from certify_stack.embedded.kafka import admin  # noqa: PLC0415 - training is rare, and the client's import slow

    failures: list[BaseException] = []

    async def use() -> None:
        async with asyncio.timeout(_BOOT_SECONDS):
            await admin.prepare(bootstrap, cluster, ["training"])
            await admin.exchange(bootstrap, "training")

    def main() -> None:
        try:
            asyncio.run(use())
        except Exception as error:  # noqa: BLE001 - told in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=main, name="kafka-training")
    thread.start()
    thread.join()
    if failures:
        raise KafkaError(f"the broker in training did not do its work: {failures[0]!r}")
