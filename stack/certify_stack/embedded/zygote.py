"""The pre-loaded parent of all services: imports once, holds their listening sockets, forks one child per service.

A process that runs `main` reads JSON lines: first `{"services": [...], "overlays": [...], "logs": DIR, "scripts": DIR, "spans": bool}`,
then commands; it answers with JSON lines on standard output. It ends, with all children, when standard input does.

    events    {"event": "bound", "services": {name: {"port", "sdl"}}}
              {"event": "service", "name", "state": "starting|migrated|listening|died", "pid", "detail"}
              {"event": "done", "id", "error"}
    commands  {"id", "do": "start", "name", "settings"}, {"id", "do": "signal", "name", "signal"}, {"id", "do": "refuse", "name"},
              {"id", "do": "prepare", "target", "spare"}, {"id", "do": "enrol", "database", "passwords"}

A child that dies leaves its socket listening here: its clients wait in the queue for the next child, none is refused. That is
right for a service that is to come back at once, and wrong for one that is to stay down: a container that was stopped refuses
its clients. So `refuse` closes the queue until the next `start`; the port stays ours all the while.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certify_stack.embedded import children
from certify_stack.embedded.child import Preloaded, enrol, load_hooks, preload, render, run_service
from certify_stack.embedded.mailbox import Mailbox, say
from certify_stack.embedded.ports import HeldPort
from certify_stack.embedded.procs import die_with
from certify_stack.kit import scripts
from certify_stack.kit.app import schema_of

_GRACE_SECONDS = 0.6
_POLL_SECONDS = 0.005
_GC_THRESHOLD = 5000


@dataclass
class Zygote:
    """The state of the parent: a port per service, the child that serves it now."""

    logs: Path
    preloaded: Preloaded
    ports: dict[str, HeldPort]
    children: dict[int, str] = field(default_factory=dict)

    def obey(self, command: dict[str, Any]) -> None:
        """Do one command and report how it ended."""
        error = None
        try:
            match command["do"]:
                case "start":
                    self.start(command["name"], command["settings"])
                case "signal":
                    self.signal(command["name"], int(command["signal"]))
                case "refuse":
                    self.ports[command["name"]].refuse()
                case "prepare":
                    self.prepare(command["target"], command["spare"])
                case "enrol":
                    self.enrol(command["database"], command["passwords"])
                case other:
                    error = f"unknown command {other!r}"
        except (LookupError, ValueError, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        say({"event": "done", "id": command.get("id"), "error": error})

    def start(self, name: str, settings: dict[str, Any]) -> None:
        """Fork the service's child."""
        if name in self.children.values():
            raise ValueError(f"{name} already runs")
        listening = self.ports[name].listener
        reports = os.dup(1)
        # A child may be quick: it waits until its parent has told of it, so that nothing is told in the wrong order.
        go, told = os.pipe()

        def serve() -> int:
            os.close(told)
            os.read(go, 1)
            # Else a service that is to refuse its clients would go on listening in the others.
            for other, port in self.ports.items():
                if other != name:
                    port.leave()
            return run_service(name, settings, self.preloaded, listening, reports)

        try:
            pid = children.fork(serve, self.logs / f"{name}.log")
            self.children[pid] = name
            say({"event": "service", "name": name, "state": "starting", "pid": pid, "detail": None})
        finally:
            for descriptor in (reports, told, go):
                os.close(descriptor)

    def prepare(self, target: str, spare: str) -> None:
        """Make a cluster with the services' databases, migrated and filled."""
        from certify_stack.embedded import preparing  # noqa: PLC0415 - rarely needed, and everybody waits for this process

        place = Path(target) if target else None
        self._in_child("prepare", lambda: preparing.make(self.ports, self.preloaded.scripts, place, Path(spare)))

    def enrol(self, database: str, passwords: dict[str, str]) -> None:
        """Make the users of this run."""
        self._in_child("users", lambda: enrol(database, passwords))

    def _in_child(self, name: str, work: Callable[[], int]) -> None:
        """The parent must never own a connection, a thread or an event loop."""
        log = self.logs / f"{name}.log"
        _, status = os.waitpid(children.fork(work, log), 0)
        if status:
            raise OSError(f"{name}: {children.describe(status)}; see {log}")

    def signal(self, name: str, signal_number: int) -> None:
        """Signal the service's child, which is surely ours because only we reap it."""
        pid = next((pid for pid, known in self.children.items() if known == name), None)
        if pid is None:
            raise LookupError(f"{name} does not run")
        os.kill(pid, signal_number)

    def reap(self) -> None:
        """Report each child that ended."""
        for pid, status in children.ended():
            name = self.children.pop(pid, None)
            if name is not None:
                how = children.describe(status)
                say({"event": "service", "name": name, "state": "died", "pid": pid, "detail": how})

    def end(self) -> None:
        """Stop all children; those that are stuck are killed."""
        for pid in self.children:
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGCONT)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self.children and time.monotonic() < deadline:
            self.reap()
            time.sleep(_POLL_SECONDS)
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
        while self.children:
            self.reap()
            time.sleep(_POLL_SECONDS)


def main() -> None:
    """Read the first line, load everything, then obey until standard input ends."""
    die_with(os.getppid())
    mailbox = Mailbox()
    first = mailbox.first()
    if first is None:
        return
    children.redirect(Path(first["logs"]) / "zygote.log", 2)
    zygote = _loaded(first)
    _make_ready_to_fork()
    ports = zygote.ports.items()
    say(
        {
            "event": "bound",
            "services": {name: {"port": port.number, "sdl": schema_of(name).as_str()} for name, port in ports},
        }
    )
    try:
        for command in mailbox.until_end(zygote.reap):
            zygote.obey(command)
    finally:
        zygote.end()


def _loaded(first: dict[str, Any]) -> Zygote:
    """Import hooks and services, build schemas; meanwhile migrations without a script are rendered, once an installation."""
    logs, folder = Path(first["logs"]), Path(first["scripts"]) if first["scripts"] else None
    unrendered = scripts.missing(first["services"], folder) if folder else ()
    renderer = children.fork(lambda: render(unrendered, folder), logs / "render.log") if folder and unrendered else 0
    if first["spans"]:
        importlib.import_module("certify_stack.kit.span_export")
    preload()
    hooks = load_hooks(first["overlays"])
    for name in first["services"]:
        schema_of(name)
    if renderer:
        os.waitpid(renderer, 0)
    return Zygote(logs, Preloaded(hooks, folder), {name: HeldPort() for name in first["services"]})


def _make_ready_to_fork() -> None:
    if threading.active_count() != 1:
        raise RuntimeError(f"a library started threads before the fork: {threading.enumerate()}")
    # What there is now is shared with the children for ever; they look for garbage only among what they make.
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    gc.enable()
