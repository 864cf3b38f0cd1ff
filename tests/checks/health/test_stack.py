"""Both rules on the reference stack: clean, and with faults."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

import certify_stack
from certify.api import Capability, Criteria, Duration, Limit, Outcome, Ruling, Stack
from certify_checks.health import CHECK
from certify_checks.health.model import HealthConfig, HealthObservation
from certify_faults.health import claim_other_version, forget_version

pytestmark = pytest.mark.stack
ROOT = Path(certify_stack.__file__).parents[1]
BRIEF = HealthConfig(window=Duration("1500 ms"), interval=Duration("150 ms"), timeout=Duration("2 s"))
CRITERIA = Criteria({"not-ready": Limit.parse("== 0"), "pending": Limit.parse("== 0")})


@pytest.fixture
def look(context: Any) -> Any:
    def run(stack: Stack) -> HealthObservation:
        offered = frozenset({Capability.HTTP, Capability.SQL, Capability.SOURCE})
        given = context(stack, "health", source_root=ROOT, capabilities=offered)
        seen: HealthObservation = asyncio.run(CHECK.observe(given, BRIEF))
        return seen

    return run


def judged(seen: HealthObservation) -> tuple[Ruling, ...]:
    return tuple(rule.judge(seen, CRITERIA) for rule in CHECK.rules)


def test_the_clean_stack_is_ready_and_migrated(look: Any, stack: Stack):
    seen = look(stack)
    ready, migrations = judged(seen)
    assert (ready.outcome, ready.examined) == (Outcome.PASS, 19), ready
    assert (migrations.outcome, migrations.examined) == (Outcome.PASS, 18), migrations
    for rule in CHECK.rules:
        for seeded in rule.seed(seen, CRITERIA):
            assert rule.judge(seeded.observation, CRITERIA).outcome is Outcome.FAIL, seeded.name


def test_a_service_that_flaps_and_databases_at_other_versions_are_found(look: Any, boot: Any):
    with boot("certify_faults.health:ready_lies_down") as faulty:
        ready, _ = judged(look(faulty))
        asyncio.run(forget_version(faulty.service("hr").database))
        asyncio.run(claim_other_version(faulty.service("scm").database))
        _, migrations = judged(look(faulty))
    # The gateway says that it is not ready either when a service behind it is not.
    flapping = {finding.location.service for finding in ready.findings if finding.code == "flapping"}
    assert "crm" in flapping <= {"crm", "gateway"}
    assert migrations.outcome is Outcome.FAIL
    found = {(finding.code, finding.location.service) for finding in migrations.findings}
    assert {("empty-version-table", "hr"), ("pending", "hr"), ("unknown-revision", "scm")} <= found
    assert {service for _, service in found} == {"hr", "scm"}
