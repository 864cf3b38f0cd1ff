"""Faults that the replay check must notice: read models that no event explains."""

import asyncpg

from certify.api import Fault, FaultKind, Stack

SERVICE = "finance"

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


async def _alter(stack: Stack) -> None:
    await alter_row(stack.service(SERVICE).database)


async def _lose(stack: Stack) -> None:
    await lose_row(stack.service(SERVICE).database)


async def _invent(stack: Stack) -> None:
    await invent_row(stack.service(SERVICE).database)


FAULTS = tuple(
    Fault(
        name=name,
        kind=FaultKind.DATA,
        breaks=breaks,
        caught_by=("replay.rebuild",),
        target=SERVICE,
        damage=damage,
    )
    for name, breaks, damage in (
        ("read-model-altered", "a row of a read model says something else than its events", _alter),
        ("read-model-lost-a-row", "a row that its events explain is gone from a read model", _lose),
        ("read-model-invented-a-row", "a row of a read model comes from no event", _invent),
    )
)
