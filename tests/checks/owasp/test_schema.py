"""Rule owasp.schema against real GraphQL servers: healthy, failing, refusing, absent."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from graphql import build_schema, graphql_sync

from certify.api import Capability, Criteria, Duration, Outcome, Ruling, Service
from certify_checks.owasp import CHECK
from certify_checks.owasp.config import OwaspConfig
from certify_checks.owasp.seen import OwaspSeen, SchemaSeen, ServerError

RULE = CHECK.rule("schema")
assert RULE
DEFAULTS = OwaspConfig()
SDL = """
type Query { invoice(id: ID!): String, total(year: Int!): Int, names(text: String = ""): [String] }
type Mutation { pay(amount: Int!): Boolean }
"""


def api(broken: str = "", hidden: str = "", *, refuse: bool = False) -> Callable[[str | None, bytes], tuple[int, Any]]:
    """A GraphQL server; the `broken` operation gives 500, the `hidden` one an internal error in status 200."""
    schema = build_schema(SDL)
    root = {"invoice": "one", "total": 3, "names": ["a"], "pay": True}

    def respond(authorization: str | None, body: bytes) -> tuple[int, Any]:
        if authorization != "Bearer token":
            return 401, {"errors": [{"message": "who?"}]}
        query = json.loads(body)["query"]
        if "__schema" not in query and refuse:
            return 200, {"data": None, "errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}
        if "__schema" not in query and broken and broken in query:
            return 500, {"message": "boom"}
        if "__schema" not in query and hidden and hidden in query:
            error = {"message": "Something went wrong.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
            return 200, {"data": None, "errors": [error]}
        result = graphql_sync(schema, query, root)
        return 200, {"data": result.data, "errors": [{"message": str(error)} for error in result.errors or ()]}

    return respond


@pytest.fixture
def observe(context: Any, serve: Any):
    def run(respond: Any = None, config: OwaspConfig = DEFAULTS, url: str = "", **fields: Any) -> OwaspSeen:
        address = url or (serve(respond) if respond else "")
        gateway = Service("gateway", url=address, graphql="/graphql")
        ctx = context(gateway=gateway, credentials={"tokens": {"service": "token"}}, rules=("schema",), **fields)
        seen = asyncio.run(CHECK.observe(ctx, config))
        return msgspec.json.decode(msgspec.json.encode(seen), type=OwaspSeen)

    return run


def judge(seen: OwaspSeen, criteria: Callable[..., Criteria]) -> Ruling:
    return RULE.judge(seen, criteria(RULE))


def test_a_healthy_schema_passes_and_every_seed_is_found(observe: Any, criteria: Any):
    seen = observe(api())
    ruling = judge(seen, criteria)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 3), ruling
    assert seen.schema.selected == ("Query.invoice", "Query.names", "Query.total")
    assert "mutations need the option" in ruling.summary
    seeds = list(RULE.seed(seen, criteria(RULE)))
    assert len(seeds) == 3
    for seed in seeds:
        after = RULE.judge(seed.observation, criteria(RULE))
        assert seed.code in {finding.code for finding in after.findings}


def test_server_errors_are_found_by_status_by_code_and_in_mutations(observe: Any, criteria: Any):
    disposable = frozenset({Capability.DISPOSABLE})
    seen = observe(api(broken="pay", hidden="total"), OwaspConfig(mutations=True), capabilities=disposable)
    ruling = judge(seen, criteria)
    assert ruling.outcome is Outcome.FAIL
    assert {(f.code, f.location.coordinate) for f in ruling.findings} == {
        ("schema.status", "Mutation.pay"),
        ("schema.graphql", "Query.total"),
    }
    assert ruling.measurements[0].value == len(seen.schema.errors) > 1


def test_a_quick_run_samples_and_says_so(observe: Any, criteria: Any):
    told: list[tuple[str, str]] = []
    seen = observe(
        api(), OwaspConfig(quick_operations=1), quick=True, weakening=lambda kind, text: told.append((kind, text))
    )
    assert (len(seen.schema.selected), seen.schema.shortened) == (1, True)
    assert told == [("shortened", "schema: 1 of 3 GraphQL operations, one input each")]
    assert judge(seen, criteria).outcome is Outcome.PASS


def test_only_refusals_prove_nothing(observe: Any, criteria: Any):
    assert judge(observe(api(refuse=True), OwaspConfig(max_examples=1)), criteria).reason == "nothing-answered"


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9"])
def test_no_gateway_or_no_schema_is_inconclusive(observe: Any, criteria: Any, url: Any):
    ruling = judge(observe(url=url), criteria)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "no-schema" if url else "no-gateway")


def test_a_run_that_is_cut_off_is_inconclusive(observe: Any, criteria: Any):
    seen = observe(api(), OwaspConfig(schema_budget=Duration("1 ms")))
    assert judge(seen, criteria).reason == "not-exercised"


def test_a_failing_observation_still_finds_its_seeds(criteria: Any):
    error = ServerError("Query.a", "status", 500, "boom")
    seen = OwaspSeen(schema=SchemaSeen(("Query.a",), {"Query.a": 1}, {"Query.a": 1}, 1, errors=(error,)))
    assert judge(seen, criteria).outcome is Outcome.FAIL
    for seed in RULE.seed(seen, criteria(RULE)):
        assert RULE.judge(seed.observation, criteria(RULE)).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"decoy": ()}, "sensor-blind"),
        ({"decoy": ("Query.breaks", "Query.masks", "Query.works")}, "sensor-blind"),
        ({"complete": False}, "not-exercised"),
        ({"selected": ("Query.a", "Query.b")}, "not-exercised"),
        ({"answered": {}}, "nothing-answered"),
    ],
)
def test_each_doubt_is_said(criteria: Any, change: Any, reason: Any):
    good = SchemaSeen(("Query.a",), {"Query.a": 3}, {"Query.a": 3}, 1, complete=True)
    good = msgspec.structs.replace(good, decoy=("Query.breaks", "Query.masks"))
    assert judge(OwaspSeen(schema=good), criteria).outcome is Outcome.PASS
    ruling = judge(OwaspSeen(schema=msgspec.structs.replace(good, **change)), criteria)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)
