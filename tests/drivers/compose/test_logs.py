"""How logs are followed over the lives of a container, with an engine that says what the test wants."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from certify.drivers.compose.logs import Logs


def life(number: int, status: str = "running") -> dict[str, Any]:
    """What the engine knows of a container in its life of that number, each of which takes ten seconds."""
    started, finished = f"2026-11-22T09:00:{number}0.5Z", f"2026-11-22T09:00:{number}9.123456789Z"
    state = {"Status": status, "Running": status == "running", "StartedAt": started, "FinishedAt": finished}
    return {"Id": "c1", "Config": {"Tty": False}, "State": state}


class Engine:
    """Has the log lines of each follow; how often it was asked is counted."""

    def __init__(self, *answers: tuple[list[bytes], dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.since: list[float] = []
        self.told: dict[str, Any] = {}
        self.asked = 0

    def follow(self, _container: str, since: float, *, terminal: bool) -> Iterator[bytes]:
        assert not terminal
        self.since.append(since)
        lines, self.told = self.answers.pop(0)
        yield from lines

    def inspect(self, _container: str) -> dict[str, Any]:
        self.asked += 1
        return self.told


def settle() -> None:
    deadline = time.monotonic() + 10
    while any(thread.name == "log-web" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_log_is_followed_once_for_each_life(tmp_path: Path):
    engine = Engine(([b"one\n"], life(1, "exited")), ([b"two\n"], life(2, "exited")))
    logs = Logs(engine, tmp_path)  # type: ignore[arg-type]
    for details in (life(1, "created"), life(1), life(1), life(1, "exited"), life(2), life(2, "exited")):
        for _ in range(3):
            logs.follow("web", details)
        settle()
    assert (tmp_path / "web.log").read_bytes() == b"one\ntwo\n"
    # The second begins where the first life ended; once each the engine was asked how that came.
    assert (engine.since, engine.asked) == ([0.0, 1795338019.123456], 2)


def test_a_stream_that_breaks_off_is_taken_up_again(tmp_path: Path):
    engine = Engine(([b"one\n"], life(1)), ([b"two\n"], life(1, "exited")))
    logs = Logs(engine, tmp_path)  # type: ignore[arg-type]
    before = time.time()
    logs.follow("web", life(1))
    settle()
    assert (tmp_path / "web.log").read_bytes() == b"one\ntwo\n"
    assert engine.since[1] >= before


def test_after_the_end_nothing_is_begun(tmp_path: Path):
    engine = Engine()
    logs = Logs(engine, tmp_path)  # type: ignore[arg-type]
    logs.end()
    logs.follow("web", life(1))
    settle()
    assert not engine.since
