"""Rule `schema`: no valid GraphQL operation brings a server error out of the gateway."""

import asyncio
import json
import random
from collections.abc import Iterable, Sequence

import httpx
import msgspec
from graphql import GraphQLSchema, build_client_schema, build_schema, get_introspection_query, introspection_from_schema

from certify.api import (
    Capability,
    Context,
    Criteria,
    Finding,
    Location,
    Measurement,
    Outcome,
    Ruling,
    Seeded,
    Service,
    Severity,
)
from certify_checks.http import Client, LoginError, describe
from certify_checks.owasp.config import OwaspConfig
from certify_checks.owasp.inputs import identifiers, scalars
from certify_checks.owasp.loopback import serve
from certify_checks.owasp.schemathesis import Exercise, Exercised, exercise
from certify_checks.owasp.seen import SchemaSeen, ServerError

_DECOY = introspection_from_schema(
    build_schema("type Query { breaks(number: Int!): Int, masks(number: Int!): Int, works(number: Int!): Int }")
)
_DECOY_CODE = "CERTIFY_DECOY"
_DECOY_SECONDS = 90
_DECOY_FAILS = ("Query.breaks", "Query.masks")
# An error that a run meets often says no more the tenth time.
_SHOWN_PER_OPERATION = 1


async def observe_schema(ctx: Context, config: OwaspConfig) -> SchemaSeen:
    """Exercise the gateway's operations, and those of a failing server of our own by the same path."""
    gateway = ctx.stack.gateway
    if gateway is None or not gateway.url:
        return SchemaSeen(problem="there is no gateway to exercise", reason="no-gateway")
    try:
        async with Client(ctx) as client:
            token = await _token(ctx, client)
            schema = await _introspect(client, gateway, token)
            ids = await identifiers(client, gateway, schema, token)
    except (LoginError, httpx.HTTPError, ValueError) as error:
        return SchemaSeen(problem=f"the gateway's schema cannot be had: {describe(error)}", reason="no-schema")
    mutations = config.mutations and Capability.DISPOSABLE in ctx.capabilities
    allowed = _operations(schema, mutations=mutations)
    seen = SchemaSeen(total=len(_operations(schema, mutations=True)), mutations=mutations)
    selected = _select(ctx, config, allowed)
    if not selected:
        return msgspec.structs.replace(seen, problem="the schema has no operation", reason="no-operations")
    task = Exercise(
        "gateway",
        f"{gateway.url.rstrip('/')}/{(gateway.graphql or '/graphql').lstrip('/')}",
        selected,
        1 if ctx.quick else config.max_examples,
        ctx.seed,
        config.schema_budget.seconds,
        config.error_codes,
        token,
        ids,
        scalars(schema, config.scalars),
    )
    ctx.tell("exercising operations", 0, len(selected))
    done, decoy = await asyncio.gather(exercise(task, ctx.scratch), _exercise_decoy(ctx))
    ctx.write_evidence("schemathesis.jsonl", done.log)
    seen = msgspec.structs.replace(seen, selected=selected, shortened=len(selected) < len(allowed))
    return _with_results(seen, done, decoy)


def _with_results(seen: SchemaSeen, done: Exercised, decoy: Exercised) -> SchemaSeen:
    return msgspec.structs.replace(
        seen,
        exercised=done.answers,
        answered={name: count for name, count in done.good.items() if count},
        errors=done.errors,
        faults=done.faults,
        complete=done.complete,
        decoy=tuple(sorted({error.operation for error in decoy.errors})),
    )


async def _token(ctx: Context, client: Client) -> str:
    """A token of the role that may do most, because it reaches most of the code; empty when there is none."""
    roles = (*client.roles(), *ctx.stack.credentials.get("tokens", {}))
    role = next((name for name in ("admin", *roles) if name in roles), "")
    return await client.token(role) if role else ""


async def _introspect(client: Client, gateway: Service, token: str) -> GraphQLSchema:
    answer = await client.graphql(gateway, get_introspection_query(), token=token)
    if not answer.ok:
        raise ValueError(answer.complaint)
    try:
        return build_client_schema(answer.data)  # type: ignore[arg-type]  # checked by the call itself
    except (TypeError, KeyError) as error:
        raise ValueError(f"the introspection is no schema: {error}") from error


def _operations(schema: GraphQLSchema, *, mutations: bool) -> tuple[str, ...]:
    roots = (schema.query_type, schema.mutation_type if mutations else None)
    return tuple(f"{root.name}.{name}" for root in roots if root for name in sorted(root.fields))


def _select(ctx: Context, config: OwaspConfig, allowed: Sequence[str]) -> tuple[str, ...]:
    """All operations; in a shortened run a sample by the run's seed, which the ledger names."""
    if not ctx.quick or len(allowed) <= config.quick_operations:
        return tuple(allowed)
    chosen = random.Random(ctx.seed).sample(list(allowed), config.quick_operations)  # noqa: S311 - a repeatable choice
    ctx.weaken("shortened", f"schema: {len(chosen)} of {len(allowed)} GraphQL operations, one input each")
    return tuple(sorted(chosen))


async def _exercise_decoy(ctx: Context) -> Exercised:
    async with serve(_decoy_answer) as address:
        operations = ("Query.breaks", "Query.masks", "Query.works")
        task = Exercise("decoy", f"{address}/graphql", operations, 1, ctx.seed, _DECOY_SECONDS, (_DECOY_CODE,))
        return await exercise(task, ctx.scratch)


def _decoy_answer(body: bytes) -> tuple[int, bytes]:
    """A GraphQL server with one operation that breaks, one that hides its error in status 200, one that works."""
    if b"__schema" in body:
        return 200, json.dumps({"data": _DECOY}).encode()
    if b"breaks" in body:
        return 500, b'{"message":"planted"}'
    if b"masks" in body:
        error = {"message": "planted", "extensions": {"code": _DECOY_CODE}}
        return 200, json.dumps({"data": {"masks": None}, "errors": [error]}).encode()
    return 200, b'{"data":{"works":1}}'


def judge_schema(seen: SchemaSeen, criteria: Criteria) -> Ruling:
    """No server error in any request, every selected operation answered, the decoy's errors found."""
    limit = criteria["server-errors"]
    failing = sorted({error.operation for error in seen.errors})
    measured = (Measurement("server-errors", len(seen.errors), limit=limit, samples=sum(seen.exercised.values())),)
    if not limit.holds(len(seen.errors)):
        return Ruling(
            Outcome.FAIL,
            f"{len(failing)} of {len(seen.selected)} operations gave {len(seen.errors)} server errors",
            len(seen.exercised),
            findings=tuple(_findings(seen.errors)),
            measurements=measured,
        )
    if doubt := _doubt(seen):
        return doubt
    kinds = (
        "queries and mutations"
        if seen.mutations
        else "queries (mutations need the option `mutations` and a disposable stack)"
    )
    return Ruling(
        Outcome.PASS,
        f"{len(seen.errors)} server errors in {sum(seen.exercised.values())} requests to {len(seen.exercised)} of "
        f"{seen.total} operations, {kinds}; {len(seen.answered)} operations gave data",
        len(seen.exercised),
        measurements=measured,
    )


def _findings(errors: Sequence[ServerError]) -> Iterable[Finding]:
    shown: dict[tuple[str, str], int] = {}
    for error in errors:
        key = (error.operation, error.kind)
        shown[key] = shown.get(key, 0) + 1
        if shown[key] <= _SHOWN_PER_OPERATION:
            status = f" (HTTP {error.status})" if error.status else ""
            yield Finding(
                f"schema.{error.kind}",
                f"{error.operation}{status}: {error.detail}; sent {' '.join(error.query.split())[:300]}",
                Severity.HIGH,
                Location(coordinate=error.operation),
                "handle the input: answer with data or a client error; the log of the service has the cause",
                f"{error.operation} {error.kind}",
            )


def _doubt(seen: SchemaSeen) -> Ruling | None:
    examined = len(seen.exercised)
    if seen.problem:
        return Ruling.inconclusive(
            seen.reason, seen.problem, cure="give the profile a `gateway:` that answers introspection when authorised"
        )
    if set(seen.decoy) != set(_DECOY_FAILS):
        return Ruling.inconclusive(
            "sensor-blind",
            f"of our own server's failing operations {', '.join(_DECOY_FAILS)} it found {', '.join(seen.decoy) or 'none'}",
            cure="see that schemathesis runs here: `python -m schemathesis.cli --version`",
            examined=examined,
        )
    left = [name for name in seen.selected if name not in seen.exercised]
    if left or not examined or not seen.complete:
        why = seen.faults[0] if seen.faults else "its time was over" if not seen.complete else "no input was made"
        return Ruling.inconclusive(
            "not-exercised",
            f"{examined} of {len(seen.selected)} operations were exercised: {why}",
            cure="give the check a longer `schema_budget` or fewer `max_examples`",
            examined=examined,
        )
    if not seen.answered:
        return Ruling.inconclusive(
            "nothing-answered",
            "no operation gave data: only refusals were tested",
            cure="let the stack give a user of a role that may read",
            examined=examined,
        )
    return None


def seed_schema(seen: SchemaSeen, criteria: Criteria) -> Iterable[Seeded[SchemaSeen]]:
    """An operation that answers 500, one that hides its error in status 200, one that does not answer."""
    count = max(1, criteria["server-errors"].beyond() - len(seen.errors))
    for operation in seen.selected[:1]:
        for kind, status in (("status", 500), ("graphql", 200), ("transport", 0)):
            planted = (ServerError(operation, kind, status, "planted"),) * count
            after = msgspec.structs.replace(seen, errors=(*seen.errors, *planted))
            yield Seeded(f"{operation} with an error of kind {kind}", after, f"schema.{kind}")
