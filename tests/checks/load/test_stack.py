"""Both colours on the reference stack, with the finance profile's own mix.

Tests share the machine with each other, so what is asserted here does not hang on how fast it is.
"""

from asyncio import run
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median

import pytest
from msgspec.structs import replace

from certify.api import Context, Criteria, Limit, Outcome, Stack
from certify.profile.load import load_profile
from certify.profile.options import as_config
from certify_checks.load.check import CHECK
from certify_checks.load.model import LoadSeen

pytestmark = pytest.mark.stack

LATENCY, ERRORS, EFFECTS = CHECK.rules[:3]
Boot = Callable[..., AbstractContextManager[Stack]]
SMALL = {
    "users": 15,
    "ramp": "500 ms",
    "warmup": "500 ms",
    "hold": "8 s",
    "think_min": "100 ms",
    "think_max": "300 ms",
}


def loaded(stack: Stack, folder: Path, shape: str = "api-mix") -> LoadSeen:
    for name in ("evidence", "scratch"):
        (folder / name).mkdir()
    ctx = Context("load", folder / "evidence", folder / "scratch", stack=stack)
    options = load_profile("finance").checks["load"] | SMALL | {"shape": shape}
    seen: LoadSeen = run(CHECK.observe(ctx, as_config(CHECK, options)))
    assert not seen.unusable, seen.detail
    return seen


def asked(p95: str, share: str) -> Criteria:
    none = Limit.parse("== 0")
    return Criteria({"p95": Limit.parse(p95), "share": Limit.parse(share), "lost": none, "double": none})


def test_the_clean_stack_answers_every_operation(stack: Stack, tmp_path: Path):
    seen = loaded(stack, tmp_path)
    assert seen.failures == 0, seen.operations
    assert all(operation.answered for operation in seen.operations)
    # 5 s: far beyond what a machine full of other tests needs
    ruling = LATENCY.judge(seen, asked("< 5 s", "< 5 %"))
    assert ruling.outcome is Outcome.PASS, ruling
    assert ERRORS.judge(seen, asked("< 5 s", "< 5 %")).outcome is Outcome.PASS


@pytest.mark.parametrize("shape", ["create-invoices", "pay-invoices"])
def test_invoices_and_payments_are_there_once_also_those_sent_twice(stack: Stack, tmp_path: Path, shape: str):
    seen = loaded(stack, tmp_path, shape)
    assert seen.failures == 0, seen.operations
    ruling = EFFECTS.judge(seen, asked("< 5 s", "< 5 %"))
    assert ruling.outcome is Outcome.PASS, ruling
    assert all(effect.done > 50 for effect in seen.effects)
    assert all(effect.repeated > 5 for effect in seen.effects)


@pytest.mark.nightly
def test_payments_that_count_twice_turn_effects_red(boot: Boot, tmp_path: Path):
    with boot("certify_faults.finance_domain:payment_counts_twice") as stack:
        seen = loaded(stack, tmp_path, "pay-invoices")
    ruling = EFFECTS.judge(seen, asked("< 5 s", "< 5 %"))
    assert {finding.code for finding in ruling.findings} == {"effect-double"}


def test_one_slow_service_of_18_turns_latency_red(boot: Boot, tmp_path: Path):
    with boot("certify_faults.load:slow_service") as stack:
        seen = loaded(stack, tmp_path)
    times = {operation.name: operation.answered for operation in seen.operations}
    assert median(times["read-customer"]) > 400_000
    assert min(times["list-products"]) < 400_000
    alone = replace(seen, generator=replace(seen.generator, foreign_ppm=0))
    ruling = LATENCY.judge(alone, asked("< 300 ms", "< 0.1 %"))
    assert ruling.outcome is Outcome.FAIL
    assert ruling.findings[0].code == "p95-over-limit"


def test_some_failing_requests_turn_errors_red(boot: Boot, tmp_path: Path):
    with boot("certify_faults.load:failing_requests") as stack:
        seen = loaded(stack, tmp_path)
    assert seen.failures > 0
    ruling = ERRORS.judge(seen, asked("< 300 ms", "< 0.1 %"))
    assert {finding.code for finding in ruling.findings} == {"graphql"}
    assert ruling.outcome is Outcome.FAIL or ruling.reason == "interval-straddles"
