"""Jobs are carried out one after the other: content from file-storage, rows to finance, progress for whoever looks."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec
from opentelemetry.trace import SpanKind

from certify_stack.erp.import_export import intake, settling
from certify_stack.erp.import_export.reading import HeaderError, Reader, Row
from certify_stack.erp.import_export.settling import Outcome, Refusal
from certify_stack.kit.background import Supervised
from certify_stack.kit.client import AwayError, CallError, RefusedError
from certify_stack.kit.database import AWAY
from certify_stack.kit.errors import UnavailableError
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.transfer import Transfers
from certify_stack.kit.working import work_off

log = logging.getLogger(__name__)

REST_SECONDS = 1.0
TOLD_EVERY = 0.25
# Rows that travel together; small enough that the loop is free for other requests in between.
BATCH = 250
TRIES = 5
# How long a job stays away from others when whoever took it dies; longer than any import takes.
LEASE = "3 minutes"
# Materialized: joined to the update, the choice could be made anew for each row, and several jobs be claimed at once.
CLAIM = f"""
    WITH due AS MATERIALIZED (
        SELECT job_id FROM import_run WHERE next_at <= now() ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE import_run AS run SET attempts = attempts + 1, next_at = now() + interval '{LEASE}' FROM due
    WHERE run.job_id = due.job_id RETURNING run.job_id, actor, traceparent, attempts
"""  # noqa: S608 - a constant of this module
START = """
    UPDATE import_job SET state = 'RUNNING', rows_read = 0, updated_at = now() WHERE id = $1
    RETURNING id, sha256, rows_total, file_name, requested_by_id
"""
PROGRESS = "UPDATE import_job SET rows_read = $2, updated_at = now() WHERE id = $1"
LATER = "UPDATE import_run SET next_at = now() + $2 * interval '1 second' WHERE job_id = $1"


class Progress(msgspec.Struct, frozen=True):
    """How many rows finance has judged."""

    rows: int


class DamagedError(Exception):
    """The content is not what was uploaded."""


async def run_imports(runtime: Runtime, supervised: Supervised) -> None:
    """Carry out jobs for ever."""
    waker = runtime.shared[intake.WAKE] = asyncio.Event()
    await work_off(partial(run_next, runtime, supervised), supervised, waker, REST_SECONDS)


async def run_next(runtime: Runtime, supervised: Supervised | None = None) -> bool:
    """Carry out one job that is due; returns whether there was one."""
    claimed = await runtime.database.fetch(CLAIM)
    if not claimed:
        return False
    run = claimed[0]
    parent = {"traceparent": run["traceparent"] or ""}
    with runtime.tracing.span("import", SpanKind.INTERNAL, {}, parent):
        job = await runtime.database.fetchrow(START, run["job_id"])
        try:
            working = _Import(runtime, job, run["actor"], supervised)
            outcome = await working.carry_out()
            await settling.settle(runtime, job, outcome, working.rows, patient=run["attempts"] < TRIES)
        except (AwayError, RefusedError) as error:
            await _postpone(runtime, run, job, str(error))
        except (HeaderError, DamagedError, CallError) as error:
            await settling.fail(runtime, job, str(error), _refusals_of(error))
    return True


def _refusals_of(error: Exception) -> Sequence[Refusal]:
    return (Refusal(1, str(error)),) if isinstance(error, HeaderError) else ()


async def _postpone(runtime: Runtime, run: Any, job: Any, why: str) -> None:
    """Come again, later each time; after the last time it has failed. Nothing was imported, or finance knows of it."""
    if run["attempts"] >= TRIES:
        await settling.fail(runtime, job, why, ())
        return
    log.warning("import waits", extra={"job": str(run["job_id"]), "cause": why})
    await runtime.database.fetch(LATER, run["job_id"], float(2 ** run["attempts"]))


class _Import:
    """One job: what was read so far."""

    def __init__(self, runtime: Runtime, job: Any, actor: str, supervised: Supervised | None) -> None:
        self._runtime, self._job, self._actor, self._supervised = runtime, job, actor, supervised
        self._transfers = Transfers(runtime.client, runtime.tracing)
        self._reader = Reader()
        self._trouble: Exception | None = None

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self._reader.rows

    async def carry_out(self) -> Outcome:
        """Send all rows to finance, and return what became of them.

        Raises:
            HeaderError: The file is none of invoices.
            DamagedError: The content has another digest than what was uploaded.
            CallError: file-storage or finance does not do its part.
        """
        about = {"id": str(self._job["id"]), "sha256": self._job["sha256"], "actor": self._actor}
        following = asyncio.create_task(self._follow())
        try:
            answer = await self._transfers.send("finance", f"/invoice-imports?{urlencode(about)}", self._lines())
        except CallError:
            if self._trouble is not None:
                raise self._trouble from None
            raise
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        return msgspec.json.decode(answer, type=Outcome)

    async def _lines(self) -> AsyncIterator[bytes]:
        """Yield what finance reads. What goes wrong here breaks the request off, so that nothing comes of it."""
        try:
            async for line in self._batches():
                yield line
        except (HeaderError, DamagedError, CallError) as error:
            self._trouble = error
            raise

    async def _batches(self) -> AsyncIterator[bytes]:
        async for rows in self._rows():
            for first in range(0, len(rows), BATCH):
                yield msgspec.json.encode(rows[first : first + BATCH]) + b"\n"
        yield msgspec.json.encode({"rows": self._reader.rows}) + b"\n"

    async def _rows(self) -> AsyncIterator[list[Row]]:
        digest, sha256 = hashlib.sha256(), self._job["sha256"]
        async with self._transfers.open("file-storage", "GET", f"/contents/{sha256}") as content:
            async for part in content.aiter_bytes():
                digest.update(part)
                yield self._reader.feed(part)
        if digest.hexdigest() != sha256:
            raise DamagedError("the stored file is not what was uploaded")
        yield self._reader.finish()

    async def _follow(self) -> None:
        """Write down how far finance has come: what was only sent may still wait on the way."""
        while True:
            await asyncio.sleep(TOLD_EVERY)
            if self._supervised is not None:
                self._supervised.beat()
            path = f"/invoice-imports/{self._job['id']}/progress"
            try:
                async with self._transfers.open("finance", "GET", path) as answer:
                    seen = msgspec.json.decode(await answer.aread(), type=Progress)
                await self._runtime.database.fetch(PROGRESS, self._job["id"], seen.rows)
            except (CallError, UnavailableError, *AWAY):
                continue
