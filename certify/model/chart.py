"""Curves that a rule wants drawn; they decide nothing."""

import msgspec

from certify.model.limit import Limit


class Axis(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is counted along one side of a chart, in the smallest `unit` of its dimension.

    `tail`: a share in ppm of which the last part is what matters, so that 90 %, 99 % and 99.9 % are equally far apart.
    """

    name: str
    unit: str = "1"
    tail: bool = False


class Curve(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points (x, y) in ascending order of x."""

    name: str
    points: tuple[tuple[int, int], ...]


class Chart(msgspec.Struct, frozen=True, omit_defaults=True):
    """Curves over the same axes; `limit` is a bound on y, `marked` places on x with what is to be said of each."""

    title: str
    x: Axis
    y: Axis
    curves: tuple[Curve, ...]
    limit: Limit | None = None
    marked: tuple[tuple[int, str], ...] = ()
