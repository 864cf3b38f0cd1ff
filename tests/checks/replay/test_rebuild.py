"""`replay.rebuild`, judged on observations."""

import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome
from certify_checks.commands import Ran
from certify_checks.replay.model import Content, ReplayObservation, Row
from certify_checks.replay.rebuild import judge_rebuild, seed_rebuild

CRITERIA = Criteria({"differing": Limit.parse("== 0")})
ROWS = tuple(Row(f'["{number}"]', f"d{number}") for number in range(4))
INVOICES = Content("invoice_view", ("id: uuid", "total: numeric(18,2)"), ROWS)
PAYMENTS = Content("payment_view", ("id: uuid",), ROWS[:2])
STATE = (INVOICES, PAYMENTS)
GOOD = ReplayObservation(
    "finance",
    events=9,
    settled=True,
    attempts=1,
    rebuilds=(Ran(0), Ran(0)),
    live=STATE,
    first=STATE,
    second=STATE,
    canary_of=INVOICES,
    canary=replace(INVOICES, rows=(*ROWS[1:3], Row('["3"]', "spoilt"))),
)


def with_invoices(*rows: Row) -> tuple[Content, ...]:
    return replace(INVOICES, rows=rows), PAYMENTS


def codes(seen: ReplayObservation) -> list[str]:
    ruling = judge_rebuild(seen, CRITERIA)
    assert ruling.outcome is Outcome.FAIL
    return [finding.code for finding in ruling.findings]


def test_equal_states_pass():
    ruling = judge_rebuild(GOOD, CRITERIA)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 6)
    expected = "6 rows of 2 read models from 9 events: 0 differ from live, 0 between two rebuilds"
    assert ruling.summary == expected


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (with_invoices(Row('["0"]', "other"), *ROWS[1:]), "altered"),
        (with_invoices(*ROWS[1:]), "missing"),
        (with_invoices(*ROWS, Row('["9"]', "d9")), "extra"),
        (with_invoices(*ROWS, ROWS[0]), "repeated"),
        ((replace(INVOICES, columns=("id: uuid",)), PAYMENTS), "other-columns"),
        ((INVOICES,), "no-table"),
        ((INVOICES, Content("payment_view", missing=True)), "no-table"),
    ],
)
def test_a_live_state_that_differs_fails(live: tuple[Content, ...], expected: str):
    assert codes(replace(GOOD, live=live)) == [expected]


def test_two_rebuilds_that_differ_fail():
    assert codes(replace(GOOD, second=with_invoices(*ROWS[1:]))) == ["unrepeatable-extra"]


def test_a_rebuild_that_crashes_fails_whatever_else_is_seen():
    assert codes(replace(GOOD, rebuilds=(Ran(0), Ran(1, 0, "Traceback\nKeyError: 'total'")))) == ["rebuild-failed"]


def test_long_lists_are_cut_and_say_so():
    many = tuple(Row(f'["{number}"]', "d") for number in range(30))
    found = codes(replace(GOOD, live=with_invoices(*ROWS, *many[4:])))
    assert found == ["extra"] * 20 + ["more"]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (replace(GOOD, problem="no database"), "not-observed"),
        (replace(GOOD, rebuilds=(Ran(0),)), "not-rebuilt"),
        (replace(GOOD, events=0), "no-events"),
        (replace(GOOD, settled=False), "not-settled"),
        (replace(GOOD, live=(), first=(), second=()), "no-rows"),
        (replace(GOOD, **dict.fromkeys(("live", "first", "second"), with_invoices())), "no-rows"),
        (replace(GOOD, canary=None), "sensor-blind"),
        (replace(GOOD, canary=INVOICES), "sensor-blind"),
        (replace(GOOD, canary=replace(INVOICES, rows=ROWS[1:])), "sensor-blind"),
    ],
)
def test_what_cannot_be_told_is_inconclusive(seen: ReplayObservation, reason: str):
    ruling = judge_rebuild(seen, CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)
    assert ruling.cure


def test_an_optional_table_may_be_empty():
    seen = replace(GOOD, **dict.fromkeys(("live", "first", "second"), with_invoices()), optional=("invoice_view",))
    assert judge_rebuild(seen, CRITERIA).outcome is Outcome.PASS


def test_a_rebuild_that_loses_every_row_is_a_failure_and_not_a_doubt():
    assert set(codes(replace(GOOD, first=with_invoices(), second=with_invoices()))) == {"extra"}


@pytest.mark.parametrize("limit", ["== 0", "<= 1"])
@pytest.mark.parametrize("real", [GOOD, replace(GOOD, live=with_invoices(*ROWS[2:]))])
def test_every_seed_is_found(limit: str, real: ReplayObservation):
    criteria = Criteria({"differing": Limit.parse(limit)})
    seeds = list(seed_rebuild(real, criteria))
    assert len(seeds) == (8 if limit == "== 0" else 6)
    for seeded in seeds:
        ruling = judge_rebuild(seeded.observation, criteria)
        assert ruling.outcome is Outcome.FAIL, seeded.name
        assert seeded.code in {finding.code for finding in ruling.findings}, seeded.name
