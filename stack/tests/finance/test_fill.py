"""Histories of any length: the same for a seed number, and read models that a replay makes the same."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from erp_harness import scratch_database

from certify_stack.erp.finance import fill, rebuild
from certify_stack.erp.finance.commands import payment_asked
from certify_stack.erp.finance.events import PaymentMethod
from certify_stack.erp.finance.invoice import Money
from certify_stack.erp.finance.rows import TABLES
from certify_stack.kit import migrate

DIGEST = "SELECT md5(string_agg(t::text, ';' ORDER BY t::text)) FROM {} AS t"
SCHEMA = """
    SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT tgrelid::regclass || tgname || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1
"""
PAYMENTS = (
    "SELECT idempotency_key, invoice_id, amount, method, fingerprint, result, id FROM payment_view "
    "LEFT JOIN command_key ON key = idempotency_key"
)


async def ask(dsn: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


def value(dsn: str, query: str) -> Any:
    return asyncio.run(ask(dsn, query))[0][0]


def digests(dsn: str, schema: str) -> list[str]:
    return [value(dsn, DIGEST.format(f"{schema}.{table}")) for table in TABLES]


def schema_of(dsn: str) -> list[str]:
    """Return all constraints, indexes and triggers."""
    return [row[0] for row in asyncio.run(ask(dsn, SCHEMA))]


@pytest.mark.parametrize("events", [10, 2500])
def test_read_models_are_what_the_events_say(server: str, events: int):
    with scratch_database(server, "finance") as dsn:
        migrate.upgrade(dsn, "finance")
        before = schema_of(dsn)
        assert asyncio.run(fill.fill(dsn, events, 3))["events"] == events
        assert schema_of(dsn) == before
        asyncio.run(rebuild.rebuild(dsn, "shadow"))
        assert digests(dsn, "public") == digests(dsn, "shadow")
        assert value(dsn, "SELECT count(*) FROM events") == value(dsn, "SELECT max(position) FROM events") == events
        assert value(dsn, "SELECT position FROM projection_checkpoint") == events
        for row in asyncio.run(ask(dsn, PAYMENTS)):
            asked = payment_asked(row["invoice_id"], Money(row["amount"], "", PaymentMethod(row["method"])))
            assert (row["fingerprint"], row["result"]) == (asked.fingerprint, row["id"])
        with pytest.raises(fill.FillError, match="events already"):
            asyncio.run(fill.fill(dsn, events, 3))
        with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
            asyncio.run(ask(dsn, "UPDATE journal_line_view SET debit = debit + 1 WHERE debit > 0"))


def test_a_seed_number_gives_the_same_data_and_another_gives_others(
    server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    seen = []
    for seed in ("5", "5", "6"):
        with scratch_database(server, "finance") as dsn:
            migrate.upgrade(dsn, "finance")
            monkeypatch.setenv(fill.DSN_VARIABLE, dsn)
            assert fill.main(["--events", "700", "--seed", seed]) == 0
            assert json.loads(capsys.readouterr().out)["events"] == 700
            seen.append([value(dsn, DIGEST.format("events")), *digests(dsn, "public")])
            assert fill.main(["--events", "700"]) == fill.REFUSED
            assert "events already" in capsys.readouterr().err
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[2][0]


def test_rows_that_no_event_explains_are_not_thrown_away(server: str):
    with scratch_database(server, "finance") as dsn:
        migrate.upgrade(dsn, "finance")
        key = "INSERT INTO command_key (key, fingerprint, result) VALUES ('k', repeat('0', 64), gen_random_uuid())"
        asyncio.run(ask(dsn, key))
        with pytest.raises(fill.FillError, match="there are command_key already"):
            asyncio.run(fill.fill(dsn, 10, 3))
        assert value(dsn, "SELECT count(*) FROM command_key") == 1


@pytest.mark.parametrize("events", [0, 10**9])
def test_none_or_too_many_cannot_be_made(server: str, events: int):
    with pytest.raises(fill.FillError, match="from 1 to"):
        asyncio.run(fill.fill(server, events, 1))


def test_the_command_needs_a_database(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(fill.DSN_VARIABLE, raising=False)
    with pytest.raises(SystemExit):
        fill.main(["--events", "1"])
