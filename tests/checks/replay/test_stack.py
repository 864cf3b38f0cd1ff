"""The rule on the finance service of the reference stack: clean, and with damaged read models."""

import asyncio
from typing import Any

import msgspec
import pytest

from certify.api import Criteria, Limit, Outcome
from certify.profile.load import load_profile
from certify_checks.replay import CHECK
from certify_checks.replay.model import ReplayConfig
from certify_checks.replay.rebuild import judge_rebuild, seed_rebuild
from certify_faults.replay import alter_row, invent_row, lose_row

pytestmark = pytest.mark.stack
CRITERIA = Criteria({"differing": Limit.parse("== 0")})


def test_the_clean_read_models_follow_from_the_events_and_damage_is_found(context: Any, boot: Any):
    config = msgspec.convert(load_profile("finance").checks["replay"], ReplayConfig)
    with boot() as faulty:
        dsn = faulty.service("finance").database
        seen = asyncio.run(CHECK.observe(context(faulty, "replay"), config))
        clean = judge_rebuild(seen, CRITERIA)
        assert clean.outcome is Outcome.PASS, clean
        assert seen.events > 100
        for seeded in seed_rebuild(seen, CRITERIA):
            assert judge_rebuild(seeded.observation, CRITERIA).outcome is Outcome.FAIL, seeded.name
        for damage in (alter_row, lose_row, invent_row):
            asyncio.run(damage(dsn))
        ruling = judge_rebuild(asyncio.run(CHECK.observe(context(faulty, "replay"), config)), CRITERIA)
    assert ruling.outcome is Outcome.FAIL
    found = [(finding.code, finding.location.coordinate.split(" ")[0]) for finding in ruling.findings]
    assert found == [("altered", "invoice_view"), ("missing", "payment_view"), ("extra", "account_balance")]
    assert ruling.findings[0].message.endswith("differs between live and the rebuild in paid")
