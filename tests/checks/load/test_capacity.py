"""The knee of a stepped ramp: simulated servers of one queue, whose capacity is known, and a real one."""

import asyncio
import contextlib
import random
from asyncio import run
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from certify.api import Context, Criteria, Limit, Outcome
from certify.profile.options import as_config
from certify_checks.load.check import CHECK
from certify_checks.load.generator.arrivals import Phase, poisson
from certify_checks.load.model import LoadSeen, OperationSeen, StageSeen

CAPACITY = next(rule for rule in CHECK.rules if rule.id == "capacity")
Contexts = Callable[..., Context]
App = Callable[[dict[str, Any], Callable[[], Any], Callable[[Any], Any]], Awaitable[None]]
Serving = Callable[[App], contextlib.AbstractContextManager[str]]
STEP = 5


def asked(capacity: str = "> 0/s", p95: str = "< 1 s") -> Criteria:
    return Criteria({"capacity": Limit.parse(capacity), "p95": Limit.parse(p95)})


def served(clean: LoadSeen, able: float, rates: tuple[int, ...] = (50, 100, 150, 200, 250, 300)) -> LoadSeen:
    """One server that takes `able` requests a second, each as long as the other; arrivals at random."""
    chance = random.Random(11)  # noqa: S311 - a repeatable simulation
    phases = [Phase(float(STEP), rate, rate) for rate in rates]
    free, began, took = 0.0, [], []
    for due in poisson(chance, phases):
        free = max(free, due) + 1_000_000 / able
        began.append(due)
        took.append(int(free - due) + 5000)
    operation = OperationSeen("list", tuple(took), began_us=tuple(began))
    width = STEP * 1_000_000
    stages = tuple(StageSeen(1000 * rate, at * width, (at + 1) * width, 200_000) for at, rate in enumerate(rates))
    return replace(clean, users=0, operations=(operation,), stages=stages)


@pytest.mark.parametrize("able", [110, 180, 270])
def test_the_knee_is_found_around_what_a_server_is_able_to(clean: LoadSeen, able: int):
    ruling = CAPACITY.judge(served(clean, able), asked())
    assert ruling.outcome is Outcome.PASS, ruling
    low, high = ruling.measurements[0].interval or (0, 0)
    assert low <= able * 1000 <= high
    assert high - low <= 100_000
    assert "not: " in ruling.summary
    assert [chart.title for chart in ruling.charts] == ["Throughput by rate", "Response times by rate"]
    assert all(len(curve.points) == 6 for chart in ruling.charts for curve in chart.curves)


def test_a_number_that_is_asked_for_decides(clean: LoadSeen):
    seen = served(clean, 170)
    assert CAPACITY.judge(seen, asked(">= 100/s")).outcome is Outcome.PASS
    ruling = CAPACITY.judge(seen, asked(">= 250/s"))
    assert ruling.outcome is Outcome.FAIL
    assert ruling.findings[0].code == "capacity-too-low"
    within = CAPACITY.judge(seen, asked(">= 170/s"))
    assert (within.outcome, within.reason) == (Outcome.INCONCLUSIVE, "interval-straddles")
    # The same server when answers must come soon: a queue is too slow before it overflows.
    assert CAPACITY.judge(seen, asked(">= 150/s", "< 8 ms")).outcome is Outcome.FAIL


def test_a_knee_that_was_not_reached_is_at_least_something(clean: LoadSeen):
    seen = served(clean, 1000)
    ruling = CAPACITY.judge(seen, asked())
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "knee-not-reached")
    assert "at least 300 /s held" in ruling.summary
    assert ruling.measurements[0].value == 300_000
    assert CAPACITY.judge(seen, asked(">= 300/s")).outcome is Outcome.PASS
    assert CAPACITY.judge(seen, asked(">= 301/s")).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("fared", "said"),
    [
        ({"cpu_ppm": 950_000}, "its generator used 95 % of a core"),
        ({"late_p95_us": 200_000}, "its generator began requests 200 ms late"),
        ({"waited": 900, "sent_p95_us": 30_000}, "900 requests waited because all users were busy"),
    ],
)
def test_a_generator_that_gives_up_first_is_no_knee(clean: LoadSeen, fared: dict[str, int], said: str):
    seen = served(clean, 170)
    blamed = tuple(replace(stage, **fared) if stage.rate >= 150_000 else stage for stage in seen.stages)
    ruling = CAPACITY.judge(replace(seen, stages=blamed), asked(">= 200/s"))
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "generator-unsound")
    assert said in ruling.summary
    assert CAPACITY.judge(replace(seen, stages=blamed), asked(">= 100/s")).outcome is Outcome.PASS


def test_slowness_on_a_noisy_machine_is_no_knee(clean: LoadSeen):
    seen = served(clean, 170)
    noisy = replace(seen, generator=replace(seen.generator, foreign_ppm=400_000))
    assert CAPACITY.judge(noisy, asked(">= 250/s")).reason == "machine-noisy"


def test_an_instrument_that_nobody_calibrated_measures_no_capacity(clean: LoadSeen):
    seen = served(clean, 170)
    bare = replace(seen, calibration=replace(seen.calibration, overheads_us=seen.calibration.overheads_us[:19]))
    ruling = CAPACITY.judge(bare, asked(">= 100/s"))
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "generator-unsound")
    assert CAPACITY.judge(seen, asked(">= 100/s")).outcome is Outcome.PASS


def test_one_rate_and_short_steps_say_nothing(clean: LoadSeen):
    seen = served(clean, 170)
    assert CAPACITY.judge(replace(seen, stages=seen.stages[:1]), asked()).reason == "no-steps"
    assert CAPACITY.judge(clean, asked()).reason == "no-steps"
    short = served(clean, 170, (10, 300))
    assert CAPACITY.judge(short, asked()).reason == "too-few-samples"
    assert CAPACITY.judge(replace(seen, unusable="login-failed"), asked()).reason == "login-failed"


@pytest.mark.parametrize("criteria", [asked(), asked(">= 100/s"), asked("> 2,000/s", "< 10 s"), asked(p95="< 5 ms")])
def test_every_planted_stack_gives_up_too_early(clean: LoadSeen, criteria: Criteria):
    for seen in (clean, LoadSeen(), served(clean, 170)):
        planted = list(CAPACITY.seed(seen, criteria))
        assert len(planted) == 3
        for seeded in planted:
            ruling = CAPACITY.judge(seeded.observation, criteria)
            assert ruling.outcome is Outcome.FAIL, (seeded.name, ruling)
            assert ruling.findings[0].code == seeded.code


def one_at_a_time(seconds: float) -> App:
    alone = asyncio.Lock()

    async def app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        while (await receive()).get("more_body"):
            pass
        told = b'{"access_token": "secret"}'
        if scope["path"] == "/graphql":
            async with alone:
                await asyncio.sleep(seconds)
            told = b'{"data": {"customers": [{"id": "1"}]}}'
        size = str(len(told)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]})
        await send({"type": "http.response.body", "body": told})

    return app


def test_a_real_server_of_one_at_a_time_has_its_knee_where_it_must(context: Contexts, serving: Serving):
    """Each answer takes at least 10 ms, so no more than 100 a second can come."""
    options = {
        "shapes": {"mix": {"operations": [{"name": "list", "query": "{ list }"}]}},
        "steps": {"from": "40/s", "to": "160/s", "count": 3, "each": "3 s"},
        "ramp": "200 ms",
        "warmup": "300 ms",
    }
    with serving(one_at_a_time(0.01)) as address:
        seen: LoadSeen = run(CHECK.observe(context(address), as_config(CHECK, options)))
    ruling = CAPACITY.judge(
        replace(seen, generator=replace(seen.generator, foreign_ppm=0)), asked("< 160/s", "< 500 ms")
    )
    assert ruling.measurements[0].value < 160_000
    assert ruling.measurements[0].interval, ruling
    assert ruling.measurements[0].interval[1] <= 160_000
