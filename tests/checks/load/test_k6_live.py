"""The real k6 against a real server, in both colours."""

from asyncio import run
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from certify.api import Context, Criteria, Duration, Limit, Outcome
from certify_checks.load.check import CHECK
from certify_checks.load.config import LoadConfig, Shape
from certify_checks.load.model import LoadSeen
from certify_checks.picks import Pick

pytestmark = pytest.mark.nightly

LATENCY, ERRORS = CHECK.rules[:2]
ASKED = Criteria({"p95": Limit.parse("< 5 s"), "share": Limit.parse("< 1 %")})
Contexts = Callable[..., Context]
SCRIPT = """
import http from 'k6/http';
import { check, sleep } from 'k6';
const values = JSON.parse(open(__ENV.CERTIFY_VALUES));
const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${__ENV.CERTIFY_TOKEN}` };
export const options = { vus: 1, scenarios: { other: { executor: 'constant-vus', vus: 1, duration: '1s' } } };
export default function () {
  const body = JSON.stringify({ query: '{ QUERY }', variables: { id: values.customer[0] } });
  const answer = http.post(__ENV.CERTIFY_GRAPHQL, body, { headers, tags: { name: 'QUERY' } });
  CHECK
  sleep(0.1);
}
"""
LOOKED_INTO = "check(answer, { 'no errors': (one) => one.status === 200 && !one.json('errors') });"


@pytest.fixture
def observed(context: Contexts, address: str, tmp_path: Path) -> Callable[..., LoadSeen]:
    def observe(script: str, **more: Any) -> LoadSeen:
        folder = tmp_path / "profile"
        folder.mkdir()
        (folder / "load.js").write_text(script)
        shape = Shape(picks={"customer": Pick("{ list { id } }", "customers.id")}, k6="load.js")
        options = {"users": 10, "ramp": Duration("500 ms"), "warmup": Duration("1 s"), "hold": Duration("4 s")}
        ctx = context(address, options={"profiles": str(folder)})
        spans = folder / "spans.jsonl"
        spans.touch()
        ctx = replace(ctx, stack=replace(ctx.stack, spans=str(spans)))
        seen: LoadSeen = run(CHECK.observe(ctx, LoadConfig(shapes={"mine": shape}, **(options | more))))
        assert not any(b"secret" in path.read_bytes() for path in ctx.evidence.iterdir())
        return seen

    return observe


def test_a_script_is_judged_as_any_load(observed: Callable[..., LoadSeen]):
    seen = observed(SCRIPT.replace("QUERY", "list").replace("CHECK", LOOKED_INTO))
    assert (seen.unusable, seen.detail) == ("", "")
    told = LATENCY.judge(seen, ASKED)
    assert told.outcome is Outcome.PASS, told
    assert [operation.name for operation in seen.operations] == ["list"]
    assert seen.requests > 200
    assert not seen.failures
    assert min(seen.operations[0].answered) >= 10_000
    assert list(seen.operations[0].began_us) == sorted(seen.operations[0].began_us)
    assert len(seen.calibration.overheads_us) >= 20
    assert seen.calibration.overheads_us[0] > -200
    assert seen.generator.users == 10
    assert seen.generator.version.startswith("k6")
    assert 0 < seen.generator.cpu_ppm < 1_000_000


def test_a_rate_is_that_of_the_profile(observed: Callable[..., LoadSeen]):
    script = SCRIPT.replace("QUERY", "list").replace("CHECK", LOOKED_INTO)
    seen = observed(script, users=None, rate="50/s", concurrent=20)
    assert (seen.unusable, seen.detail) == ("", "")
    assert 180 <= seen.requests <= 220
    assert seen.stages[0].rate == 50_000


@pytest.mark.parametrize(("query", "code"), [("http", "http"), ("throttled", "throttled"), ("graphql", "wrong-body")])
def test_failures_turn_red(observed: Callable[..., LoadSeen], query: str, code: str):
    seen = observed(SCRIPT.replace("QUERY", query).replace("CHECK", LOOKED_INTO))
    assert {name for operation in seen.operations for name in operation.failed} == {code}
    assert ERRORS.judge(seen, ASKED).outcome is Outcome.FAIL
    assert LATENCY.judge(seen, ASKED).outcome is Outcome.FAIL


def test_slow_answers_turn_red(observed: Callable[..., LoadSeen]):
    seen = observed(SCRIPT.replace("QUERY", "slow").replace("CHECK", LOOKED_INTO), users=40)
    assert min(seen.operations[0].answered) >= 1_200_000
    # With room: a tenth of it is what the instrument may be wrong by, on a machine full of other tests.
    assert LATENCY.judge(seen, Criteria({"p95": Limit.parse("< 1 s")})).outcome is not Outcome.PASS


@pytest.mark.parametrize(
    ("script", "reason", "told"),
    [
        (SCRIPT.replace("QUERY", "list").replace("CHECK", ""), "k6-unchecked", "'list'"),
        (
            SCRIPT.replace("CHECK", LOOKED_INTO).replace("'QUERY'", "`${__VU}.${__ITER}`"),
            "k6-names",
            "more than 200 names",
        ),
        ("export default function () { nowhere.to.be.found(); }", "k6-script-failed", "nowhere is not defined"),
        ("export function other() {}", "k6-script-failed", "no default function"),
        ("this is no JavaScript", "k6-script-failed", "load.js"),
        ("import 'https://example.invalid/x.js'; export default function () {}", "k6-script-failed", "example.invalid"),
    ],
)
def test_a_script_that_says_nothing_is_inconclusive(
    observed: Callable[..., LoadSeen], script: str, reason: str, told: str
):
    ruling = LATENCY.judge(observed(script), ASKED)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)
    assert told in ruling.summary
