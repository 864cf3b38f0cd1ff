"""Inputs that reach past the front door of a GraphQL server."""

import asyncio
import json
import tomllib
from typing import Any

from graphql import build_schema, graphql_sync

from certify.api import Service
from certify_checks.owasp import CHECK, inputs
from certify_checks.owasp.config import OwaspConfig

SDL = """
scalar Money
scalar Date
type Invoice { id: ID! }
type Query { invoices(limit: Int): [Invoice!]!, invoice(id: ID!): Invoice, price(of: Money!, on: Date): Int, drafts(of: ID!): [Invoice] }
"""


def test_real_identifiers_and_samples_of_custom_scalars_are_sent(context: Any, serve: Any):
    schema = build_schema(SDL)
    sent: list[str] = []

    def respond(_: str | None, body: bytes) -> tuple[int, Any]:
        query = json.loads(body)["query"]
        sent.append(query)
        result = graphql_sync(schema, query, {"invoices": [{"id": "real-one"}], "price": 1})
        return 200, {"data": result.data, "errors": [{"message": str(error)} for error in result.errors or ()]}

    gateway = Service("gateway", url=serve(respond), graphql="/graphql")
    ctx = context(gateway=gateway, rules=("schema",), seed=3)
    config = OwaspConfig(max_examples=8, scalars={"Money": ("12.34",)})
    seen = asyncio.run(CHECK.observe(ctx, config)).schema
    assert set(seen.exercised) == {"Query.invoice", "Query.invoices", "Query.price", "Query.drafts"}
    assert seen.faults == ()
    assert any('invoice(id: "real-one")' in query for query in sent)
    assert any('price(of: "12.34"' in query for query in sent)


def test_only_scalars_that_schemathesis_does_not_know_get_samples():
    assert inputs.scalars(build_schema(SDL), {}) == {"Money": ["1", "text", ""]}


def test_settings_hold_no_token():
    text = inputs.settings("secret", ["a", 'b"c'])
    read = tomllib.loads(text)
    assert "secret" not in text
    assert read["headers"] == {"Authorization": "Bearer ${CERTIFY_SCHEMA_TOKEN}"}
    assert read["dictionaries"]["ids"]["values"] == ["a", 'b"c']
    assert "ids" not in tomllib.loads(inputs.settings("", []))["dictionaries"]
