import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from certify_stack.embedded.postgres import scratch_root
from certify_stack.embedded.procs import ProcessId, descendants, wait_gone


class Launched:
    """A launcher that a test started, with what it said so far."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.events: list[dict[str, Any]] = []
        self.forgotten = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "certify_stack.erp", "up", "--dir", str(folder), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
            start_new_session=True,
        )
        assert self.process.stdin
        assert self.process.stdout
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for line in self.stdout:
            self.events.append(json.loads(line))
            if wanted(self.events[-1]):
                return self.events[-1]
        raise AssertionError(f"the launcher ended; it said {self.events[-3:]}")

    def until_up(self) -> dict[str, Any]:
        outcome = self.until(lambda event: event["event"] in {"up", "failed"})
        assert outcome["event"] == "up", outcome
        return outcome["endpoints"]

    def do(self, command: str, service: str, of: str = "") -> list[tuple[str, str]]:
        """States of the services that changed until the command was replied to."""
        before = len(self.events)
        reply = self._ask(command, service, of)
        assert {**reply, "pid": 0} == {"event": "reply", "id": before, "ok": True, "pid": 0}
        if command == "restart":
            assert ProcessId.of(reply["pid"])
        # The sink comes up when it likes, after the rest.
        told = [(event["name"], event["state"]) for event in self.events[before:-1]]
        return [(name, state) for name, state in told if name != "sink" or service == "sink"]

    def refusal(self, command: str, service: str, of: str = "") -> str:
        """Why a command was refused."""
        reply = self._ask(command, service, of)
        assert reply["ok"] is False
        return str(reply["error"])

    def until_state(self, part: str, state: str) -> None:
        self.until(lambda event: event.get("name") == part and event["state"] == state)

    def told(self, part: str) -> list[dict[str, Any]]:
        """Events about one part since the last `forget`."""
        return [event for event in self.events[self.forgotten :] if event.get("name") == part]

    def forget(self) -> None:
        self.forgotten = len(self.events)

    def newest_endpoints(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "endpoints.json").read_text())
        return found

    def parts(self) -> dict[str, int]:
        """Pid of the server processes that are the launcher's own children, by the program that they run."""
        found = {}
        for process in descendants(self.process.pid):
            if self.process.pid == int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1]):
                found[Path(Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")[0]).name] = process.pid
        return found

    def _ask(self, command: str, service: str, of: str) -> dict[str, Any]:
        order = {"id": len(self.events), "do": command, "service": service, "of": of}
        self.stdin.write(json.dumps(order).encode() + b"\n")
        self.stdin.flush()
        return self.until(lambda event: event["event"] == "reply")

    def family(self) -> list[ProcessId]:
        """The launcher and everything below it."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = entry.read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            waiting += parents.get(pid, [])
            found += [identity] if (identity := ProcessId.of(pid)) else []
        return found

    def private_folders(self) -> list[Path]:
        return [
            owner.parent
            for owner in scratch_root().glob("certify-stack-*/owner")
            if owner.read_text().split()[0] == str(self.process.pid)
        ]

    def close(self) -> None:
        self.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.stdout.close()


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Launched]]:
    yield from _launching(tmp_path)


@pytest.fixture(scope="module")
def launch_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Launched]]:
    yield from _launching(tmp_path_factory.mktemp("once"))


def _launching(tmp_path: Path) -> Iterator[Callable[..., Launched]]:
    started: list[Launched] = []

    def start(*options: str) -> Launched:
        started.append(Launched(tmp_path / f"run{len(started)}", *options))
        return started[-1]

    yield start
    for launched in started:
        launched.close()


def post(url: str, body: Any, token: str = "", more: dict[str, str] | None = None) -> tuple[int, Any]:
    """Status and JSON of an answer, errors included."""
    bearer = {"authorization": f"Bearer {token}"} if token else {}
    headers = {"content-type": "application/json", **bearer, **(more or {})}
    return _open(urllib.request.Request(url, json.dumps(body).encode(), headers))


def get(url: str) -> tuple[int, str]:
    status, body = _open(urllib.request.Request(url), decode=False)
    return status, body


def _open(request: urllib.request.Request, *, decode: bool = True) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if decode else text
    except urllib.error.HTTPError as refused:
        with refused:
            text = refused.read().decode()
            return refused.code, json.loads(text) if decode else text


@pytest.fixture
def http() -> tuple[Callable[..., Any], Callable[..., Any]]:
    return get, post


@pytest.fixture
def left_over() -> Callable[[list[ProcessId], float], list[ProcessId]]:
    def wait(family: list[ProcessId], seconds: float) -> list[ProcessId]:
        return wait_gone(family, seconds)

    return wait
