import graphql as gql

from certify_checks.federation.coordinates import enclosing, named_in, of_introspection, of_sdl, places

SDL = """
type Query implements Node { id: ID!  list(first: Int = 20, order: [Order!] = [UP], by: Filter = {q: "a"}): [Found!]! }
interface Node { id: ID! }
union Found = Query | Other
type Other { at: Date @deprecated }
enum Order { UP DOWN }
input Filter { q: String = "x", n: Int! = 3 }
scalar Date
"""


def test_every_kind_of_coordinate_is_read():
    assert of_sdl(SDL) == {
        "Query": "object Node",
        "Query.id": "ID!",
        "Query.list": "[Found!]!",
        "Query.list(first:)": "Int = 20",
        "Query.list(order:)": "[Order!] = [UP]",
        "Query.list(by:)": 'Filter = { q: "a" }',
        "Node": "interface",
        "Node.id": "ID!",
        "Found": "union Other Query",
        "Other": "object",
        "Other.at": "Date",
        "Order": "enum",
        "Order.UP": "value",
        "Order.DOWN": "value",
        "Filter": "input object",
        "Filter.q": 'String = "x"',
        "Filter.n": "Int! = 3",
        "Date": "scalar",
    }


def test_sdl_and_introspection_of_one_schema_agree():
    assert of_introspection(gql.introspection_from_schema(gql.build_schema(SDL))) == of_sdl(SDL)


def test_places_are_those_of_the_names():
    found = places(
        '"""Why."""\ntype A @key(fields: "id") {\n  id: ID!\n}\nextend type A { more: Int }\nenum E {\n  ONE\n}'
    )
    assert found == {"A": (2, 6), "A.id": (3, 3), "A.more": (5, 17), "E": (6, 6), "E.ONE": (7, 3)}
    assert enclosing(found, 3, 9) == "A.id"
    assert places("type {") == {}


def test_the_coordinate_is_read_from_the_engines_message():
    assert named_in('Type of field "A.x" is incompatible: type "String" in subgraph "a"') == "A.x"
    assert named_in('[d] On type "A", for @key(fields: "missing")') == "A"
    assert named_in("nothing quoted") == ""
