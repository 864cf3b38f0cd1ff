"""Keys and root fields against real servers on loopback, in both colours."""

from asyncio import run
from collections.abc import Callable
from typing import Any

import pytest
import strawberry
from msgspec.structs import replace

from certify.api import Context, Criteria, Limit, Outcome, Ruling
from certify_checks.federation.check import CHECK
from certify_checks.federation.look import FederationConfig
from certify_checks.federation.model import (
    Answered,
    Call,
    Composed,
    Composition,
    FederationSeen,
    Resolved,
    Served,
    Subgraph,
)

ASKED = Criteria({name: Limit.parse("== 0") for name in ("errors", "untried", "unresolved", "unexercised")})
THINGS = {"1": "One", "2": "Two"}
Judged = tuple[FederationSeen, Ruling, Ruling]


def schema(how: str) -> strawberry.federation.Schema:  # noqa: C901 - a line for each defect
    """A subgraph with one entity that can be asked for, made and taken away; `how` breaks it."""
    things = dict(THINGS)

    @strawberry.federation.type(keys=["id"])
    class Thing:
        id: strawberry.ID
        name: str

        @classmethod
        def resolve_reference(cls, id: strawberry.ID) -> "Thing | None":  # noqa: A002 - the key's name
            if how == "entity null":
                return None
            if how == "other entity":
                return cls(id=strawberry.ID("2" if id == "1" else "1"), name="Other")
            if how == "entity invented":
                return cls(id=id, name="Anything")
            if how == "entity breaks" and id not in things:
                raise RuntimeError("internal error")
            return cls(id=id, name=things[id]) if id in things else None

    @strawberry.type
    class Query:
        @strawberry.field
        def things(self) -> list[Thing]:
            return [] if how == "nothing" else [Thing(id=strawberry.ID(key), name=name) for key, name in things.items()]

        @strawberry.field
        def thing(self, id: strawberry.ID) -> Thing | None:  # noqa: A002 - the argument's name
            if how == "stub":
                raise NotImplementedError("not implemented yet")
            if how == "null":
                return None
            key = strawberry.ID("9") if how == "constant" else id
            if how == "forgets" and key not in things:
                return None
            return Thing(id=key, name=things.get(key, "Constant"))

    @strawberry.input
    class NewThing:
        name: str

    @strawberry.type
    class Mutation:
        @strawberry.mutation
        def create_thing(self, input: NewThing) -> Thing:  # noqa: A002 - the argument's name
            key = str(len(things) + 1)
            if how != "forgets":
                things[key] = input.name
            return Thing(id=strawberry.ID(key), name=input.name)

        @strawberry.mutation
        def delete_thing(self, id: strawberry.ID) -> bool:  # noqa: A002 - the argument's name
            if id in THINGS:
                raise RuntimeError("it belongs to somebody else")
            return things.pop(id, None) is not None

    return strawberry.federation.Schema(Query, Mutation, federation_version="2.9")


@pytest.fixture
def judge(context: Callable[..., Context], serve: Callable[..., str], apps: dict[str, Any]) -> Callable[..., Judged]:
    """Observe one subgraph, which is its own gateway, and judge it."""

    def judging(how: str = "", *, disposable: bool = True, **options: Any) -> Judged:
        address = serve(apps["executing"](schema(how)))
        ctx = context({"things": address}, address)
        stack = replace(ctx.stack, disposable=disposable, credentials={"tokens": {"admin": "x"}})
        seen = run(CHECK.observe(replace(ctx, stack=stack), FederationConfig(**options)))
        rules = (CHECK.rule("keys"), CHECK.rule("implemented"))
        return seen, *(rule.judge(seen, ASKED) for rule in rules if rule)

    return judging


def hows(seen: FederationSeen) -> dict[str, str]:
    return {call.field: call.how for call in seen.calls if "_" not in call.field}


def test_a_good_subgraph_passes_and_only_what_was_made_is_taken_away(judge: Callable[..., Judged]):
    seen, keys, implemented = judge()
    assert keys.outcome is Outcome.PASS, keys
    assert implemented.outcome is Outcome.PASS, implemented
    assert set(hows(seen).values()) == {"answered"}
    assert seen.resolved == (Resolved("things", "Thing", "id", (Answered("resolved"),) * 2, Answered("null")),)


@pytest.mark.parametrize(
    ("how", "code"),
    [("stub", "field-stub"), ("null", "field-null-where-data"), ("constant", "field-constant")],
)
def test_stubs_are_found(judge: Callable[..., Judged], how: str, code: str):
    _, _, implemented = judge(how)
    assert [(finding.code, finding.location.coordinate) for finding in implemented.findings] == [(code, "Query.thing")]
    assert implemented.findings[0].location.service == "things"


def test_a_mutation_that_keeps_nothing_is_found(judge: Callable[..., Judged], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("certify_checks.federation.exercise.SETTLE", 1)
    _, _, implemented = judge("forgets")
    told = {(finding.code, finding.location.coordinate) for finding in implemented.findings}
    assert ("field-forgotten", "Mutation.createThing") in told


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("entity null", "entity-null"),
        ("other entity", "entity-of-wrong-key"),
        ("entity invented", "unknown-entity-invented"),
        ("entity breaks", "unknown-entity-crashes"),
    ],
)
def test_entity_resolvers_that_lie_are_found(judge: Callable[..., Judged], how: str, code: str):
    _, keys, _ = judge(how)
    assert code in {finding.code for finding in keys.findings}
    assert keys.outcome is Outcome.FAIL


def test_nothing_is_changed_where_the_stack_is_not_disposable(judge: Callable[..., Judged]):
    seen, keys, implemented = judge(disposable=False)
    assert keys.outcome is Outcome.PASS
    assert hows(seen)["Mutation.createThing"] == "not-disposable"
    assert (implemented.outcome, implemented.reason) == (Outcome.INCONCLUSIVE, "fields-unexercised")


def test_a_field_that_is_left_out_is_not_called(judge: Callable[..., Judged]):
    seen, _, _ = judge(left_out={"Mutation.deleteThing": "a reason"}, values={"NewThing.name": "N {unique}"})
    assert hows(seen)["Mutation.deleteThing"] == "left-out"


def test_a_stack_without_data_is_inconclusive(judge: Callable[..., Judged]):
    _, keys, implemented = judge("nothing", disposable=False)
    assert (keys.outcome, keys.reason) == (Outcome.INCONCLUSIVE, "nothing-to-resolve")
    assert implemented.outcome is Outcome.INCONCLUSIVE


def test_a_graph_without_entities_has_no_keys_to_resolve(clean: FederationSeen):
    rule = CHECK.rule("keys")
    assert rule
    assert rule.judge(clean, ASKED).reason == "no-entities"
    assert rule.judge(replace(clean, gateway=Served()), ASKED).reason == "nothing-to-resolve"


@pytest.mark.parametrize("name", ["keys", "implemented"])
def test_nothing_seen_is_inconclusive_and_every_planted_defect_is_found(name: str):
    rule = CHECK.rule(name)
    assert rule
    bare = FederationSeen((), Composition(Composed.SKIPPED))
    assert rule.judge(bare, ASKED).outcome is Outcome.INCONCLUSIVE
    clean = FederationSeen(
        (Subgraph("a"),),
        Composition(Composed.COMPOSED),
        resolved=(Resolved("a", "T", "id", (Answered("resolved"),), Answered("null")),),
        calls=(Call("Query.a", "answered", subgraph="a"),),
    )
    assert rule.judge(clean, ASKED).outcome is Outcome.PASS
    for seen in (bare, clean):
        for seeded in rule.seed(seen, ASKED):
            ruling = rule.judge(seeded.observation, ASKED)
            assert ruling.outcome is Outcome.FAIL, seeded.name
            assert seeded.code in {finding.code for finding in ruling.findings}, seeded.name
