"""When requests are due: options, arrivals and schedules, and what a judgement makes of late ones."""

import itertools
import math
import random
import time
from statistics import mean, pstdev
from typing import Any

import gevent  # type: ignore[import-untyped]
import msgspec
import pytest
from msgspec.structs import replace

from certify.api import Criteria, Duration, Limit, Outcome
from certify.profile.options import as_config
from certify_checks.load.check import CHECK
from certify_checks.load.generator.arrivals import Phase, paced, poisson
from certify_checks.load.generator.desk import Desk
from certify_checks.load.generator.live import Live
from certify_checks.load.generator.tally import Row
from certify_checks.load.model import LoadSeen, StageSeen, Starts
from certify_checks.load.observing.plan import timed
from certify_checks.load.observing.running import for_people
from certify_checks.load.rules.planting import spread

LATENCY = next(rule for rule in CHECK.rules if rule.id == "latency")
ASKED = Criteria({"p95": Limit.parse("< 300 ms")})


def chance(seed: int = 7) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a repeatable simulation


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rate": "50/s", "users": 10}, "`rate` and `users` contradict each other"),
        ({"rate": "50/s", "pace": "1 s"}, "`rate` and `pace` contradict each other"),
        ({"rate": "50/s", "stages": [{"rate": "1/s", "for": "1 s"}]}, "`rate` and `stages` contradict each other"),
        ({"rate": "50 ms"}, "is not a rate such as '50/s'"),
        ({"rate": "0/s"}, "is not a rate such as '50/s'"),
        ({"rate": "5/s", "concurrent": 0}, "`concurrent` is at least 1"),
        ({"stages": [{"rate": "1/s", "for": "0 s"}]}, "a stage lasts longer than nothing"),
        ({"stages": [{"rate": "quick", "for": "1 s"}]}, "not a number with a unit"),
        ({"steps": {"from": "9/s", "to": "1/s", "each": "1 s"}}, "`to` is a higher rate"),
        ({"steps": {"from": "1/s", "to": "9/s", "each": "1 s", "count": 1}}, "`count` is from 2"),
        ({"steps": {"from": "1/s", "to": "9/s", "each": "0 s"}}, "a step lasts longer than nothing"),
        ({"hold": "0 s"}, "last longer than nothing"),
        ({"rate": "5/s", "hold": "0 s"}, "last longer than nothing"),
        ({"quick_hold": "0 s"}, "last longer than nothing"),
        ({"timeout": "0 s"}, "last longer than nothing"),
        ({"compare": "old", "stages": [{"rate": "1/s", "for": "1 s"}]}, "leave `stages` and `steps` out"),
        ({"compare": "old", "shapes": {"own": {"locustfile": "a.py"}}}, "leave `compare` out"),
        ({"compare": "old", "shapes": {"own": {"k6": "a.js"}}}, "leave `compare` out"),
        (
            {"extend": {"most": "9 m"}, "shapes": {"a": {"operations": [{"name": "a", "query": "b", "times": 2}]}}},
            "leave `extend` out",
        ),
        ({"shapes": {"a": {"operations": [{"name": "a", "query": "b", "weight": -1}]}}}, "are 0 at least"),
        ({"shapes": {"a": {"operations": [{"name": "a", "query": "b", "twice": -1}]}}}, "are 0 at least"),
    ],
)
def test_options_that_contradict_themselves_say_what_to_leave_out(given: dict[str, Any], said: str):
    with pytest.raises(msgspec.ValidationError, match=said):
        as_config(CHECK, given)


def test_what_was_due_while_the_generator_stood_still_is_not_left_out():
    def clock() -> int:
        return time.perf_counter_ns() // 1000

    desk, begin = Desk(clock, 1, lambda: None), clock()
    dues = [begin + 10_000 * number for number in range(1, 31)]
    receiving = gevent.spawn(desk.receive, iter([*dues, begin + 10**9]))
    gevent.sleep(0.02)
    time.sleep(0.4)
    desk.catch_up(dues[-1] + 1)
    receiving.kill()
    assert desk.close(0) == dues


def test_a_rate_that_was_not_made_is_no_pass(clean: LoadSeen):
    asked = Criteria({"p95": Limit.parse("< 1 s"), "share": Limit.parse("< 1 %")})
    for name in ("latency", "errors"):
        judge = next(rule.judge for rule in CHECK.rules if rule.id == name)
        # 5,000 requests in 50 s: at 100/s all of them, at 200/s those of one worker out of two.
        assert judge(replace(clean, stages=(StageSeen(100_000, 0, 50_000_000),)), asked).outcome is Outcome.PASS
        assert judge(replace(clean, stages=(StageSeen(200_000, 0, 50_000_000),)), asked).reason == "rate-not-reached"


def test_stages_and_steps_give_the_length_of_the_window():
    staged = as_config(CHECK, {"stages": [{"rate": "10/s", "for": "30 s"}, {"rate": "90/min", "for": "1 m"}]})
    assert (staged.length.seconds, staged.crowd) == (90, 0)
    assert timed(staged, Duration("9 s")) == {
        "hold": 9.0,
        "stages": [{"rate": 10.0, "seconds": 3.0}, {"rate": 1.5, "seconds": 6.0}],
    }
    stepped = as_config(CHECK, {"steps": {"from": "50/s", "to": "1000/s", "count": 8, "each": "5 s"}})
    assert [stage.thousandths for stage in stepped.rates][:2] == [50_000, 185_714]
    assert (stepped.rates[-1].thousandths, stepped.length.seconds) == (1_000_000, 40)
    assert as_config(CHECK, {}).crowd == 100
    assert as_config(CHECK, {"rate": "5/s", "hold": "20 s"}).length.seconds == 20


def test_arrivals_are_those_of_a_poisson_process():
    """Exponential gaps: their mean and deviation are the same, and so are mean and variance of the counts of seconds."""
    due = list(poisson(chance(), [Phase(400.0, 50.0, 50.0)]))
    gaps = [two - one for one, two in itertools.pairwise(due)]
    assert mean(gaps) == pytest.approx(20_000, rel=0.03)
    assert pstdev(gaps) == pytest.approx(20_000, rel=0.04)
    counts = [sum(1 for _ in group) for _, group in itertools.groupby(due, lambda at: at // 1_000_000)]
    assert pstdev(counts) ** 2 == pytest.approx(50, rel=0.25)
    assert list(poisson(chance(), [Phase(400.0, 50.0, 50.0)])) == due


def test_arrivals_follow_a_rate_that_rises_and_changes():
    phases = [Phase(10.0, 0.0, 100.0), Phase(0.0, 5.0, 5.0), Phase(10.0, 100.0, 100.0), Phase(10.0, 20.0, 20.0)]
    due = list(poisson(chance(), phases, 1_000_000))
    assert due == sorted(due)
    assert due[0] >= 1_000_000
    within = [sum(start <= at / 1_000_000 - 1 < start + 5 for at in due) for start in range(0, 30, 5)]
    expected = (125, 375, 500, 500, 100, 100)
    assert all(abs(found - wanted) < 4 * math.sqrt(wanted) for found, wanted in zip(within, expected, strict=True))


def test_a_paced_user_is_due_once_in_each_pace_and_never_bunches():
    due = list(itertools.islice(paced(chance(), 1_000_000, 5_000_000), 100))
    gaps = [two - one for one, two in itertools.pairwise(due)]
    assert min(gaps) >= 500_000
    assert max(gaps) <= 1_500_000
    assert mean(gaps) == pytest.approx(1_000_000, rel=0.01)
    users = [list(itertools.islice(paced(chance(seed), 1_000_000, 0), 4)) for seed in range(400)]
    assert pstdev(due[0] for due in users) > 200_000
    for half in range(6):
        asked = [at for due in users for at in due if half * 500_000 <= at < (half + 1) * 500_000]
        assert len(asked) == pytest.approx(200, rel=0.15), "as often in the beginning as later"


def open_load(clean: LoadSeen, times: list[int], **more: int) -> LoadSeen:
    starts = Starts(model="open", concurrent=500, **more)
    stages = (StageSeen(50_000, 0, 100_000_000),)
    return replace(clean, users=0, starts=starts, stages=stages, operations=(spread("list", times),))


def test_a_generator_that_is_late_itself_decides_nothing(clean: LoadSeen):
    for times in ([1000] * 5000, [900_000] * 5000):
        late = open_load(clean, times, late_p95_us=31_000)
        ruling = LATENCY.judge(late, ASKED)
        assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "generator-unsound")
        assert "began requests 31 ms late at p95" in ruling.summary


def test_slowness_of_too_few_users_for_a_rate_is_not_laid_on_the_stack(clean: LoadSeen):
    slow = [900_000] * 5000
    short = open_load(clean, slow, waited=4000, waited_max_us=890_000, sent_p95_us=10_000)
    ruling = LATENCY.judge(short, ASKED)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "concurrency-exhausted")
    assert "raise `concurrent`" in ruling.cure
    also_slow = open_load(clean, slow, waited=4000, waited_max_us=890_000, sent_p95_us=800_000)
    assert LATENCY.judge(also_slow, ASKED).outcome is Outcome.FAIL
    nobody_waited = open_load(clean, slow, sent_p95_us=900_000)
    assert LATENCY.judge(nobody_waited, ASKED).outcome is Outcome.FAIL
    a_pace = replace(clean, starts=Starts("paced", waited=4000), operations=(spread("list", slow),))
    assert LATENCY.judge(a_pace, ASKED).outcome is Outcome.FAIL
    quick = open_load(clean, [10_000] * 5000, waited=3, waited_max_us=9000, sent_p95_us=10_000)
    assert LATENCY.judge(quick, ASKED).outcome is Outcome.PASS
    assert "of a rate of 50 /s" in LATENCY.judge(quick, ASKED).summary


def test_each_stage_has_a_percentile_and_a_rate_that_changes_is_no_drift(clean: LoadSeen):
    rising = spread("list", [1000] * 5000)
    rising = replace(rising, answered=tuple(10_000 if at < 2_500_000 else 100_000 for at in rising.began_us))
    stages = (StageSeen(10_000, 0, 2_500_000), StageSeen(90_000, 2_500_000, 5_000_000))
    ruling = LATENCY.judge(replace(clean, users=0, stages=stages, operations=(rising,)), ASKED)
    assert ruling.outcome is Outcome.PASS, ruling
    found = {one.name: one.value for one in ruling.measurements}
    assert (found["p95 at 10 /s"], found["p95 at 90 /s"]) == (10_000, 100_000)
    assert "rose" not in ruling.summary


def test_what_is_told_each_second_looks_back_a_few_seconds_only():
    rows: list[Row] = []
    live = Live(rows)
    assert live.told(1_000_000)["p95_us"] == 0
    for second in range(2, 30):
        rows += [Row(0, 1000 * second, 0, "ok" if second > 3 else "http", "", 0, 0)] * 10
        told = live.told(1_000_000 * second)
    assert (told["requests"], told["errors"], told["rate"]) == (280, 20, 10_000)
    assert (told["p50_us"], told["p99_us"]) == (27_000, 29_000)
    line = for_people(told | {"users": 100, "left": 12, "second": 30})
    assert line == "100 users, 10 /s, p50/p95/p99 27 ms/29 ms/29 ms, 20 errors, 12 s left"
