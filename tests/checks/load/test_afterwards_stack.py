"""What the reference stack is like after a load, and while one lasts, in both colours."""

from asyncio import run
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import yaml

from certify.api import Context, Criteria, Limit, Outcome, Ruling, Stack
from certify.profile.load import load_profile
from certify.profile.options import as_config
from certify_checks.load.check import CHECK
from certify_checks.load.holdings import KINDS
from certify_checks.load.model import LoadSeen

RULES = {rule.id: rule for rule in CHECK.rules}
CRITERIA = {
    "leaks": Criteria({kind: Limit.parse("< 25 %") for kind in KINDS}),
    "recovered": Criteria({"waiting": Limit.parse("== 0"), "differing": Limit.parse("== 0")}),
}
ROOT = Path(__file__).resolve().parents[3]
SMALL = {
    "users": 10,
    "pace": "0 s",
    "ramp": "500 ms",
    "warmup": "500 ms",
    "hold": "4 s",
    "think_min": "100 ms",
    "think_max": "200 ms",
}
Boot = Callable[..., AbstractContextManager[Stack]]


def loaded(stack: Stack, folder: Path, rule: str, **options: object) -> LoadSeen:
    for name in ("evidence", "scratch"):
        (folder / name).mkdir()
    ctx = Context("load", folder / "evidence", folder / "scratch", ROOT / "stack", (rule,), stack=stack)
    config = as_config(CHECK, load_profile("finance").checks["load"] | SMALL | options)
    seen: LoadSeen = run(CHECK.observe(ctx, config))
    assert not seen.unusable, seen.detail
    return seen


def judged(seen: LoadSeen, rule: str) -> Ruling:
    return RULES[rule].judge(seen, CRITERIA[rule])


@pytest.mark.stack
def test_the_clean_stack_recovers_from_payments(stack: Stack, tmp_path: Path):
    seen = loaded(stack, tmp_path, "recovered", shape="pay-invoices")
    ruling = judged(seen, "recovered")
    assert ruling.outcome is Outcome.PASS, ruling
    after = seen.aftermath
    assert {one.name for one in after.services if one.known} >= {"finance", "audit", "gateway"}
    assert sum(queue.new for queue in after.queues if (queue.service, queue.source) == ("audit", "finance")) > 50
    assert after.replay
    assert {content.table for content in after.replay.first} >= {"payment_view", "invoice_view"}
    # The same observation, for nothing else is to be seen: seeds of the real one are found.
    for seed in RULES["recovered"].seed(seen, CRITERIA["recovered"]):
        spoilt = judged(seed.observation, "recovered")
        assert seed.code in {finding.code for finding in spoilt.findings}, seed.name


@pytest.mark.stack
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("fault", "code", "service"),
    [("relay_falls_behind", "waiting", "finance"), ("messages_skipped", "not-taken", "audit")],
)
def test_queues_that_do_not_drain_turn_it_red(boot: Boot, tmp_path: Path, fault: str, code: str, service: str):
    with boot(f"certify_faults.aftermath:{fault}") as stack:
        seen = loaded(stack, tmp_path, "recovered", shape="pay-invoices")
    found = {(finding.code, finding.location.service) for finding in judged(seen, "recovered").findings}
    assert (code, service) in found


@pytest.mark.stack
@pytest.mark.nightly
def test_leaks_of_three_services_are_told_apart(boot: Boot, tmp_path: Path):
    overlays = ("memory_kept", "files_left_open", "connections_left_open")
    with boot(*(f"certify_faults.leaks:{name}" for name in overlays)) as stack:
        brief = {"shape": "api-mix", "hold": "16 s", "lasting": "3 m", "memory_of": {"gateway": "4 GiB"}}
        seen = loaded(stack, tmp_path, "leaks", **brief)
    found = {(finding.code, finding.location.service) for finding in judged(seen, "leaks").findings}
    assert found >= {("memory-leak", "finance"), ("handles-leak", "master-data"), ("connections-leak", "crm")}
    assert {service for _, service in found} == {"finance", "master-data", "crm"}


@pytest.mark.stack
def test_services_of_the_stack_are_watched_by_name_with_their_ceilings(stack: Stack, tmp_path: Path):
    seen = loaded(stack, tmp_path, "leaks", shape="api-mix")
    parts = {one.name: one for one in seen.soak.parts}
    assert len(parts) == 19
    assert all(set(one.held) == set(KINDS) and set(one.ceilings) == set(KINDS) for one in parts.values())
    assert parts["finance"].ceilings["memory"] == 256 << 20
    assert parts["gateway"].ceilings["memory"] == 384 << 20
    assert min(min(one.held["memory"]) for one in parts.values()) > 20 << 20
    # Of 4 s nobody can say that nothing leaks in a day.
    assert judged(seen, "leaks").outcome is Outcome.INCONCLUSIVE


def test_the_profile_gives_services_as_much_memory_as_the_compose_file():
    composed = yaml.safe_load((ROOT / "docker-compose.test.yml").read_text(encoding="utf-8"))["services"]
    options = load_profile("finance").checks["load"]
    config = as_config(CHECK, options | {"shape": "api-mix"})
    stack = load_profile("finance").stack
    for name in (*(service.name for service in stack.services), "gateway"):
        declared = Limit.parse(f"== {config.memory_of.get(name, config.memory)}").value
        assert composed[name]["mem_limit"] == f"{declared >> 20}m", name
