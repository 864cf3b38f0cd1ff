"""What can be told of a process from outside: which ports it listens at, and whether a published one is served."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

HOST = "127.0.0.1"
# An engine's proxy takes every connection and drops it when nobody listens inside: only what stays open is served.
# A busy machine drops late, so what is not known to be listened at gets more time.
PATIENCE = 0.15
# To see what listens inside, the kernel may go through all connections of the machine, some milliseconds: only what has not been
# dropped after this long is worth that.
GLANCE = 0.06
MORE_PATIENCE = 0.6
_CONNECT_SECONDS = 2.0
_LISTEN = b"0A"
# A line of /proc/net/tcp. Who reads one at a time gets those that listen, which come first, without the kernel's looking for others.
_LINE = 150
_PROC = Path("/proc")


def listening(pid: int, container: str, asked: Iterable[int] = ()) -> frozenset[int] | None:
    """The TCP ports at which a container's processes listen for others, not only for themselves (proc_net(5)).

    Args:
        pid: of its first process, as this machine's kernel numbers it.
        container: its id, by which the process is known to be its own.
        asked: once these were found, others are not looked for.

    Returns:
        None when that cannot be seen from here: the engine is on another machine, or the process is gone.
    """
    if pid <= 0 or not container:
        return None
    place, wanted, found = _PROC / str(pid) / "net", frozenset(asked), frozenset[int]()
    try:
        if not is_of(pid, container):
            return None
        for port in chain.from_iterable(
            _listened(table) for table in (place / "tcp", place / "tcp6") if table.exists()
        ):
            found |= {port}
            if wanted and wanted <= found:
                break
    except OSError:
        return None
    return found


def is_of(pid: int, container: str) -> bool:
    """Whether a process of this machine is one of a container's; its id is unknown to processes of others.

    Raises:
        OSError: there is no such process, or this user may not see it.
    """
    place = _PROC / str(pid)
    # The second is long, and only asked where control groups tell nothing of containers.
    return any(container in (place / name).read_text() for name in ("cgroup", "mountinfo"))


async def kept(ports: Iterable[int], patience: float = PATIENCE) -> list[bool]:
    """Whether somebody behind each of these ports of this machine keeps a connection open for that long, or says something.

    Looked at once, when the time is over: while a stack starts this is asked some hundred times, and a timer for each would cost
    more than all the rest.
    """
    with contextlib.ExitStack() as asking:
        asked = [_asked(asking, port) for port in ports]
        if any(asked):
            await asyncio.sleep(patience)
        return [one is not None and _holds(one) for one in asked]


def _asked(asking: contextlib.ExitStack, port: int) -> socket.socket | None:
    """A connection to a port, be it that it is still being made; None when it was refused."""
    one = asking.enter_context(socket.socket())
    one.settimeout(0)
    return one if one.connect_ex((HOST, port)) in {0, errno.EINPROGRESS} else None


def _holds(one: socket.socket) -> bool:
    try:
        one.getpeername()
        return bool(one.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


async def ready(port: int, path: str) -> bool:
    """Whether a ready probe at a port of this machine says so: an HTTP status from 200 to 299."""
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {HOST}:{port}\r\n\r\n".encode())
                words = (await reader.readline()).split(maxsplit=2)
            finally:
                writer.close()
            return len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].startswith(b"2")
    return False


async def served(port: int, inner: int, listened: frozenset[int] | None) -> bool:
    """Whether a container serves a port.

    Args:
        port: where it is published on this machine.
        inner: its number in the container.
        listened: what `listening` gave.
    """
    if listened is None:
        return all(await kept([port], MORE_PATIENCE))
    return inner in listened and all(await kept([port]))


def _listened(table: Path) -> Iterator[int]:
    with table.open("rb", buffering=_LINE) as lines:
        for line in islice(lines, 1, None):
            _, local, _, state, *_ = line.split()
            if state != _LISTEN:
                return
            address, _, port = local.decode("ascii").partition(":")
            if not _is_loopback(address):
                yield int(port, 16)


def _is_loopback(address: str) -> bool:
    """Whether an address, as the kernel writes it in words of four bytes, lowest first, is one of the loopback's."""
    raw = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
    mapped = raw[:12] == bytes(10) + b"\xff\xff"
    return raw == bytes(15) + b"\x01" or (mapped and raw[12] == 127) or (len(raw) == 4 and raw[0] == 127)
