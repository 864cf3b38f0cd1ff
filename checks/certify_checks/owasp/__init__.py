"""Check `owasp`: forged tokens, holes in source, holes in dependencies, and hostile input to the public schema."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from certify.api import Capability, Check, Context, Criteria, Rule, Ruling, Seeded
from certify_checks.owasp.config import OwaspConfig
from certify_checks.owasp.dependencies import judge_dependencies, observe_dependencies, seed_dependencies
from certify_checks.owasp.jwt import judge_jwt, observe_jwt, seed_jwt
from certify_checks.owasp.schema import judge_schema, observe_schema, seed_schema
from certify_checks.owasp.seen import OwaspSeen
from certify_checks.owasp.source import judge_source, observe_source, seed_source

_SENSORS: dict[str, Callable[[Context, OwaspConfig], Awaitable[Any]]] = {
    "jwt": observe_jwt,
    "source": observe_source,
    "dependencies": observe_dependencies,
    "schema": observe_schema,
}


async def observe(ctx: Context, config: OwaspConfig) -> OwaspSeen:
    """Run the sensors of the rules that are wanted, side by side."""
    wanted = [name for name in _SENSORS if ctx.wants(name)]
    seen = await asyncio.gather(*(_SENSORS[name](ctx, config) for name in wanted))
    return OwaspSeen(**dict(zip(wanted, seen, strict=True)))


def _judge(name: str, judge: Callable[[Any, Criteria], Ruling]) -> Callable[[OwaspSeen, Criteria], Ruling]:
    def judged(seen: OwaspSeen, criteria: Criteria) -> Ruling:
        part = getattr(seen, name)
        if part is None:
            return Ruling.inconclusive("not-observed", f"{name} was not looked at", cure="run the check for this rule")
        return judge(part, criteria)

    return judged


def _seed(
    name: str, seed: Callable[[Any, Criteria], Iterable[Seeded[Any]]]
) -> Callable[[OwaspSeen, Criteria], Iterable[Seeded[OwaspSeen]]]:
    def seeded(seen: OwaspSeen, criteria: Criteria) -> Iterable[Seeded[OwaspSeen]]:
        part = getattr(seen, name)
        for planted in seed(part, criteria) if part is not None else ():
            whole = msgspec.structs.replace(seen, **{name: planted.observation})
            yield Seeded(planted.name, whole, planted.code)

    return seeded


CHECK = Check(
    id="owasp",
    title="Forged tokens, holes in source and dependencies, hostile input to the schema",
    observe=observe,
    observation=OwaspSeen,
    config=OwaspConfig,
    budget=240.0,
    rules=(
        Rule(
            "jwt",
            "Every end point refuses forged, expired and absent tokens",
            _judge("jwt", judge_jwt),
            _seed("jwt", seed_jwt),
            frozenset({Capability.HTTP, Capability.GRAPHQL, Capability.LOGIN}),
            {"accepted": "== 0"},
        ),
        Rule(
            "source",
            "No hole of high severity in Python source",
            _judge("source", judge_source),
            _seed("source", seed_source),
            frozenset({Capability.SOURCE}),
            {"high": "== 0"},
        ),
        Rule(
            "dependencies",
            "No known hole of high severity in Python dependencies",
            _judge("dependencies", judge_dependencies),
            _seed("dependencies", seed_dependencies),
            limits={"known-high": "== 0"},
        ),
        Rule(
            "schema",
            "No server error on any valid GraphQL operation",
            _judge("schema", judge_schema),
            _seed("schema", seed_schema),
            frozenset({Capability.GATEWAY, Capability.GRAPHQL}),
            {"server-errors": "== 0"},
        ),
    ),
)
