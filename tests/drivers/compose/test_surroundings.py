"""What is around a stack: registries, ports, other projects, an engine that goes, somebody who meddles."""

import asyncio
import http.server
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pytest

from certify import owner

pytestmark = pytest.mark.docker
SOCKET = "/var/run/docker.sock"


@contextmanager
def registry(status: int, code: str) -> Iterator[str]:
    """A registry on loopback that answers every question about an image in the same way."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/v2/"
            body = b"{}" if found else json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode()
            self.send_response(200 if found else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "code"), [(404, "MANIFEST_UNKNOWN"), pytest.param(401, "UNAUTHORIZED", marks=pytest.mark.nightly)]
)
def test_an_image_that_the_registry_refuses_is_the_files_fault(folder: Any, small: Any, status: int, code: str):
    with registry(status, code) as address:
        services = {"web": small.shell("true") | {"image": f"{address}/no/such:1"}, "db": small.shell("sleep 600")}
        ran = folder.certify(folder.write(services))
    assert ran.code == 1, ran.stderr
    first, second = ran.ledger("boot-failed")
    assert (first.startswith("web: its image"), second) == (True, "db: not started, as nothing was: see web")
    assert "Compose said" in ran.stderr


def test_a_registry_that_cannot_be_reached_is_the_environments(folder: Any, small: Any):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ran = folder.certify(folder.write({"web": small.shell("true") | {"image": f"127.0.0.1:{port}/no/such:1"}}))
    assert (ran.code, "registry" in ran.stderr) == (4, True), ran.stderr
    assert not ran.out.exists()


def test_a_port_that_is_taken_is_a_note_and_with_kept_ports_a_failure_that_names_the_holder(
    folder: Any, small: Any, docker: str
):
    name = f"certify-test-{uuid4().hex[:8]}"
    held = [docker, "run", "--detach", "--rm", "--name", name, "--publish", "127.0.0.1::80"]
    subprocess.run([*held, "debian:bookworm-slim", "sleep", "600"], check=True, capture_output=True)
    try:
        told = subprocess.run([docker, "port", name, "80"], check=True, capture_output=True, text=True).stdout
        port = told.split()[0].rpartition(":")[2]
        file = folder.write({"web": small.answering(ports=[f"127.0.0.1:{port}:80"])})
        assert folder.certify(file).code == 0
        folder.profile(
            f"profile: brief\nextends: [boot]\nstack: {{compose: {file}, keep_ports: true, boot_budget: 60 s}}\n"
        )
        ran = folder.certify()
    finally:
        subprocess.run([docker, "rm", "--force", name], check=True, capture_output=True)
    assert ran.code == 1, ran.stderr
    assert f"the port {port} that it publishes is taken" in ran.stderr
    assert f"it is held by the container {name}" in ran.stderr
    assert not ran.ledger("port-remapped")


def test_ports_that_are_kept_are_those_of_the_file(folder: Any, small: Any):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = folder.write({"web": small.answering(ports=[f"127.0.0.1:{port}:80"])})
    folder.profile(f"profile: brief\nextends: [boot]\nstack: {{compose: {file}, keep_ports: true}}\n")
    assert folder.certify().code == 0


def test_a_project_of_somebody_else_stays_untouched(folder: Any, small: Any, docker: str, left_of: Any):
    """The same file, started by its owner under its own names, with data in a named volume."""
    service = small.shell("sleep 600", container_name=f"precious-{uuid4().hex[:8]}", volumes=["data:/data"])
    file = folder.write({"web": service}, volumes={"data": {"name": service["container_name"]}})
    compose = [docker, "compose", "--file", str(folder.path / file)]
    subprocess.run([*compose, "up", "--detach"], check=True, capture_output=True)
    inspect = [docker, "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", service["container_name"]]
    try:
        before = subprocess.run(inspect, check=True, capture_output=True, text=True).stdout
        ran = folder.certify(file)
        after = subprocess.run(inspect, check=True, capture_output=True, text=True).stdout
        volume = [docker, "volume", "inspect", service["container_name"]]
        assert not subprocess.run(volume, check=False, capture_output=True).returncode
    finally:
        subprocess.run([*compose, "down", "--volumes", "--timeout", "0"], check=True, capture_output=True)
    assert (ran.code, after) == (0, before)
    assert not left_of(ran.record["runId"])


def test_what_an_aborted_run_left_is_removed_by_the_next_and_what_a_living_one_uses_is_not(
    folder: Any, small: Any, docker: str
):
    def leave(owner: str) -> str:
        labels = ("--label", f"dev.certify.run=test-{uuid4().hex}", "--label", f"dev.certify.owner={owner}")
        command = [docker, "run", "--detach", *labels, "debian:bookworm-slim", "sleep", "600"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    machine, boot, namespace, pid, started = owner.own().split(":")
    dead = leave(f"{machine}:{boot}:{namespace}:{pid}:{int(started) + 1}")
    living, elsewhere = leave(owner.own()), leave(f"another:{boot}:{namespace}:{pid}:{started}")
    try:
        assert folder.certify(folder.write({"web": small.shell("sleep 600")})).code == 0
        there = [docker, "ps", "--all", "--quiet", "--no-trunc"]
        left = subprocess.run(there, check=True, capture_output=True, text=True).stdout.split()
        assert (dead in left, living in left, elsewhere in left) == (False, True, True)
    finally:
        subprocess.run([docker, "rm", "--force", dead, living, elsewhere], check=False, capture_output=True)


@pytest.mark.parametrize(
    "action", ["kill", *(pytest.param(one, marks=pytest.mark.nightly) for one in ("pause", "stop"))]
)
def test_who_meddles_is_told_and_nothing_is_judged(folder: Any, small: Any, docker: str, action: str):
    file = folder.write({"web": small.shell("sleep 600", restart="always")})
    folder.profile("profile: brief\nextends: [boot]\ncontrols: {BOOT-HEALTH-01: {with: {window: 15 s}}}\n")
    process = folder.start("--profile", "brief.yaml", "--compose", file, "--progress", "plain")
    label = f"label=com.docker.compose.project.working_dir={folder.path}"
    container = ""
    deadline = time.monotonic() + 120
    while not container:
        assert time.monotonic() < deadline, process.poll()
        command = [docker, "ps", "--quiet", "--filter", label]
        container = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    time.sleep(1.5)
    subprocess.run([docker, action, container], check=True, capture_output=True)
    ran = folder.finish(process)
    assert ran.code == 4, ran.stderr
    assert "somebody else told the engine to" in ran.stderr
    assert not ran.out.exists()


def test_an_engine_that_goes_half_way_is_the_environments(
    folder: Any, small: Any, tmp_path: Path, docker: str, require: Callable[[str, object], None]
):
    require("docker", Path(SOCKET).is_socket() and not os.environ.get("DOCKER_HOST"))
    file = folder.write({"web": small.checked("sleep 600", "CMD", "false")})
    proxied = Proxy(tmp_path / "engine.sock", SOCKET)
    with proxied:
        process = folder.start(
            *("--profile", "brief.yaml", "--compose", file, "--progress", "plain"), DOCKER_HOST=f"unix://{proxied.path}"
        )
        label = f"label=com.docker.compose.project.working_dir={folder.path}"
        command = [docker, "ps", "--quiet", "--filter", label]
        deadline = time.monotonic() + 120
        container = ""
        while not container:
            assert time.monotonic() < deadline, process.poll()
            container = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        ran = folder.finish(process)
    finally:
        ids = [docker, "inspect", "--format", '{{index .Config.Labels "dev.certify.run"}}', container]
        run = subprocess.run(ids, check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run([docker, "rm", "--force", container], check=True, capture_output=True)
        prune = [docker, "network", "prune", "--force", "--filter", f"label=dev.certify.run={run}"]
        subprocess.run(prune, check=True, capture_output=True)
    assert (ran.code, "the Docker engine is gone" in ran.stderr) == (4, True), ran.stderr


class Proxy:
    """Passes the engine's socket on, until it is closed with all that is open."""

    def __init__(self, path: Path, real: str) -> None:
        self.path, self._real = path, real
        self._loop = asyncio.new_event_loop()
        self._writers: list[asyncio.StreamWriter] = []
        self._passing: set[asyncio.Task[None]] = set()
        self._ended = False

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,))
        self._thread.start()
        assert ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join()

    def _end(self) -> None:
        self._ended = True
        for writer in self._writers:
            writer.transport.abort()
        self._loop.stop()

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_unix_server(self._pass_on, self.path))
        ready.set()
        self._loop.run_forever()
        server.close()
        self.path.unlink(missing_ok=True)
        # Only our own: asyncio's, which lets in whoever came while the loop was being ended, would leave a socket open.
        for task in self._passing:
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        for writer in self._writers:
            writer.transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        if self._ended:
            return
        own = asyncio.current_task()
        assert own is not None
        self._passing.add(own)
        there, back = await asyncio.open_unix_connection(self._real)
        self._writers.append(back)
        await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(1 << 16):
            target.write(chunk)
            await target.drain()
    except (ConnectionError, asyncio.CancelledError):
        return
    finally:
        if not target.is_closing():
            target.write_eof() if target.can_write_eof() else target.close()
