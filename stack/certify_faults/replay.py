"""Faults that the replay check must notice: read models that no event explains."""

import asyncpg

# One invoice is chosen by its number, so that each run damages the same one.
_DAMAGE = {
    "altered": "UPDATE invoice_view SET paid = paid + 0.01 WHERE number = (SELECT min(number) FROM invoice_view)",
    "missing": "DELETE FROM payment_view WHERE id = (SELECT id FROM payment_view ORDER BY id LIMIT 1)",
    "extra": "INSERT INTO account_balance SELECT gen_random_uuid(), currency, invoiced, paid, balance, updated_at "
    "FROM account_balance LIMIT 1",
}


async def alter_row(dsn: str) -> None:
    """One paisa more is paid on one invoice than its events say."""
    await _execute(dsn, "altered")


async def lose_row(dsn: str) -> None:
    """One payment is gone from the read model."""
    await _execute(dsn, "missing")


async def invent_row(dsn: str) -> None:
    """A customer whom no event names has an account."""
    await _execute(dsn, "extra")


async def _execute(dsn: str, damage: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        done = await connection.execute(_DAMAGE[damage])
        if not done.endswith(" 1"):
            raise LookupError(f"the fault {damage!r} found no row to damage: {done}")
    finally:
        await connection.close()
