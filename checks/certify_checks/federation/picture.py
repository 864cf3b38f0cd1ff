"""Draws subgraphs, and the edges between them, as SVG and as a table. All names are other people's texts."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from certify.api import markdown, visible
from certify_checks.federation import fieldsets
from certify_checks.federation.edges import Edge
from certify_checks.federation.sdl import Subschema

_NODE: Final = 6
_TEXT: Final = 12
# Between two names on the circle.
_SPACE: Final = 26
_MARGIN: Final = 190
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:CanvasText}circle{fill:#2563eb}"
    "path{fill:none;stroke:#64748b;stroke-opacity:.55}svg{color-scheme:light dark;background:Canvas}"
)


def svg(names: Sequence[str], edges: Iterable[Edge]) -> str:
    """Subgraphs on a circle; a line from one to each that owns entities which it refers to, thicker for more of them."""
    radius = max(120.0, len(names) * _SPACE / math.tau)
    middle = radius + _MARGIN
    places = {name: _place(number, len(names), radius, middle) for number, name in enumerate(names)}
    pairs = Counter((edge.subgraph, edge.owner) for edge in edges)
    lines = [
        _line(places[one], places[other], middle, f"{one} to {other}: {n}", n) for (one, other), n in pairs.items()
    ]
    size = round(2 * middle)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" role="img">'
    title = f"<title>{len(names)} subgraphs, {sum(pairs.values())} edges between them</title><style>{_STYLE}</style>"
    return "\n".join((head, title, *lines, *(_node(name, places[name], middle) for name in names), "</svg>")) + "\n"


def _place(number: int, of: int, radius: float, middle: float) -> tuple[float, float]:
    angle = math.tau * number / max(of, 1) - math.pi / 2
    return round(middle + radius * math.cos(angle), 1), round(middle + radius * math.sin(angle), 1)


def _line(one: tuple[float, float], other: tuple[float, float], middle: float, title: str, count: int) -> str:
    width = round(1 + math.log2(count), 1)
    way = f"M{one[0]} {one[1]}Q{middle} {middle} {other[0]} {other[1]}"
    return f'<path d="{way}" stroke-width="{width}"><title>{_text(title)}</title></path>'


def _node(name: str, place: tuple[float, float], middle: float) -> str:
    x, y = place
    right = x >= middle
    anchor, shift = ("start", _NODE + 4) if right else ("end", -_NODE - 4)
    circle = f'<circle cx="{x}" cy="{y}" r="{_NODE}"/>'
    return f'{circle}<text x="{x + shift}" y="{y + _TEXT / 3}" text-anchor="{anchor}">{_text(name[:40])}</text>'


def _text(text: str) -> str:
    return escape(visible(text))


def table(schemas: Sequence[Subschema], edges: Sequence[Edge]) -> str:
    """The same in words: who owns which entities, and who refers to what of whom."""
    rows = ["| subgraph | entities, by key |", "|---|---|"]
    for schema in schemas:
        owned = [
            f"{info.name} ({', '.join(text for text, resolvable, _ in fieldsets.keys(schema, info) if resolvable)})"
            for info in schema.types.values()
            if any(resolvable for _, resolvable, _ in fieldsets.keys(schema, info))
        ]
        rows.append(f"| {markdown(schema.name)} | {markdown(', '.join(owned)) or '-'} |")
    rows += ["", "| from | field | to | of |", "|---|---|---|---|"]
    for edge in edges:
        cells = (edge.subgraph, f"{edge.type}.{edge.name}", edge.entity, edge.owner)
        rows.append(f"| {' | '.join(markdown(cell) for cell in cells)} |")
    return "\n".join(rows) + "\n"
