"""The rules that need the running stack, on the reference stack: clean, and with faults."""

import asyncio
from typing import Any

import msgspec
import pytest

from certify.api import Outcome, Ruling, Stack
from certify_checks.owasp import CHECK
from certify_checks.owasp.config import OwaspConfig

pytestmark = pytest.mark.stack


@pytest.fixture
def judged(context: Any, criteria: Any) -> Any:
    def run(stack: Stack, config: OwaspConfig, *rules: str) -> tuple[Ruling, ...]:
        ctx = msgspec.structs.replace(context(rules=rules, quick=True), stack=stack)
        seen = asyncio.run(CHECK.observe(ctx, config))
        found = [rule for rule in CHECK.rules if rule.id in rules]
        return tuple(rule.judge(seen, criteria(rule)) for rule in found)

    return run


def test_the_clean_stack_refuses_forged_tokens_and_breaks_on_no_query(judged: Any, stack: Stack):
    jwt, schema = judged(stack, OwaspConfig(quick_operations=10), "jwt", "schema")
    assert (jwt.outcome, jwt.examined) == (Outcome.PASS, 19), jwt
    assert (schema.outcome, schema.examined) == (Outcome.PASS, 10), schema


def test_a_finance_that_trusts_anyone_and_breaks_is_found(judged: Any, boot: Any):
    with boot("certify_faults.owasp:accept_any_token", "certify_faults.owasp:graphql_500") as faulty:
        jwt, schema = judged(faulty, OwaspConfig(quick_operations=1000), "jwt", "schema")
    assert jwt.outcome is Outcome.FAIL
    assert {finding.location.service for finding in jwt.findings} == {"finance"}
    assert schema.outcome is Outcome.FAIL
    assert {finding.code for finding in schema.findings} == {"schema.graphql"}
    assert "Query.invoices" in {finding.location.coordinate for finding in schema.findings}
