from xml.etree import ElementTree as ET

from certify_checks.federation.edges import edges
from certify_checks.federation.picture import svg, table
from certify_checks.federation.sdl import parse_all

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])\n'
HOSTILE = '</text><script>alert("x")</script>\x1b[31m|'
SHOP = LINK + 'type Query { orders: [Item!]! } type Item @key(fields: "id", resolvable: false) { id: ID! }'
STOCK = LINK + 'type Query { items: [Item!]! } type Item @key(fields: "id") { id: ID! price: Int }'


def test_the_graph_is_drawn_with_its_edges_and_hostile_names_are_only_text():
    schemas = parse_all([("shop", SHOP), (HOSTILE, STOCK)])
    found = tuple(edges(schemas))
    drawn = ET.fromstring(svg([schema.name for schema in schemas], found))  # noqa: S314 - our own
    names = {element.tag.rpartition("}")[2] for element in drawn.iter()}
    assert names == {"svg", "title", "style", "path", "circle", "text"}
    told = table(schemas, found)
    assert "| shop | Query.orders | Item |" in told
    assert "<script>" not in told


def test_no_subgraph_and_two_hundred_are_drawn_too():
    assert len(ET.fromstring(svg([], ()))) == 2  # noqa: S314 - our own
    assert svg([f"s{number}" for number in range(200)], ()).count("<circle") == 200
