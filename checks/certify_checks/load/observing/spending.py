"""Where the time of traced requests went, out of the spans that the services report."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from certify.api import Context, read_spans
from certify_checks.load.generator.outcomes import OK
from certify_checks.load.generator.tally import REQUESTS
from certify_checks.load.generator.traces import trace_of, wanted
from certify_checks.load.model import Spending
from certify_checks.load.observing.reading import rows_of

# Services send their spans in batches.
PATIENCE: Final = 5.0
_POLL: Final = 0.25
_QUIET: Final = 1.0
_CHUNK: Final = 8 * 1024 * 1024
# The slowest so many in a thousand of the traced requests, and not fewer than so many.
_SLOWEST: Final = 100
_FEWEST: Final = 5
# Spans of one request; whatever has more is not looked at to its end.
_MOST: Final = 500
ELSEWHERE: Final = "gateway and network"
"""What no service's span covers."""


class Piece(msgspec.Struct, frozen=True):
    """What of a `certify.api.Span` is needed here."""

    service: str
    kind: str
    trace: str
    id: str
    parent: str = ""
    start_us: int = 0
    end_us: int = 0
    attributes: dict[str, str] = {}


class Traced(NamedTuple):
    """A traced request: its operation, and how long it took."""

    operation: str
    elapsed_us: int


def size_of(ctx: Context) -> int:
    """How long the file of spans is now; what is told before a load is none of it."""
    try:
        return Path(ctx.stack.spans).stat().st_size if ctx.stack.spans else 0
    except OSError:
        return 0


def traced_requests(folder: Path, names: list[str], every: int) -> dict[str, Traced]:
    """Those of a load that were to be traced and got a right answer; `names` as for `reading.read`.

    What was sent twice is left out: its spans would be those of two requests.
    """
    rows = rows_of(folder / REQUESTS)
    times = Counter(row["unique"] for row in rows)
    return {
        trace_of(row["unique"]): Traced(names[int(row["operation"])], int(row["elapsed_us"]))
        for row in rows
        if row["outcome"] == OK and wanted(row["unique"], every) and times[row["unique"]] == 1
    }


async def spending(ctx: Context, begin: int, run: str, traced: Mapping[str, Traced]) -> tuple[Spending, ...]:
    """How the slowest tenth of the traced requests spent their time, by operation.

    Args:
        ctx: of the check.
        begin: where in the file the load's spans begin.
        run: what all its numbers begin with.
        traced: trace -> request.
    """
    if not ctx.stack.spans or not traced:
        return ()
    found = await _found(Path(ctx.stack.spans), begin, run, traced)
    whole = {trace: request for trace, request in traced.items() if trace in found}
    slowest = sorted(whole, key=lambda trace: -whole[trace].elapsed_us)[: max(_FEWEST, len(whole) * _SLOWEST // 1000)]
    operations = sorted({whole[trace].operation for trace in slowest})
    return tuple(_of(name, {t: whole[t] for t in slowest if whole[t].operation == name}, found) for name in operations)


async def _found(path: Path, begin: int, run: str, traced: Mapping[str, Traced]) -> dict[str, list[Piece]]:
    """Spans of the traces, read until nothing more comes."""
    found: dict[str, list[Piece]] = {}
    at, last, until = begin, time.monotonic(), time.monotonic() + PATIENCE
    while time.monotonic() < min(until, last + _QUIET):
        size, pieces = await asyncio.to_thread(_read, path, at, run.encode())
        at += size
        for piece in pieces:
            if piece.trace in traced:
                found.setdefault(piece.trace, []).append(piece)
                last = time.monotonic()
        if not size:
            await asyncio.sleep(_POLL)
    return found


def _read(path: Path, at: int, run: bytes) -> tuple[int, tuple[Piece, ...]]:
    """How many bytes were read, and the load's spans in them."""
    try:
        with path.open("rb") as file:
            file.seek(at)
            content = file.read(_CHUNK)
    except OSError:
        return 0, ()
    size = content.rfind(b"\n") + 1
    # Of many spans most are none of ours: to look for the name is cheaper than to decode.
    own = b"".join(line for line in content[:size].splitlines(keepends=True) if run in line)
    return size or (len(content) if len(content) == _CHUNK else 0), read_spans(own, of=Piece).spans


def _of(name: str, requests: Mapping[str, Traced], found: Mapping[str, list[Piece]]) -> Spending:
    spent: Counter[str] = Counter()
    for trace, request in requests.items():
        known = shares(found[trace][:_MOST], request.elapsed_us)
        spent.update(known)
        spent[ELSEWHERE] += max(0, request.elapsed_us - sum(known.values()))
    elapsed = sum(request.elapsed_us for request in requests.values())
    return Spending(name, len(requests), elapsed, dict(spent.most_common()))


def shares(pieces: Iterable[Piece], elapsed_us: int) -> dict[str, int]:
    """Microseconds of each place while a request was under way: who works or waits for nobody else has the time.

    At each moment it belongs to the spans without a child under way, in equal parts where several are. What nobody waits for is left
    out, such as an event that is consumed, and what goes on after the answer.
    """
    own = {piece.id: piece for piece in pieces}
    asked = [piece for piece in own.values() if _awaited(piece, own)]
    if not asked:
        return {}
    begin = min(piece.start_us for piece in asked)
    end = begin + elapsed_us
    moments = sorted({min(at, end) for piece in asked for at in (piece.start_us, piece.end_us)})
    spent: Counter[str] = Counter()
    for start, stop in itertools.pairwise(moments):
        active = [piece for piece in asked if piece.start_us <= start and piece.end_us >= stop]
        parents = {piece.parent for piece in active}
        leaves = [piece for piece in active if piece.id not in parents]
        for piece in leaves:
            spent[_place(piece)] += (stop - start) // len(leaves)
    return dict(spent)


def _awaited(piece: Piece, own: Mapping[str, Piece]) -> bool:
    """Whether somebody waits for it: neither it nor any span that it is a part of sends or consumes a message."""
    seen: set[str] = set()
    one: Piece | None = piece
    while one is not None and one.id not in seen:
        if one.kind in {"producer", "consumer"}:
            return False
        seen.add(one.id)
        one = own.get(one.parent)
    return True


def _place(piece: Piece) -> str:
    database = "db.system.name" in piece.attributes or "db.system" in piece.attributes
    return f"{piece.service}'s database" if database else piece.service
