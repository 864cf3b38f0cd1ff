"""One load by several processes: the same figures as by one, and a worker that dies is told and counted once."""

import csv
import signal
import subprocess
import sys
from asyncio import run
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from certify.api import Context, Criteria, Duration, Limit, Outcome
from certify_checks.load.check import CHECK
from certify_checks.load.config import LoadConfig, Operation, Shape
from certify_checks.load.generator.outcomes import OK
from certify_checks.load.generator.tally import FIRST_OF_JOBS
from certify_checks.load.model import LoadSeen

LATENCY, ERRORS = CHECK.rules[:2]
ASKED = Criteria({"p95": Limit.parse("< 5 s"), "share": Limit.parse("< 1 %")})
Contexts = Callable[..., Context]


def config(**more: Any) -> LoadConfig:
    options = {
        "users": 20,
        "ramp": Duration("300 ms"),
        "warmup": Duration("1 s"),
        "hold": Duration("4 s"),
        "think_min": Duration("50 ms"),
        "think_max": Duration("150 ms"),
    }
    shape = Shape((Operation("list", "{ list }", 3), Operation("create", "mutation", 1, {"number": "N-{unique}"})))
    return LoadConfig(shapes={"mix": shape}, **(options | more))


def rows(ctx: Context) -> list[dict[str, str]]:
    with (ctx.evidence / "requests.csv").open(newline="") as source:
        return list(csv.DictReader(source))


def test_workers_make_the_load_of_one(context: Contexts, address: str):
    ctx = context(address)
    seen: LoadSeen = run(CHECK.observe(ctx, config(workers=3)))
    assert (seen.unusable, seen.detail) == ("", "")
    assert LATENCY.judge(seen, ASKED).outcome is Outcome.PASS, LATENCY.judge(seen, ASKED)
    assert [worker.number for worker in seen.workers] == [0, 1, 2]
    assert sorted(worker.users for worker in seen.workers) == [6, 7, 7]
    assert seen.generator.users == 20
    assert not seen.failures
    for worker in seen.workers:
        assert worker.requests > 20
        assert len(worker.overheads_us) >= 20
        assert 0 < worker.cpu_ppm < 1_000_000
        assert abs(worker.offset_us) > 10_000  # clocks began when the processes did
        assert 0 <= worker.uncertain_us < 1_000_000
    kept = rows(ctx)
    assert len(kept) == sum(worker.requests for worker in seen.workers)
    assert max(Counter(row["unique"] for row in kept).values()) == 1
    assert {row["outcome"] for row in kept} == {OK}
    assert not any("secret" in path.read_text() for path in ctx.evidence.iterdir())


@pytest.mark.nightly
def test_a_rate_is_shared(context: Contexts, address: str):
    seen: LoadSeen = run(CHECK.observe(context(address), config(users=None, rate="60/s", workers=2)))
    assert (seen.unusable, seen.detail) == ("", "")
    assert 150 < seen.requests < 340  # 240 are expected; five standard deviations
    assert seen.stages[0].rate == 60_000
    assert all(worker.requests > 60 for worker in seen.workers)
    assert LATENCY.judge(seen, ASKED).outcome is Outcome.PASS, LATENCY.judge(seen, ASKED)


def test_numbers_of_processes_and_of_files_are_none_of_each_others():
    def first(worker: int, workers: int) -> int:
        told = "from certify_checks.load.generator.users import Mix\nfrom certify_checks.load.generator.tally import Tally\n"
        plan = {"operations": [], "seed": 0, "timeout": 1, "run": "f", "worker": worker, "workers": workers}
        told += f"import locust\nprint(Mix({plan!r}, Tally()).unique())"
        shown = subprocess.run((sys.executable, "-P", "-c", told), check=True, capture_output=True, text=True)
        return int(shown.stdout.strip()[1:], 16)

    assert [first(number, 2) for number in (0, 1)] == [0, FIRST_OF_JOBS // 2]


def test_a_worker_killed_half_way_is_told_and_nothing_counts_twice(context: Contexts, address: str):
    killed: list[psutil.Process] = []

    def told(_: str, second: int, __: int) -> None:
        # Half way: batches have been reported, and the hold has some seconds to go.
        if second >= 4 and not killed:
            killed.append(workers_of_this_test()[0])
            killed[0].send_signal(signal.SIGKILL)

    ctx = context(address, progress=told)
    seen = run(CHECK.observe(ctx, config(workers=4, hold=Duration("6 s"))))
    assert len(killed) == 1
    assert (seen.unusable, seen.detail) == ("", "")
    lost = [worker for worker in seen.workers if worker.lost]
    assert len(lost) == 1
    assert lost[0].requests > 0
    for rule in (LATENCY, ERRORS):
        ruling = rule.judge(seen, ASKED)
        assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "worker-lost")
        assert "1 of 4 workers" in ruling.summary
    others = [worker for worker in seen.workers if not worker.lost]
    assert all(worker.users == 5 and worker.requests > 1.3 * lost[0].requests for worker in others)
    kept = rows(ctx)
    assert max(Counter(row["unique"] for row in kept).values()) == 1
    assert len(kept) == sum(worker.requests for worker in seen.workers)


def workers_of_this_test() -> list[psutil.Process]:
    name = "certify_checks.load.generator.distributed.worker"
    return [process for process in psutil.Process().children() if name in process.cmdline()]


@pytest.mark.parametrize("workers", [0, 1001])
def test_workers_have_bounds(workers: int):
    with pytest.raises(ValueError, match="`workers` is from 1 to 1000"):
        config(workers=workers)
