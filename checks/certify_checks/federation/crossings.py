"""Follows every edge between subgraphs through the gateway: equal schemas have hidden a broken way from one to the other."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import graphql as gql
import msgspec

from certify_checks.federation.edges import edges
from certify_checks.federation.harvest import AT_ONCE, PAGE, Ask, Root, denied
from certify_checks.federation.model import Crossing
from certify_checks.federation.sdl import Subschema
from certify_checks.variables import at_path

_PAGES: Final = frozenset({"limit", "first", "take"})


class Path(msgspec.Struct, frozen=True):
    """A way to a type: a list, and fields from there."""

    root: Root
    fields: tuple[str, ...] = ()
    last: Any = None

    @property
    def end(self) -> Any:
        """The type that it leads to."""
        return gql.get_named_type(self.last.type) if self.last else self.root.type


async def cross(ask: Ask, schemas: tuple[Subschema, ...], wanted: list[Root]) -> tuple[Crossing, ...]:
    """One question for each subgraph and each edge; an edge that starts where no list leads to is not tried."""
    turn = asyncio.Semaphore(AT_ONCE)
    lists = [root for root in wanted if root.kind == "Query" and not root.required]
    by_type = paths(lists)

    async def one(crossing: Crossing, path: Path | None, inside: str) -> Crossing:
        if path is None:
            return crossing
        async with turn:
            return await _asked(ask, crossing, path, inside)

    probes = [one(Crossing(s.name), _first(s, lists), "__typename") for s in schemas if "query" in s.roots]
    ways = [
        one(
            Crossing(edge.subgraph, f"{edge.type}.{edge.name}", edge.owner, f"{edge.entity}.{edge.field}"),
            by_type.get(edge.type),
            f"{edge.name} {{ __typename {edge.field} }}",
        )
        for edge in edges(schemas)
    ]
    return tuple(await asyncio.gather(*probes, *ways))


def paths(lists: list[Root]) -> dict[str, Path]:
    """The shortest way from a list to each type, at most two fields long."""
    found: dict[str, Path] = {}
    near = [Path(root) for root in lists]
    for _ in range(3):
        far: list[Path] = []
        for path in near:
            if path.end.name not in found:
                found[path.end.name] = path
                far += [Path(path.root, (*path.fields, name), field) for name, field in _leading(path.end)]
        near = far
    return found


def _leading(kind: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a type that lead to other types, without an argument that they need."""
    for name, field in getattr(kind, "fields", {}).items():
        needs = any(gql.is_required_argument(given) for given in field.args.values())
        if not needs and isinstance(gql.get_named_type(field.type), gql.GraphQLObjectType):
            yield name, field


def _first(schema: Subschema, lists: list[Root]) -> Path | None:
    own = schema.types[schema.roots["query"]].fields if schema.roots["query"] in schema.types else {}
    return next((Path(root) for root in lists if root.name in own and not gql.is_leaf_type(root.type)), None)


async def _asked(ask: Ask, crossing: Crossing, path: Path, inside: str) -> Crossing:
    root = path.root
    for name in reversed(path.fields):
        inside = f"{name} {{ {inside} }}"
    values = {name: PAGE for name in root.field.args if name.lower() in _PAGES}
    declared = ", ".join(f"${name}: {root.field.args[name].type}" for name in values)
    given = ", ".join(f"{name}: ${name}" for name in values)
    head, call = (f"({declared})", f"({given})") if values else ("", "")
    answer = await ask(f"query Certify{head} {{ it: {root.name}{call} {{ {inside} }} }}", values)
    if denied(answer):
        return msgspec.structs.replace(crossing, how="untried", detail=answer.complaint)
    if not answer.ok:
        return msgspec.structs.replace(crossing, how="failed", detail=answer.complaint)
    if not crossing.to:
        return msgspec.structs.replace(crossing, how="answered")
    name, leaf = crossing.field.partition(".")[2], crossing.leaf.partition(".")[2]
    reached = [one for one in at_path(answer.data, ".".join(("it", *path.fields, name))) if isinstance(one, dict)]
    if not reached:
        return msgspec.structs.replace(crossing, how="untried", detail="nothing refers to one")
    told = any(leaf in one for one in reached)
    return msgspec.structs.replace(
        crossing, how="answered" if told else "failed", detail="" if told else "no field came"
    )
