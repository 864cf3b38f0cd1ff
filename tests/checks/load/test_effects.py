"""Whether each request had its effect once: what is counted, and how it is judged."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome, Ruling
from certify_checks.load.generator.tally import REQUEST_COLUMNS, REQUESTS
from certify_checks.load.model import EffectSeen, LoadSeen
from certify_checks.load.observing.counting import CountError, summed, traced, unsettled
from certify_checks.load.observing.reading import Sent, sent
from certify_checks.load.rules import effects

ASKED = Criteria({"lost": Limit.parse("== 0"), "double": Limit.parse("== 0")})
RUN = "18f0"
FIRST, SECOND, THIRD = (f"{RUN}{number:08x}" for number in (1, 2, 0xABC))
SENT = Sent(frozenset({FIRST, SECOND}), frozenset({THIRD}), 1, RUN)
PLAIN = EffectSeen("payments", "pay", 2, 1, 1)
SUMMED = replace(PLAIN, done=10, unclear=0, adds="0.01", before="7.00")


def judged(clean: LoadSeen, *seen: EffectSeen) -> Ruling:
    return effects.judge(replace(clean, effects=seen), ASKED)


@pytest.mark.parametrize(
    ("values", "lost", "double"),
    [
        ([f"K-{FIRST}", f"K-{SECOND}-x"], 0, 0),
        ([f"K-{FIRST}", f"K-{SECOND}", f"K-{THIRD}"], 0, 0),
        ([f"K-{FIRST}", "K-18f1000000002", 7, None], 1, 0),
        ([FIRST, SECOND, SECOND, SECOND, THIRD, THIRD], 0, 3),
        ([], 2, 0),
    ],
)
def test_each_request_is_found_by_its_number(values: list[object], lost: int, double: int):
    seen = traced(PLAIN, values, SENT)
    assert (seen.lost, seen.double) == (lost, double)
    assert unsettled(seen) is (lost > 0)


def test_the_first_that_are_lost_or_double_are_named(clean: LoadSeen):
    seen = traced(PLAIN, [SECOND, SECOND], SENT)
    assert seen.examples == (FIRST, SECOND)
    ruling = judged(clean, seen)
    assert ruling.outcome is Outcome.FAIL
    assert [(finding.code, FIRST in finding.message) for finding in ruling.findings] == [
        ("effect-lost", True),
        ("effect-double", True),
    ]


def test_sums_are_exact_also_beside_amounts_that_dwarf_them(clean: LoadSeen):
    vast = "1035827914295214829142952148.21"
    seen = summed(SUMMED, [vast, "0.10"], vast)
    assert judged(clean, seen).outcome is Outcome.PASS
    assert judged(clean, summed(SUMMED, [vast, "0.09"], vast)).outcome is Outcome.FAIL
    assert judged(clean, summed(SUMMED, [vast, "0.10"], "0.00")).measurements[1].value == 10**15


def test_sums_are_exact_and_say_when_they_cannot_be():
    assert summed(SUMMED, ["7.04", "0.06"], "7.00").after == "7.10"
    assert not unsettled(summed(SUMMED, ["7.10"], "7.00"))
    assert unsettled(summed(SUMMED, ["7.09"], "7.00"))
    # What is taken away must be waited for as well.
    taken = replace(SUMMED, adds="-0.01")
    assert unsettled(summed(taken, ["6.95"], "7.00"))
    assert not unsettled(summed(taken, ["6.90"], "7.00"))
    for values, before, adds, told in (
        (["7"], "", "1", "before the load"),
        (["NaN"], "7", "1", "is not a number"),
        (["seven"], "7", "1", "is not a number"),
        (["1e999999"], "7", "1", "more than an amount"),
        (["7"], "7", "1e99", "more than an amount"),
        (["7"], "7", "0", "other than 0"),
        (["7"], "7", "one", "is not a number"),
    ):
        with pytest.raises(CountError, match=told):
            summed(replace(SUMMED, adds=adds), values, before)


@pytest.mark.parametrize(
    ("after", "unclear", "outcome", "codes"),
    [
        ("7.10", 0, Outcome.PASS, set()),
        ("7.09", 0, Outcome.FAIL, {"effect-lost"}),
        ("7.11", 0, Outcome.FAIL, {"effect-double"}),
        ("7.105", 0, Outcome.FAIL, {"effect-double"}),
        ("7.11", 1, Outcome.INCONCLUSIVE, set()),
        ("7.10", 1, Outcome.INCONCLUSIVE, set()),
        ("7.12", 1, Outcome.FAIL, {"effect-double"}),
        ("7.09", 1, Outcome.FAIL, {"effect-lost"}),
    ],
)
def test_what_a_sum_cannot_tell_is_not_decided(
    clean: LoadSeen, after: str, unclear: int, outcome: Outcome, codes: set[str]
):
    ruling = judged(clean, replace(SUMMED, after=after, unclear=unclear))
    assert (ruling.outcome, {finding.code for finding in ruling.findings}) == (outcome, codes)
    assert ruling.reason == ("effects-unclear" if outcome is Outcome.INCONCLUSIVE else "")


def test_a_traced_effect_is_decided_also_beside_requests_without_an_answer(clean: LoadSeen):
    assert judged(clean, replace(PLAIN, unclear=50)).outcome is Outcome.PASS
    assert judged(clean, PLAIN, replace(PLAIN, name="books", lost=1)).outcome is Outcome.FAIL


def test_requests_that_were_to_be_sent_twice_and_were_not_prove_nothing(clean: LoadSeen):
    asked = replace(PLAIN, to_repeat=True)
    assert judged(clean, asked).outcome is Outcome.PASS
    ruling = judged(clean, replace(asked, repeated=0))
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "never-repeated")


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ((), "no-effects"),
        ((EffectSeen("payments", "pay"),), "no-samples"),
        ((EffectSeen("payments", "pay", 0, 7),), "no-samples"),
        ((PLAIN, EffectSeen("books", "pay", 5, problem="no such field")), "effect-unreadable"),
    ],
)
def test_nothing_to_look_at_is_no_pass(clean: LoadSeen, seen: tuple[EffectSeen, ...], reason: str):
    ruling = judged(clean, *seen)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)
    assert ruling.cure


def test_two_operations_of_one_name_are_held_to_the_requests_of_both(tmp_path: Path):
    rows = [f"0,1,{number},ok,{unique}" for number, unique in ((0, FIRST), (1, SECOND), (2, THIRD))]
    (tmp_path / REQUESTS).write_text("\n".join([",".join(REQUEST_COLUMNS), *rows]), encoding="utf-8")
    found = sent(tmp_path, ["pay", "pay", "look"])
    assert found["pay"].done == {FIRST, SECOND}
    assert found["look"].done == {THIRD}
