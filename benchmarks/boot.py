"""How fast the reference stack boots, dies and comes back, and how much memory it takes, with the slow way beside it.

    ./dev bench boot [--runs 5] [--peers 2] [--slack 1.0]

A boot is timed from the start of `python -m certify_stack.erp up` until 18 services are ready, Kafka has told its topics to a
client of its own, and one query over two services was answered through the gateway. In turns with it, its peer: the same services,
each in an interpreter of its own, all started at once on a database server that already runs, migrating and serving without
broker, seeds and gateway, until all are ready; so the peer has less to do. Caches are warm: one boot comes before, untimed.
Ends with 1 when a limit is missed; `--slack` multiplies the limits of time, for a machine with other things to do.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from certify_stack.embedded.postgres import temporary
from certify_stack.embedded.procs import descendants
from certify_stack.embedded.secrets_of_run import RunSecrets
from certify_stack.erp import SERVICES

BOOT_SECONDS, RATIO, STOP_SECONDS, BACK_SECONDS, MEMORY_MB = 2.5, 3.0, 1.0, 0.2, 900.0
ACROSS = "{ invoices(limit: 3) { number customer { id name } } }"
KILLED = ("crm", "finance", "hr", "inventory")
IDLE_SECONDS = 2.0
PEER_SECONDS = 120.0
PEER = """
import sys
from certify_stack.kit import migrate
from certify_stack.kit.server import listen, serve
from certify_stack.kit.settings import Settings
settings = Settings.from_env()
migrate.upgrade(settings.database_dsn, sys.argv[1])
listening = listen("127.0.0.1", 0)
print(listening.getsockname()[1], flush=True)
serve(sys.argv[1], settings, listening)
"""


class Booted:
    """One stack that this benchmark started, and how long that took."""

    def __init__(self, folder: Path) -> None:
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "certify_stack.erp", "up", "--dir", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.endpoints = self._follow()
        topics = asyncio.run(topics_of(self.endpoints["broker"]))
        answer = self.ask(ACROSS)
        self.seconds = time.perf_counter() - began
        if len(topics) < len(SERVICES) or not all(row["customer"]["name"] for row in answer["data"]["invoices"]):
            raise SystemExit(f"boot: half a stack is no figure: topics {topics}, answer {answer}")

    def ask(self, query: str) -> Any:
        """Answer of the gateway."""
        user = self.endpoints["credentials"]["users"]["accountant"]
        login = {"username": user["username"], "password": user["password"]}
        token = post(self.endpoints["credentials"]["login"], login)["access_token"]
        return post(self.endpoints["gateway"]["url"] + "/graphql", {"query": query}, token)

    def memory(self) -> float:
        """Megabytes of all its processes, what they share counted once."""
        pids = [self.process.pid, *(process.pid for process in descendants(self.process.pid))]
        return sum(map(pss, pids)) / 1024

    def back(self, name: str) -> float:
        """Seconds from the SIGKILL of a service to its first answer again."""
        url = self.endpoints["services"][name]["url"] + "/health/live"
        began = time.perf_counter()
        os.kill(self.endpoints["services"][name]["pid"], signal.SIGKILL)
        while not answers(url):
            time.sleep(0.002)
        return time.perf_counter() - began

    def stop(self) -> float:
        """Seconds until all of it is gone."""
        family = descendants(self.process.pid)
        began = time.perf_counter()
        self.process.communicate()
        seconds = time.perf_counter() - began
        if left := [process for process in family if process.alive]:
            raise SystemExit(f"boot: the stack left {left}")
        return seconds

    def _follow(self) -> dict[str, Any]:
        assert self.process.stdout
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "failed":
                raise SystemExit(f"boot: {event['message']}")
            if event["event"] == "up":
                endpoints: dict[str, Any] = event["endpoints"]
                return endpoints
        raise SystemExit("boot: the launcher ended")


async def topics_of(bootstrap: str) -> list[str]:
    """What the broker says that it has."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        return list(await client.list_topics())
    finally:
        await client.close()


def separate_interpreters(folder: Path) -> float:
    """Seconds until all services are ready, each in its own interpreter."""
    with temporary() as server, ExitStack() as all_gone:
        databases = server.create_databases(SERVICES)
        secrets = RunSecrets.create(folder / "secrets", SERVICES)
        (folder / "jwks.json").write_text(json.dumps(secrets.key.jwks()))
        began = time.perf_counter()
        started = [peer(name, databases[name], folder, secrets) for name in SERVICES]
        for process in started:
            all_gone.callback(process.communicate)
            all_gone.callback(process.terminate)
        ports = [int(process.stdout.readline()) for process in started if process.stdout]
        while ports:
            ports = [port for port in ports if not answers(f"http://127.0.0.1:{port}/health/ready")]
            if time.perf_counter() - began > PEER_SECONDS:
                raise SystemExit(f"boot: separate interpreters were not ready after {PEER_SECONDS:g} s")
        return time.perf_counter() - began


def peer(name: str, dsn: str, folder: Path, secrets: RunSecrets) -> "subprocess.Popen[bytes]":
    """One service in an interpreter of its own."""
    settings = {
        "ERP_DATABASE_DSN": dsn,
        "ERP_AUTH_JWKS": str(folder / "jwks.json"),
        "ERP_SERVICE_TOKEN_FILE": str(secrets.token_files[name]),
        **({"ERP_AUTH_PRIVATE_KEY": str(secrets.key_file)} if name == "auth" else {}),
    }
    command = [sys.executable, "-c", PEER, name]
    return subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def post(url: str, body: Any, token: str = "") -> Any:
    """JSON of an answer."""
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def answers(url: str) -> bool:
    """Whether a probe says yes."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def pss(pid: int) -> int:
    """Kilobytes of one process, its part of what it shares."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def main() -> int:
    """Measure, print, and say by the exit code whether all limits hold."""
    options = arguments()
    boots, stops, backs, memory, peers = [], [], [], 0.0, []
    with tempfile.TemporaryDirectory(prefix="certify-bench-") as scratch:
        Booted(Path(scratch) / "warm").stop()
        for number in range(options.runs):
            if number < options.peers:
                folder = Path(scratch) / f"peer{number}"
                folder.mkdir()
                peers.append(separate_interpreters(folder))
            stack = Booted(Path(scratch) / f"run{number}")
            boots.append(stack.seconds)
            if number == options.runs - 1:
                time.sleep(IDLE_SECONDS)
                memory = stack.memory()
                backs = [stack.back(name) for name in KILLED]
            stops.append(stack.stop())
    boot, slack = statistics.median(boots), options.slack
    rows = (
        ("boot, median", boot, BOOT_SECONDS * slack, "s", False),
        ("separate interpreters / boot", statistics.median(peers) / boot, RATIO, "x", True),
        ("clean stop, slowest", max(stops), STOP_SECONDS * slack, "s", False),
        ("killed and back, slowest", max(backs), BACK_SECONDS * slack, "s", False),
        ("memory when idle", memory, MEMORY_MB, "MB", False),
    )
    sys.stdout.write(f"boots {shown(boots)}  separate interpreters {shown(peers)}  killed and back {shown(backs)}\n")
    broken = [row for row in rows if not printed(*row)]
    return int(bool(broken))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="timed boots (default: %(default)s)")
    parser.add_argument("--peers", type=int, default=2, help="timed boots of the peer (default: %(default)s)")
    parser.add_argument("--slack", type=float, default=1.0, help="factor on the limits of time (default: %(default)s)")
    return parser.parse_args()


def printed(what: str, found: float, limit: float, unit: str, least: bool) -> bool:  # noqa: FBT001 - a column of the table
    """Print one figure beside its limit; whether it holds."""
    holds = found >= limit if least else found <= limit
    sign = ">=" if least else "<="
    sys.stdout.write(f"{what:30} {found:8.2f} {unit:2}  limit {sign} {limit:g}  {'holds' if holds else 'is broken'}\n")
    return holds


def shown(times: list[float]) -> str:
    """Times in seconds."""
    return " ".join(f"{seconds:.2f}" for seconds in times)


if __name__ == "__main__":
    sys.exit(main())
