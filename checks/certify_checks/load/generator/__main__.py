"""The load generator, a process of its own: `python -P -m certify_checks.load.generator CONFIG.json`.

Locust patches the standard library for gevent when it is imported, which no asyncio program would survive. The process
writes every request to files in the folder that the configuration names, and a line of JSON each second to its output.
"""

import locust  # isort: skip - patches sockets and timers, so it goes before whatever uses them

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust.env import Environment

from certify_checks.load.generator.tally import Tally
from certify_checks.load.generator.users import CALIBRATING, calibrating_user, load_user, record

SUMMARY = "generator.json"
TICK_US = 20_000
GATHERING = 10.0  # seconds that the last users may take to arrive after ramp and warm-up


def main(path: str) -> None:
    """Run one load to its end and write what was seen."""
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    run = Run(config)
    run.execute()
    folder = Path(config["folder"])
    run.tally.write(folder)
    (folder / SUMMARY).write_text(json.dumps(run.summary()), encoding="utf-8")


class Run:
    """One load: its users, the clock that watches itself, and the tally."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.tally = Tally()
        self.window = (0, 0)
        self.users = self.cpu_ppm = 0
        self.lags: list[int] = []
        classes: list[type[locust.User]] = [load_user(config, self.tally), calibrating_user(config, self.tally)]
        self.environment = Environment(user_classes=classes, stop_timeout=config["timeout"] + 1)
        self.environment.events.request.add_listener(self._finished)  # type: ignore[no-untyped-call]

    def _finished(self, response_time: float, response: Any, context: Any, exception: Any, **_: Any) -> None:
        record(self.tally, response_time, response, context, exception)

    def execute(self) -> None:
        """Ramp up, warm up, hold, and wait for what is under way."""
        config, runner = self.config, self.environment.create_local_runner()
        total = config["users"] + CALIBRATING
        runner.start(total, spawn_rate=max(1.0, total / max(config["ramp"], 0.1)))
        telling = gevent.spawn(self._tell)
        gevent.sleep(config["ramp"] + config["warmup"])
        waiting_until = time.monotonic() + GATHERING
        while runner.user_count < total and time.monotonic() < waiting_until:
            gevent.sleep(0.1)
        self._hold(config["hold"], runner)
        telling.kill()
        runner.quit()
        self.tally.close(int(config["timeout"] * 1_000_000))

    def _hold(self, seconds: float, runner: Any) -> None:
        """The measured window; the users that count are those who are there at its begin and at its end."""
        there = runner.user_count
        begin, worked, began = self.tally.now(), time.process_time(), time.perf_counter()
        watching = gevent.spawn(self._watch)
        gevent.sleep(seconds)
        watching.kill()
        self.window = (begin, self.tally.now())
        self.cpu_ppm = int(1_000_000 * (time.process_time() - worked) / (time.perf_counter() - began))
        self.users = max(0, min(there, runner.user_count) - CALIBRATING)

    def _watch(self) -> None:
        """Note how late a timer rings: a loop that is late stamps its requests late."""
        while True:
            due = self.tally.now() + TICK_US
            gevent.sleep(TICK_US / 1_000_000)
            self.lags.append(max(0, self.tally.now() - due))

    def _tell(self) -> None:
        """Tell once a second how far the run is."""
        while True:
            gevent.sleep(1)
            told = {"second": self.tally.now() // 1_000_000, "requests": len(self.tally.requests)}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()

    def summary(self) -> dict[str, Any]:
        """What is known of the run apart from its requests."""
        lags = sorted(self.lags) or [0]
        return {
            "window_us": self.window,
            "users": self.users,
            "cpu_ppm": self.cpu_ppm,
            "lag_p95_us": lags[math.ceil(0.95 * len(lags)) - 1],
            "lag_max_us": lags[-1],
            "examples": self.tally.examples,
            "version": f"locust {locust.__version__}",
        }


if __name__ == "__main__":
    main(sys.argv[1])
