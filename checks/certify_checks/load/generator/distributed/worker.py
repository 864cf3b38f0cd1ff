"""A worker: `python -P -m certify_checks.load.generator.distributed.worker HOST:PORT SECONDS [CALIBRATION-URL]`.

The token stands in its environment. It waits so many seconds for a master, takes part in one load, and ends. It needs a
calibration server of its own unless it is on the master's machine.
"""

import locust  # isort: skip - patches sockets and timers, so it goes before whatever uses them

import os
import sys
import time
from importlib.metadata import version
from typing import Any, NoReturn

import gevent  # type: ignore[import-untyped]
from locust.env import Environment
from locust.rpc import Message
from locust.runners import WorkerRunner

from certify_checks.load.generator.__main__ import Run
from certify_checks.load.generator.arrivals import MICRO
from certify_checks.load.generator.distributed import secret, transport
from certify_checks.load.generator.distributed.reaching import reaches
from certify_checks.load.generator.users import CALIBRATING

APART = 1.0  # seconds between two batches
AGAIN = 5.0  # seconds after which a batch that was not acknowledged is sent again
VERSION = f"{version('certify')} {locust.__version__}"

HUNG_UP = 5.0  # seconds after which it is no accident that a master hangs up before a word is said

NOBODY, LEFT, REFUSED, LATE = 3, 4, 5, 6
"""Exit codes: there was no master; it went away in the middle; it did not let us in; it has enough workers."""


class UnwelcomeError(Exception):
    """This worker takes part in nothing; the message says why."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Worker(WorkerRunner):
    """Locust's worker, who says why it cannot come in."""

    client: transport.Client  # type: ignore[assignment]
    patience = 60.0

    def connect_to_master(self) -> None:
        """Wait for the master.

        Raises:
            UnwelcomeError: nobody listens there, or somebody who does not know the token.
        """
        until, refused = time.monotonic() + self.patience, 0.0
        place = f"{self.master_host}:{self.master_port}"
        self.client.send(Message("client_ready", locust.__version__, self.client_id))  # type: ignore[no-untyped-call]
        while not self.connection_event.wait(timeout=0.2):
            refused = refused or (time.monotonic() if self.client.refused else 0.0)
            if refused and time.monotonic() > refused + HUNG_UP:
                raise UnwelcomeError(REFUSED, f"{place} refuses this token: is it that of the run that waits there?")
            if time.monotonic() > until:
                raise UnwelcomeError(NOBODY, f"no load waited at {place} within {self.patience:g} s")
        self.connected = True


class Part(Run):
    """One worker's part of a load: Locust's master starts its users, and says when the measured window begins."""

    def __init__(self, config: dict[str, Any], runner: Worker) -> None:
        super().__init__(config, runner)
        self._begin = self.tally.now()
        self.runner.spawn_users({self.environment.user_classes[1].__name__: CALIBRATING})

    def begin(self) -> None:
        """The ramp begins."""
        self._begin = self.tally.now()
        self._open(self._begin)

    def measure(self) -> None:
        """The measured window, and what is under way at its end."""
        self._hold(self._begin + int((self.config["ramp"] + self.config["warmup"]) * MICRO))
        self._finish()
        self.runner.stop()
        self.jobs.wait()
        self.mix.following.wait()
        self.tally.close(self.mix.timeout_us)

    def reap(self) -> dict[str, list[Any]]:
        """The rows of all that came to its end since the last time."""
        tally, following = self.tally, self.mix.following
        ended: dict[str, list[Any]] = {
            "requests": tally.requests,
            "calibration": tally.calibration,
            "finished": following.rows,
        }
        tally.requests, tally.calibration, following.rows = [], [], []
        return ended


class Session:
    """One load, from the worker's side. Each `on_` method answers the master's message of that name."""

    def __init__(self, host: str, port: int, calibration: str) -> None:
        environment = Environment()
        self._own = {"calibration_url": calibration} if calibration else {}
        self._part: Part | None = None
        self._number = 0
        self._unheard: dict[int, tuple[float, dict[str, Any]]] = {}
        self._refused: UnwelcomeError | None = None
        self._finished = False
        self.runner = environment.runner = Worker(environment, host, port)
        for name in ("clock", "heard", "refuse"):
            self.runner.register_message(name, getattr(self, f"on_{name}"))
        for name in ("load", "begin", "open"):  # these take their time
            self.runner.register_message(name, getattr(self, f"on_{name}"), concurrent=True)

    def follow(self) -> None:
        """Do what the master says, to the end.

        Raises:
            UnwelcomeError: the master refused, or went away.
        """
        self.runner.send_message("present", {"version": VERSION, "name": os.uname().nodename})
        self.runner.greenlet.join()
        if self._refused:
            raise self._refused
        if not self._finished:
            raise UnwelcomeError(LEFT, "the master went away, or ended the load before its end")

    @property
    def part(self) -> Part:
        """What is to be done; there from the master's first message on."""
        if self._part is None:
            raise UnwelcomeError(LEFT, "the master began without saying what to do")
        return self._part

    def on_load(self, msg: Message, **_: Any) -> None:
        """Get ready: the configuration comes with the message."""
        self._part = Part(msg.data | self._own, self.runner)
        self.runner.greenlet.spawn(self._report)
        self.runner.send_message("armed", {"reaches": reaches(msg.data["url"])})

    def on_clock(self, msg: Message, **_: Any) -> None:
        """Say what the clock shows."""
        self.runner.send_message("clock", {"sent": msg.data["sent"], "at": self.part.tally.now()})

    def on_begin(self, **_: Any) -> None:
        """The ramp begins."""
        self.part.begin()

    def on_open(self, **_: Any) -> None:
        """The measured window begins; at its end, report the rest."""
        self.part.measure()
        self._flush()
        self.runner.send_message("finished", self.part.summary() | {"batches": self._number})
        self._finished = True

    def on_heard(self, msg: Message, **_: Any) -> None:
        """The master has this batch."""
        self._unheard.pop(msg.data["number"], None)

    def on_refuse(self, msg: Message, **_: Any) -> None:
        """The master does not want this worker."""
        self._refused = UnwelcomeError(LATE if msg.data["late"] else REFUSED, str(msg.data["why"]))

    def _report(self) -> NoReturn:
        while True:
            gevent.sleep(APART)
            if not self._finished:
                self._flush()
            for number, (sent, batch) in list(self._unheard.items()):
                if time.monotonic() - sent > AGAIN:
                    self._send(number, batch)

    def _flush(self) -> None:
        """Send what came to its end since the last time."""
        rows = self.part.reap()
        if any(rows.values()):
            number, self._number = self._number, self._number + 1
            self._send(number, {"number": number} | rows)

    def _send(self, number: int, batch: dict[str, Any]) -> None:
        self._unheard[number] = (time.monotonic(), batch)
        self.runner.send_message("batch", batch)


def main(address: str, patience: str, calibration: str = "") -> int:
    """Take part in one load."""
    host, _, port = address.rpartition(":")
    Worker.patience = float(patience)
    try:
        transport.secure(os.environ.pop(secret.VARIABLE, ""))
        Session(host, int(port), calibration).follow()
    except secret.TokenError as error:
        sys.stderr.write(f"{secret.VARIABLE}: {error}\n")
        return REFUSED
    except UnwelcomeError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
