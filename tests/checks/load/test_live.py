"""Both colours against a real server on loopback, by the real generator."""

import sys
from asyncio import run
from collections.abc import Callable

import pytest

from certify.api import Context, Criteria, Duration, Limit, Outcome
from certify_checks.load.check import CHECK
from certify_checks.load.config import LoadConfig, Operation, Shape
from certify_checks.load.model import LoadSeen
from certify_checks.load.observing import running
from certify_checks.picks import Pick

LATENCY, ERRORS, _ = RULES = CHECK.rules[:3]
NONE = {"lost": Limit.parse("== 0"), "double": Limit.parse("== 0")}
# A limit with room: a tenth of it is what the instrument may be wrong by, on a machine full of other tests.
ASKED = Criteria({"p95": Limit.parse("< 5 s"), "share": Limit.parse("< 1 %"), **NONE})
Contexts = Callable[..., Context]


def config(*operations: Operation, **more: object) -> LoadConfig:
    options = {
        "users": 20,
        "ramp": Duration("300 ms"),
        "warmup": Duration("1 s"),
        "hold": Duration("3 s"),
        "think_min": Duration("50 ms"),
        "think_max": Duration("150 ms"),
    }
    shape = Shape(operations, {"customer": Pick("{ list { id } }", "customers.id")})
    return LoadConfig(shapes={"mix": shape}, **(options | more))


def test_a_quick_server_passes_and_every_request_is_kept(context: Contexts, address: str):
    ledger: list[tuple[str, str]] = []
    ctx = context(address, quick=True, weakening=lambda *entry: ledger.append(entry))
    variables = {"id": "{customer}", "number": "N-{unique}"}
    asked = config(
        Operation("list", "{ list }", 3), Operation("create", "mutation", 1, variables), quick_hold=Duration("2 s")
    )
    seen = run(CHECK.observe(ctx, asked))
    told = LATENCY.judge(seen, ASKED)
    assert told.outcome is Outcome.PASS, told
    assert ERRORS.judge(seen, ASKED).reason == "too-few-samples" or seen.requests >= 299
    assert not seen.failures
    assert min(min(operation.answered) for operation in seen.operations) >= 10_000
    assert len(seen.operations[0].answered) > len(seen.operations[1].answered) > 10
    assert ledger == [("shortened", "the only shape: hold 2 s instead of 3 s")]
    kept = {path.name for path in ctx.evidence.iterdir()}
    assert kept == {"requests.csv", "calibration.csv", "finished.csv", "generator.json", "generator.log"}
    assert not any("secret" in path.read_text() for path in ctx.evidence.iterdir())


def test_slow_and_failing_answers_turn_red_and_are_told_apart(context: Contexts, address: str):
    kinds = ("http", "throttled", "graphql", "wrong-body")
    seen: LoadSeen = run(
        CHECK.observe(
            context(address),
            config(*(Operation(kind, f"{{ {kind} }}") for kind in kinds), Operation("slow", "{ slow }", 2), users=40),
        )
    )
    assert {operation.name: set(operation.failed) for operation in seen.operations} == {
        **{kind: {kind} for kind in kinds},
        "slow": set(),
    }
    assert seen.operations[2].examples == {"graphql": "no such column"}
    assert min(seen.operations[4].answered) >= 1_200_000
    assert LATENCY.judge(seen, ASKED).outcome is Outcome.FAIL
    told = ERRORS.judge(seen, ASKED)
    assert told.outcome is Outcome.FAIL
    assert {finding.code for finding in told.findings} == set(kinds)


def test_a_server_that_is_gone_fails(context: Contexts, address: str):
    ctx = context(address)
    gone = ctx.stack.gateway.__class__("gateway", "http://127.0.0.1:9", graphql="/graphql")
    stack = ctx.stack.__class__((), gone, ctx.stack.credentials)
    lost = Context("load", ctx.evidence, ctx.scratch, stack=stack)
    shape = {"mix": Shape((Operation("list", "{ list }"),))}
    seen = run(CHECK.observe(lost, LoadConfig(**{**_fields(config()), "shapes": shape, "hold": Duration("3 s")})))
    assert ERRORS.judge(seen, ASKED).outcome is Outcome.FAIL
    assert {finding.code for finding in ERRORS.judge(seen, ASKED).findings} == {"connection"}
    assert LATENCY.judge(seen, ASKED).outcome is Outcome.FAIL


def _fields(config: LoadConfig) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__struct_fields__}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (LoadConfig(), "unknown-shape"),
        (LoadConfig(shapes={"a": Shape()}), "no-operations"),
        (config(Operation("list", "{ list }"), role="nobody"), "login-failed"),
        (LoadConfig(shapes={"a": Shape((Operation("l", "{ list }"),), {"p": Pick("{ list }", "x.y")})}), "pick-failed"),
        (
            LoadConfig(shapes={"a": Shape((Operation("l", "{ list }"),), {"p": Pick("{ graphql }", "x")})}),
            "pick-failed",
        ),
    ],
)
def test_a_load_that_cannot_be_made_is_inconclusive(context: Contexts, address: str, asked: LoadConfig, reason: str):
    seen = run(CHECK.observe(context(address), asked))
    for rule in RULES:
        ruling = rule.judge(seen, ASKED)
        assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)


@pytest.mark.parametrize("program", ["raise SystemExit('no')", "import time; time.sleep(60)", "pass"])
def test_a_generator_that_gives_nothing_is_inconclusive(
    context: Contexts, address: str, monkeypatch: pytest.MonkeyPatch, program: str
):
    monkeypatch.setattr(running, "GENERATOR", (sys.executable, "-c", program))
    monkeypatch.setattr(running, "GRACE", 0.5)
    seen = run(CHECK.observe(context(address), config(Operation("list", "{ list }"), hold=Duration("100 ms"))))
    assert LATENCY.judge(seen, ASKED).reason == "generator-failed"
