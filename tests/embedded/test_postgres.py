import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from certify_stack.embedded.postgres import PostgresError, PostgresServer, temporary
from certify_stack.embedded.procs import ProcessId, wait_gone

pytestmark = pytest.mark.stack


OWNER = """
from certify_stack.embedded.postgres import temporary
with temporary() as server:
    print(server.process.pid, server.log.parent, flush=True)
    input()
"""


async def ask(dsn: str, query: str):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def test_a_temporary_server_has_private_databases_and_goes_away():
    with temporary() as server:
        made = server.create_databases(["orders", "master-data"])
        assert asyncio.run(ask(server.dsn(), "SHOW server_version")).startswith("18.")
        assert asyncio.run(ask(made["master-data"], "SELECT current_database() || ' ' || current_user")) == (
            "master-data master-data"
        )
        assert asyncio.run(ask(made["orders"], "SHOW fsync")) == "off"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            asyncio.run(ask(made["orders"].rpartition("/")[0] + "/master-data", "SELECT 1"))
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(ask(server.dsn(password="wrong"), "SELECT 1"))
        process, folder = ProcessId.of(server.process.pid), server.log.parent
    assert process is not None
    assert not process.alive
    assert not folder.exists()


def test_it_never_runs_as_root():
    with temporary() as server:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
    uid = next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))
    assert uid == str(65534 if os.geteuid() == 0 else os.geteuid())


def test_databases_can_be_made_from_inside_an_event_loop():
    async def inside(server: PostgresServer) -> Any:
        return await ask(server.create_database("inner"), "SELECT 41 + 1")

    with temporary() as server:
        assert asyncio.run(inside(server)) == 42


def test_it_is_gone_with_a_killed_owner_and_so_is_its_folder():
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            OWNER,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout
        pid, folder = owner.stdout.readline().split()
        server = ProcessId.of(int(pid))
        assert server is not None
        owner.send_signal(signal.SIGKILL)
        assert wait_gone([server], 30) == []
    deadline = time.monotonic() + 30
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(folder).exists()


def test_another_thread_may_not_start_it_because_its_end_would_end_the_server(tmp_path: Path):
    caught = []

    def start() -> None:
        try:
            PostgresServer(tmp_path).start()
        except PostgresError as error:
            caught.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert caught == ["PostgresServer.start() must be called from the main thread, whose end ends the server"]
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_start_says_why(tmp_path: Path):
    tmp_path.chmod(0o711)
    with temporary() as server:
        server.stop()
        (server.log.parent / "postgres" / "data" / "PG_VERSION").write_text("9.1\n")
        with pytest.raises(PostgresError, match="not compatible with this version"):
            server.start()
