"""Geometry of a network: its parts on a circle, its ways as lines across it. Beside it stands a table that says the same."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Final

from certify.api import Network, Way, clip

# With more parts the picture is too large to be seen at a glance: the table leads.
GLANCE: Final = 40
LABEL: Final = 26
# Between two names on the circle, and from the circle to the edge of the picture.
_SPACE: Final = 30
_MARGIN: Final = 190
_LEAST: Final = 170.0


@dataclass(frozen=True)
class Dot:
    """A part: where it is, how large for those that refer to it, and where its name stands, turned by so many degrees."""

    name: str
    x: float
    y: float
    radius: float
    text_x: float
    text_y: float
    anchor: str
    told: str
    turned: float = 0.0


@dataclass(frozen=True)
class Line:
    """A way from one dot towards another, bent to the middle."""

    path: str
    width: float
    told: str


@dataclass(frozen=True)
class Drawing:
    """The picture; positions are within 0..`width` and 0..`height`."""

    width: int
    height: int
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class NetworkView:
    """A network as the page shows it: rows of the table, and the picture where there is room for one."""

    control: str
    network: Network
    rows: tuple[tuple[str, str, tuple[Way, ...]], ...]
    rows_left: int
    drawing: Drawing | None

    @property
    def table_leads(self) -> bool:
        """Whether the table goes before the picture."""
        return len(self.network.parts) > GLANCE


def view(control: str, network: Network, rows: int) -> NetworkView:
    """As much of a network as fits into `rows` rows; a picture is whole or not there."""
    ways: dict[str, list[Way]] = {}
    for way in network.ways:
        ways.setdefault(way.start, []).append(way)
    lines = tuple(
        (part.name, ", ".join(part.holds), tuple(ways.get(part.name, ())[:rows])) for part in network.parts[:rows]
    )
    fits = len(network.parts) + len(network.ways) <= rows
    return NetworkView(control, network, lines, max(0, len(network.parts) - rows), draw(network) if fits else None)


def draw(network: Network) -> Drawing:
    """Lay out the parts in their order, from the top and clockwise."""
    names = tuple(dict.fromkeys(part.name for part in network.parts))
    radius = max(_LEAST, len(names) * _SPACE / math.tau)
    crowded = len(names) > GLANCE
    wide, high = round(2 * (radius + _MARGIN)), round(2 * (radius + (_MARGIN if crowded else _SPACE)))
    angles = {name: math.tau * number / max(1, len(names)) - math.pi / 2 for number, name in enumerate(names)}
    ways = [way for way in network.ways if way.start in angles and way.end in angles and way.start != way.end]
    asked = Counter(way.end for way in ways)
    middle = (wide / 2, high / 2)
    place = _turned_dot if crowded else _dot
    dots = tuple(place(name, angles[name], radius, middle, asked[name]) for name in names)
    sizes = {dot.name: dot.radius for dot in dots}
    lines = tuple(_line(way, angles, radius - sizes[way.end] - 2, radius, middle) for way in ways)
    return Drawing(wide, high, dots, lines)


def _dot(name: str, angle: float, radius: float, middle: tuple[float, float], asked: int) -> Dot:
    size = _size(asked)
    x, y = _at(angle, radius, middle)
    text_x, text_y = _at(angle, radius + size + 6, middle)
    across = math.cos(angle)
    anchor = "middle" if abs(across) < 0.2 else "start" if across > 0 else "end"
    # The height of small letters, so that a name stands beside its dot, or wholly above or below it.
    text_y += 4 + (4 * math.sin(angle) if anchor == "middle" else 0)
    return Dot(clip(name, LABEL), x, y, size, text_x, round(text_y, 1), anchor, _told(name, asked))


def _turned_dot(name: str, angle: float, radius: float, middle: tuple[float, float], asked: int) -> Dot:
    """Where dots stand close, names lead away from the middle, so that none lies on another."""
    size, right = _size(asked), math.cos(angle) >= 0
    place, text = _at(angle, radius, middle), _at(angle, radius + size + 6, middle)
    turned = round(math.degrees(angle) + (0 if right else 180), 1)
    return Dot(clip(name, LABEL), *place, size, *text, "start" if right else "end", _told(name, asked), turned)


def _size(asked: int) -> float:
    return round(4 + 1.6 * math.sqrt(asked), 1)


def _told(name: str, asked: int) -> str:
    return f"{name}: {asked} refer to it"


def _line(way: Way, angles: dict[str, float], end: float, start: float, middle: tuple[float, float]) -> Line:
    one, other = _at(angles[way.start], start, middle), _at(angles[way.end], end, middle)
    apart = abs(math.remainder(angles[way.end] - angles[way.start], math.tau)) / math.pi
    # Neighbours bow only a little, so that the middle stays free for those across.
    bend = _at((angles[way.start] + _near(angles[way.start], angles[way.end])) / 2, start * 0.75 * (1 - apart), middle)
    path = f"M{one[0]} {one[1]}Q{bend[0]} {bend[1]} {other[0]} {other[1]}"
    return Line(path, round(1 + math.log2(max(1, len(way.by))), 1), f"{way.start} to {way.end} by {', '.join(way.by)}")


def _near(one: float, other: float) -> float:
    """`other`, turned so that the shorter way round lies between it and `one`."""
    return one + math.remainder(other - one, math.tau)


def _at(angle: float, radius: float, middle: tuple[float, float]) -> tuple[float, float]:
    return round(middle[0] + radius * math.cos(angle), 1), round(middle[1] + radius * math.sin(angle), 1)
