"""Changes between two schemas, held against graphql-core, whose verdict differs only where it is wrong or coarse."""

import graphql as gql
import pytest

from certify_checks.federation.changes import Level, compare
from certify_checks.federation.graph import read
from certify_checks.federation.model import Graph

TODAY = "2026-06-01"
# (before, after, code, level); graphql-core must agree on what is breaking and what dangerous.
AGREED = [
    ("type Query { a: Int b: Int }", "type Query { b: Int }", "field-removed", "breaking"),
    ("type Query { a: Int }", "type Query { a: Int b: Int }", "field-added", "safe"),
    ("type Query { a: T } type T { x: Int }", "type Query { a: T } scalar T", "kind-changed", "breaking"),
    ("type Query { a: Int } type T { x: Int }", "type Query { a: Int }", "object-removed", "breaking"),
    ("type Query { a: Int }", "type Query { a: String }", "type-changed", "breaking"),
    ("type Query { a: Int }", "type Query { a: Int! }", "type-changed", "safe"),
    ("type Query { a: Int! }", "type Query { a: Int }", "type-changed", "breaking"),
    ("type Query { a: [Int] }", "type Query { a: [Int!]! }", "type-changed", "safe"),
    ("type Query { a: [Int!] }", "type Query { a: [Int] }", "type-changed", "breaking"),
    ("type Query { a: Int }", "type Query { a: [Int] }", "type-changed", "breaking"),
    ("type Query { a(x: Int): Int }", "type Query { a: Int }", "argument-removed", "breaking"),
    ("type Query { a(x: Int): Int }", "type Query { a(x: String): Int }", "type-changed", "breaking"),
    ("type Query { a(x: Int!): Int }", "type Query { a(x: Int): Int }", "type-changed", "safe"),
    ("type Query { a(x: [Int!]!): Int }", "type Query { a(x: [Int]): Int }", "type-changed", "safe"),
    ("type Query { a(x: Int): Int }", "type Query { a(x: Int!): Int }", "made-required", "breaking"),
    ("type Query { a: Int }", "type Query { a(x: Int!): Int }", "required-argument-added", "breaking"),
    ("type Query { a(x: Int = 1): Int }", "type Query { a(x: Int = 2): Int }", "default-changed", "dangerous"),
    ("type Query { a(x: Int = 1): Int }", "type Query { a(x: Int): Int }", "default-changed", "dangerous"),
    ("type Query { a(i: I): Int } input I { x: Int y: Int }", "type Query { a(i: I): Int } input I { y: Int }", "input-field-removed", "breaking"),
    ("type Query { a(i: I): Int } input I { y: Int }", "type Query { a(i: I): Int } input I { x: Int! y: Int }", "required-input-field-added", "breaking"),
    ("type Query { a(i: I): Int } input I { y: Int }", "type Query { a(i: I): Int } input I { y: Int! }", "made-required", "breaking"),
    ("type Query { a: E } enum E { X Y }", "type Query { a: E } enum E { X }", "value-removed", "breaking"),
    ("type Query { a: E } enum E { X }", "type Query { a: E } enum E { X Y }", "value-added", "dangerous"),
    ("type Query { a: U } union U = A | B type A { x: Int } type B { x: Int }", "type Query { a: U } union U = A type A { x: Int } type B { x: Int }", "member-removed", "breaking"),
    ("type Query { a: U } union U = A type A { x: Int } type B { x: Int }", "type Query { a: U } union U = A | B type A { x: Int } type B { x: Int }", "member-added", "dangerous"),
    ("type Query { a: I } interface I { x: Int } type T implements I { x: Int }", "type Query { a: I } interface I { x: Int } type T { x: Int }", "implementation-removed", "breaking"),
    ("type Query { a: I } interface I { x: Int } type T { x: Int }", "type Query { a: I } interface I { x: Int } type T implements I { x: Int }", "implementation-added", "dangerous"),
    ("directive @d on FIELD type Query { a: Int }", "type Query { a: Int }", "directive-removed", "breaking"),
    ("directive @d(x: Int) on FIELD type Query { a: Int }", "directive @d on FIELD type Query { a: Int }", "argument-removed", "breaking"),
    ("directive @d on FIELD type Query { a: Int }", "directive @d(x: Int!) on FIELD type Query { a: Int }", "required-argument-added", "breaking"),
    ("directive @d repeatable on FIELD type Query { a: Int }", "directive @d on FIELD type Query { a: Int }", "repeatable-dropped", "breaking"),
    ("directive @d on FIELD | QUERY type Query { a: Int }", "directive @d on FIELD type Query { a: Int }", "location-removed", "breaking"),
    ("type Query { a: Int }", "type Query { a: Int @deprecated }", "deprecated", "safe"),
]  # fmt: skip
# (before, after, code, level): where graphql-core says something else.
CORRECTED = [
    ("type Query { a(x: Int): Int }", "type Query { a(x: Int = 1): Int }", "default-changed", "dangerous"),
    ("type Query { a(i: I): Int } input I { x: Int }", "type Query { a(i: I): Int } input I @oneOf { x: Int }", "one-of-added", "breaking"),
    ('type Query { a: S } scalar S @specifiedBy(url: "a")', 'type Query { a: S } scalar S @specifiedBy(url: "b")', "specified-by-changed", "dangerous"),
    ("type Query { a(i: I): Int } input I { x: Int }", "type Query { a(i: I): Int } input I { x: Int y: Int }", "input-field-added", "safe"),
    ("type Query { a: Int }", "type Query { a(x: Int): Int }", "argument-added", "safe"),
    ("directive @d repeatable on OBJECT type Query { a: Int }", "directive @d on OBJECT type Query { a: Int }", "repeatable-dropped", "safe"),
    ("directive @d on OBJECT type Query { a: Int }", "type Query { a: Int }", "directive-removed", "safe"),
    ("type Query { a(e: E): Int } enum E { X }", "type Query { a(e: E): Int } enum E { X Y }", "value-added", "safe"),
    ('type Query { a: Int b: Int @deprecated(reason: "goes on 2026-05-01") }', "type Query { a: Int }", "field-removed", "safe"),
]  # fmt: skip


def graph(sdl: str) -> Graph:
    found = read(sdl)
    assert found is not None
    return found


def core(before: str, after: str) -> str:
    old, new = gql.build_schema(before), gql.build_schema(after)
    breaking, dangerous = gql.find_breaking_changes(old, new), gql.find_dangerous_changes(old, new)
    return "breaking" if breaking else "dangerous" if dangerous else "safe"


@pytest.mark.parametrize(("before", "after", "code", "level"), AGREED + CORRECTED)
def test_a_change_has_its_code_and_level(before: str, after: str, code: str, level: str):
    changes = compare(graph(before), graph(after), TODAY)
    assert (code, level) in {(change.code, change.level.value) for change in changes}
    assert changes[0].level == Level(level), "nothing worse is told"


@pytest.mark.parametrize(("before", "after", "code", "level"), AGREED)
def test_graphql_core_agrees(before: str, after: str, code: str, level: str):
    assert core(before, after) == level, code


@pytest.mark.parametrize(("before", "after", "code", "level"), CORRECTED)
def test_graphql_core_is_corrected_only_where_it_differs(before: str, after: str, code: str, level: str):
    assert core(before, after) != level, code


def test_equal_schemas_have_no_change_and_a_missing_type_is_told_once():
    schema = graph("type Query { a: T } type T { x(y: Int): Int z: Int }")
    assert compare(schema, schema, TODAY) == []
    gone = compare(schema, graph("type Query { b: Int }"), TODAY)
    assert [(change.code, change.coordinate) for change in gone if change.level is Level.BREAKING] == [
        ("field-removed", "Query.a"),
        ("object-removed", "T"),
    ]


@pytest.mark.parametrize("reason", ["no date", "goes on 2026-07-01"])
def test_what_is_deprecated_may_not_go_before_its_date(reason: str):
    before = graph(f'type Query {{ a: Int b: Int @deprecated(reason: "{reason}") }}')
    (change,) = compare(before, graph("type Query { a: Int }"), TODAY)
    assert change.level is Level.BREAKING
    assert "deprecated" in change.message


SUPERGRAPH = """
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
enum join__Graph { A @join__graph(name: "a.b", url: "") B @join__graph(name: "b c", url: "") }
type Query @join__type(graph: A) @join__type(graph: B) { t: T @join__field(graph: A) }
type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! x: Int @join__field(graph: A) }
"""


def test_joins_are_compared_too():
    old = graph(SUPERGRAPH)
    assert old.joined.subgraphs == ("a.b", "b c")
    assert old.joined.keys == {"T": ("a.b: id", "b c: id")}
    assert old.joined.owners["T.id"] == ("a.b", "b c")
    moved = graph(SUPERGRAPH.replace("x: Int @join__field(graph: A)", "x: Int @join__field(graph: B)"))
    assert [(change.code, change.coordinate) for change in compare(old, moved, TODAY)] == [("field-moved", "T.x")]
    keyless = graph(SUPERGRAPH.replace('@join__type(graph: B, key: "id") {', "@join__type(graph: B) {"))
    assert [(change.code, change.coordinate) for change in compare(old, keyless, TODAY)] == [("key-removed", "T")]
    alone = graph(SUPERGRAPH.replace('B @join__graph(name: "b c", url: "")', ""))
    assert [change.code for change in compare(old, alone, TODAY)] == ["subgraph-removed"]
