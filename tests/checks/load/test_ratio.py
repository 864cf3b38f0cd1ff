"""Two versions compared: what slows both counts for neither, and a verdict is hardly ever wrong."""

import math
import random
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome
from certify_checks.load.check import CHECK
from certify_checks.load.model import Calibration, LoadSeen
from certify_checks.load.rules.planting import spread
from certify_checks.load.rules.ratio import judge, seed
from certify_checks.load.statistics.intervals import MILLION
from certify_checks.load.statistics.ratio import Timed, _cut, ratio

ASKED = Criteria({"ratio": Limit.parse("< 110 %")})
P95 = 950_000


def drawn(chance: random.Random, times: float, noise: Callable[[float], float], count: int = 1400) -> list[Timed]:
    """Lognormal response times, a factor slower, while the machine itself slows down and speeds up."""
    began = sorted(chance.uniform(0, 30) for _ in range(count))
    return [(round(at * 1e6), round(20_000 * times * noise(at) * math.exp(chance.gauss(0, 0.4)))) for at in began]


def waves(at: float) -> float:
    return 3.0 if int(at) % 7 < 2 else 1.0


@pytest.mark.parametrize(
    ("times", "wrong"), [(1.0, Outcome.FAIL), (1.05, Outcome.FAIL), (1.15, Outcome.PASS), (1.3, Outcome.PASS)]
)
def test_a_noisy_machine_makes_no_wrong_verdict(times: float, wrong: Outcome):
    chance = random.Random(7)  # noqa: S311 - a repeatable sample
    limit = Limit.parse("< 110 %")
    verdicts = []
    for _ in range(60):
        found = ratio(drawn(chance, times, waves), drawn(chance, 1.0, waves), P95)
        assert found is not None
        verdicts.append(limit.decide(found.low, found.high))
    assert verdicts.count(wrong) <= 1
    if times in {1.0, 1.3}:
        decided = {1.0: Outcome.PASS, 1.3: Outcome.FAIL}[times]
        assert verdicts.count(decided) > (30 if times > 1 else 10), verdicts


def test_the_interval_holds_the_truth_as_often_as_it_says():
    chance = random.Random(11)  # noqa: S311 - as above
    found = [ratio(drawn(chance, 1.2, waves, 800), drawn(chance, 1.0, waves, 800), P95) for _ in range(150)]
    assert sum(one is not None and one.low <= 1.2 * MILLION <= one.high for one in found) >= 144


@pytest.mark.parametrize(("count", "cut"), [(8, 1), (10, 4), (20, 38), (30, 110)])
def test_the_ends_are_those_of_the_tables(count: int, cut: int):
    # Wilcoxon's signed ranks at 0.5 % in each tail: critical values 0, 3, 37 and 109.
    assert _cut(count) == cut


def test_too_few_requests_and_none_are_no_ratio():
    assert ratio([], [], P95) is None
    assert ratio([(at, 1) for at in range(399)], [(at, 1) for at in range(5000)], P95) is None
    apart = [(at, 1) for at in range(1000)], [(at + 10**6, 1) for at in range(1000)]
    assert ratio(*apart, P95) is None


def test_both_colours_and_the_open_one(clean: LoadSeen):
    same = replace(clean, peer=clean.operations, compared="previous")
    assert judge(same, ASKED).outcome is Outcome.PASS
    slower = replace(same, operations=(spread("list", [round(1.5 * took) for took in clean.operations[0].answered]),))
    told = judge(slower, ASKED)
    assert told.outcome is Outcome.FAIL
    assert told.findings[0].code == "slower-than-peer"
    assert judge(replace(slower, peer=slower.operations, operations=same.operations), ASKED).outcome is Outcome.PASS
    assert judge(clean, ASKED).reason == "no-peer"
    few = replace(same, operations=(spread("list", [1000] * 50),))
    assert judge(few, ASKED).reason == "too-few-samples"
    failing = replace(same, operations=(spread("list", [10_000] * 4500, {"http": 500}),))
    assert judge(failing, ASKED).outcome is Outcome.FAIL


@pytest.mark.parametrize("failures", [500, 4990])
def test_a_peer_that_fails_makes_no_version_quick(clean: LoadSeen, failures: int):
    peer = spread("list", [10_000] * (5000 - failures), {"http": failures})
    told = judge(replace(clean, peer=(peer,), compared="previous"), ASKED)
    assert (told.outcome, told.reason) == (Outcome.INCONCLUSIVE, "peer-fails")


def test_an_instrument_that_adds_as_much_to_both_is_no_pass(clean: LoadSeen):
    late = Calibration((500_000,) * 100, 5000)
    both = replace(clean, peer=clean.operations, compared="previous", calibration=late)
    assert judge(both, ASKED).reason == "generator-unsound"


@pytest.mark.parametrize("name", ["latency", "errors", "capacity"])
def test_half_of_a_load_is_no_load(clean: LoadSeen, name: str):
    asked = Criteria({"p95": Limit.parse("< 1 s"), "share": Limit.parse("< 1 %"), "capacity": Limit.parse("> 1/s")})
    rule = next(rule for rule in CHECK.rules if rule.id == name)
    assert rule.judge(replace(clean, peer=clean.operations, compared="previous"), asked).reason == "load-shared"


@pytest.mark.parametrize("limit", ["< 110 %", "<= 100 %", "< 50 %", "> 100 %"])
def test_what_is_planted_is_found(clean: LoadSeen, limit: str):
    asked = Criteria({"ratio": Limit.parse(limit)})
    planted = list(seed(clean, asked))
    assert planted
    for one in planted:
        ruling = judge(one.observation, asked)
        assert one.code in {finding.code for finding in ruling.findings}, one.name
