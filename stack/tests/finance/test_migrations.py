"""What was issued and paid before there was a ledger is booked by the migration as its events say."""

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import msgspec
from alembic import command
from erp_harness import scratch_database

from certify_stack.erp.finance import rebuild, samples, views
from certify_stack.erp.finance.commands import payment_asked
from certify_stack.erp.finance.events import PaymentMethod, PaymentReceived, Recorded, encode
from certify_stack.erp.finance.invoice import Money
from certify_stack.erp.finance.old_versions import older
from certify_stack.erp.finance.rows import ROW_TYPES, TABLES, columns_of
from certify_stack.erp.samples import EPOCH, sample_id
from certify_stack.kit import alembic_runs

NEW = {"language", "method", "credit_limit"}
KEYS = "SELECT key, fingerprint, result FROM command_key ORDER BY key"


def migrate(dsn: str, to: str) -> None:
    def up(connection: Any) -> None:
        config = alembic_runs.config_of("finance")
        config.attributes["connection"] = connection
        command.upgrade(config, to)

    async def run() -> None:
        async with alembic_runs.engine_of(dsn).begin() as connection:
            await connection.run_sync(up)

    asyncio.run(run())


def old_events() -> list[Any]:
    """Sample events that could have been recorded before: no accounts, no entries by hand, payments by bank."""
    kept, cash = [], set()
    for kind, stream, version, event in samples.sample_events(1):
        if isinstance(event, PaymentReceived) and event.method is not PaymentMethod.BANK:
            cash.add(stream)
        if kind in {"Invoice", "Payment"} and stream not in cash and getattr(event, "payment_id", None) not in cash:
            kept.append((kind, stream, version, event))
    return kept


async def fill(dsn: str) -> list[tuple[str, str, Any]]:
    rows: dict[Any, Any] = {}
    records, keys = [], []
    turns: Counter[str] = Counter()
    for position, (kind, stream, version, event) in enumerate(old_events(), 1):
        views.fold(rows, position - 1, Recorded(position, stream, version, EPOCH, event))
        name, type_version, data = encode(event)
        if name != "InvoiceCreated" and (old := older(event, 0)) is not None:
            type_version, data = old[0], msgspec.json.encode(old[1]).decode()
        turns[name] += 1
        if isinstance(event, PaymentReceived):
            asked = payment_asked(event.invoice_id, Money(event.amount, event.idempotency_key, event.method))
            keys.append((event.idempotency_key, asked.fingerprint, stream))
        key = sample_id("Event", position)
        records.append((position, key, kind, stream, version, name, type_version, data, samples.ACTOR, EPOCH))
    assert set(turns) == {"InvoiceCreated", "InvoiceIssued", "InvoicePaymentApplied", "PaymentReceived"}
    connection = await asyncpg.connect(dsn)
    await connection.copy_records_to_table("events", columns=samples.EVENT_COLUMNS, records=records)
    for kind in ROW_TYPES[:4]:
        columns = [name for name in columns_of(kind) if name not in NEW]
        values = [tuple(getattr(row, name) for name in columns) for (of, _), row in rows.items() if of is kind]
        await connection.copy_records_to_table(kind.TABLE, columns=columns, records=values)
    await connection.close()
    return sorted(keys)


async def content(dsn: str, schema: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(dsn)
    found = {
        table: [row[0] for row in await connection.fetch(f"SELECT t::text FROM {schema}.{table} AS t ORDER BY 1")]  # noqa: S608 - constant names
        for table in TABLES
    }
    await connection.close()
    return found


async def keys_of(dsn: str) -> list[tuple[str, str, Any]]:
    connection = await asyncpg.connect(dsn)
    rows = [tuple(row) for row in await connection.fetch(KEYS)]
    await connection.close()
    return sorted(rows)


def test_what_was_issued_and_paid_before_is_booked_and_its_keys_are_known(server: str):
    with scratch_database(server, "finance") as dsn:
        migrate(dsn, "0004")
        keys = asyncio.run(fill(dsn))
        migrate(dsn, "head")
        asyncio.run(rebuild.rebuild(dsn, "shadow"))
        live, shadow = asyncio.run(content(dsn, "public")), asyncio.run(content(dsn, "shadow"))
        assert live == shadow
        assert all(live.values())
        assert asyncio.run(keys_of(dsn)) == keys != []
