"""How an import ended: written down, told to other services, and so to whoever asked for it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from certify_stack.kit.client import AwayError, CallError
from certify_stack.kit.database import Connection
from certify_stack.kit.outbox import Event, record
from certify_stack.kit.runtime import Runtime

log = logging.getLogger(__name__)

NAME, DONE, FAILED = "import-export", "DONE", "FAILED"
KNOWN = "known"
BAD_ROWS = "rows are bad, so none was imported"
END = """
    UPDATE import_job SET state = $2, rows_refused = $3, rows_read = greatest(rows_read, $4), currency = $5, net = $6,
        duty = $7, vat = $8, gross = $9, trouble = $10, updated_at = now() WHERE id = $1
"""
OVER = "UPDATE import_run SET next_at = NULL WHERE job_id = $1"
REFUSE = """
    INSERT INTO row_refusal (import_job_id, row_number, reason)
    SELECT $1, number, left(reason, 500) FROM unnest($2::integer[], $3::text[]) AS bad (number, reason)
    ON CONFLICT (import_job_id, row_number) DO NOTHING
"""
ADDRESS = "query Address($user: ID!) { employees(where: {userId: $user}, limit: 1) { email } }"


class Refusal(msgspec.Struct, frozen=True):
    """A bad row: the number of its line in the file, from 1, and why."""

    line: int
    reason: str


class Outcome(msgspec.Struct, frozen=True):
    """What finance says of an import: ``imported``, ``known`` or ``refused``."""

    state: str
    invoices: int = 0
    currency: str = ""
    net: Decimal | None = None
    duty: Decimal | None = None
    vat: Decimal | None = None
    gross: Decimal | None = None
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ending:
    """Why it failed, if it did; whom to tell; how many rows were read."""

    trouble: str | None
    address: str | None
    rows: int = 0


async def settle(runtime: Runtime, job: Any, outcome: Outcome, rows: int, *, patient: bool) -> None:
    """Write down what finance said of so many rows.

    Raises:
        AwayError: hr does not answer, and the caller is patient: finance says the same when it is asked again.
    """
    address = await _address(runtime, job["requested_by_id"], patient=patient)
    await _end(
        runtime, job, outcome, _Ending(f"{outcome.refused} {BAD_ROWS}" if outcome.refused else None, address, rows)
    )


async def fail(runtime: Runtime, job: Any, why: str, refusals: Sequence[Refusal]) -> None:
    """Write down that nothing could be imported."""
    address = await _address(runtime, job["requested_by_id"], patient=False)
    outcome = Outcome("refused", refused=len(refusals), refusals=tuple(refusals))
    await _end(runtime, job, outcome, _Ending(why[:500], address))


async def _end(runtime: Runtime, job: Any, outcome: Outcome, ending: _Ending) -> None:
    trouble = ending.trouble
    state = FAILED if trouble else DONE
    log.info("import ended", extra={"job": str(job["id"]), "state": state, "cause": trouble})
    amounts = (outcome.net, outcome.duty, outcome.vat, outcome.gross)
    async with runtime.database.transaction() as connection:
        ended = (state, outcome.refused, ending.rows, outcome.currency or None, *amounts, trouble)
        await connection.execute(END, job["id"], *ended)
        await connection.execute(OVER, job["id"])
        await _refuse(connection, job["id"], outcome.refusals)
        data = {
            "file_name": job["file_name"],
            "sha256": job["sha256"],
            "requested_by_id": job["requested_by_id"],
            "address": ending.address,
            "state": state,
            "invoices": outcome.invoices,
            "rows_refused": outcome.refused,
            "currency": outcome.currency,
            "gross": outcome.gross,
            "trouble": trouble,
        }
        told = Event(type="ImportFinished", subject=job["id"], subject_type="ImportJob", data=data)
        await record(connection, NAME, NAME, [told])


async def _refuse(connection: Connection, key: UUID, refusals: Sequence[Refusal]) -> None:
    lines = [refusal.line for refusal in refusals]
    await connection.execute(REFUSE, key, lines, [refusal.reason for refusal in refusals])


async def _address(runtime: Runtime, user: UUID, *, patient: bool) -> str | None:
    """Ask hr for the mail address of whoever asked for the import; without one the message stays in the application."""
    try:
        data = await runtime.client.graphql("hr", ADDRESS, {"user": str(user)})
    except CallError as error:
        if patient and isinstance(error, AwayError):
            raise
        log.warning("address is not known", extra={"cause": str(error)})
        return None
    found = data.get("employees") or ()
    return found[0].get("email") if found else None
