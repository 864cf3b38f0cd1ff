"""Quantities are integers, and only `Limit` compares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.model.duration import Duration
from certify.model.limit import Limit
from certify.model.outcome import Outcome, worst
from certify.model.quantity import Quantity, format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("300 ms", (300_000, "us")),
        ("300ms", (300_000, "us")),
        ("5 m", (300_000_000, "us")),
        ("0.1 %", (1_000, "ppm")),
        ("80 %", (800_000, "ppm")),
        ("10,000", (10_000, "1")),
        ("1.5 MiB", (1_572_864, "B")),
        ("60/min", (1_000, "m/s")),
        ("-3", (-3, "1")),
    ],
)
def test_quantities_are_read_exactly(text: str, quantity: tuple[int, str]) -> None:
    assert parse_quantity(text) == Quantity(*quantity)


@pytest.mark.parametrize(
    ("us", "shown"),
    [
        (0, "0 ms"),
        (7, "7 us"),
        (231_400, "231 ms"),
        (90_000_000, "90 s"),
        (3_600_000_000, "60 min"),
        (2_592_000_000_000, "30 d"),
    ],
)
def test_times_are_shown_as_people_say_them(us: int, shown: str) -> None:
    assert format_quantity(us, "us") == shown


@pytest.mark.parametrize("text", ["", "fast", "300 parsecs", "0.0001 us", "1e3 ms", "300 ms ms", "0.5"])
def test_what_is_no_quantity_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_quantity(text)


@given(st.integers(min_value=0, max_value=10**15), st.sampled_from(["us", "ppm", "1"]))
def test_a_shown_quantity_can_be_read_and_is_near(value: int, unit: str) -> None:
    shown = format_quantity(value, unit)
    again = parse_quantity(shown)
    assert again.unit == unit
    assert abs(again.value - value) <= max(value * 0.06, 100)


@pytest.mark.parametrize(
    ("limit", "inside", "outside"),
    [
        ("< 300 ms", 299_999, 300_000),
        ("<= 300 ms", 300_000, 300_001),
        ("> 80 %", 800_001, 800_000),
        (">= 80 %", 800_000, 799_999),
        ("== 0", 0, 1),
        ("18", 18, 17),
    ],
)
def test_a_limit_holds_on_one_side_of_its_border(limit: str, inside: int, outside: int) -> None:
    parsed = Limit.parse(limit)
    assert parsed.holds(inside)
    assert not parsed.holds(outside)
    assert not parsed.holds(parsed.beyond())


def test_an_interval_decides_only_when_both_ends_agree() -> None:
    limit = Limit.parse("< 300 ms")
    assert limit.decide(200_000, 299_000) is Outcome.PASS
    assert limit.decide(301_000, 400_000) is Outcome.FAIL
    assert limit.decide(290_000, 310_000) is Outcome.INCONCLUSIVE


def test_durations_know_their_length_and_refuse_other_units() -> None:
    assert Duration("5 m").seconds == 300
    assert Duration.of_microseconds(1_234_567).microseconds == 1_234_567
    with pytest.raises(ValueError, match="length of time"):
        Duration("5 %")


def test_the_worst_outcome_decides_and_nothing_is_no_proof() -> None:
    assert worst([Outcome.PASS, Outcome.NOT_APPLICABLE]) is Outcome.PASS
    assert worst([Outcome.PASS, Outcome.UNIMPLEMENTED, Outcome.FAIL]) is Outcome.FAIL
    assert worst([Outcome.PASS, Outcome.UNIMPLEMENTED]) is Outcome.UNIMPLEMENTED
    assert worst([]) is Outcome.UNIMPLEMENTED
