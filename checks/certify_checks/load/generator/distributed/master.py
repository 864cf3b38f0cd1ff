"""The master of a load: `python -P -m certify_checks.load.generator.distributed.master CONFIG.json HOST:PORT WORKERS SECONDS`.

The token stands in its environment. It says on its output where it listens, waits so many seconds for its workers, has
them make the load, and writes one set of files, as if one process had made it.
"""

import locust  # isort: skip - patches sockets and timers, so it goes before whatever uses them

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import gevent  # type: ignore[import-untyped]
import zmq
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, MasterRunner

from certify_checks.load.generator.arrivals import MICRO
from certify_checks.load.generator.distributed import merging, secret, transport
from certify_checks.load.generator.distributed.merging import Batch, Fared, NonsenseError, Share
from certify_checks.load.generator.distributed.reaching import reaches
from certify_checks.load.generator.distributed.worker import VERSION
from certify_checks.load.generator.following import COLUMNS
from certify_checks.load.generator.live import Live
from certify_checks.load.generator.tally import CALIBRATION, FINISHED, Row, Tally, write
from certify_checks.load.generator.users import CALIBRATING, Mix, load_user

SUMMARY, PROBLEM = "generator.json", "problem.json"
GATHERING = 10.0  # seconds that the last users may take to arrive after ramp and warm-up
ENDING = 30.0  # seconds beyond the time-outs of requests that workers may take to report the rest
EXCHANGES, APART = 20, 0.02  # of clocks, before the load; later one each second
_LOCUSTS: Final = frozenset({"client_ready", "heartbeat", "stats", "spawning", "spawning_complete", "quit"})
_OURS: Final = ("present", "armed", "clock", "batch", "finished")


class ExcuseError(Exception):
    """There is no load: a reason code, and why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Master(MasterRunner):
    """Locust's master, who hears only whom it knows, and only as themselves."""

    server: transport.Server  # type: ignore[assignment]
    begun = False

    def handle_message(self, client_id: str, msg: Message) -> None:
        """Take what Locust's worker says, and what ours says, and nothing else."""
        late = self.begun and msg.type == "client_ready"
        if msg.node_id == client_id and not late and msg.type in _LOCUSTS | set(_OURS):
            super().handle_message(client_id, msg)
        elif late and client_id not in self.clients:
            self.refuse(client_id, "this load has begun without you: the next one may want you")

    def refuse(self, client_id: str, why: str, *, late: bool = True) -> None:
        """Send a worker away, for this load if it is `late`, else for good."""
        self.send_message("refuse", {"why": why, "late": late}, client_id)
        self.send_message("quit", None, client_id)


class Load:
    """One load of many workers."""

    def __init__(self, config: dict[str, Any], address: str, wanted: int) -> None:
        host, _, port = address.rpartition(":")
        self.config, self.wanted = config, wanted
        self.tally = Tally()
        self.shares: dict[str, Share] = {}
        self.window = (0, 0)
        self._heard_rows: list[Row] = []
        users: type[locust.User] = load_user(Mix(config, self.tally))
        self.environment = Environment(user_classes=[users], stop_timeout=config["timeout"] + 1)
        self.runner = self.environment.runner = Master(self.environment, host, int(port))
        for name in _OURS:
            self.runner.register_message(name, self._heard)

    def execute(self, patience: float) -> None:
        """The whole load.

        Raises:
            ExcuseError: not all workers came in time, or one does not reach the stack.
        """
        config = self.config
        try:
            self._gather(patience)
            for share in self.shares.values():
                if share.clock.uncertain_us < 0:
                    share.lost = share.lost or "it never said what its clock shows"
            gevent.spawn(self._watch)
            gevent.spawn(self._tell)
            begin = self._ramp()
            self._hold(begin)
            follows = max((one["finish"]["within"] for one in config["operations"] if one["finish"]), default=0.0)
            self._until(lambda: self._all("complete"), 2 * config["timeout"] + follows + ENDING)
            for share in self.shares.values():
                if not share.complete:
                    share.lost = share.lost or "it never reported the last of its requests"
        finally:
            self.runner.quit()

    def write(self, folder: Path) -> None:
        """Write the files that one process would have written, each row once."""
        shares = sorted(self.shares.values(), key=lambda share: share.number)
        self.tally.requests = [row for share in shares for row in share.rows()]
        self.tally.write(folder)
        timed = sorted(row for share in shares for row in share.calibrated())
        write(folder / CALIBRATION, merging.CALIBRATION_COLUMNS, timed)
        write(folder / FINISHED, COLUMNS, sorted(row for share in shares for row in share.ended()))
        told = {"window_us": self.window, "version": f"locust {locust.__version__}"}
        told |= {"refused": self.runner.server.refused} | merging.summary(shares)
        (folder / SUMMARY).write_text(json.dumps(told), encoding="utf-8")

    def _heard(self, environment: Environment, msg: Message) -> None:  # noqa: ARG002 - Locust gives it by name
        share = self.shares.get(msg.node_id)
        try:
            if msg.type == "present":
                self._welcome(msg.node_id, msg.data)
            elif share is not None:
                getattr(self, f"_on_{msg.type}")(share, msg)
        except (NonsenseError, LookupError, TypeError, ValueError) as error:
            if share is not None:
                share.lost = share.lost or f"it sent what is no message: {error}"

    def _welcome(self, client_id: str, told: dict[str, Any]) -> None:
        """A worker is there: give it its number and what to do, unless there are enough."""
        if told["version"] != VERSION:
            why = f"certify and Locust are {VERSION} at the master, {told['version']} here: install the same"
            self.runner.refuse(client_id, why, late=False)
        elif len(self.shares) >= self.wanted or self.runner.begun:
            self.runner.refuse(client_id, f"{self.wanted} workers were asked for, and they are there")
        elif client_id not in self.shares:
            number = len(self.shares)
            self.shares[client_id] = Share(number, str(told["name"])[:100])
            self.runner.send_message("load", merging.part(self.config, number, self.wanted), client_id)

    def _on_armed(self, share: Share, msg: Message) -> None:
        share.armed, share.reaches = True, bool(msg.data["reaches"])

    def _on_clock(self, share: Share, msg: Message) -> None:
        share.clock.exchanged(int(msg.data["sent"]), int(msg.data["at"]), self.tally.now())

    def _on_batch(self, share: Share, msg: Message) -> None:
        batch = merging.understood(msg.data, Batch)
        if share.take(batch):
            self._heard_rows += batch.requests
        self.runner.send_message("heard", {"number": batch.number}, msg.node_id)

    def _on_finished(self, share: Share, msg: Message) -> None:
        share.fared = merging.understood(msg.data, Fared)

    def _gather(self, patience: float) -> None:
        _say({"port": self.runner.server.port})
        self._until(lambda: len(self.shares) == self.wanted and self._all("armed"), patience)
        there = sum(share.armed for share in self.shares.values())
        if there < self.wanted:
            strangers = self.runner.server.refused
            told = f"; {strangers} attempts without the right token were turned away" if strangers else ""
            raise ExcuseError("workers-missing", f"{there} of {self.wanted} workers came within {patience:g} s{told}")
        apart = [share for share in self.shares.values() if not share.reaches]
        if apart and reaches(self.config["url"]):
            why = f"the stack at {self.config['url']} is reached from here, but not by worker {apart[0].number} on"
            raise ExcuseError("target-unreachable", f"{why} {apart[0].name}")
        self.runner.begun = True
        for _ in range(EXCHANGES):
            self.runner.send_message("clock", {"sent": self.tally.now()})
            gevent.sleep(APART)
        self._until(lambda: all(share.clock.uncertain_us >= 0 for share in self.shares.values()), patience)

    def _ramp(self) -> int:
        """Ramp and warm-up; returns when they began."""
        total, ramp, begin = self.config["users"], self.config["ramp"], self.tally.now()
        self.runner.send_message("begin", {})
        if total:
            gevent.spawn(self.runner.start, total, max(1.0, total / max(ramp, 0.1)))
        gevent.sleep(ramp + self.config["warmup"])
        self._until(lambda: self._users() >= total, GATHERING)
        return begin

    def _hold(self, began: int) -> None:
        """The measured window: workers watch themselves in it; which requests count, the master's clock says."""
        scheduled = began + int((self.config["ramp"] + self.config["warmup"]) * MICRO)
        begin = scheduled if self.config["stages"] else self.tally.now()
        self.runner.send_message("open", {})
        end = begin + int(self.config["hold"] * MICRO)
        self._until(lambda: all(share.lost for share in self.shares.values()), (end - self.tally.now()) / MICRO)
        self.window = (begin, end)

    def _users(self) -> int:
        """Users of the load, without those that calibrate."""
        return sum(max(0, node.user_count - CALIBRATING) for node in self.runner.clients.values())

    def _watch(self) -> NoReturn:
        """Each second: compare clocks, see who is gone."""
        while True:
            gevent.sleep(1)
            self.runner.send_message("clock", {"sent": self.tally.now()})
            for client_id, share in self.shares.items():
                node = self.runner.clients.get(client_id)
                if not share.complete and (node is None or node.state == STATE_MISSING):
                    share.lost = (
                        share.lost or f"nothing was heard of it any more {self.tally.now() // MICRO} s into the run"
                    )

    def _tell(self) -> NoReturn:
        """Tell once a second how far the run is, and what it is like."""
        live, config = Live(self._heard_rows), self.config
        total, began = config["ramp"] + config["warmup"] + config["hold"], self.tally.now()
        while True:
            gevent.sleep(1)
            now = self.tally.now() - began
            left = max(0, math.ceil(total - now / MICRO))
            _say({"second": now // MICRO, "left": left, "users": self._users()} | live.told(now))

    def _all(self, what: str) -> bool:
        return all(getattr(share, what) or share.lost for share in self.shares.values())

    @staticmethod
    def _until(there: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not there() and (left := until - time.monotonic()) > 0:
            gevent.sleep(min(0.05, left))


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main(path: str, address: str, workers: str, patience: str) -> None:
    """Have workers make one load, and write what was seen; or why there was none, to `problem.json`."""
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    folder = Path(config.pop("folder"))
    transport.secure(os.environ.pop(secret.VARIABLE, ""))
    try:
        load = Load(config, address, int(workers))
        load.execute(float(patience))
        load.write(folder)
    except ExcuseError as error:
        _excuse(folder, error.reason, str(error))
    except zmq.ZMQError as error:
        _excuse(folder, "master-unreachable", f"nothing can listen at {address}: {error}")


def _excuse(folder: Path, reason: str, detail: str) -> None:
    (folder / PROBLEM).write_text(json.dumps({"reason": reason, "detail": detail}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
