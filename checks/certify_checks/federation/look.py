"""All that needs no running stack: what the SDL of subgraphs says, alone, together and against the schema of before."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from certify.api import CheckConfig, Context, Duration
from certify_checks.federation import baseline, keep, usage
from certify_checks.federation.composition import NOT_RUN, describe, plant
from certify_checks.federation.coordinates import of_sdl
from certify_checks.federation.engine import SECOND, Answer, Source, compose, patience
from certify_checks.federation.graph import read
from certify_checks.federation.model import (
    Baseline,
    Composed,
    Composition,
    Decoy,
    FederationSeen,
    Fetched,
    Graph,
    Subgraph,
    Usage,
)
from certify_checks.federation.sdl import parse_all

Found = list[tuple[Subgraph, str]]


class FederationConfig(CheckConfig, frozen=True):
    """How subgraphs are composed, and what their schema is compared with.

    Attributes:
        engine_time: until the composition engine counts as hanging, for each begun million characters of SDL.
        request_time: until a request counts as lost.
        subgraphs: folder of SDL files, one a subgraph and named after it, relative to the source root: what a running service
            tells must be what its file says.
        baseline: the schema that clients rely on: a file, relative to the profile, or `git:REVISION:PATH`; without it, that of
            the previous certificate.
        operations: file or folder of operations that clients send, relative to the profile: `*.graphql`, or a log in
            `*.jsonl`, a line an object with `query` and `client`.
        second_engine: folder in which `@apollo/composition` and `graphql` are installed: composes as well, and must agree.
        values: what arguments are given, by coordinate (`OrderInput.code`) or by name; `{unique}` in it becomes a number.
        left_out: root fields that are not called, such as `Mutation.shutDown`, with the reason.
    """

    engine_time: Duration = Duration("30 s")
    request_time: Duration = Duration("10 s")
    subgraphs: str = ""
    baseline: str = ""
    operations: str = ""
    second_engine: str = ""
    values: dict[str, Any] = msgspec.field(default_factory=dict)
    left_out: dict[str, str] = msgspec.field(default_factory=dict)


class Made(msgspec.Struct, frozen=True):
    """What became of the composition."""

    composition: Composition = NOT_RUN
    decoys: tuple[Decoy, ...] = ()
    public: dict[str, str] = {}


async def look(ctx: Context, config: FederationConfig, found: Found) -> FederationSeen:
    """Compose what was found, read it meanwhile, and compare it with what was before."""
    sources = sources_of(found)
    whole = bool(sources) and len(sources) == len(found)
    ctx.tell("composing", len(sources), len(found))
    keep.request(ctx, sources)
    seconds = patience(sources, config.engine_time.seconds)
    async with asyncio.TaskGroup() as tasks:
        composing = tasks.create_task(compose(sources, seconds=seconds) if whole else _not_composed())
        other = tasks.create_task(_second(sources, config, seconds) if whole else _nothing())
        # Parsing takes about as long as composing, which another process does.
        about = await asyncio.to_thread(keep.sdl, ctx, found)
        decoys = await plant(sources, seconds) if whole else ()
        known, used = await before(ctx, config) if ctx.wants("breaking", "documented") else (Baseline(), Usage())
    answer = composing.result()
    made = _made(ctx, (answer, other.result()), decoys, sources, about) if whole else Made()
    graph = (read(answer.supergraph) if answer.supergraph and known.origin else None) or Graph()
    keep.documentation(ctx, about)
    network = keep.graph(ctx, parse_all((source.name, source.sdl) for source in sources))
    today = datetime.now(UTC).date().isoformat()
    seen = FederationSeen(about, made.composition, made.decoys, made.public, graph=graph, baseline=known)
    return msgspec.structs.replace(seen, usage=used, today=today, network=network)


async def before(ctx: Context, config: FederationConfig) -> tuple[Baseline, Usage]:
    """The schema of before and who uses what of it; that there is none goes into the ledger."""
    folders = roots_of(ctx)
    previous = ctx.options.get("previous")
    known, text = await baseline.find(config.baseline, folders, Path(previous) if previous else None)
    if not known.origin and ctx.wants("breaking"):
        ctx.weaken("first-certificate", "the schema was compared with nothing: there is no baseline")
    if not text or not config.operations:
        return known, Usage()
    near = [folder / config.operations for folder in folders]
    path = next((path for path in near if path.exists()), None)
    if path is None:
        return known, Usage(problems=(f"{config.operations}: there is no such file or folder",))
    return known, usage.usage(text, *usage.recorded(path))


def roots_of(ctx: Context) -> tuple[Path, ...]:
    """Where paths of the options are looked for: beside the profile, then in the source root."""
    profiles = [Path(folder) for folder in ctx.options.get("profiles", "").split("\n") if folder]
    return (*profiles, ctx.source_root or Path())


async def _not_composed() -> Answer:
    return Answer(Composed.SKIPPED)


async def _nothing() -> None:
    return None


async def _second(sources: tuple[Source, ...], config: FederationConfig, seconds: float) -> Answer | None:
    """What the second engine says, where there is one."""
    if not config.second_engine:
        return None
    folder = str(await asyncio.to_thread(Path(config.second_engine).absolute))
    return await compose(sources, seconds=seconds, engine=SECOND, beside=folder)


def _made(
    ctx: Context,
    answers: tuple[Answer, Answer | None],
    decoys: tuple[Decoy, ...],
    sources: tuple[Source, ...],
    about: tuple[Subgraph, ...],
) -> Made:
    """Understand what the engine answered, and the second one, and keep it as evidence."""
    answer, second = answers
    composition = describe(answer, sources, {subgraph.name: subgraph.file for subgraph in about}, second)
    keep.composition(ctx, answer, composition, second.hints if second else ())
    public = of_sdl(answer.public) if answer.public and ctx.wants("served") else {}
    answered = answer.state in {Composed.COMPOSED, Composed.REFUSED}
    return Made(composition, decoys if answered else (), public)


def sources_of(found: Found) -> tuple[Source, ...]:
    """What goes to the engine: the subgraphs whose SDL could be had."""
    return tuple(Source(about.name, sdl, about.url) for about, sdl in found if about.state is Fetched.OK)
