"""One short life of a broker whose outcome is kept: up, used, down in order."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from certify_stack.embedded.kafka import config
from certify_stack.embedded.kafka.errors import KafkaError
from certify_stack.embedded.kafka.runtime import STARTED, Runtime, log_tail
from certify_stack.embedded.kafka.storage import create
from certify_stack.embedded.ports import HeldPort

_BOOT_SECONDS = 60.0
_EXIT_SECONDS = 120.0
_POLL_SECONDS = 0.05

Use = Callable[[str, str], Awaitable[object]]
"""What is done with it: it is told the address and the cluster id."""


def live(runtime: Runtime, formatted: Path, work: Path, use: Use, *, extra: tuple[str, ...] = ()) -> Path:
    """Start a broker with a copy of a formatted folder, use it, end it in order.

    Args:
        runtime: what runs it.
        formatted: the folder to copy.
        work: a private folder for all that it writes.
        use: run in an event loop and a thread of its own.
        extra: more options of the JVM.

    Returns:
        Its data folder, below `work`.

    Raises:
        KafkaError: It does not start, or does not do its work.
        TimeoutExpired: It does not end.
    """
    data = work / "data"
    cluster = create(formatted, data)
    port = HeldPort()
    log = work / "log"
    (work / "server.properties").write_text(config.properties(data, port.number), encoding="ascii")
    try:
        with log.open("wb") as output:
            broker = runtime.spawn(work, output, extra=extra)
        try:
            _until_started(broker, log)
            _used(use, f"127.0.0.1:{port.number}", cluster)
            broker.send_signal(signal.SIGTERM)
            broker.wait(_EXIT_SECONDS)
        finally:
            broker.kill()
            broker.wait()
    finally:
        port.close()
    return data


def _until_started(broker: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    while STARTED not in log.read_text(encoding="utf-8", errors="replace"):
        if broker.poll() is not None or time.monotonic() > deadline:
            raise KafkaError(f"the broker did not start:\n{log_tail(log)}")
        time.sleep(_POLL_SECONDS)


def _used(use: Use, bootstrap: str, cluster: str) -> None:
    """In a thread: the caller may have a loop."""
    failures: list[BaseException] = []

    async def within() -> None:
        async with asyncio.timeout(_BOOT_SECONDS):
            await use(bootstrap, cluster)

    def main() -> None:
        try:
            asyncio.run(within())
        except Exception as error:  # noqa: BLE001 - told in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=main, name="kafka-short-life")
    thread.start()
    thread.join()
    if failures:
        raise KafkaError(f"the broker did not do its work: {failures[0]!r}")
