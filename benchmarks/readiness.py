"""How soon after the slowest service answers the compose driver says so, and what waiting costs; `up --wait` beside it.

    ./dev bench readiness [--runs 3]

18 services of a few lines each start to answer at moments of their own and write down when, by the clock that they share
with this program. For each run: how long after the last of these moments the driver told that all are ready, and the CPU time
of this process meanwhile. In turns with it `docker compose up --wait` on the same files, whose health checks ask every
second, as people write them. Needs a Docker engine. Ends with 1 when a limit is missed.
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
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from certify.drivers.compose.driver import ComposeDriver
from certify.model.stack import Happened
from certify.profile.model import StackSpec

SERVICES = 18
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


async def ours(folder: Path) -> tuple[float, float, float]:
    """Seconds from the last service's moment until it was told; seconds from the start until then; share of a core."""
    moments: dict[str, float] = {}

    def tell(happened: Happened) -> None:
        if happened.state == "ready":
            moments[happened.part] = time.time()

    driver = ComposeDriver(StackSpec(compose=("compose.yaml",)), folder, folder, str(uuid4()))
    began, worked = time.time(), _cpu()
    try:
        booted = await driver.start(tell)
        cpu = _cpu() - worked
        if booted.failures or len(moments) < SERVICES:
            raise SystemExit(f"readiness: the services did not come up: {str(booted.failures)[:500]}")
        answered = max(_moment(path.read_text()) for path in (folder / "logs").glob("service-*.log"))
    finally:
        await driver.stop()
    told = max(moments.values())
    return told - answered, told - began, cpu / (told - began)


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


def _moment(log: str) -> float:
    found = SAID.search(log)
    if not found:
        raise SystemExit(f"readiness: a service did not say when it answered: {log[:200]!r}")
    return float(found[1])


def main() -> int:
    """Print a line for each run and one for each limit; 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    late, share, cpu, peers = [], [], [], []
    for number in range(parser.parse_args().runs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "compose.yaml").write_text(json.dumps({"services": services()}), encoding="utf-8")
            seconds, whole, used = asyncio.run(ours(folder))
            peers.append(peer(folder))
        late.append(seconds)
        share.append(seconds / (whole - seconds))
        cpu.append(used)
        say(
            f"run {number + 1}: told {seconds:.3f} s after the slowest answered, {whole:.1f} s after the start; "
            f"{used:.1%} of a core; up --wait returned {peers[-1]:.2f} s after",
        )
    good = statistics.median(late) <= LATE_SECONDS or statistics.median(share) <= LATE_SHARE
    frugal = statistics.median(cpu) <= CPU_SHARE
    say(f"told {statistics.median(late):.3f} s late in the median (limit {LATE_SECONDS} s, or a tenth): {_word(good)}")
    say(f"waiting takes {statistics.median(cpu):.1%} of a core (limit {CPU_SHARE:.0%}): {_word(frugal)}")
    say(f"up --wait: {statistics.median(peers):.2f} s late in the median")
    return 0 if good and frugal else 1


def say(line: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _word(held: bool) -> str:  # noqa: FBT001 - a private formatter
    return "holds" if held else "BROKEN"


if __name__ == "__main__":
    sys.exit(main())
