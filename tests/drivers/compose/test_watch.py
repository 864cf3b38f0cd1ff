"""What the watch makes of looks at containers, with an engine that answers when the test says so."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest

import certify.drivers.compose.watch as watching
from certify.drivers.compose.containers import Containers, seen
from certify.drivers.compose.labels import SERVICE
from certify.drivers.compose.project import Part
from certify.drivers.compose.state import State
from certify.drivers.compose.watch import Watch


class Engine:
    """An engine with one container, which runs; from `ends_at` on it has run out of memory. No event ever comes."""

    def __init__(self, ends_at: float = float("inf")) -> None:
        self.began = datetime.now(UTC)
        self.ends_at = self.began + timedelta(seconds=ends_at) if ends_at < float("inf") else None
        self.streams = self.api = self.client = self
        self.over = threading.Event()

    def inspected(self, _known: object = ()) -> dict[str, Any]:
        return {"web": self.inspect("")}

    def inspect(self, _: str) -> dict[str, Any]:
        return Containers.inspect(self, "c1")  # type: ignore[arg-type]

    def inspect_container(self, _: str) -> dict[str, Any]:
        ended = self.ends_at is not None and datetime.now(UTC) >= self.ends_at
        began = self.began.isoformat().replace("+00:00", "123Z")  # the engine counts nanoseconds
        state: dict[str, Any] = {"Status": "running", "Running": True, "StartedAt": began}
        if ended and self.ends_at:
            state |= {"Status": "exited", "Running": False, "ExitCode": 137, "OOMKilled": True}
            state |= {"FinishedAt": self.ends_at.isoformat()}
        return {"Id": "c1", "Config": {"Labels": {"com.docker.compose.service": "web"}}, "State": state}

    def events(self, _: int) -> Any:
        self.over.wait()
        return iter(())

    def follow(self, *_: Any, **__: Any) -> Any:
        raise docker.errors.NotFound("no log")


def settled(engine: Engine, tmp_path: Path) -> Any:
    async def play() -> Any:
        watch = Watch(engine, {"web": Part("web")}, tmp_path, lambda *_: None)  # type: ignore[arg-type]
        watch.begin()
        try:
            await watch.all_started()
            await watch.settled()
        finally:
            engine.over.set()
            await watch.end()
        return watch.judged["web"]

    return asyncio.run(play())


def test_a_look_does_not_grow_old_into_ready(tmp_path: Path):
    """It ran when it was looked at, ended soon after, and the engine's word of that came late or never."""
    found = settled(Engine(ends_at=0.3), tmp_path)
    assert (found.state, found.code) == (State.FAILED, "out-of-memory")


def test_what_has_run_long_enough_is_ready_by_a_look_of_then(tmp_path: Path):
    assert settled(Engine(), tmp_path).state is State.READY


def test_the_time_that_it_has_run_is_counted_in_parts_of_seconds():
    """Begun late in a second, it has not run for one when the next begins."""
    engine = Engine()
    state = {"Status": "running", "Running": True, "StartedAt": "2026-11-22T04:43:13.967981743Z"}
    details = engine.inspect("") | {"State": state}
    assert seen(details, None, datetime(2026, 11, 22, 4, 43, 14, 100_000, UTC)).running_us == 132_019


def test_what_is_known_and_in_the_same_state_is_not_looked_at_again():
    running, ended = ({"Id": one, "State": {"Status": "running"}} for one in ("c1", "c2"))
    told = [{"Id": "c1", "State": "running"}, {"Id": "c2", "State": "exited"}, {"Id": "c3", "State": "running"}]
    looked: list[str] = []

    def inspect(container: str) -> dict[str, Any]:
        looked.append(container)
        return {"Id": container, "Config": {"Labels": {SERVICE: container}}}

    running["Config"] = {"Labels": {SERVICE: "web"}}
    engine = SimpleNamespace(containers=lambda **_: told)
    one = SimpleNamespace(client=SimpleNamespace(api=engine), inspect=inspect, _filter={})
    found = Containers.inspected(one, [running, ended])  # type: ignore[arg-type]
    assert (looked, found["web"]) == (["c2", "c3"], running)
    assert found.keys() == {"web", "c2", "c3"}


def test_a_port_that_was_dropped_is_proven_anew_though_the_probe_has_spoken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The probe is asked once after each start. Later on, what the proxy does not drop may be nobody's any more."""
    looked_inside: list[bool] = []

    async def answered(*_: Any, known: bool, probed: bool) -> bool:
        looked_inside.append(not known and not probed)
        return len(looked_inside) != 3

    async def ready(*_: Any) -> bool:
        return True

    monkeypatch.setattr(watching, "answered", answered)
    monkeypatch.setattr(watching, "ready", ready)
    watch = Watch(Engine(), {"web": Part("web", ports=(80,), probe="/ready")}, tmp_path, lambda *_: None)  # type: ignore[arg-type]
    bound = {"NetworkSettings": {"Ports": {"80/tcp": [{"HostPort": "1"}]}}}
    watch.details["web"] = {"State": {"Status": "running"}, **bound}

    async def ask() -> list[bool | None]:
        answers = []
        for _ in range(4):
            answers.append(await watch._ask_one("web"))
            watch._answered["web"] = answers[-1]
        return answers

    assert asyncio.run(ask()) == [True, True, False, True]
    assert looked_inside == [False, False, False, True]
