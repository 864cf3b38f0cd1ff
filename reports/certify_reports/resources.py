"""What the stack used of the machine, as the page shows it. Pure; what is not known is said, and never a nought."""

from dataclasses import dataclass
from typing import Final

from certify.api import Resources, Usage, format_quantity
from certify_reports.pictures import share, sparkline

UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Row:
    """One part. Bars are lengths, 0.0: there is none to draw; `line` are the points of its processor time, empty: no line."""

    name: str
    samples: int
    cpu: str
    cpu_bar: float
    line: tuple[tuple[float, float], ...]
    line_told: str
    memory: str
    memory_bar: float
    network: tuple[str, str]
    block: tuple[str, str]


@dataclass(frozen=True)
class ResourcesView:
    """The table, its foot with what all parts used together, and how it was seen."""

    rows: tuple[Row, ...]
    unseen: tuple[str, ...]
    cpu_total: str
    memory_total: str
    unknown: tuple[tuple[str, str], ...]
    told: str
    missing: str


def view(resources: Resources) -> ResourcesView:
    """Parts that were seen, those that used most first; the others by name only."""
    seen = sorted((part for part in resources.parts if part.samples), key=lambda part: (-(part.cpu_us or 0), part.name))
    cpus, memories = [part.cpu_us for part in seen], [part.memory_peak for part in seen]
    most_cpu, most_memory = (max((value or 0 for value in values), default=0) for values in (cpus, memories))
    return ResourcesView(
        rows=tuple(_row(part, most_cpu, most_memory, resources.span_us) for part in seen),
        unseen=tuple(part.name for part in resources.parts if not part.samples),
        cpu_total=_total(cpus, "us"),
        memory_total=_total(memories, "B"),
        unknown=tuple(sorted(resources.unknown.items())),
        told=_told(resources),
        missing=resources.missing,
    )


def _row(part: Usage, most_cpu: int, most_memory: int, span_us: int) -> Row:
    most = max(part.cpu_line, default=0)
    spans = f"{len(part.cpu_line)} spans of {format_quantity(span_us, 'us')}"
    return Row(
        name=part.name,
        samples=part.samples,
        cpu=_quantity(part.cpu_us, "us"),
        cpu_bar=share(part.cpu_us, most_cpu) if part.cpu_us else 0.0,
        line=sparkline(part.cpu_line),
        line_told=f"processor time in {spans}, at most {format_quantity(most, 'us')} in one",
        memory=_quantity(part.memory_peak, "B"),
        memory_bar=share(part.memory_peak, most_memory) if part.memory_peak else 0.0,
        network=(_quantity(part.network_in, "B"), _quantity(part.network_out, "B")),
        block=(_quantity(part.block_read, "B"), _quantity(part.block_written, "B")),
    )


def _quantity(value: int | None, unit: str) -> str:
    return UNKNOWN if value is None else format_quantity(value, unit)


def _total(values: list[int | None], unit: str) -> str:
    """Unknown as soon as one is: a sum of the others would be too small."""
    known = [value for value in values if value is not None]
    return format_quantity(sum(known), unit) if known and len(known) == len(values) else UNKNOWN


def _told(resources: Resources) -> str:
    if resources.samples < 2:
        return f"Looked at once, which cost certify {format_quantity(resources.cost_us, 'us')} of one core."
    every, cost = format_quantity(resources.every_us, "us"), format_quantity(resources.cost_us, "us")
    return f"Looked at {resources.samples} times, every {every}, which cost certify {cost} of one core in all."
