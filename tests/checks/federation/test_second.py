"""Two engines that agree, that do not, and a second one that is not there."""

from asyncio import run
from pathlib import Path

import pytest

from certify_checks.federation.composition import describe
from certify_checks.federation.engine import SECOND, Answer, EngineError, Source, compose
from certify_checks.federation.model import Composed

SOURCES = (Source("a", "type Query { a: Int }"),)
GOOD = Answer(Composed.COMPOSED, supergraph="s", public="p", engine="one 1")
REFUSED = Answer(Composed.REFUSED, (EngineError("SOME_ERROR", 'Field "Query.a" is wrong'),), engine="two 2")


def codes(one: Answer, other: Answer | None) -> list[str]:
    return [complaint.code for complaint in describe(one, SOURCES, {}, other).complaints]


def test_two_engines_that_agree_are_both_named():
    seen = describe(GOOD, SOURCES, {}, Answer(Composed.COMPOSED, supergraph="s", public="p", engine="two 2"))
    assert (seen.complaints, seen.engine) == ((), "one 1 and two 2")
    assert codes(GOOD, None) == []


def test_what_only_the_second_refuses_is_told_with_the_disagreement():
    seen = describe(GOOD, SOURCES, {}, REFUSED)
    assert [(complaint.code, complaint.by) for complaint in seen.complaints] == [
        ("SOME_ERROR", "two 2"),
        ("ENGINES_DISAGREE", "certify"),
    ]
    assert codes(REFUSED, GOOD) == ["SOME_ERROR", "ENGINES_DISAGREE"]


def test_a_second_engine_that_is_not_there_is_never_agreement(tmp_path: Path):
    answer = run(compose(SOURCES, seconds=30, engine=SECOND, beside=str(tmp_path)))
    assert answer.state is Composed.CRASHED
    assert codes(GOOD, answer) == ["SECOND_ENGINE_FAILED"]


@pytest.mark.parametrize("state", [Composed.TIMEOUT, Composed.MEMORY, Composed.NO_RUNTIME])
def test_a_second_engine_without_an_answer_is_never_agreement(state: Composed):
    assert codes(GOOD, Answer(state, detail="gone")) == ["SECOND_ENGINE_FAILED"]
