"""The pre-loaded parent of all services: imports once, forks one child per service.

`python -m certify_stack.embedded.zygote` reads JSON lines: first `{"services": [...], "overlays": [...], "logs": DIR}`, then
commands; it answers with JSON lines on standard output. It ends, with all children, when standard input does.

    events    {"event": "bound", "services": {name: {"port", "sdl"}}}
              {"event": "service", "name", "state": "starting|migrated|listening|died", "pid", "detail"}
              {"event": "done", "id", "error"}
    commands  {"id", "do": "start", "name", "settings"}, {"id", "do": "signal", "name", "signal"}

Each port is held by a bound socket that never listens, while each child listens on a socket of its own on the same port: when a
child dies its clients are refused, as they would be by a container that died, and nobody else can take the port meanwhile.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from certify_stack.embedded.child import Hook, fill, load_hooks, run_service
from certify_stack.embedded.procs import die_with
from certify_stack.kit.app import schema_of

_CHUNK = 1 << 16
_GRACE_SECONDS = 1.0
_GC_THRESHOLD = 5000


@dataclass
class Zygote:
    """The state of the parent: a held port per service, the child that serves it now."""

    logs: Path
    hooks: tuple[Hook, ...]
    held: dict[str, socket.socket]
    children: dict[int, str] = field(default_factory=dict)

    def port(self, name: str) -> int:
        """The service's port, the same over restarts."""
        port: int = self.held[name].getsockname()[1]
        return port

    def obey(self, command: dict[str, Any]) -> None:
        """Do one command and report how it ended."""
        error = None
        try:
            match command["do"]:
                case "start":
                    self.start(command["name"], command["settings"])
                case "seed":
                    self.seed(command["databases"], command["passwords"])
                case "signal":
                    self.signal(command["name"], int(command["signal"]))
                case other:
                    error = f"unknown command {other!r}"
        except (LookupError, ValueError, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        say({"event": "done", "id": command.get("id"), "error": error})

    def start(self, name: str, settings: dict[str, Any]) -> None:
        """Fork the service's child."""
        if name in self.children.values():
            raise ValueError(f"{name} already runs")
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            reports = os.dup(1)
            self._become(
                lambda: run_service(name, settings, self.port(name), self.hooks, reports),
                self.logs / f"{name}.log",
                parent,
            )
        self.children[pid] = name
        say({"event": "service", "name": name, "state": "starting", "pid": pid, "detail": None})

    def seed(self, databases: dict[str, str], passwords: dict[str, str]) -> None:
        """Fill the databases, in a child because the parent must never own a connection or an event loop."""
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(lambda: fill(databases, passwords), self.logs / "seed.log", parent)
        _, status = os.waitpid(pid, 0)
        if status:
            raise OSError(f"the seeds could not be sown: {describe(status)}; see {self.logs / 'seed.log'}")

    def signal(self, name: str, signal_number: int) -> None:
        """Signal the service's child, which is surely ours because only we reap it."""
        pid = next((pid for pid, known in self.children.items() if known == name), None)
        if pid is None:
            raise LookupError(f"{name} does not run")
        os.kill(pid, signal_number)

    def reap(self) -> None:
        """Report each child that ended."""
        for pid, status in ended_children():
            name = self.children.pop(pid, None)
            if name is not None:
                say({"event": "service", "name": name, "state": "died", "pid": pid, "detail": describe(status)})

    def end(self) -> None:
        """Stop all children; those that are stopped or stuck are killed."""
        for pid in self.children:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self.children and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.01)
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
        while self.children:
            self.reap()
            time.sleep(0.005)

    def _become(self, work: Callable[[], int], log: Path, parent: int) -> NoReturn:
        """Turn this fresh child into what `work` does; never returns to the parent's code, whatever happens."""
        code = 70
        try:
            die_with(parent)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            redirect(log)
            code = work()
        except BaseException:  # noqa: BLE001 - the parent's stack must not continue in a child
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)


def main() -> None:
    """Read the first line, load everything, then obey until standard input ends."""
    die_with(os.getppid())
    commands = Commands()
    first = commands.wait_first()
    if first is None:
        return
    hooks = load_hooks(first["overlays"])
    sdl = {name: schema_of(name).as_str() for name in first["services"]}
    zygote = Zygote(Path(first["logs"]), hooks, {name: hold_port() for name in first["services"]})
    if threading.active_count() != 1:
        raise RuntimeError(f"a library started threads before the fork: {threading.enumerate()}")
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    say({"event": "bound", "services": {name: {"port": zygote.port(name), "sdl": sdl[name]} for name in sdl}})
    try:
        for command in commands.until_end(zygote):
            zygote.obey(command)
    finally:
        zygote.end()


class Commands:
    """Lines of standard input, read without ever blocking the reaping of children."""

    def __init__(self) -> None:
        self._buffer = b""
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._ending = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def wait_first(self) -> dict[str, Any] | None:
        """The first line; None when there is none."""
        while b"\n" not in self._buffer:
            if not self._fill():
                return None
        return next(self._lines())

    def until_end(self, zygote: Zygote) -> Iterator[dict[str, Any]]:
        """Yield commands until the input ends or SIGTERM arrives; dead children are reported in between."""
        yield from self._lines()
        while not self._ending:
            readable, _, _ = select.select([0, self._wake_read], [], [])
            if self._wake_read in readable:
                os.read(self._wake_read, _CHUNK)
                zygote.reap()
            if 0 in readable:
                if not self._fill():
                    return
                yield from self._lines()

    def _fill(self) -> bool:
        chunk = os.read(0, _CHUNK)
        self._buffer += chunk
        return bool(chunk)

    def _lines(self) -> Iterator[dict[str, Any]]:
        while b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            yield json.loads(line)

    def _end(self, *_: object) -> None:
        self._ending = True


def hold_port() -> socket.socket:
    """A socket bound to a port that the system picked; it does not listen."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


def ended_children() -> Iterator[tuple[int, int]]:
    """Pid and wait status of every child that ended since the last call."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def describe(status: int) -> str:
    """A wait status in words: `signal SIGKILL` or `exit code 3`."""
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"


def redirect(log: Path) -> None:
    """Standard output and error of a child go to its log, standard input to nothing."""
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    os.close(nothing)


def say(event: dict[str, Any]) -> None:
    """One event, in one write."""
    data = (json.dumps(event, separators=(",", ":")) + "\n").encode()
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    main()
