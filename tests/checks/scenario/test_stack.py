"""Scenario 1 on the reference stack: clean, and with an audit service that keeps nothing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

import certify_stack
from certify.api import Criteria, Limit, Outcome, Ruling, Stack
from certify_checks.scenario import CHECK
from certify_checks.scenario.model import ScenarioConfig, SelfTestConfig
from certify_checks.scenario.passes import LIMITS, judge_passes

pytestmark = pytest.mark.stack
ROOT = Path(certify_stack.__file__).parents[1]
# Nobody listens to the spans of this stack, so one test is skipped.
CRITERIA = Criteria({name: Limit.parse(text) for name, text in LIMITS.items()} | {"skipped": Limit.parse("<= 1")})
CONFIG = ScenarioConfig(
    ("tests/scenarios", "certify_stack/_suites/scenarios"),
    ("invoice-to-audit", "master-data", "e-mail", "sms"),
    repeats=0,
    selftest=SelfTestConfig(("amount", "notification", "event"), ("auditEntries",)),
)


def judged(context: Any, stack: Stack) -> Ruling:
    given = context(stack, "scenario", source_root=ROOT)
    ruling = judge_passes(asyncio.run(CHECK.observe(given, CONFIG)), CRITERIA)
    assert ruling.outcome is not Outcome.INCONCLUSIVE, (ruling, (given.evidence / "pytest.log").read_text())
    return ruling


def test_the_business_works_on_the_clean_stack_and_the_tests_would_notice(context: Any, stack: Stack):
    ruling = judged(context, stack)
    assert ruling.outcome is Outcome.PASS, ruling
    assert ruling.examined > 10
    assert ruling.summary.endswith("3 alterations noticed")


def test_an_audit_service_that_forgets_is_found(context: Any, boot: Any):
    with boot("certify_faults.scenario:audit_forgets") as faulty:
        ruling = judged(context, faulty)
    assert ruling.outcome is Outcome.FAIL
    assert {finding.code for finding in ruling.findings} == {"scenario-failed"}
    (trail,) = (finding for finding in ruling.findings if "audit entries ['InvoiceCreated'" in finding.message)
    assert trail.location.file == "tests/scenarios/test_invoice_to_audit.py"
