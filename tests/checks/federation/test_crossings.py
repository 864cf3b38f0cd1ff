"""Ways between subgraphs, through gateways in both colours."""

from asyncio import run
from typing import Any

import graphql as gql
import pytest

from certify_checks.federation.crossings import cross, paths
from certify_checks.federation.edges import edges
from certify_checks.federation.harvest import roots
from certify_checks.federation.sdl import parse_all
from certify_checks.http import GraphQLAnswer

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])\n'
SHOP = LINK + (
    "type Query { orders: [Order!]! } type Order { id: ID! lines: [Line!]! } type Line { item: Item! } "
    'type Item @key(fields: "id", resolvable: false) { id: ID! }'
)
STOCK = LINK + 'type Query { items: [Item!]! } type Item @key(fields: "id") { id: ID! price: Int }'
PUBLIC = gql.build_schema(
    "type Query { orders: [Order!]! items: [Item!]! } type Order { id: ID! lines: [Line!]! } "
    "type Line { item: Item! } type Item { id: ID! price: Int }"
)
SCHEMAS = parse_all([("shop", SHOP), ("stock", STOCK)])


def crossed(items: Any, status: int = 200, errors: tuple[dict[str, Any], ...] = ()) -> dict[str, str]:
    async def ask(query: str, variables: dict[str, Any]) -> GraphQLAnswer:
        del variables
        told = [{"lines": [{"item": items}]}] if "price" in query else [{"__typename": "X"}]
        return GraphQLAnswer(status, {"it": told}, errors)

    return {crossing.leaf or crossing.subgraph: crossing.how for crossing in run(cross(ask, SCHEMAS, roots(PUBLIC)))}


def test_an_edge_leads_to_what_only_the_other_subgraph_has():
    (edge,) = edges(SCHEMAS)
    assert (edge.subgraph, edge.type, edge.name, edge.owner, edge.entity, edge.field) == (
        *("shop", "Line", "item"),
        *("stock", "Item", "price"),
    )
    assert paths(roots(PUBLIC))["Line"].fields == ("lines",)


@pytest.mark.parametrize(
    ("items", "how"), [({"price": 1}, "answered"), ({"price": None}, "answered"), (None, "untried"), ({}, "failed")]
)
def test_a_way_is_answered_broken_or_untried(items: Any, how: str):
    assert crossed(items) == {"shop": "answered", "stock": "answered", "Item.price": how}


def test_an_error_breaks_every_way_and_a_refusal_is_no_answer():
    assert set(crossed({"price": 1}, errors=({"message": "boom"},)).values()) == {"failed"}
    assert set(crossed({"price": 1}, status=403).values()) == {"untried"}
