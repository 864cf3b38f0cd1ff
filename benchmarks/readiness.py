"""How soon after the slowest service answers the compose driver says so, and what waiting costs; `up --wait` beside it.

    ./dev bench readiness [--runs 3]
    ./dev bench readiness --finance [--runs 3]

18 services of a few lines each start to answer at moments of their own and write down when, by the clock that they share
with this program. For each run: how long after the last of these moments the driver told that all are ready, and the CPU time
of this process meanwhile. In turns with it `docker compose up --wait` on the same files, whose health checks ask every
second, as people write them. With `--finance` the reference stack: when its services really are ready is asked by a thread of
this program every twentieth of a second, whose own CPU time is left out. Needs a Docker engine. Ends with 1 when a limit is
missed.
"""

import argparse
import asyncio
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import uuid4

from certify.drivers.compose.driver import ComposeDriver
from certify.drivers.interface import Driver
from certify.drivers.select import select
from certify.model.stack import Happened
from certify.profile.load import load_profile
from certify.profile.model import StackSpec

Told = tuple[float, float, float]
"""Seconds from the last service's moment until it was told; seconds from the start until then; share of a core."""

SERVICES = 18
ASK_SECONDS = 0.05
LATE_SHARE, LATE_SECONDS, CPU_SHARE = 0.1, 0.2, 0.03
SAID = re.compile(r"answers (\d+\.\d+)")
# Perl is in the smallest image that everybody has; the numbers are seconds.
SERVER = (
    "use IO::Socket::INET; $| = 1; select(undef, undef, undef, %s);"
    "$s = IO::Socket::INET->new(LocalPort => 80, Listen => 9, ReuseAddr => 1); print 'answers ' . `date +%%s.%%N`;"
    'while ($c = $s->accept) { <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\n"; close $c }'
)
CHECK = "use IO::Socket::INET; exit !IO::Socket::INET->new(PeerAddr => '127.0.0.1:80')"


def services() -> dict[str, Any]:
    """The compose file's services; the last starts to answer eight seconds after its process."""
    return {
        f"service-{number:02}": {
            "image": "debian:bookworm-slim",
            "init": True,
            "command": ["perl", "-e", (SERVER % (8 * number / SERVICES)).replace("$", "$$")],
            "stop_grace_period": "1s",
            "ports": ["127.0.0.1::80"],
            "healthcheck": {"test": ["CMD", "perl", "-e", CHECK.replace("$", "$$")], "interval": "1s", "retries": 60},
        }
        for number in range(1, SERVICES + 1)
    }


class Asking(threading.Thread):
    """Asks the ready probes of a stack's services until each has said yes.

    Attributes:
        moments: when each did so for the first time, seconds since the epoch.
        worked: CPU seconds of this thread.
    """

    def __init__(self, driver: Driver) -> None:
        super().__init__(daemon=True)
        self._driver = driver
        self.over = threading.Event()
        self.moments: dict[str, float] = {}
        self.worked = 0.0

    def run(self) -> None:
        """Ask in turns; addresses are known once the containers are there."""
        while not self.over.wait(ASK_SECONDS):
            for service in self._driver.now().services:
                if service.name not in self.moments and service.url and _says_yes(service.url + service.probes.ready):
                    self.moments[service.name] = time.time()
            self.worked = time.thread_time()


async def trivial(folder: Path) -> Told:
    """Boot 18 trivial services."""
    (folder / "compose.yaml").write_text(json.dumps({"services": services()}), encoding="utf-8")
    driver = ComposeDriver(StackSpec(compose=("compose.yaml",)), folder, folder, str(uuid4()))
    try:
        return await told(driver, folder, None)
    finally:
        await driver.stop()


async def finance(folder: Path) -> Told:
    """Boot the reference stack."""
    driver = select(load_profile("finance").stack, "compose", folder, folder, run_id=str(uuid4()))
    asking = Asking(driver)
    asking.start()
    try:
        return await told(driver, folder, asking)
    finally:
        asking.over.set()
        await driver.stop()


async def told(driver: Driver, folder: Path, asking: Asking | None) -> Told:
    """Start it, and hold what it tells against the moments that `asking` found, else against those in the services' logs."""
    moments: dict[str, float] = {}

    def tell(happened: Happened) -> None:
        if happened.state == "ready":
            moments[happened.part] = time.time()

    worked, begun = _cpu(), time.time()
    booted = await driver.start(tell)
    cpu = _cpu() - worked - (asking.worked if asking else 0)
    if booted.failures or len(moments) < SERVICES:
        raise SystemExit(f"readiness: the services did not come up: {str(booted.failures)[:500]}")
    if asking:
        await asyncio.sleep(1)
        answered = asking.moments
    else:
        answered = {path.stem: _moment(path.read_text()) for path in (folder / "logs").glob("service-*.log")}
    last = max(moments[name] for name in answered)
    return last - max(answered.values()), last - begun, cpu / (last - begun)


def peer(folder: Path) -> float:
    """Seconds from the last service's moment until `docker compose up --wait` returned."""
    command = [
        "docker",
        "compose",
        "--project-name",
        f"readiness{uuid4().hex[:8]}",
        "--file",
        str(folder / "compose.yaml"),
    ]
    try:
        subprocess.run([*command, "up", "--wait", "--quiet-pull"], check=True, capture_output=True)
        returned = time.time()
        logs = subprocess.run([*command, "logs", "--no-color"], check=True, capture_output=True, text=True).stdout
        return returned - max(float(moment) for moment in SAID.findall(logs))
    finally:
        subprocess.run([*command, "down", "--timeout", "1"], check=True, capture_output=True)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _says_yes(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _moment(log: str) -> float:
    found = SAID.search(log)
    if not found:
        raise SystemExit(f"readiness: a service did not say when it answered: {log[:200]!r}")
    return float(found[1])


def main() -> int:
    """Print a line for each run and one for each limit; 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--finance", action="store_true", help="the reference stack instead of 18 trivial services")
    given = parser.parse_args()
    if given.finance:
        say("once untimed, in which the image is built")
        once(finance)
    runs = [once(finance if given.finance else trivial) for _ in range(given.runs)]
    late, whole, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
    good = late <= max(LATE_SECONDS, LATE_SHARE * (whole - late))
    frugal = cpu <= CPU_SHARE
    say(f"told {late:.3f} s late in the median (limit {LATE_SECONDS} s, or a tenth): {_word(good)}")
    say(f"waiting takes {cpu:.1%} of a core (limit {CPU_SHARE:.0%}): {_word(frugal)}")
    return 0 if good and frugal else 1


def once(measure: Callable[[Path], Coroutine[Any, Any, Told]]) -> Told:
    """One run of ours, told in a line, and of the peer where it has the same files."""
    with tempfile.TemporaryDirectory() as name:
        found = late, whole, cpu = asyncio.run(measure(Path(name)))
        beside = f"; up --wait returned {peer(Path(name)):.2f} s after" if measure is trivial else ""
    say(f"told {late:.3f} s after the slowest answered, {whole:.1f} s after the start; {cpu:.1%} of a core{beside}")
    return found


def say(line: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _word(held: bool) -> str:  # noqa: FBT001 - a private formatter
    return "holds" if held else "BROKEN"


if __name__ == "__main__":
    sys.exit(main())
