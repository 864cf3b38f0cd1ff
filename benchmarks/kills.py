"""Does a run that is killed leave anything behind? Kills certify on the real reference stack, in every phase.

    ./dev bench kills               every kill of the table
    ./dev bench kills --quick N     N of them, spread over the phases

Each run is killed with SIGKILL at its moment. Then, for at most 10 s, it is waited until nothing of it is left: no process
(found by a mark in its environment, or as a descendant of one that has it), no listening socket, no shared memory, no folder;
and what may lie in its results folder must not verify as certified. Only processes that this program started are signalled.
Ends with 1 when anything was left.
"""

import argparse
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from belongings import MARK, Belongings, Process

SECONDS = 10.0
_MOMENT_SECONDS = 120.0
_POLL_SECONDS = 0.005
# Some moments of the sealing are over within milliseconds.
_CHANCES = 4
# What a run shares with others by default, and here must not.
_OWN = {"TMPDIR": "tmp", "CERTIFY_LOCK": "machine", "XDG_CONFIG_HOME": "config"}
_CERTIFIED = {"CERTIFIED", "CERTIFIED WITH WAIVERS"}
_NARROW = ("--only", "federation.composes")


class MissedError(RuntimeError):
    """The run ended before its moment came."""


class Run:
    """One `certify` on the finance profile, in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.out = folder / "certification"
        self.belongings = Belongings(secrets.token_hex(8))
        (folder / "tmp").mkdir(exist_ok=True)
        own = {MARK: self.belongings.mark} | {name: str(folder / place) for name, place in _OWN.items()}
        with (folder / "events").open("wb") as events, (folder / "answer").open("wb") as answer:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "certify", "--profile", "finance", "--quick", "--progress", "json", *arguments],
                cwd=folder,
                env=os.environ | own,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=events,
                start_new_session=True,
            )
        self.began = time.monotonic()

    def events(self) -> list[dict[str, Any]]:
        """What it has told so far."""
        found = []
        for line in (self.folder / "events").read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [event for event in found if isinstance(event, dict)]

    def wait_for(self, moment: "Moment") -> None:
        """Return at that moment.

        Raises:
            MissedError: it does not come.
        """
        deadline = time.monotonic() + _MOMENT_SECONDS
        while not moment(self):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise MissedError(f"the moment did not come: {(self.folder / 'events').read_text()[-500:]}")
            time.sleep(_POLL_SECONDS)

    def named(self, *words: str) -> list[Process]:
        """Its processes whose command line has all these words."""
        self.belongings.look()
        return [one for one in self.belongings.processes if one.alive and all(word in one.command for word in words)]

    def running(self) -> str:
        """The checks that run, or what the stack had come to."""
        events = self.events()
        jobs = {event["job"] for event in events if event["event"] == "job-started"}
        jobs -= {event["job"] for event in events if event["event"] == "job-ended"}
        states = {event["service"]: event["state"] for event in events if event["event"] == "boot"}
        ready = sum(state == "ready" for state in states.values())
        return ", ".join(sorted(jobs)) or f"{len(self.belongings.processes)} processes, {ready} parts ready"

    def certified(self) -> bool:
        """Whether what lies in its results folder verifies as certified."""
        if not self.out.exists():
            return False
        command = [sys.executable, "-m", "certify", "verify", str(self.out)]
        environment = os.environ | {"XDG_CONFIG_HOME": str(self.folder / "config")}
        code = subprocess.run(command, env=environment, capture_output=True, check=False).returncode
        verdict = json.loads((self.out / "decision.json").read_text())["verdict"]
        return code == 0 or verdict in _CERTIFIED

    def abandon(self) -> None:
        """Kill whatever is left of it, so that one bad kill does not spoil the next."""
        self.belongings.look()
        for process in self.belongings.processes:
            process.kill()
        self.process.wait()


Moment = Callable[[Run], bool]


def after(seconds: float, moment: Moment = lambda _: True) -> Moment:
    """So long after that moment."""
    seen: dict[Run, float] = {}

    def reached(run: Run) -> bool:
        if run not in seen and moment(run):
            seen[run] = time.monotonic()
        return run in seen and time.monotonic() - seen[run] >= seconds

    return reached


def told(**wanted: str) -> Moment:
    """An event with these values was told."""
    return lambda run: any(all(event.get(key) == value for key, value in wanted.items()) for event in run.events())


def there(pattern: str) -> Moment:
    """A file of this kind lies in the folder that the run was started in."""
    return lambda run: any(run.folder.glob(pattern))


def runs(*words: str) -> Moment:
    """A process with these words in its command line runs."""
    return lambda run: bool(run.named(*words))


ENGINE_GUARDIAN = ("certify.engine.guardian",)
STACK_GUARDIAN = ("certify_stack.embedded.guardian",)
LAUNCHER = ("certify_stack.erp", " up ")


@dataclass(frozen=True)
class Kill:
    """Who is killed and when: `first` (words of a command line) before certify itself, `pause` seconds earlier.

    `alone`: certify is not killed at all, but ends by itself. `next_start`: the rest is removed when the next run starts.
    """

    phase: str
    moment: str
    when: Moment
    arguments: tuple[str, ...] = _NARROW
    first: tuple[str, ...] = ()
    pause: float = 0
    alone: bool = False
    next_start: bool = False


def _check(name: str, seconds: float = 0.5) -> Kill:
    return Kill(
        f"check {name}",
        f"{seconds:g} s into it",
        after(seconds, told(event="job-started", check=name)),
        ("--only", name),
    )


_BOOT = told(event="phase", name="boot")
_DOWN = told(event="phase", name="down")
_FEDERATION = told(event="job-started", check="federation")
KILLS = (
    Kill("set-up", "0.2 s", after(0.2)),
    Kill("set-up", "its folders are made", there("tmp/certify-*")),
    Kill("set-up", "the boot is announced", _BOOT),
    *(Kill("boot", f"{seconds:g} s into it", after(seconds, _BOOT)) for seconds in (0.3, 1.0, 2.0, 3.0)),
    Kill("boot", "the launcher runs", runs(*LAUNCHER)),
    Kill("boot", "PostgreSQL runs", runs("postgres", "-D")),
    Kill("boot", "the first part is ready", told(event="boot", state="ready")),
    Kill("boot", "the first service listens", told(event="boot", state="listening")),
    Kill("boot", "the gateway starts", told(event="boot", service="gateway")),
    *(_check(name) for name in ("health", "federation", "replay", "owasp", "debt", "load", "coverage", "scenario")),
    _check("health", 4.0),
    _check("load", 4.0),
    _check("coverage", 4.0),
    Kill("teardown", "it begins", _DOWN),
    Kill("teardown", "0.2 s into it", after(0.2, _DOWN)),
    Kill("sealing", "it begins", told(event="phase", name="seal")),
    Kill("sealing", "the record is written", there(".certification-*/record.json")),
    Kill("sealing", "the decision is written", there(".certification-*/decision.json")),
    Kill("sealing", "the results are in place", there("certification")),
    Kill("launcher alone", "a check runs", _FEDERATION, first=LAUNCHER, alone=True),
    Kill("guardian, then certify", "in the boot", after(1.0, _BOOT), first=ENGINE_GUARDIAN, pause=1.0),
    Kill("guardian, then certify", "a check runs", _FEDERATION, first=ENGINE_GUARDIAN, pause=1.0),
    Kill("guardian and certify", "a check runs", _FEDERATION, first=ENGINE_GUARDIAN, next_start=True),
    Kill("stack's guardian, certify", "a check runs", _FEDERATION, first=STACK_GUARDIAN, next_start=True),
)


@dataclass(frozen=True)
class Outcome:
    """What one kill left: nothing, or what is named in `left`."""

    kill: Kill
    running: str
    seconds: float
    left: tuple[str, ...]
    missed: bool = False

    @property
    def clean(self) -> bool:
        """Whether nothing was left."""
        return not self.left


def do(kill: Kill, folder: Path) -> Outcome:
    """Start a run in `folder`, kill it at its moment, and wait until it is gone; a moment that was missed gets more chances."""
    for chance in range(_CHANCES):
        own = folder / str(chance)
        own.mkdir()
        outcome = _once(kill, own)
        if not outcome.missed:
            break
    return outcome


def _once(kill: Kill, folder: Path) -> Outcome:
    run = Run(folder, *kill.arguments)
    running = ""
    try:
        run.wait_for(kill.when)
        running = _strike(run, kill)
        if kill.next_start:
            _start_another(run)
        began = time.monotonic()
        left = run.belongings.left(folder)
        while left and time.monotonic() < began + SECONDS:
            time.sleep(_POLL_SECONDS)
            left = run.belongings.left(folder)
        seconds = time.monotonic() - began
        if run.certified():
            left.append(f"{run.out} verifies as certified")
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return Outcome(kill, running, 0, (str(error),), missed=isinstance(error, MissedError))
    finally:
        run.abandon()
    return Outcome(kill, running, seconds, tuple(left))


def _strike(run: Run, kill: Kill) -> str:
    run.belongings.look()
    running = run.running()
    victims = run.named(*kill.first) if kill.first else []
    if kill.first and not victims:
        raise RuntimeError(f"nothing to kill: no process {kill.first}")
    for victim in victims:
        victim.kill()
    if kill.alone:
        run.process.wait(timeout=_MOMENT_SECONDS)
        return running
    time.sleep(kill.pause)
    run.belongings.look()
    run.process.kill()
    run.process.wait()
    return running


def _start_another(run: Run) -> None:
    """What the next run does first is to sweep; it is short and boots the stack, whose sweep is another."""
    own = {name: str(run.folder / place) for name, place in _OWN.items()}
    command = [sys.executable, "-m", "certify", "--profile", "finance", "--quick", *_NARROW, "--out", "next"]
    subprocess.run(
        command, cwd=run.folder, env=os.environ | own, capture_output=True, check=False, timeout=_MOMENT_SECONDS
    )


def spread(count: int) -> tuple[Kill, ...]:
    """So many of the kills, evenly over the phases; all of them for 0."""
    step = max(1, len(KILLS) // count) if count else 1
    return KILLS[::step][: count or None]


def row(outcome: Outcome) -> str:
    """One line of the table, and below it what was left."""
    kill = outcome.kill
    verdict = "clean" if outcome.clean else "LEFT BEHIND"
    line = f"{kill.phase:26}{kill.moment:26}{outcome.running[:42]:43}{outcome.seconds:5.2f} s  {verdict}\n"
    return line + "".join(f"    {one}\n" for one in outcome.left)


def main() -> int:
    """Do all kills, print the table, and say by the exit code whether all was clean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", type=int, default=0, metavar="N", help="only so many kills (default: all)")
    parser.add_argument("--phase", default="", help="only the kills whose phase has this in its name")
    options = parser.parse_args()
    outcomes = []
    for kill in spread(options.quick):
        if options.phase not in kill.phase:
            continue
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            outcomes.append(do(kill, Path(folder)))
        sys.stdout.write(row(outcomes[-1]))
        sys.stdout.flush()
    dirty = sum(not outcome.clean for outcome in outcomes)
    slowest = max((outcome.seconds for outcome in outcomes), default=0)
    sys.stdout.write(f"{len(outcomes)} kills, {dirty} left something; slowest {slowest:.2f} s, allowed {SECONDS:g} s\n")
    return int(dirty > 0 or not outcomes)


if __name__ == "__main__":
    sys.exit(main())
