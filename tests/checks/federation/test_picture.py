"""Who refers to whom, as it goes to the reports and into the evidence."""

from certify_checks.federation.edges import edges
from certify_checks.federation.picture import MOST_WAYS, network, table
from certify_checks.federation.sdl import parse_all

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])\n'
A = LINK + 'type Query { b: B }\ntype A @key(fields: "id") { id: ID! b: B }\ntype B @key(fields: "id") { id: ID! }'
B = LINK + 'type B @key(fields: "id") { id: ID! name: String }'
EVIL = "<script>|"


def test_the_network_has_every_subgraph_with_its_entities_and_every_edge():
    schemas = parse_all([("a", A), (EVIL, B)])
    known = network(schemas, edges(schemas))
    assert {part.name: part.holds for part in known.parts} == {"a": ("A (id)", "B (id)"), EVIL: ("B (id)",)}
    assert [(way.start, way.end, way.by) for way in known.ways] == [("a", EVIL, ("Query.b", "A.b"))]
    assert known.title.startswith("2 subgraphs")


def test_the_table_lets_no_name_change_the_page():
    schemas = parse_all([("a", A), (EVIL, B)])
    words = table(network(schemas, edges(schemas)))
    assert "Query.b" in words
    assert "<script>" not in words
    assert all(line.count("|") - line.count("\\|") in {0, 3, 4} for line in words.splitlines())


def test_what_is_too_much_to_draw_is_counted():
    hub = 'type Query {{ hub{0}: Hub }} type Hub @key(fields: "id") {{ id: ID! f{0}: Int }}'
    schemas = parse_all((f"s{number}", LINK + hub.format(number)) for number in range(60))
    known = network(schemas, edges(schemas))
    assert (len(known.ways), known.left) == (MOST_WAYS, 60 * 59 - MOST_WAYS)
    assert f"and {known.left} more" in table(known)
