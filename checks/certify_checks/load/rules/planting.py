"""Observations whose requests are spread evenly over the window: what self-tests plant is not also a drift or a burst. Pure."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from certify_checks.load.model import Calibration, Generator, LoadSeen, OperationSeen, Starts
from certify_checks.load.rules.soundness import CALIBRATED

_APART_US = 1000
# Steps of this share of the whole, modulo the whole, visit everything and leave no gap (Knuth, TAOCP 6.4: golden ratio).
_GOLDEN = 0.6180339887


def spread(name: str, answered: Sequence[int], failed: Mapping[str, int] | None = None) -> OperationSeen:
    """An operation with these response times and failures, in an order that has nothing to do with their size."""
    failed = dict(failed or {})
    total = len(answered) + sum(failed.values())
    order = sorted(range(total), key=lambda number: number * _GOLDEN % 1)
    began = sorted((order[number] * _APART_US, took) for number, took in enumerate(answered))
    return OperationSeen(
        name,
        tuple(took for _, took in began),
        failed,
        began_us=tuple(at for at, _ in began),
        failed_us=tuple(sorted(order[number] * _APART_US for number in range(len(answered), total))),
    )


def sound(seen: LoadSeen) -> LoadSeen:
    """`seen` with an instrument beyond doubt and all its users, so that a self-test decides on what it planted."""
    seen, users = replace(seen, workers=()), max(1, seen.users)
    calibration = Calibration((0,) * (2 * CALIBRATED), seen.calibration.delay_us)
    generator = Generator(users=users, version=seen.generator.version)
    seen = replace(seen, users=users, calibration=calibration, generator=generator, unusable="", detail="", compared="")
    return replace(seen, starts=Starts(), stages=(), looks=1)
