"""The load generator, a process of its own: `python -P -m certify_checks.load.generator CONFIG.json`.

Locust patches the standard library for gevent when it is imported, which no asyncio program would survive. The process
writes every request to files in the folder that the configuration names, and a line of JSON each second to its output.
"""

import locust  # isort: skip - patches sockets and timers, so it goes before whatever uses them

import gc
import json
import math
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust.env import Environment

from certify_checks.load.generator.arrivals import MICRO, Phase, poisson
from certify_checks.load.generator.desk import Desk
from certify_checks.load.generator.jobs import Jobs
from certify_checks.load.generator.live import Live
from certify_checks.load.generator.outcomes import OK
from certify_checks.load.generator.script import Script, wait
from certify_checks.load.generator.tally import Tally
from certify_checks.load.generator.users import CALIBRATING, Mix, calibrating_user, load_user, record
from certify_checks.load.statistics import sequential
from certify_checks.load.statistics.intervals import CONFIDENCE

SUMMARY = "generator.json"
TICK_US = 20_000
GARBAGE = 10_000  # new objects before the collector looks at the young ones
GATHERING = 10.0  # seconds that the last users may take to arrive after ramp and warm-up


def main(path: str) -> None:
    """Run one load to its end and write what was seen."""
    # Every request is kept, and none is garbage: a collector that visits all of them again and again makes others late.
    gc.freeze()
    gc.set_threshold(GARBAGE, 50, 1000)
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    run = Run(config)
    run.execute()
    folder = Path(config["folder"])
    run.tally.write(folder)
    run.mix.following.write(folder)
    (folder / SUMMARY).write_text(json.dumps(run.summary()), encoding="utf-8")


class Run:
    """One load: its users, the clock that watches itself, and the tally. A `runner` of Locust is made unless one is given."""

    def __init__(self, config: dict[str, Any], runner: Any = None) -> None:
        self.config = config
        self.tally = Tally()
        self.window = (0, 0)
        self.users = self.cpu_ppm = 0
        self.lags: list[int] = []
        self.stages: list[dict[str, int]] = []
        self.looks = 1
        self.mix = Mix(config, self.tally)
        self.desk = Desk(self.tally.now, config["concurrent"], self._hire) if config["stages"] else None
        self._receiving: Any = None
        self.user_class = load_user(self.mix, self.desk)
        classes: list[type[locust.User]] = [self.user_class, calibrating_user(config, self.tally)]
        self.script = Script(config, self.tally) if config.get("locustfile") else None
        # Listeners that a locustfile adds are on Locust's own events, and are heard only if the environment's are the same.
        events = locust.events if self.script else None
        self.environment: Environment = runner.environment if runner else Environment(events=events)
        self.environment.user_classes, self.environment.stop_timeout = classes, config["timeout"] + 1
        self.runner = runner or self.environment.create_local_runner()
        # Locust's own statistics, which round and which nobody reads, cost a tenth of what a request does.
        self.environment.events.request._handlers.clear()  # noqa: SLF001 - it offers no other way
        self.environment.events.request.add_listener(self._finished)
        self.jobs = Jobs(self.mix, self.environment.events.request)
        self.out = sys.stdout
        if self.script and self.script.load():
            self.script.join(self.environment, classes[1:])

    def _finished(
        self,
        *,
        name: str,
        response_time: Any,
        response: Any = None,
        context: Any = None,
        exception: Any = None,
        **_: Any,
    ) -> None:
        if self.script and "start" not in (context or {}):
            try:
                self.script.record(name, response_time, response, exception)
            except Exception as error:  # noqa: BLE001 - of an event that it made itself; Locust would only log it
                self.script.fail(error)
        else:
            record(self.tally, response_time, response, context, exception)

    def _hire(self) -> None:
        self.runner.spawn_users({self.user_class.__name__: 1})

    def execute(self) -> None:
        """Ramp up, warm up, hold, and wait for what is under way."""
        if self.script and self.script.problem:
            return
        config, runner = self.config, self.runner
        total = config["users"] + CALIBRATING
        runner.start(total, spawn_rate=max(1.0, total / max(config["ramp"], 0.1)))
        telling = gevent.spawn(self._tell)
        begin = self.tally.now()
        self._open(begin)
        wait(self.script, config["ramp"] + config["warmup"])
        waiting_until = time.monotonic() + GATHERING
        while runner.user_count < total and time.monotonic() < waiting_until:
            gevent.sleep(0.1)
        self._hold(begin + int((config["ramp"] + config["warmup"]) * MICRO))
        self._finish()
        runner.quit()
        self.jobs.wait()
        self.mix.following.wait()
        telling.kill()
        self.tally.close(self.mix.timeout_us)
        if self.script:
            self.script.close(self.mix.timeout_us)

    def _open(self, begin_us: int) -> None:
        """From now on arrivals are handed out, if there are any."""
        if self.desk:
            self._receiving = gevent.spawn(self.desk.receive, self._arrivals(begin_us))

    def _arrivals(self, begin_us: int) -> Any:
        """When requests are due: the rate rises during the ramp, and stays while it is warm."""
        config, rates = self.config, self.config["stages"]
        first = rates[0]["rate"]
        phases = [Phase(config["ramp"], 0.0, first), Phase(config["warmup"], first, first)]
        phases += [Phase(stage["seconds"], stage["rate"], stage["rate"]) for stage in rates]
        chance = random.Random(f"{config['seed']} arrivals")  # noqa: S311 - a repeatable load, no secret
        return poisson(chance, phases, begin_us)

    def _hold(self, scheduled: int) -> None:
        """The measured window; the users that count are those who are there at its begin and at its end."""
        there, watching = self.runner.user_count, gevent.spawn(self._watch)
        self.jobs.start()
        begin = end = scheduled if self.desk else self.tally.now()
        worked, began = time.process_time(), time.perf_counter()
        for stage in self._stages(begin):
            started, busy = end, time.process_time()
            end += int(stage["seconds"] * MICRO)
            wait(self.script, (end - self.tally.now()) / MICRO)
            used = int(MICRO * MICRO * (time.process_time() - busy) / max(1, end - started))
            rate = round(1000 * stage["rate"])
            self.stages.append({"rate": rate, "begin_us": started - begin, "end_us": end - begin, "cpu_ppm": used})
        watching.kill()
        self.window = (begin, end)
        self.cpu_ppm = int(MICRO * (time.process_time() - worked) / (time.perf_counter() - began))
        self.users = self.desk.users if self.desk else max(0, min(there, self.runner.user_count) - CALIBRATING)

    def _stages(self, begin: int) -> Iterator[dict[str, Any]]:
        """Rate and seconds of each stage; a hold that may be lengthened has as many as it needs."""
        stages = self.config["stages"] or [{"rate": 0, "seconds": self.config["hold"]}]
        extend = self.config.get("extend")
        if not extend:
            yield from stages
            return
        looks = sequential.lengths(extend["first"], self.config["hold"])
        confidence, past = sequential.shared(CONFIDENCE, len(looks)), 0.0
        for look in looks:
            yield {"rate": stages[0]["rate"], "seconds": look - past}
            past, self.looks = look, len(looks)
            rows = sorted((row for row in self.tally.requests if row.due_us >= begin), key=lambda row: row.due_us)
            times = [row.response_us if row.outcome == OK else self.mix.timeout_us for row in rows]
            # In a thread: what is measured meanwhile must not wait for it.
            if gevent.get_hub().threadpool.apply(sequential.narrow, (times, confidence, extend["precision_ppm"])):
                return

    def _finish(self) -> None:
        """Send what was due in the window and could not begin yet; count what cannot be sent in time either."""
        mix = self.mix
        if self.desk:
            self.desk.catch_up(self.window[1])
            self._receiving.kill()
            for due in self.desk.close(self.config["timeout"]):
                self.tally.give_up(mix.draw(), mix.unique(), due)
        mix.until = until = self.window[1]
        last = self.tally.now() + mix.timeout_us
        while self.tally.now() < last and any(user.due < until for user in mix.paced):
            gevent.sleep(0.02)
        for user in mix.paced:
            while user.due < until:
                self.tally.give_up(mix.draw(), mix.unique(), user.due)
                user.due = next(user.schedule)

    def _watch(self) -> None:
        """Note how late a timer rings: a loop that is late stamps its requests late."""
        while True:
            due = self.tally.now() + TICK_US
            gevent.sleep(TICK_US / 1_000_000)
            self.lags.append(max(0, self.tally.now() - due))

    def _tell(self) -> None:
        """Tell once a second how far the run is, and what it is like."""
        live, config = Live(self.tally.requests), self.config
        total = config["ramp"] + config["warmup"] + config["hold"]
        while True:
            gevent.sleep(1)
            now = self.tally.now()
            left = max(0, math.ceil(total - now / MICRO))
            told = {"second": now // MICRO, "left": left, "users": self.runner.user_count - CALIBRATING}
            self.out.write(json.dumps(told | live.told(now)) + "\n")
            self.out.flush()

    def summary(self) -> dict[str, Any]:
        """What is known of the run apart from its requests."""
        lags = sorted(self.lags) or [0]
        return {
            "window_us": self.window,
            "stages": self.stages,
            "looks": self.looks,
            "users": self.users,
            "cpu_ppm": self.cpu_ppm,
            "lag_p95_us": lags[math.ceil(0.95 * len(lags)) - 1],
            "lag_max_us": lags[-1],
            "polls": self.mix.following.polls,
            "deaf": self.mix.following.deaf,
            "examples": self.tally.examples,
            "names": self.script.names if self.script else [],
            "problem": self.script.problem if self.script else "",
            "version": f"locust {locust.__version__}",
        }


if __name__ == "__main__":
    main(sys.argv[1])
