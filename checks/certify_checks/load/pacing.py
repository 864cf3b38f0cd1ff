"""When requests are due: rates, alone, in stages or in even steps, and what of it contradicts the rest. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from certify.api import CheckConfig, Duration, parse_quantity

MOST_STEPS, MILLION = 50, 1_000_000


def per_second(text: str) -> int:
    """A rate in thousandths a second.

    Raises:
        ValueError: not a rate above 0.
    """
    quantity = parse_quantity(text)
    if quantity.unit != "m/s" or quantity.value <= 0:
        raise ValueError(f"{text!r} is not a rate such as '50/s'")
    return quantity.value


class Stage(CheckConfig, frozen=True):
    """One rate, such as `50/s`, for so long."""

    rate: str
    length: Duration = msgspec.field(name="for")

    def __post_init__(self) -> None:
        """Check at the border."""
        per_second(self.rate)
        if self.length.microseconds <= 0:
            raise ValueError("a stage lasts longer than nothing, such as 'for: 30 s'")

    @property
    def thousandths(self) -> int:
        """The rate in thousandths a second."""
        return per_second(self.rate)


class Steps(CheckConfig, frozen=True):
    """Rates that rise evenly: `count` of them, from the first to the last, `each` for so long."""

    first: str = msgspec.field(name="from")
    last: str = msgspec.field(name="to")
    each: Duration
    count: int = 8

    def __post_init__(self) -> None:
        """Check at the border."""
        if per_second(self.last) <= per_second(self.first):
            raise ValueError("`to` is a higher rate than `from`")
        if not 2 <= self.count <= MOST_STEPS:
            raise ValueError(f"`count` is from 2 to {MOST_STEPS}")
        if self.each.microseconds <= 0:
            raise ValueError("a step lasts longer than nothing, such as 'each: 5 s'")

    def stages(self) -> tuple[Stage, ...]:
        """One after the other."""
        low, high = per_second(self.first), per_second(self.last)
        rates = (low + (high - low) * number // (self.count - 1) for number in range(self.count))
        return tuple(Stage(f"{rate // 1000}.{rate % 1000:03}/s", self.each) for rate in rates)


class Extend(CheckConfig, frozen=True):
    """A hold that is lengthened, up to `most` in all, until the percentile is known to `precision` of itself either way."""

    most: Duration
    precision: str = "5 %"

    def __post_init__(self) -> None:
        """Check at the border."""
        if not 0 < self.precision_ppm < MILLION:
            raise ValueError(f"{self.precision!r} is not a share of the percentile such as '5 %'")

    @property
    def precision_ppm(self) -> int:
        """The precision in parts per million."""
        quantity = parse_quantity(self.precision)
        return quantity.value if quantity.unit == "ppm" else 0


def check_pacing(users: int | None, pace: Duration, concurrent: int, rates: Mapping[str, Any]) -> None:
    """Refuse what contradicts itself; `rates` are the options `rate`, `stages` and `steps`.

    Raises:
        ValueError: it does; the message says what to leave out.
    """
    given = [name for name, there in rates.items() if there]
    if rates["rate"]:
        per_second(rates["rate"])
    if len(given) > 1:
        raise ValueError(f"`{given[0]}` and `{given[1]}` contradict each other: leave one out")
    if given and users is not None:
        raise ValueError(
            f"`{given[0]}` and `users` contradict each other: with a rate, `concurrent` bounds how many are at once"
        )
    if given and pace.microseconds:
        raise ValueError(f"`{given[0]}` and `pace` contradict each other: a pace is that of each of so many users")
    if concurrent < 1:
        raise ValueError("`concurrent` is at least 1")
