"""A hold that is lengthened until the percentile is known well enough: how it stops, and what it costs."""

import random
from asyncio import run
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from certify.api import Context, Criteria, Limit, Outcome
from certify.profile.options import as_config
from certify_checks.load.check import CHECK
from certify_checks.load.model import LoadSeen
from certify_checks.load.rules.planting import spread
from certify_checks.load.statistics.intervals import CONFIDENCE
from certify_checks.load.statistics.sequential import LOOKS, lengths, narrow, shared, width_ppm

Contexts = Callable[..., Context]
LATENCY, ERRORS = CHECK.rules[:2]
BASE: dict[str, Any] = {
    "shapes": {"mix": {"operations": [{"name": "list", "query": "{ list }"}]}},
    "users": 20,
    "ramp": "200 ms",
    "warmup": "300 ms",
    "hold": "1 s",
    "think_min": "20 ms",
    "think_max": "40 ms",
}


def test_looks_are_apart_by_the_same_factor():
    assert lengths(60, 960) == (60, 120, 240, 480, 960)
    assert lengths(60, 60) == (60,)
    assert len(lengths(1, 7)) == LOOKS
    assert lengths(1, 7)[-1] == 7


def test_all_looks_together_err_as_rarely_as_one():
    assert shared(0.99, 5) == pytest.approx(0.998)
    assert shared(0.99, 1) == pytest.approx(0.99)


def test_more_samples_make_it_narrow():
    chance = random.Random(3)  # noqa: S311 - a repeatable simulation
    times = [int(1e5 * chance.lognormvariate(0, 0.4)) for _ in range(20_000)]
    widths = [width_ppm(times[:count], shared(CONFIDENCE, LOOKS)) for count in (50, 500, 5000, 20_000)]
    assert widths[0] is None
    assert all(widths[1:])
    assert sorted((width or 0 for width in widths[1:]), reverse=True) == widths[1:]
    assert narrow(times, shared(CONFIDENCE, LOOKS), 50_000)
    assert not narrow(times[:500], shared(CONFIDENCE, LOOKS), 50_000)
    assert width_ppm([], 0.99) is None


def test_several_looks_make_both_intervals_wider(clean: LoadSeen):
    asked = Criteria({"p95": Limit.parse("< 300 ms"), "share": Limit.parse("< 0.1 %")})
    one = LATENCY.judge(clean, asked).measurements[0].interval or (0, 0)
    five = LATENCY.judge(replace(clean, looks=5), asked).measurements[0].interval or (0, 0)
    assert five[0] < one[0] < one[1] < five[1]
    failing = replace(clean, operations=(spread("list", [1000] * 4990, {"http": 10}),))
    share = [ERRORS.judge(replace(failing, looks=looks), asked).measurements[0].interval or (0, 0) for looks in (1, 5)]
    assert share[1][0] < share[0][0] < share[0][1] < share[1][1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"extend": {"most": "1 s"}}, "`most` is longer than `hold`"),
        ({"extend": {"most": "9 s", "precision": "5 ms"}}, "is not a share of the percentile"),
        ({"extend": {"most": "9 s", "precision": "0 %"}}, "is not a share of the percentile"),
        ({"extend": {"most": "9 m"}, "users": None, "stages": [{"rate": "1/s", "for": "1 s"}]}, "no stages or steps"),
    ],
)
def test_what_cannot_be_lengthened_is_told(given: dict[str, Any], said: str):
    with pytest.raises(msgspec.ValidationError, match=said):
        as_config(CHECK, BASE | given)


@pytest.mark.parametrize(
    ("precision", "more"),
    [("90 %", {}), ("0.0001 %", {}), ("90 %", {"users": None, "rate": "400/s"})],
)
def test_a_hold_ends_when_it_is_known_well_enough_or_at_its_longest(
    context: Contexts, address: str, precision: str, more: dict[str, Any]
):
    options = BASE | {"extend": {"most": "4 s", "precision": precision}} | more
    seen: LoadSeen = run(CHECK.observe(context(address), as_config(CHECK, options)))
    assert not seen.unusable, seen.detail
    assert seen.looks == LOOKS
    assert 1_000_000 <= seen.hold_us <= 4_200_000
    if precision != "90 %":
        assert seen.hold_us == pytest.approx(4_000_000, abs=200_000)
    assert max(seen.operations[0].began_us) < seen.hold_us
    ruling = LATENCY.judge(seen, Criteria({"p95": Limit.parse("< 5 s")}))
    assert ruling.outcome is Outcome.PASS, ruling
    assert "one of 5 lengths at which it could end" in ruling.summary
