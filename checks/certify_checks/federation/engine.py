"""Runs the composition engine in a Node process of its own, within a budget of time and memory."""

import asyncio
import os
from pathlib import Path
from typing import Any

import msgspec

from certify_checks.children import die_with_parent, end
from certify_checks.federation.model import Composed
from certify_checks.federation.runtime import CURE, find_node

ENGINE = Path(__file__).with_name("engine.mjs")
SECOND = Path(__file__).with_name("second.mjs")
# Enough for 5 MB of SDL; a cap, which small schemas stay far below.
HEAP_MIB = 1536
# Seconds, of the 180 that the whole check has.
LONGEST = 120.0


class Source(msgspec.Struct, frozen=True):
    """The SDL of one subgraph, as it goes to the engine."""

    name: str
    sdl: str
    url: str = ""


class Place(msgspec.Struct, frozen=True):
    """A place in a subgraph's SDL, from 1."""

    subgraph: str
    line: int
    column: int


class EngineError(msgspec.Struct, frozen=True):
    """One error of the engine."""

    code: str
    message: str
    subgraph: str | None = None
    locations: tuple[Place, ...] = ()


class Hint(msgspec.Struct, frozen=True):
    """What an engine advises."""

    code: str
    message: str


class Answer(msgspec.Struct, frozen=True):
    """What came back from the engine, or how it ended without an answer (`detail`)."""

    state: Composed
    errors: tuple[EngineError, ...] = ()
    supergraph: str = ""
    public: str = ""
    engine: str = ""
    detail: str = ""
    hints: tuple[Hint, ...] = ()


class _Reply(msgspec.Struct, frozen=True, rename="camel"):
    ok: bool
    supergraph: str | None
    public_sdl: str | None
    errors: tuple[EngineError, ...]
    engine: dict[str, str]
    hints: tuple[Hint, ...] = ()


def patience(sources: tuple[Source, ...], seconds: float) -> float:
    """How long the engine may take: `seconds` for each begun million characters, as far as the check's budget allows."""
    millions = -(-sum(len(source.sdl) for source in sources) // 1_000_000)
    return max(seconds, min(seconds * millions, LONGEST))


async def compose(  # noqa: PLR0913 - how it is run is told by keyword
    sources: tuple[Source, ...],
    *,
    seconds: float,
    heap_mib: int = HEAP_MIB,
    engine: Path = ENGINE,
    beside: str = "",
    plain: bool = False,
) -> Answer:
    """Compose subgraphs. Whatever the engine does, an answer comes back within `seconds`.

    `beside`: the folder in which the second engine is installed; `plain`: without our search for ways between subgraphs.
    """
    node = await find_node()
    if node is None:
        return Answer(Composed.NO_RUNTIME, detail=f"no Node was found; {CURE}")
    if not _is_there(engine):
        return Answer(Composed.NO_ENGINE, detail="engine.mjs is missing from the installation")
    request = msgspec.json.encode({"subgraphs": sources, "plain": plain})
    process = await asyncio.create_subprocess_exec(
        node,
        f"--max-old-space-size={heap_mib}",
        engine,
        *([beside] if beside else []),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", os.defpath)},
        preexec_fn=die_with_parent(),
    )
    try:
        answer, log = await asyncio.wait_for(process.communicate(request), seconds)
    except TimeoutError:
        size = sum(len(source.sdl) for source in sources)
        told = f"no answer within {seconds:g} s to {len(sources)} subgraphs with {size:,} characters"
        return Answer(Composed.TIMEOUT, detail=told)
    finally:
        await end(process)
    return read_reply(process.returncode, answer, log.decode(errors="replace"))


def _is_there(path: Path) -> bool:
    return path.is_file()


def read_reply(code: int | None, told: bytes, log: str) -> Answer:
    """Understand how the engine's process ended; only a whole answer with exit code 0 counts as one."""
    if "heap out of memory" in log:
        return Answer(Composed.MEMORY, detail="it used up all the memory that it may have")
    if code:
        return Answer(Composed.CRASHED, detail=f"exit code {code}: {_tail(log)}")
    try:
        reply = msgspec.json.decode(told, type=_Reply)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Answer(Composed.CRASHED, detail=f"the answer cannot be read ({error}): {told[:200]!r}")
    name = _name(reply.engine)
    if reply.ok and not reply.errors and reply.supergraph and reply.public_sdl:
        return Answer(Composed.COMPOSED, (), reply.supergraph, reply.public_sdl, name, hints=reply.hints)
    errors = reply.errors or (EngineError("ENGINE_FAILED", "the engine gave neither a supergraph nor an error"),)
    return Answer(Composed.REFUSED, errors, engine=name)


def _name(engine: dict[str, Any]) -> str:
    return f"{engine.get('name', 'unknown engine')} {engine.get('version', '')}".strip()


def _tail(log: str) -> str:
    return " | ".join(line.strip() for line in log.strip().splitlines()[-3:])[:500]
