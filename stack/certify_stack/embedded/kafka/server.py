"""A private Apache Kafka broker on 127.0.0.1, gone with the process that started it.

One node in KRaft mode that is broker and controller in one. Its port is held from the first moment on, so that it is known before
the broker runs, stays the same over restarts and is taken by nobody meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from certify_stack.embedded.guardian import Guardian, mark_owned, sweep
from certify_stack.embedded.kafka import archive, config, furnished, storage
from certify_stack.embedded.kafka.errors import KafkaError, Tell
from certify_stack.embedded.kafka.installation import prepare
from certify_stack.embedded.kafka.runtime import STARTED, Runtime, log_tail
from certify_stack.embedded.ports import HeldPort
from certify_stack.embedded.postgres import scratch_root
from certify_stack.embedded.procs import HALT_SECONDS, ProcessId, wait_halted

PREFIX = "certify-kafka-"
START_SECONDS: Final = 30.0
_POLL_SECONDS = 0.01
# SIGTERM makes Java end in order, with 128 more than the signal.
_ENDED_BY_SOMEBODY: Final = frozenset({-signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM, 128 + signal.SIGINT})


class KafkaServer:
    """One broker and its data folder.

    Attributes:
        log: The broker's log file; warnings, errors and two lines at a start.
        cluster: Its cluster id, empty before the first start. Who answers with another one is not this broker.
    """

    def __init__(
        self,
        folder: Path,
        log: Path | None = None,
        *,
        disposable: bool = True,
        tell: Tell | None = None,
        watch: Callable[[int], object] | None = None,
    ) -> None:
        """Plan a broker whose data lie in `folder`, which must exist; `disposable` data need not survive a power cut.

        `tell` hears how far a first use is with fetching and training; by default people on standard error do.
        `watch` is given the pid of each process that is started for it: a restart makes another one.
        """
        self.log = log or folder / "kafka.log"
        self.cluster = ""
        self._home = folder / "kafka"
        self._disposable = disposable
        self._tell = tell or _people()
        self._watch = watch
        self._topics: tuple[str, ...] = ()
        self._runtime: Runtime | None = None
        self._port: HeldPort | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._suspect: Path | None = None
        self._log_start = 0

    @property
    def port(self) -> int:
        """TCP port on 127.0.0.1, known as soon as `start` returned and kept over restarts; 0 before."""
        return self._port.number if self._port else 0

    @property
    def bootstrap(self) -> str:
        """What clients call `bootstrap.servers`."""
        return f"127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running broker's process; another one after each start.

        Raises:
            KafkaError: It was not started.
        """
        if self._process is None:
            raise KafkaError("Kafka is not running; call start() first")
        return self._process

    @property
    def running(self) -> bool:
        """Whether its process exists, be it stopped or not yet ready."""
        return self._process is not None and self._process.poll() is None

    def create_topics(self, names: Iterable[str]) -> None:
        """Plan topics of one partition before the first start; `ready` makes those that do not exist."""
        self._topics = tuple(dict.fromkeys((*self._topics, *names)))

    def start(self) -> None:
        """Start the broker, with its data if there are any; returns as soon as the process runs. `ready` waits for the rest.

        The first use on a machine fetches, formats and trains before, which takes some ten seconds; `prepare` can be called
        for that beforehand, from any thread.

        Must be called from the main thread: the kernel ends the broker when the thread that forked it ends.

        Raises:
            KafkaError: It cannot be prepared, or it runs already.
        """
        if threading.current_thread() is not threading.main_thread():
            raise KafkaError("KafkaServer.start() must be called from the main thread, whose end ends the broker")
        if self.running:
            raise KafkaError(f"Kafka runs already, as process {self.process.pid}")
        installation = prepare(self._tell)
        data = self._home / "data"
        if not data.exists():
            self._home.mkdir(mode=0o700, exist_ok=True)
            storage.create(furnished.find(installation.formatted, self._topics), data)
        self.cluster = storage.cluster_of(data)
        self._runtime = installation.runtime
        self._hold_port()
        self._spawn(self._runtime)

    async def ready(self) -> None:
        """Wait until the broker answers, is ours by its cluster id, and has the planned topics, each with a leader.

        Raises:
            KafkaError: It ended or was not ready within 30 s; carries the end of its log.
        """
        from certify_stack.embedded.kafka import admin  # noqa: PLC0415 - the client's import is done while the broker starts

        try:
            async with asyncio.timeout(START_SECONDS):
                await self._started()
                await self._unless_it_ends(admin.prepare(self.bootstrap, self.cluster, self._topics))
        except TimeoutError:
            raise KafkaError(f"Kafka was not ready after {START_SECONDS:g} s; {self._end_of_log()}") from None

    def stop(self) -> None:
        """End the broker at once: what it acknowledged is with the operating system or on the disk already.

        Returns when the process is gone. The port stays held for the next start, until this object is. Does nothing when
        the broker is not running.
        """
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """The same as `stop`, for whoever means the disruption."""
        self.stop()

    def pause(self) -> None:
        """SIGSTOP: it is there and answers nothing, from when this returns.

        Raises:
            KafkaError: It is not running, or did not stand still within 10 s.
        """
        if not wait_halted(self._signal(signal.SIGSTOP), HALT_SECONDS):
            raise KafkaError(f"Kafka was sent SIGSTOP and did not stand still within {HALT_SECONDS:g} s")

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    async def restart(self) -> None:
        """Kill it when it runs and start it on the same port with the same data; returns when it is ready.

        Call from the main thread. The process is another one afterwards.
        """
        self.kill()
        self.start()
        await self.ready()

    async def wait(self) -> int:
        """Wait until the process ends, however that comes about; returns its exit status, negative for a signal."""
        process = self.process
        over = asyncio.Event()
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(process.pid)
            loop = asyncio.get_running_loop()
            loop.add_reader(descriptor, over.set)
            try:
                await over.wait()
            finally:
                loop.remove_reader(descriptor)
                os.close(descriptor)
        return process.wait()

    def _hold_port(self) -> None:
        if self._port is None:
            self._port = HeldPort()
            weakref.finalize(self, self._port.close)
        text = config.properties(self._home / "data", self.port, disposable=self._disposable)
        (self._home / "server.properties").write_text(text, encoding="ascii")

    def _spawn(self, runtime: Runtime) -> None:
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = runtime.spawn(self._home, log)
        if self._watch is not None:
            self._watch(self._process.pid)

    async def _started(self) -> None:
        """Its log says when it is up. Connecting before that would fill the logs of the client."""
        while STARTED not in self._said():
            if self.process.poll() is not None and not self.again():
                raise KafkaError(f"Kafka ended with status {self.process.poll()} at its start; {self._end_of_log()}")
            await asyncio.sleep(_POLL_SECONDS)
        if self._suspect is not None:
            archive.discard(self._suspect)
            self._suspect = None

    async def _unless_it_ends(self, work: Coroutine[Any, Any, None]) -> None:
        working, ending = asyncio.ensure_future(work), asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise KafkaError(f"Kafka ended with status {ending.result()} at its start; {self._end_of_log()}")
            working.result()
        finally:
            working.cancel()
            ending.cancel()

    def again(self) -> bool:
        """Start a broker that ended at its start once more, without an archive: a damaged one may be why. Whether it was.

        Without one it is slower, never wrong. The archive is shared with other runs, so it is given up only when the broker does start
        without it. A broker that somebody ended stays down. From the main thread only.
        """
        status, runtime = self.process.poll(), self._runtime
        taken = "Address already in use" in self._said()
        if status is None or runtime is None or runtime.archive is None or taken or status in _ENDED_BY_SOMEBODY:
            return False
        if threading.current_thread() is not threading.main_thread():
            return False
        self._suspect = runtime.archive
        self._runtime = runtime.without_archive()
        self._spawn(self._runtime)
        return True

    def _said(self) -> str:
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def _end_of_log(self) -> str:
        return f"the end of {self.log}:\n{log_tail(self.log, self._log_start)}"

    def _signal(self, number: int) -> ProcessId:
        identity = ProcessId.of(self.process.pid)
        if identity is None:
            raise KafkaError("Kafka is not running")
        identity.signal(number)
        return identity


@contextmanager
def temporary(topics: Iterable[str] = ()) -> Iterator[KafkaServer]:
    """A ready broker with these topics in a private folder, in memory where there is room; both are gone afterwards, come what may."""
    root = scratch_root()
    sweep(root, PREFIX)
    guardian = Guardian()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
    guardian.remove(folder)
    server = KafkaServer(folder, watch=partial(guardian.watch, gentle=signal.SIGKILL))
    try:
        mark_owned(folder)
        server.create_topics(topics)
        server.start()
        _run(server.ready())
        yield server
    finally:
        server.stop()
        guardian.close()


def _people() -> Tell:
    from certify_stack.embedded.kafka.console import teller  # noqa: PLC0415 - a launcher tells others, and starts sooner

    return teller()


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, also when the caller is itself inside an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    failures: list[BaseException] = []

    def main() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=main, name="kafka-administration")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
