"""Reports through GraphQL: whoever asks for one is answered at once; it is made soon after."""

import asyncio
from datetime import date, timedelta
from typing import Annotated, Any

import strawberry

from certify_stack.kit.errors import ConflictError, InvalidInputError
from certify_stack.kit.model import Operation
from certify_stack.kit.outbox import Event
from certify_stack.kit.roles import BOOKKEEPERS
from certify_stack.kit.scalars import check_day, check_text, parse_id
from certify_stack.kit.tracing import outgoing
from certify_stack.kit.types import Info

WAKE = "reports"
MOST_DAYS = 366
FIELDS = (
    "name",
    "template_id",
    "requested_by_id",
    "file_id",
    "status",
    "first_day",
    "last_day",
    "currency",
    "sha256",
    "trouble",
)
COLUMNS = f"id, {', '.join(FIELDS)}"
LAYOUT = "SELECT id FROM document_template WHERE active AND output = 'PDF' ORDER BY version DESC, code LIMIT 1"
PUT = f"""
    INSERT INTO report (name, template_id, requested_by_id, status, first_day, last_day, currency)
    VALUES ($1, $2, $3, 'REQUESTED', $4, $5, $6) RETURNING {COLUMNS}
"""  # noqa: S608 - constant names
QUEUE = "INSERT INTO report_run (report_id, actor, traceparent) VALUES ($1, $2, $3)"


@strawberry.input(description="What a report shall show: the invoices of each day of a period, in one currency.")
class RequestReportInput:
    """What a report shall show."""

    name: str = strawberry.field(description="What it is called.")
    first_day: date = strawberry.field(description="The first day of the period, in Dhaka.")
    last_day: date = strawberry.field(description="The last day of the period, a year after the first at most.")
    currency: str = strawberry.field(description="Which invoices: three capital letters.", default="BDT")


async def request_report(
    info: Info,
    input: Annotated[RequestReportInput, strawberry.argument(description="What it shall show.")],  # noqa: A002 - the schema's name
) -> Any:
    """Note that a report is wanted, and wake who makes it."""
    context = info.context
    owner = parse_id(context.principal.subject, "the caller's id")
    name, currency = check_text(input.name, "name", 120), check_text(input.currency, "currency", 3)
    first, last = check_day(input.first_day, "firstDay"), check_day(input.last_day, "lastDay")
    if not timedelta(0) <= last - first < timedelta(MOST_DAYS):
        raise InvalidInputError(f"a period has 1 to {MOST_DAYS} days")
    async with context.database.transaction() as connection:
        layout = await connection.fetchval(LAYOUT)
        if layout is None:
            raise ConflictError("there is no active template for a PDF")
        row = await connection.fetchrow(PUT, name, layout, owner, first, last, currency)
        await connection.execute(QUEUE, row["id"], context.principal.subject, outgoing().get("traceparent"))
        event = Event(type="ReportCreated", subject=row["id"], subject_type="Report", data=data_of(row))
        await context.record(connection, event)
    waker: asyncio.Event | None = context.runtime.shared.get(WAKE)
    if waker is not None:
        waker.set()
    return await context.entity("Report", row["id"])


def data_of(row: Any) -> dict[str, Any]:
    """Return what events tell of a report."""
    return {name: row[name] for name in FIELDS}


MUTATIONS = (
    Operation(
        name="requestReport",
        description="Ask for a report as a PDF; it is made soon, and its status tells when it is there.",
        resolver=request_report,
        roles=BOOKKEEPERS,
        returns="Report",
    ),
)
