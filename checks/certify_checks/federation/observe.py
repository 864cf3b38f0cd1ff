"""Observes subgraphs, running or as files: their SDL, their composition, the schema of before, and what the gateway serves."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from certify.api import CheckConfig, Context, Duration
from certify_checks.federation import baseline, collect, files, keep, usage
from certify_checks.federation.composition import NOT_RUN, describe, plant
from certify_checks.federation.coordinates import of_sdl
from certify_checks.federation.engine import Answer, Source, compose
from certify_checks.federation.graph import read
from certify_checks.federation.model import (
    Baseline,
    Composed,
    Composition,
    Decoy,
    FederationSeen,
    Graph,
    Subgraph,
    Usage,
)
from certify_checks.http import Client

Found = list[tuple[Subgraph, str]]


class FederationConfig(CheckConfig, frozen=True):
    """How subgraphs are composed, and what their schema is compared with.

    Attributes:
        engine_time: until the composition engine counts as hanging.
        request_time: until a request counts as lost.
        subgraphs: folder of SDL files, one a subgraph and named after it, relative to the source root: what a running service
            tells must be what its file says.
        baseline: the schema that clients rely on: a file, relative to the profile, or `git:REVISION:PATH`; without it, that of
            the previous certificate.
        operations: file or folder of operations that clients send, relative to the profile: `*.graphql`, or a log in
            `*.jsonl`, a line an object with `query` and `client`.
    """

    engine_time: Duration = Duration("30 s")
    request_time: Duration = Duration("10 s")
    subgraphs: str = ""
    baseline: str = ""
    operations: str = ""


class Made(msgspec.Struct, frozen=True):
    """What became of the composition."""

    composition: Composition = NOT_RUN
    decoys: tuple[Decoy, ...] = ()
    public: dict[str, str] = {}
    graph: Graph = Graph()


async def observe(ctx: Context, config: FederationConfig) -> FederationSeen:
    """Collect, compose, plant decoys, compare, and look at the gateway."""
    services = tuple(service for service in ctx.stack.services if service.graphql)
    async with Client(ctx, timeout=config.request_time.seconds) as client:
        bearer = await collect.token(client)
        ctx.tell("collecting schemas", 0, len(services))
        found = await collect.subgraphs(client, services, bearer)
        served, text = await collect.gateway(client, ctx.stack.gateway, bearer)
    ctx.write_evidence("gateway.graphql", text)
    if config.subgraphs:
        found = files.compared(found, files.read(_roots(ctx)[-1] / config.subgraphs))
    seen = await look(ctx, config, found)
    return msgspec.structs.replace(seen, gateway=served)


async def look(ctx: Context, config: FederationConfig, found: Found) -> FederationSeen:
    """All that needs no running stack: what the SDL of the subgraphs says, alone, together and against the baseline."""
    about = keep.sdl(ctx, found)
    sources = collect.sources(found)
    ctx.tell("composing", len(sources), len(found))
    whole = bool(sources) and len(sources) == len(found)
    made = await composed(ctx, sources, about, config) if whole else Made()
    known, used = await before(ctx, config) if ctx.wants("breaking", "documented") else (Baseline(), Usage())
    keep.documentation(ctx, about)
    today = datetime.now(UTC).date().isoformat()
    seen = FederationSeen(about, made.composition, made.decoys, made.public, graph=made.graph, baseline=known)
    return msgspec.structs.replace(seen, usage=used, today=today)


async def before(ctx: Context, config: FederationConfig) -> tuple[Baseline, Usage]:
    """The schema of before and who uses what of it; that there is none goes into the ledger."""
    folders = _roots(ctx)
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


def _roots(ctx: Context) -> tuple[Path, ...]:
    """Where paths of the options are looked for: beside the profile, then in the source root."""
    profiles = [Path(folder) for folder in ctx.options.get("profiles", "").split("\n") if folder]
    return (*profiles, ctx.source_root or Path())


async def composed(
    ctx: Context, sources: tuple[Source, ...], about: tuple[Subgraph, ...], config: FederationConfig
) -> Made:
    """Compose `sources`, keep request and result as evidence."""
    keep.request(ctx, sources)
    seconds = config.engine_time.seconds
    answer = await compose(sources, seconds=seconds)
    decoys = await plant(sources, seconds) if answer.state in {Composed.COMPOSED, Composed.REFUSED} else ()
    composition = describe(answer, sources, {subgraph.name: subgraph.file for subgraph in about})
    graph = (read(answer.supergraph) if answer.supergraph else None) or Graph()
    keep.composition(ctx, answer, composition)
    return Made(composition, decoys, _public(answer), graph)


def _public(answer: Answer) -> dict[str, str]:
    return of_sdl(answer.public) if answer.public else {}
