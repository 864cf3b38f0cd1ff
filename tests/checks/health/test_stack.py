"""All rules but edges on the reference stack: clean, and with faults."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import certify_stack
from certify.api import Capability, Criteria, Duration, Limit, Outcome, Ruling, Stack
from certify_checks.health import CHECK
from certify_checks.health.model import HealthConfig, HealthObservation
from certify_faults.health import FAULTS, schemas, starts

pytestmark = pytest.mark.stack
ROOT = Path(certify_stack.__file__).parents[1]
BRIEF = HealthConfig(
    window=Duration("1500 ms"),
    interval=Duration("150 ms"),
    timeout=Duration("10 s"),
    patience=Duration("8 s"),
    recovery=Duration("15 s"),
    start_budget=Duration("120 s"),
)
RULES = ("ready", "migrations", "truthful", "clean-start")
CRITERIA = Criteria({name: Limit.parse("== 0") for name in ("not-ready", "pending", "lying", "incidents")})
OFFERED = frozenset({Capability.HTTP, Capability.SQL, Capability.SOURCE, Capability.KAFKA})
TRIES = 3


@pytest.fixture
def look(context: Any) -> Any:
    def observe(stack: Stack, *rules: str, config: HealthConfig = BRIEF, **more: Any) -> HealthObservation:
        given = context(stack, "health", rules=rules, capabilities=OFFERED, **({"source_root": ROOT} | more))
        seen: HealthObservation = asyncio.run(CHECK.observe(given, config))
        return seen

    return observe


def judged(seen: HealthObservation, name: str) -> Ruling:
    rule = CHECK.rule(name)
    assert rule
    return rule.judge(seen, CRITERIA)


def found(seen: HealthObservation, name: str) -> set[tuple[str, str]]:
    ruling = judged(seen, name)
    assert ruling.outcome is Outcome.FAIL, ruling
    return {(finding.code, finding.location.service) for finding in ruling.findings}


def overlays(rule: str) -> list[str]:
    return [fault.overlay for fault in FAULTS if fault.overlay and fault.caught_by == (rule,)]


def test_the_clean_stack_passes_and_every_seed_is_found(look: Any, running: Any):
    with running() as run:
        seen = look(run.stack, *RULES, disrupt=run.disrupt)
        for _ in range(TRIES):
            # Other tests take this machine's time; a service that cannot answer in time is not ready, rightly.
            if all(judged(seen, name).outcome is Outcome.PASS for name in ("ready", "truthful")):
                break
            seen = look(run.stack, *RULES, disrupt=run.disrupt)
        after = look(run.stack, "clean-start", disrupt=run.disrupt)
    examined = {"ready": 19, "migrations": 18, "truthful": 36, "clean-start": 19}
    for name in RULES:
        ruling = judged(seen, name)
        assert (ruling.outcome, ruling.examined) == (Outcome.PASS, examined[name]), ruling
        rule = CHECK.rule(name)
        assert rule
        for seeded in rule.seed(seen, CRITERIA):
            assert rule.judge(seeded.observation, CRITERIA).outcome is Outcome.FAIL, seeded.name
    assert "keep no checksums" not in judged(seen, "migrations").summary
    assert judged(after, "clean-start").outcome is Outcome.PASS, "what a check disturbs is no incident of the start"


def test_readiness_that_lies_is_found(look: Any, running: Any):
    with running(*overlays("health.truthful")) as run:
        seen = look(run.stack, "truthful", disrupt=run.disrupt)
    assert found(seen, "truthful") == {
        ("lies-about-database", "configuration"),
        ("lies-about-broker", "workflow"),
        ("never-recovered", "inventory"),
        ("live-follows", "scm"),
    }


def test_starts_that_are_not_clean_are_found(look: Any, running: Any):
    with running(*overlays("health.clean-start")) as run:
        seen = look(
            run.stack,
            "clean-start",
            config=replace(BRIEF, start_budget=Duration(starts.START_BUDGET), window=Duration("4 s")),
        )
    codes = found(seen, "clean-start")
    assert {
        ("crash-loop", "scheduler"),
        ("crash-loop", "notification"),
        ("port-taken", "notification"),
        ("slow-start", "document-generator"),
        ("restarted", "import-export"),
        ("errors-at-start", "file-storage"),
    } <= codes
    assert {"died", "restarted", "crash-loop"} & {code for code, service in codes if service == "hr"}
    blamed = {"scheduler", "notification", "document-generator", "import-export", "file-storage", "hr", "gateway"}
    # On a busy machine others may take as long as the slow one.
    assert {service for code, service in codes if code != "slow-start"} <= blamed
    taken = next(f.message for f in judged(seen, "clean-start").findings if f.code == "port-taken")
    assert "held by pid " in taken, taken


def test_databases_at_other_versions_and_edited_files_are_found(look: Any, boot: Any, tmp_path: Path):
    copy = tmp_path / "source"
    for service in ("audit", "finance"):
        folder = Path("certify_stack", "erp", service, "migrations", "versions")
        (copy / folder).mkdir(parents=True)
        for file in (ROOT / folder).glob("*.py"):
            (copy / folder / file.name).write_bytes(file.read_bytes())
    schemas.pending_migration(copy)
    schemas.edited_migration(copy)
    with boot() as faulty:
        for damage in (schemas.half_done, schemas.forget_version, schemas.claim_other_version):
            asyncio.run(damage(faulty))
        here = look(faulty, "migrations")
        two = replace(faulty, services=(faulty.service("audit"), faulty.service("finance")))
        there = look(two, "migrations", source_root=copy)
    codes = found(here, "migrations")
    assert {("several-versions", "master-data"), ("unknown-revision", "master-data")} <= codes
    assert {("empty-version-table", "organization"), ("unknown-revision", "scm")} <= codes
    assert {service for _, service in codes} == {"master-data", "organization", "scm"}
    assert found(there, "migrations") == {("pending", "audit"), ("changed-checksum", "finance")}
