"""Quantities as integers in the smallest unit, because signed files hold no floats.

Dimensions and their smallest units: time in microseconds (`us`), shares in parts per million (`ppm`),
sizes in bytes (`B`), rates in thousandths per second (`m/s`), counts in ones (`1`).
"""

import re
from decimal import Decimal
from typing import Final, NamedTuple


class Quantity(NamedTuple):
    """A value in the smallest unit of its dimension."""

    value: int
    unit: str


# name as written -> (smallest unit, factor)
_UNITS: Final[dict[str, tuple[str, int]]] = {
    "us": ("us", 1),
    "ms": ("us", 1_000),
    "s": ("us", 1_000_000),
    "m": ("us", 60_000_000),
    "min": ("us", 60_000_000),
    "h": ("us", 3_600_000_000),
    "d": ("us", 86_400_000_000),
    "%": ("ppm", 10_000),
    "ppm": ("ppm", 1),
    "B": ("B", 1),
    "KiB": ("B", 1 << 10),
    "MiB": ("B", 1 << 20),
    "GiB": ("B", 1 << 30),
    "/s": ("m/s", 1_000),
    "/min": ("m/s", 1_000),
    "": ("1", 1),
    "1": ("1", 1),
}
_PATTERN: Final = re.compile(r"(?P<number>-?\d[\d_,]*(?:\.\d+)?)\s*(?P<unit>[A-Za-z%/]*)")

NUMBER_PATTERN: Final = r"-?\d[\d_,]*(\.\d+)?\s*(" + "|".join(re.escape(u) for u in _UNITS if u and u != "1") + ")?"


def parse_quantity(text: str) -> Quantity:
    """Read `300 ms`, `80 %`, `10,000`.

    Raises:
        ValueError: not a number with a known unit, or finer than the smallest unit.
    """
    found = _PATTERN.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a number with a unit, such as '300 ms', '80 %' or '0'")
    if found["unit"] not in _UNITS:
        known = ", ".join(u for u in _UNITS if u and u != "1")
        raise ValueError(f"unknown unit {found['unit']!r} in {text!r}: known units are {known}")
    unit, factor = _UNITS[found["unit"]]
    exact = Decimal(found["number"].replace(",", "").replace("_", "")) * factor
    if found["unit"] == "/min":
        exact /= 60
    if exact != exact.to_integral_value():
        raise ValueError(f"{text!r} is finer than the smallest unit of its kind ({unit})")
    return Quantity(int(exact), unit)


def format_quantity(value: int, unit: str) -> str:
    """A quantity as people read it: `231 ms`, `83.2 %`, `12,000`."""
    if unit == "us":
        return _format_time(value)
    if unit == "ppm":
        return f"{_trim(Decimal(value) / 10_000, 4 if abs(value) < 10_000 else 2)} %"
    if unit == "B":
        return _format_size(value)
    if unit == "m/s":
        return f"{_trim(Decimal(value) / 1000, 1)} /s"
    return f"{value:,}" if unit == "1" else f"{value:,} {unit}"


# Below this many microseconds -> length of the unit, its name, digits after the point.
_SCALE: Final[tuple[tuple[int, tuple[int, str, int]], ...]] = (
    (1_000, (1, "us", 0)),
    (10_000, (1_000, "ms", 2)),
    (100_000, (1_000, "ms", 1)),
    (10_000_000, (1_000, "ms", 0)),
    (600_000_000, (1_000_000, "s", 1)),
    (7_200_000_000, (60_000_000, "min", 1)),
    (172_800_000_000, (3_600_000_000, "h", 1)),
)
_DAY: Final = (86_400_000_000, "d", 1)


def _format_time(us: int) -> str:
    if not us:
        return "0 ms"
    length, name, digits = next((unit for end, unit in _SCALE if abs(us) < end), _DAY)
    return f"{_trim(Decimal(us) / length, digits)} {name}"


def _format_size(size: int) -> str:
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if abs(size) >= factor:
            return f"{_trim(Decimal(size) / factor, 1)} {unit}"
    return f"{size} B"


def _trim(number: Decimal, digits: int) -> str:
    text = f"{number:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
