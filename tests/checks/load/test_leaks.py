"""Both colours of the judgement on leaks, on what was watched of real processes and of made-up ones."""

import math
import random

import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome
from certify_checks.load.check import CHECK
from certify_checks.load.holdings import KINDS, Holding, Soak
from certify_checks.load.model import LoadSeen
from certify_checks.load.rules.planting import spread

(LEAKS,) = (rule for rule in CHECK.rules if rule.id == "leaks")
CRITERIA = Criteria({kind: Limit.parse("< 25 %") for kind in KINDS})
MIB, MINUTE = 1 << 20, 60
CEILINGS = {"memory": 256 * MIB, "handles": 20_000, "connections": 20_000, "threads": 32_768}
DECOY = Holding("decoy", (0, 1), dict.fromkeys(KINDS, (0, 5)), starts=1)


def part(name: str = "shop", minutes: float = 60, looks: int = 150, **growing: float) -> Holding:
    """A part that holds 100 MiB and 30 of all else, and of some kinds so many more an hour."""
    at = [round(number * minutes * MINUTE / looks * 1e6) for number in range(looks)]
    held = {
        kind: tuple(int((100 * MIB if kind == "memory" else 30) + growing.get(kind, 0) * one / 3.6e9) for one in at)
        for kind in KINDS
    }
    return Holding(name, tuple(at), held, CEILINGS, starts=1)


def watched(clean: LoadSeen, *parts: Holding, **more: object) -> LoadSeen:
    soak = Soak(parts or (part(), part("gateway")), decoy=DECOY, planted=dict.fromkeys(KINDS, 5))
    return replace(clean, soak=replace(soak, **more))


def with_memory(one: Holding, values: list[float]) -> Holding:
    return replace(one, held=one.held | {"memory": tuple(int(value) for value in values)})


def test_what_holds_as_much_as_before_passes(clean: LoadSeen):
    ruling = LEAKS.judge(watched(clean), CRITERIA)
    assert ruling.outcome is Outcome.PASS, ruling
    assert "2 services over 29.8 min" in ruling.summary
    assert len(ruling.measurements) == 2 * len(KINDS)
    assert ruling.charts


@pytest.mark.parametrize(
    ("kind", "an_hour"), [("memory", 20 * MIB), ("handles", 2000), ("connections", 2000), ("threads", 2000)]
)
def test_each_kind_of_leak_fails_by_its_name(clean: LoadSeen, kind: str, an_hour: float):
    ruling = LEAKS.judge(watched(clean, part(), part("gateway", **{kind: an_hour})), CRITERIA)
    assert ruling.outcome is Outcome.FAIL, ruling
    assert [(finding.code, finding.location.service) for finding in ruling.findings] == [(f"{kind}-leak", "gateway")]


def test_a_leak_below_the_teeth_of_a_saw_fails(clean: LoadSeen):
    one = part()
    leaking = [100 * MIB + 20 * MIB * at / 3.6e9 + number % 7 * MIB for number, at in enumerate(one.at_us)]
    assert LEAKS.judge(watched(clean, with_memory(one, leaking)), CRITERIA).outcome is Outcome.FAIL
    sound = [100 * MIB + number % 7 * MIB / 8 for number in range(len(one.at_us))]
    assert LEAKS.judge(watched(clean, with_memory(one, sound)), CRITERIA).outcome is Outcome.PASS


def test_a_heap_that_fills_is_no_leak_and_no_pass_either(clean: LoadSeen):
    one = part(minutes=5)
    filling = [100 * MIB + 3 * MIB * (1 - math.exp(-at / 100e6)) for at in one.at_us]
    ruling = LEAKS.judge(watched(clean, with_memory(one, filling)), CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "still-filling"), ruling
    assert "about" in ruling.cure


def test_small_growth_is_decided_by_a_long_soak_alone(clean: LoadSeen):
    # 1 MiB an hour is 24 MiB a day, of 64 MiB that it may be.
    draw = random.Random(7)  # noqa: S311 - the same each time
    for minutes, outcome in ((5, Outcome.INCONCLUSIVE), (240, Outcome.PASS)):
        one = part(minutes=minutes)
        values = [100 * MIB + MIB * at / 3.6e9 + draw.gauss(0, MIB / 4) for at in one.at_us]
        ruling = LEAKS.judge(watched(clean, with_memory(one, values)), CRITERIA)
        assert ruling.outcome is outcome, ruling


def test_minutes_without_growth_do_not_clear_a_day_of_single_steps(clean: LoadSeen):
    ruling = LEAKS.judge(watched(clean, part(minutes=0.5)), CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "too-short"), ruling


def test_a_process_of_ours_whose_growth_is_not_seen_makes_it_blind(clean: LoadSeen):
    blind = replace(DECOY, held=DECOY.held | {"threads": (0, 0)})
    assert LEAKS.judge(watched(clean, decoy=blind), CRITERIA).reason == "sensor-blind"
    assert LEAKS.judge(watched(clean, planted={}), CRITERIA).reason == "sensor-blind"


def test_what_was_not_watched_or_not_seen_is_no_pass(clean: LoadSeen):
    assert LEAKS.judge(replace(clean, soak=Soak(missing="no process")), CRITERIA).reason == "not-watched"
    hidden = replace(part(), held={}, unknown=dict.fromkeys(KINDS, "not ours"))
    assert LEAKS.judge(watched(clean, hidden), CRITERIA).reason == "no-samples"
    assert LEAKS.judge(watched(clean, part(), hidden), CRITERIA).reason == "not-all-seen"
    assert LEAKS.judge(watched(clean, part(), Holding("gone")), CRITERIA).reason == "not-all-seen"
    bare = replace(part(), ceilings={kind: most for kind, most in CEILINGS.items() if kind != "memory"})
    ruling = LEAKS.judge(watched(clean, bare), CRITERIA)
    assert ruling.reason == "not-all-seen"
    assert "no limit is known" in ruling.summary


def test_a_service_that_was_started_again_hides_what_it_held(clean: LoadSeen):
    assert LEAKS.judge(watched(clean, replace(part(), starts=2)), CRITERIA).reason == "started-again"
    assert LEAKS.judge(watched(clean, part("gateway"), part(minutes=50)), CRITERIA).reason == "started-again"


def test_a_stack_that_is_gone_altogether_has_not_stopped_growing(clean: LoadSeen):
    to_the_end = replace(DECOY, at_us=(0, 3_600_000_000))
    halves = part(minutes=30), part("gateway", minutes=30)
    assert LEAKS.judge(watched(clean, *halves, decoy=to_the_end), CRITERIA).reason == "started-again"


def test_a_load_of_failures_clears_nobody_and_still_convicts(clean: LoadSeen):
    refused = replace(clean, operations=(spread("list", (1000,) * 850, {"http": 150}),))
    assert LEAKS.judge(watched(refused), CRITERIA).reason == "load-failed"
    leaking = watched(refused, part(memory=20 * MIB))
    assert LEAKS.judge(leaking, CRITERIA).outcome is Outcome.FAIL


def test_only_what_the_control_covers_is_judged(clean: LoadSeen):
    seen = watched(clean, part(), part("gateway", memory=20 * MIB))
    assert LEAKS.judge(seen, replace(CRITERIA, services=("shop",))).outcome is Outcome.PASS
    assert LEAKS.judge(seen, replace(CRITERIA, services=("gateway",))).outcome is Outcome.FAIL


@pytest.mark.parametrize("soak", ["clean", "short", "missing", "leaking"])
def test_each_planted_leak_is_found(clean: LoadSeen, soak: str):
    seen = {
        "clean": watched(clean),
        "short": watched(clean, part(minutes=0.3, looks=8)),
        "missing": replace(clean, soak=Soak(missing="no process"), operations=()),
        "leaking": watched(clean, part(memory=20 * MIB), part("gateway", handles=2000)),
    }[soak]
    seeds = list(LEAKS.seed(seen, CRITERIA))
    assert len(seeds) >= 3 * len(KINDS)
    for seed in seeds:
        ruling = LEAKS.judge(seed.observation, CRITERIA)
        assert ruling.outcome is Outcome.FAIL, (seed.name, ruling)
        assert seed.code in {finding.code for finding in ruling.findings}, seed.name
