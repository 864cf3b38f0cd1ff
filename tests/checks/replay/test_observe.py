"""`replay.rebuild` on a real database."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from certify.api import Context, Criteria, Limit, Outcome, Ruling, Service, Stack
from certify_checks.replay import CHECK
from certify_checks.replay.model import ReplayConfig, ReplayObservation
from certify_checks.replay.rebuild import judge_rebuild, seed_rebuild

pytestmark = pytest.mark.stack
CRITERIA = Criteria({"differing": Limit.parse("== 0")})
CONFIG = ReplayConfig(
    service="bank",
    rebuild=("python", "rebuild.py", "{dsn}", "{schema}", "'kept'"),
    projections=("balance", "refund"),
    optional=("refund",),
)


def look(tmp_path: Path, dsn: str, config: ReplayConfig = CONFIG) -> ReplayObservation:
    context = Context("replay", tmp_path, tmp_path, tmp_path, stack=Stack((Service("bank", database=dsn),)))
    seen: ReplayObservation = asyncio.run(CHECK.observe(context, config))
    return seen


def ruled(tmp_path: Path, dsn: str, config: ReplayConfig = CONFIG) -> Ruling:
    return judge_rebuild(look(tmp_path, dsn, config), CRITERIA)


def test_a_sound_product_passes_and_every_seed_is_found(tmp_path: Path, ledger: str, sql: Any):
    seen = look(tmp_path, ledger)
    ruling = judge_rebuild(seen, CRITERIA)
    assert ruling.outcome is Outcome.PASS, ruling
    assert (seen.events, len(seen.first[0].rows)) == (40, 5)
    for seeded in seed_rebuild(seen, CRITERIA):
        assert judge_rebuild(seeded.observation, CRITERIA).outcome is Outcome.FAIL, seeded.name
    assert sql(ledger, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'certify%'") == 0


def test_an_altered_row_is_found_with_its_column(tmp_path: Path, ledger: str, sql: Any):
    sql(ledger, "UPDATE balance SET total = total + 0.01 WHERE account = 'a3'")
    ruling = ruled(tmp_path, ledger)
    assert [(finding.code, str(finding.location)) for finding in ruling.findings] == [
        ("altered", 'bank balance ["a3"]')
    ]
    assert ruling.findings[0].message == 'balance row ["a3"] differs between live and the rebuild in total'


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("DELETE FROM balance WHERE account = 'a1'", "missing"),
        ("INSERT INTO balance VALUES ('zz', 1)", "extra"),
        ("ALTER TABLE balance ADD COLUMN surplus int", "other-columns"),
        ("DROP TABLE refund", "no-table"),
    ],
)
def test_other_damage_is_found(tmp_path: Path, ledger: str, sql: Any, damage: str, code: str):
    sql(ledger, damage)
    assert [finding.code for finding in ruled(tmp_path, ledger).findings] == [code]


def test_a_rebuild_that_takes_the_clock_is_found(tmp_path: Path, ledger: str):
    config = ReplayConfig(
        service="bank",
        rebuild=(*CONFIG.rebuild[:-1], "clock_timestamp()::text"),
        projections=("balance",),
        settle=CONFIG.settle.of_microseconds(1),
    )
    codes = {finding.code for finding in ruled(tmp_path, ledger, config).findings}
    assert codes == {"altered", "unrepeatable-altered"}


def test_an_ignored_column_is_ignored_and_told(tmp_path: Path, ledger: str, sql: Any):
    sql(ledger, "UPDATE balance SET note = 'other'")
    told: list[str] = []
    config = ReplayConfig(service="bank", rebuild=CONFIG.rebuild, projections=("balance",), ignore=("balance.note",))
    context = Context(
        "replay",
        tmp_path,
        tmp_path,
        tmp_path,
        stack=Stack((Service("bank", database=ledger),)),
        weakening=lambda kind, text: told.append(f"{kind}: {text}"),
    )
    seen = asyncio.run(CHECK.observe(context, config))
    assert judge_rebuild(seen, CRITERIA).outcome is Outcome.PASS
    assert told == ["ignored-column: replay does not compare balance.note of bank"]


def test_a_crash_leaves_no_schema_behind(tmp_path: Path, ledger: str, sql: Any):
    config = ReplayConfig(service="bank", rebuild=(*CONFIG.rebuild[:-1], "1/0"), projections=("balance",))
    ruling = ruled(tmp_path, ledger, config)
    assert [finding.code for finding in ruling.findings] == ["rebuild-failed"]
    assert "division by zero" in ruling.summary
    assert sql(ledger, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'certify%'") == 0


def test_no_events_is_inconclusive(tmp_path: Path, ledger: str, sql: Any):
    sql(ledger, "TRUNCATE events, balance")
    assert ruled(tmp_path, ledger).reason == "no-events"


def test_events_that_keep_coming_are_inconclusive(tmp_path: Path, ledger: str, sql: Any):
    program = tmp_path / "rebuild.py"
    more = "    await connection.execute(\"INSERT INTO events (account, amount) VALUES ('a1', 1)\")\n"
    program.write_text(
        program.read_text().replace("    await connection.close()\n", more + "    await connection.close()\n")
    )
    seen = look(tmp_path, ledger)
    assert (seen.attempts, judge_rebuild(seen, CRITERIA).reason) == (3, "not-settled")
    assert sql(ledger, "SELECT count(*) FROM events") == 46


def test_a_database_that_is_away_is_inconclusive(tmp_path: Path):
    assert ruled(tmp_path, "postgresql://nobody@127.0.0.1:1/none").reason == "not-observed"
