import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome, Ruling
from certify_checks.federation import documented
from certify_checks.federation.elements import of_document
from certify_checks.federation.model import Baseline, Composed, Composition, FederationSeen, Fetched, Graph, Subgraph
from certify_checks.federation.sdl import document_of


def subgraph(name: str, sdl: str) -> Subgraph:
    return Subgraph(name, elements=of_document(document_of(sdl)))


def judged(*subgraphs: Subgraph, limit: str = "== 100 %", services: tuple[str, ...] = ()) -> Ruling:
    seen = FederationSeen(subgraphs, Composition(Composed.COMPOSED))
    return documented.judge(seen, Criteria({"described": Limit.parse(limit)}, services))


TOLD = '''
"""What can be asked."""
type Query {
  """Things."""
  a("Which one." x: Int): E
}
"""Choices."""
enum E { "The first." ONE }
"""A filter."""
input I { "Its key." k: ID }
"""Marks."""
directive @mark("How much." x: Int) on FIELD
'''


def test_all_kinds_described_pass():
    ruling = judged(subgraph("a", TOLD))
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 9)


@pytest.mark.parametrize(
    ("text", "coordinate"),
    [
        ('"""What can be asked."""', "Query"),
        ('"""Things."""', "Query.a"),
        ('"Which one."', "Query.a(x:)"),
        ('"The first."', "E.ONE"),
        ('"Its key."', "I.k"),
        ('"""Marks."""', "@mark"),
        ('"How much."', "@mark(x:)"),
    ],
)
@pytest.mark.parametrize("instead", ["", '""', '"TODO"'])
def test_each_kind_without_a_description_is_found_with_its_line(text: str, coordinate: str, instead: str):
    sdl = TOLD.replace(text, instead)
    (finding,) = judged(subgraph("a", sdl)).findings
    assert (finding.code, finding.location.coordinate) == ("undescribed", coordinate)
    assert finding.location.line


def test_a_name_said_again_is_no_description():
    assert judged(subgraph("a", '"What is asked." type Query { "first name" firstName: Int }')).outcome is Outcome.FAIL


def test_what_one_subgraph_describes_is_described_for_all_and_extensions_need_none():
    owner = subgraph("a", '"Things." type T { "Its key." id: ID }')
    assert judged(owner, subgraph("b", "type T { id: ID }")).outcome is Outcome.PASS
    assert judged(owner, subgraph("b", 'extend type Other { id: ID @external "More." x: Int }')).outcome is Outcome.PASS


def test_each_subgraph_is_held_against_the_limit_and_only_those_asked_about():
    good, bad = subgraph("a", TOLD), subgraph("b", '"Things." type T { x: Int }')
    ruling = judged(good, bad, limit=">= 60 %")
    assert {finding.location.service for finding in ruling.findings} == {"b"}
    assert judged(good, bad, limit=">= 50 %").outcome is Outcome.PASS
    assert judged(good, bad, services=("a",)).outcome is Outcome.PASS


def test_invalid_sdl_is_read_all_the_same():
    ruling = judged(subgraph("a", '"What is asked." type Query { "Unknown." a: Missing b: Missing }'))
    assert [finding.location.coordinate for finding in ruling.findings] == ["Query.b"]


@pytest.mark.parametrize(
    ("subgraphs", "reason"),
    [
        ((), "no-subgraphs"),
        ((Subgraph("a", state=Fetched.REFUSED),), "schema-unread"),
        ((Subgraph("a", parsed=False),), "schema-unread"),
        ((Subgraph("a"),), "nothing-to-describe"),
    ],
)
def test_nothing_read_is_never_a_pass(subgraphs: tuple[Subgraph, ...], reason: str):
    ruling = judged(*subgraphs)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)


def test_a_description_that_got_lost_fails_whatever_the_limit():
    before, now = of_document(document_of(TOLD)), of_document(document_of(TOLD.replace('"""Things."""', "")))
    seen = FederationSeen((subgraph("a", TOLD),), Composition(Composed.COMPOSED), graph=Graph(now))
    asked = Criteria({"described": Limit.parse(">= 0 %")})
    assert documented.judge(seen, asked).outcome is Outcome.PASS
    ruling = documented.judge(replace(seen, baseline=Baseline("a file", Graph(before))), asked)
    assert [(finding.code, finding.location.coordinate) for finding in ruling.findings] == [
        ("description-lost", "Query.a")
    ]


def test_what_the_specifications_define_needs_no_description():
    machinery = (
        "directive @key(fields: federation__FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE "
        "directive @link(url: String, import: [link__Import]) repeatable on SCHEMA "
        "scalar federation__FieldSet scalar _FieldSet scalar link__Import enum link__Purpose { SECURITY EXECUTION } "
        "type _Service { sdl: String } scalar _Any union _Entity = T "
        "extend type Query { _service: _Service! _entities(representations: [_Any!]!): [_Entity]! } "
    )
    told = judged(subgraph("a", machinery + '"A thing." type T { "Its key." id: ID }'))
    assert (told.outcome, told.examined) == (Outcome.PASS, 2)
