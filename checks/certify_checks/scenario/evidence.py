"""What is kept of each test: its output, the spans of its trace, and what the services logged in it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from certify.api import Context, Service, Span, Stack, read_spans
from certify_checks.scenario.model import TestResult

_SPANS = 2_000
_LINES = 500
_READ = 64 << 20


class Kept(msgspec.Struct, frozen=True):
    """The evidence of one test; `log` are lines of the services' logs that name its trace."""

    result: TestResult
    spans: tuple[Span, ...] = ()
    log: tuple[str, ...] = ()


class Positions(msgspec.Struct, frozen=True):
    """How far the files of the stack had been written when the tests began."""

    spans: int
    logs: dict[str, int]


def positions(stack: Stack) -> Positions:
    """Where the files of the stack end now."""
    logs = {service.log: _size(service.log) for service in _logging(stack)}
    return Positions(_size(stack.spans), logs)


def keep(ctx: Context, began: Positions, results: Sequence[TestResult]) -> None:
    """Write one file for each test into the folder `tests` of the evidence."""
    traces = {result.trace for result in results if result.trace}
    spans: dict[str, list[Span]] = {trace: [] for trace in traces}
    for span in read_spans(_from(ctx.stack.spans, began.spans)).spans:
        if span.trace in traces and len(spans[span.trace]) < _SPANS:
            spans[span.trace].append(span)
    lines = _lines_of(began, traces)
    for number, result in enumerate(results, 1):
        kept = Kept(result, tuple(spans.get(result.trace, ())), tuple(lines.get(result.trace, ())))
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", result.test.rpartition("::")[2])[:80]
        ctx.write_evidence(f"tests/{number:03d}-{name}.json", msgspec.json.format(msgspec.json.encode(kept), indent=1))


def _lines_of(began: Positions, traces: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {trace: [] for trace in traces}
    for path, start in began.logs.items():
        for line in _from(path, start).decode(errors="replace").splitlines():
            for trace in _traces_in(line, traces):
                if len(found[trace]) < _LINES:
                    found[trace].append(line[:4_000])
    return found


def _traces_in(line: str, traces: set[str]) -> Iterator[str]:
    return (trace for trace in set(re.findall(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", line)) if trace in traces)


def _logging(stack: Stack) -> Iterator[Service]:
    return (service for service in (*stack.services, stack.gateway) if service and service.log)


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size if path else 0
    except OSError:
        return 0


def _from(path: str, start: int) -> bytes:
    """What a file has after `start`, at most the last 64 MiB of it."""
    if not path:
        return b""
    try:
        with Path(path).open("rb") as file:
            file.seek(max(start, _size(path) - _READ))
            return file.read()
    except OSError:
        return b""
