"""What is told of a container's ports from outside."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import certify.outside
from certify.outside import HOST, kept, listening, ready, served

HEAD = "  sl  local_address rem_address   st\n"
LISTENED = {
    "anywhere": ("tcp", "00000000:0050 00000000:0000 0A", {80}),
    "its own address": ("tcp", "020011AC:1F90 00000000:0000 0A", {8080}),
    "its loopback": ("tcp", "0100007F:0050 00000000:0000 0A", set()),
    "the engine's names": ("tcp", "0B00007F:0035 00000000:0000 0A", set()),
    "a connection, no listener": ("tcp", "00000000:0050 00000000:0000 01", set()),
    "anywhere, both families": ("tcp6", f"{'0' * 32}:0050 {'0' * 32}:0000 0A", {80}),
    "its loopback by the other family": ("tcp6", f"{'0' * 24}01000000:0050 {'0' * 32}:0000 0A", set()),
    "its mapped loopback": ("tcp6", f"0000000000000000FFFF00000100007F:0050 {'0' * 32}:0000 0A", set()),
}


@pytest.mark.parametrize(("table", "line", "ports"), LISTENED.values(), ids=LISTENED)
def test_only_what_listens_for_others_counts(
    table: str, line: str, ports: set[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = tmp_path / "7"
    (place / "net").mkdir(parents=True)
    (place / "cgroup").write_text("0::/docker/abc\n")
    (place / "mountinfo").write_text("")
    (place / "net" / table).write_text(f"{HEAD}   0: {line} 0 0\n")
    monkeypatch.setattr(certify.outside, "_PROC", tmp_path)
    assert listening(7, "abc") == ports
    assert listening(7, "another") is None
    assert listening(8, "abc") is None
    assert listening(0, "abc") is None


def test_who_asks_for_ports_is_told_no_others_once_these_were_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = tmp_path / "7"
    (place / "net").mkdir(parents=True)
    (place / "cgroup").write_text("0::/docker/abc\n")
    (place / "mountinfo").write_text("")
    lines = [f"   {at}: 00000000:{port:04X} 00000000:0000 0A 0 0\n" for at, port in enumerate((80, 81, 82))]
    (place / "net" / "tcp").write_text(HEAD + "".join(lines))
    monkeypatch.setattr(certify.outside, "_PROC", tmp_path)
    assert listening(7, "abc", (81,)) == {80, 81}
    assert listening(7, "abc", (81, 83)) == {80, 81, 82}


def test_a_port_is_kept_only_by_who_stays():
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello")
        writer.close()

    async def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def ask() -> list[bool]:
        answers = []
        for answer in (hold, greet, drop):
            async with await asyncio.start_server(answer, HOST, 0) as server:
                port = server.sockets[0].getsockname()[1]
                answers += [
                    *await kept([port]),
                    await served(port, 80, frozenset({80})),
                    await served(port, 80, frozenset()),
                ]
        return [*answers, *await kept([port])]

    assert asyncio.run(ask()) == [True, True, False, True, True, False, False, False, False, False]


@pytest.fixture
def container(require: Callable[[str, object], None]) -> Iterator[tuple[int, str]]:
    docker = shutil.which("docker") or ""
    require("docker", docker and not subprocess.run([docker, "info"], capture_output=True, check=False).returncode)
    listen = "use IO::Socket::INET; @s = map { IO::Socket::INET->new(LocalAddr => $_, LocalPort => 80, Listen => 1) }"
    program = f"{listen} @ARGV; sleep 600"
    started = [docker, "run", "--detach", "--init", "debian:bookworm-slim", "perl", "-e", program, "127.0.0.1"]
    name = subprocess.run(started, capture_output=True, text=True, check=True).stdout.strip()
    told = [docker, "inspect", "--format", "{{.State.Pid}}", name]
    yield int(subprocess.run(told, capture_output=True, text=True, check=True).stdout), name
    subprocess.run([docker, "rm", "--force", name], capture_output=True, check=True)


@pytest.mark.docker
def test_a_real_container_that_listens_for_itself_alone(container: tuple[int, str]):
    assert listening(*container) == frozenset()


@pytest.mark.parametrize(
    ("answer", "well"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.0 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"HTTP/1.1 302 Found\r\n\r\n", False),
        (b"220 mail\r\n", False),
        (b"", False),
    ],
)
def test_a_ready_probe_is_believed_by_its_status(answer: bytes, well: bool):  # noqa: FBT001 - what is to come
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(answer)
        writer.close()

    async def scene() -> bool:
        async with await asyncio.start_server(serve, HOST, 0) as server:
            return await ready(server.sockets[0].getsockname()[1], "/health/ready")

    assert asyncio.run(scene()) is well
    assert asked == [b"GET /health/ready HTTP/1.0\r\n"]


def test_nobody_at_the_port_is_not_ready():
    async def scene() -> bool:
        async with await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0) as server:
            port = server.sockets[0].getsockname()[1]
        return await ready(port, "/")

    assert asyncio.run(scene()) is False
