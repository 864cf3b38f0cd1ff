"""`health.edges`: spans joined in any order, and judged both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome, Ruling
from certify_checks.health.edges import judge_edges, seed_edges
from certify_checks.health.edges_model import Carried, EdgesSeen, Exercised
from certify_checks.health.model import HealthObservation
from certify_checks.tracing import CALL, EVENT, Edge, Hop, Joined

CRITERIA = Criteria({"broken": Limit.parse("== 0")})
ORDERS, STOCK, MAIL = "orders", "stock", "mail"
TO_STOCK, TO_MAIL = Edge(ORDERS, STOCK, CALL), Edge(ORDERS, MAIL, EVENT)
GOOD = EdgesSeen(
    declared=(TO_MAIL, TO_STOCK),
    carried=(Carried(TO_MAIL, 2, trace="t2"), Carried(TO_STOCK, 3, 1, trace="t1")),
    services=(ORDERS, STOCK, MAIL),
    gateway="gateway",
    heard={ORDERS: 9, STOCK: 3, MAIL: 2, "gateway": 4},
    exercised=(Exercised("place", "t1", "", (ORDERS, STOCK)), Exercised("bad", "t2", "no such\nuser", (ORDERS,))),
    decoy=True,
)


def judged(edges: EdgesSeen | None, criteria: Criteria = CRITERIA) -> Ruling:
    return judge_edges(HealthObservation(1, 1, edges=edges), criteria)


def only(edges: EdgesSeen, criteria: Criteria = CRITERIA) -> tuple[str, str, str]:
    ruling = judged(edges, criteria)
    assert ruling.outcome is Outcome.FAIL
    (finding,) = ruling.findings
    assert finding.cure
    return finding.code, finding.message, str(finding.location)


def without(edge: Edge) -> EdgesSeen:
    return replace(GOOD, carried=tuple(one for one in GOOD.carried if one.edge != edge))


def test_every_declared_edge_carried_a_call():
    ruling = judged(GOOD)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 2)
    assert ruling.summary == "2 of 2 declared edges carried 5 calls, 1 failed; 0 undeclared"
    assert [(one.name, one.value, one.samples) for one in ruling.measurements] == [("broken", 0, 5)]


def test_a_missing_call_tells_what_was_tried():
    code, told, place = only(without(TO_STOCK))
    assert (code, place) == ("edge-missing", "orders orders -> stock")
    assert told == (
        "orders calls stock by the profile, but no call came: "
        r"orders was reached by bad (answered 'no such\nuser'), place (answered well)"
    )


def test_a_missing_event_belongs_to_its_consumer():
    code, told, place = only(without(TO_MAIL))
    assert (code, place) == ("edge-missing", "mail orders ~> mail")
    assert told.startswith("mail consumes orders by the profile, but no call came")
    nobody = replace(without(TO_MAIL), exercised=(Exercised("bad", "t2", "down"),))
    assert only(nobody)[1].endswith("no operation reached orders; failed: bad (answered 'down')")


def test_a_missing_event_is_the_defect_of_whoever_sent_or_took_none():
    from_stock = Edge(STOCK, MAIL, EVENT)
    declared = replace(GOOD, declared=(*GOOD.declared, from_stock))
    assert only(declared)[2] == "stock stock ~> mail"
    others = Carried(Edge(STOCK, ORDERS, EVENT), 1)
    known = replace(declared, declared=(*declared.declared, others.edge), carried=(*declared.carried, others))
    assert only(known)[2] == "mail stock ~> mail"


def test_calls_that_all_fail_or_spoil_an_operation():
    def failing(**changes: object) -> EdgesSeen:
        return replace(GOOD, carried=(GOOD.carried[0], replace(GOOD.carried[1], **changes)))

    assert only(failing(failed=3))[:2] == (
        "edge-failing",
        "orders -> stock: each of 3 calls failed, for example in trace t1",
    )
    assert only(failing(spoilt=("place",)))[1] == "orders -> stock: calls failed, and so did place, which caused them"
    assert judged(failing(failed=2)).outcome is Outcome.PASS


def test_undeclared_edges_are_told_except_the_gateways():
    more = [Carried(Edge("gateway", MAIL), 5), Carried(Edge(MAIL, "gateway"), 1)]
    assert judged(replace(GOOD, carried=(*GOOD.carried, *more))).outcome is Outcome.PASS
    code, told, place = only(replace(GOOD, carried=(*GOOD.carried, Carried(Edge(STOCK, MAIL), 7, trace="t9"))))
    assert (code, place) == ("edge-undeclared", "stock stock -> mail")
    assert told == "stock calls mail, which the profile does not declare: 7 times, for example in trace t9"
    assert only(replace(GOOD, carried=(*GOOD.carried, Carried(Edge(STOCK, MAIL, EVENT), 7))))[2] == "mail stock ~> mail"
    held = replace(GOOD, declared=(*GOOD.declared, Edge("gateway", ORDERS)))
    assert [finding.code for finding in judged(replace(held, carried=(*held.carried, *more))).findings] == [
        "edge-missing",
        "edge-undeclared",
    ]


def test_a_call_to_the_wrong_service_is_missing_and_undeclared():
    astray = replace(without(TO_STOCK), carried=(*without(TO_STOCK).carried, Carried(Edge(ORDERS, MAIL), 1)))
    assert {finding.code for finding in judged(astray).findings} == {"edge-missing", "edge-undeclared"}


@pytest.mark.parametrize(
    ("edges", "reason", "words"),
    [
        (None, "no-services", ""),
        (replace(GOOD, decoy=False), "sensor-blind", "listener"),
        (replace(GOOD, heard={"shop": 3}), "no-spans", "shop, which the profile does not name"),
        (replace(without(TO_STOCK), heard=GOOD.heard | {STOCK: 0}), "silent-service", "stock sent no span"),
        (replace(without(TO_STOCK), lost=4), "spans-lost", "4 spans"),
        (replace(without(TO_STOCK), exercised=(), unexercised="it is not disposable"), "not-exercised", "disposable"),
        (replace(GOOD, lost=1), "spans-lost", "undeclared"),
        (replace(GOOD, declared=(), carried=()), "no-edges", ""),
    ],
)
def test_what_cannot_be_told(edges: EdgesSeen | None, reason: str, words: str):
    ruling = judged(edges)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)
    assert words in ruling.summary
    assert ruling.cure


def test_a_defect_outweighs_a_doubt():
    edges = replace(without(TO_STOCK), heard=GOOD.heard | {STOCK: 0})
    assert only(replace(edges, carried=(*edges.carried, Carried(Edge(MAIL, STOCK), 1))))[0] == "edge-undeclared"


def test_a_control_about_some_services_and_one_that_allows_some():
    about_mail = Criteria(CRITERIA.limits, (MAIL,))
    assert judged(without(TO_STOCK), about_mail).outcome is Outcome.PASS
    assert only(without(TO_MAIL), about_mail)[0] == "edge-missing"
    assert judged(without(TO_STOCK), Criteria({"broken": Limit.parse("<= 1")})).outcome is Outcome.PASS


BAD = (
    replace(GOOD, decoy=False, lost=3, heard={}, exercised=(), carried=()),
    replace(GOOD, carried=(*GOOD.carried, Carried(Edge(STOCK, MAIL), 7))),
)


@pytest.mark.parametrize("edges", [GOOD, *BAD])
@pytest.mark.parametrize("limit", ["== 0", "<= 1", "< 5"])
@pytest.mark.parametrize("services", [(), (MAIL,)])
def test_every_planted_defect_is_found(edges: EdgesSeen, limit: str, services: tuple[str, ...]):
    criteria = Criteria({"broken": Limit.parse(limit)}, services)
    seeds = list(seed_edges(HealthObservation(1, 1, edges=edges), criteria))
    assert {seed.code for seed in seeds} == {"edge-missing", "edge-failing", "edge-undeclared"}
    assert len(seeds) == (5 if services else 8)
    for seed in seeds:
        ruling = judge_edges(seed.observation, criteria)
        assert ruling.outcome is Outcome.FAIL, seed.name
        assert seed.code in {finding.code for finding in ruling.findings}, seed.name


TRACE, OTHER = "1" * 32, "2" * 32
IDS = [f"{number:016x}" for number in range(1, 9)]
HOPS = (
    Hop("gateway", "client", TRACE, IDS[0]),
    Hop(ORDERS, "server", TRACE, IDS[1], IDS[0]),
    Hop(ORDERS, "internal", TRACE, IDS[2], IDS[1]),
    Hop(ORDERS, "client", TRACE, IDS[3], IDS[2], failed=True),
    Hop(STOCK, "server", TRACE, IDS[4], IDS[3]),
    Hop(ORDERS, "producer", TRACE, IDS[5], IDS[1]),
    Hop(MAIL, "consumer", TRACE, IDS[6], IDS[5]),
    Hop(STOCK, "consumer", OTHER, IDS[7], "", links=(f"{TRACE}/{IDS[5]}",)),
    # Not an edge: the parent is unknown; a client's parent is of the same service; the id is the same as above.
    Hop(MAIL, "server", OTHER, IDS[0], IDS[1]),
    Hop(MAIL, "client", OTHER, IDS[1], IDS[0]),
)


@given(st.permutations([*HOPS, *HOPS]))
def test_spans_join_in_any_order_and_once(hops: list[Hop]):
    joined = Joined([TRACE])
    for hop in hops:
        joined.add([hop])
    edges = {edge: (tally.calls, tally.failed, tally.failed_in) for edge, tally in joined.edges.items()}
    assert edges == {
        Edge("gateway", ORDERS, CALL): (1, 0, set()),
        Edge(ORDERS, STOCK, CALL): (1, 1, {TRACE}),
        Edge(ORDERS, MAIL, EVENT): (1, 0, set()),
        Edge(ORDERS, STOCK, EVENT): (1, 0, set()),
    }
    assert joined.reached == {TRACE: {"gateway", ORDERS, STOCK, MAIL}}
    assert joined.heard == {"gateway": 1, ORDERS: 4, STOCK: 2, MAIL: 3}


def test_ids_that_are_none_are_counted():
    joined = Joined()
    joined.add([Hop("a", "server", "x", "y"), Hop("a", "consumer", TRACE, IDS[0], links=("rubbish",)), HOPS[0]])
    assert (joined.invalid, joined.heard) == (2, {"gateway": 1})
