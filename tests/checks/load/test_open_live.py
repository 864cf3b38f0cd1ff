"""A pace and a rate against a real server that stands still now and then, by the real generator."""

import contextlib
import csv
import time
from asyncio import run
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from certify.api import Context, Criteria, Limit, Outcome
from certify.profile.options import as_config
from certify_checks.load.check import CHECK
from certify_checks.load.config import LoadConfig
from certify_checks.load.model import LoadSeen

Contexts = Callable[..., Context]
App = Callable[[dict[str, Any], Callable[[], Any], Callable[[Any], Any]], Awaitable[None]]
Serving = Callable[[App], contextlib.AbstractContextManager[str]]
LATENCY = next(rule for rule in CHECK.rules if rule.id == "latency")
ERRORS = next(rule for rule in CHECK.rules if rule.id == "errors")
STALL, APART = 0.6, 3.0
SLOW_US = 200_000
BASE: dict[str, Any] = {
    "shapes": {"mix": {"operations": [{"name": "list", "query": "{ list }"}]}},
    "ramp": "200 ms",
    "warmup": "300 ms",
    "hold": "6 s",
}


def stalling(stall: float = STALL, apart: float = APART) -> App:
    """Answers at once, but for a while in which nothing happens at all."""
    last = [time.monotonic()]

    async def app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        while (await receive()).get("more_body"):
            pass
        told = b'{"access_token": "secret"}'
        if scope["path"] == "/graphql":
            told = b'{"data": {"customers": [{"id": "1"}]}}'
            if time.monotonic() - last[0] > apart:
                time.sleep(stall)  # noqa: ASYNC251 - that is what is tried
                last[0] = time.monotonic()
        size = str(len(told)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]})
        await send({"type": "http.response.body", "body": told})

    return app


def options(**more: object) -> LoadConfig:
    config: LoadConfig = as_config(CHECK, BASE | more)
    return config


def slow_share(seen: LoadSeen) -> float:
    times = seen.timeline()
    return sum(took is None or took > SLOW_US for took in times) / len(times)


@pytest.mark.parametrize("kept", [{"users": 20, "pace": "100 ms"}, {"rate": "200/s"}])
def test_a_stall_counts_for_all_who_would_have_come_meanwhile(
    context: Contexts, serving: Serving, kept: dict[str, Any]
):
    with serving(stalling()) as address:
        ctx = context(address)
        seen: LoadSeen = run(CHECK.observe(ctx, options(**kept)))
    assert not seen.unusable, seen.detail
    # 0.4 s in each 3.6 are within a stall and more than 0.2 s before its end; a closed model has one in 25 requests there.
    assert slow_share(seen) > 0.07
    assert 700 < seen.requests < 1500
    assert seen.starts.model == ("paced" if "pace" in kept else "open")
    rows = list(csv.DictReader((ctx.evidence / "requests.csv").read_text().splitlines()))
    late = [row for row in rows if int(row["start_us"]) - int(row["due_us"]) > SLOW_US]
    if "pace" in kept:
        assert late
        assert seen.starts.waited_max_us > SLOW_US
        assert seen.starts.sent_p95_us < seen.starts.waited_max_us
    assert all(int(row["lag_us"]) <= int(row["start_us"]) - int(row["due_us"]) for row in rows)


def test_a_rate_beyond_its_users_says_so(context: Contexts, serving: Serving):
    """One user at once, and a server that takes 600 ms each time: requests wait, and then nobody waits any longer."""
    with serving(stalling(0.6, 0.0)) as address:
        seen: LoadSeen = run(
            CHECK.observe(context(address), options(rate="20/s", concurrent=1, timeout="1500 ms", hold="7 s"))
        )
    assert seen.starts.waited > 20
    assert seen.operations[0].failed["unsent"] > 50
    asked = Criteria({"p95": Limit.parse("< 3 s"), "share": Limit.parse("< 1 %")})
    assert ERRORS.judge(seen, asked).outcome is Outcome.FAIL
    ruling = LATENCY.judge(seen, Criteria({"p95": Limit.parse("< 1200 ms")}))
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "concurrency-exhausted"), ruling


def test_stages_follow_each_other_and_a_quick_run_shortens_each(context: Contexts, address: str):
    stages = [{"rate": "20/s", "for": "10 s"}, {"rate": "100/s", "for": "20 s"}]
    ctx = context(address, quick=True)
    told: list[str] = []
    ctx = Context(
        "load", ctx.evidence, ctx.scratch, stack=ctx.stack, quick=True, progress=lambda text, *_: told.append(text)
    )
    seen: LoadSeen = run(CHECK.observe(ctx, options(stages=stages, quick_hold="3 s")))
    assert [(stage.rate, stage.begin_us, stage.end_us) for stage in seen.stages] == [
        (20_000, 0, 1_000_000),
        (100_000, 1_000_000, 3_000_000),
    ]
    began = seen.operations[0].began_us
    early = sum(at < 1_000_000 for at in began)
    assert 3 < early < 60
    assert 120 < len(began) - early < 290
    ruling = LATENCY.judge(seen, Criteria({"p95": Limit.parse("< 5 s")}))
    assert ruling.outcome is Outcome.PASS, ruling
    assert "p95 at 100 /s" in {one.name for one in ruling.measurements}
    assert any(" users, " in line and "p50/p95/p99 " in line and " s left" in line for line in told)
