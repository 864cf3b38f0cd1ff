"""Both colours against real servers on loopback."""

from asyncio import run
from collections.abc import Callable
from typing import Any

import pytest

from certify.api import Context, Criteria, Limit, Outcome
from certify_checks.federation.check import CHECK
from certify_checks.federation.model import Composed, Fetched
from certify_checks.federation.observe import FederationConfig

Look = Callable[..., tuple[Any, ...]]
Serve = Callable[..., str]
Apps = dict[str, Any]
# Customers can only be asked for by id, so neither crm nor a way through it can be tried without knowing anything.
LIMITS = {"errors": "== 0", "differences": "== 0", "untried": "<= 2"}
ASKED = Criteria({name: Limit.parse(text) for name, text in LIMITS.items()})


@pytest.fixture
def look(context: Callable[..., Context]):
    def looking(subgraphs: dict[str, str], gateway: str | None = None) -> tuple[Any, ...]:
        ctx = context(subgraphs, gateway)
        seen = run(CHECK.observe(ctx, FederationConfig()))
        return ctx, seen, *(CHECK.rule(name).judge(seen, ASKED) for name in ("composes", "served"))

    return looking


@pytest.fixture
def pair(serve: Serve, apps: Apps):
    return {"crm": serve(apps["crm"]()), "finance": serve(apps["finance"]())}


@pytest.fixture
def public(look: Look, pair: dict[str, str]):
    """The public schema that the two subgraphs compose to."""
    ctx, *_ = look(pair)
    return (ctx.evidence / "public.graphql").read_text()


def test_strawberry_subgraphs_compose_and_an_equal_gateway_passes(
    look: Look, pair: dict[str, str], public: str, serve: Serve, apps: Apps
):
    ctx, seen, composes, served = look(pair, serve(apps["schema"](public)))
    assert composes.outcome is Outcome.PASS, composes
    assert served.outcome is Outcome.PASS, served
    assert len(seen.decoys) == 4
    kept = {path.relative_to(ctx.evidence).as_posix() for path in ctx.evidence.rglob("*.graphql")}
    assert kept == {
        "sdl/01-crm.graphql",
        "sdl/02-finance.graphql",
        "supergraph.graphql",
        "public.graphql",
        "gateway.graphql",
    }


def test_a_gateway_that_drifted_fails_with_coordinates(
    look: Look, pair: dict[str, str], public: str, serve: Serve, apps: Apps
):
    drifted = public.replace("name: String!", "title: String!").replace("first: Int! = 20", "first: Int! = 10")
    assert drifted != public
    *_, served = look(pair, serve(apps["schema"](drifted)))
    told = {finding.location.coordinate: finding.code for finding in served.findings}
    assert told == {
        "Customer.name": "served-missing",
        "Customer.title": "served-extra",
        "Query.debtors(first:)": "served-changed",
    }


def test_a_gateway_that_refuses_introspection_is_inconclusive(
    look: Look, pair: dict[str, str], public: str, serve: Serve, apps: Apps
):
    *_, served = look(pair, serve(apps["schema"](public, introspection=False)))
    assert (served.outcome, served.reason) == (Outcome.INCONCLUSIVE, "introspection-refused")


@pytest.mark.parametrize("body", ["<html>", '{"data": {"__schema": {"types": 3}, "__typename": "Query"}}'])
def test_a_gateway_that_talks_rubbish_fails(look: Look, pair: dict[str, str], serve: Serve, apps: Apps, body: str):
    *_, served = look(pair, serve(apps["answering"](lambda _query: (200, body))))
    assert served.outcome is Outcome.FAIL


def test_a_conflicting_subgraph_fails_with_its_place(look: Look, pair: dict[str, str], serve: Serve, apps: Apps):
    conflict = serve(apps["sdl"]("type Query {\n  customer: Int\n}"))
    _, seen, composes, served = look(pair | {"odd": conflict})
    assert seen.composition.state is Composed.REFUSED
    codes = {finding.code: finding.location for finding in composes.findings}
    assert codes["FIELD_TYPE_MISMATCH"].coordinate == "Query.customer"
    assert codes["FIELD_TYPE_MISMATCH"].line > 0
    assert served.outcome is Outcome.INCONCLUSIVE


def test_unreachable_refused_and_invalid_are_three_findings(look: Look, pair: dict[str, str], serve: Serve, apps: Apps):
    lost = {"down": "http://127.0.0.1:9", "unborn": "", "strict": serve(apps["refusing"]())}
    _, seen, composes, _ = look(pair | lost)
    assert composes.outcome is Outcome.FAIL
    assert [(finding.location.service, finding.code) for finding in composes.findings] == [
        ("down", "subgraph-unreachable"),
        ("unborn", "subgraph-unreachable"),
        ("strict", "introspection-refused"),
    ]
    assert seen.composition.state is Composed.SKIPPED
    _, _, composes, _ = look(pair | {"broken": serve(apps["sdl"]("type Query {"))})
    assert [(finding.location.service, finding.code) for finding in composes.findings] == [("broken", "invalid-sdl")]


def test_hostile_names_stay_inside_the_evidence(look: Look, serve: Serve, apps: Apps):
    ctx, seen, *_ = look({"../../etc/x\x00y ü": serve(apps["crm"]())})
    assert seen.subgraphs[0].state is Fetched.OK
    assert [path.parent for path in (ctx.evidence / "sdl").iterdir()] == [ctx.evidence / "sdl"]


def test_a_stack_without_subgraphs_is_inconclusive(look: Look):
    _, _, composes, _ = look({})
    assert (composes.outcome, composes.reason) == (Outcome.INCONCLUSIVE, "no-subgraphs")
