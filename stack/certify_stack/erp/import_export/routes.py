"""Files in and out over HTTP, for people: ``POST /imports``, its progress and report, and exports."""

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from certify_stack.erp.import_export import intake, reporting
from certify_stack.kit.endpoint import RefusedError, json_response
from certify_stack.kit.errors import NotFoundError
from certify_stack.kit.outbox import Event
from certify_stack.kit.roles import BOOKKEEPERS, REVIEWERS
from certify_stack.kit.runtime import Context, Runtime
from certify_stack.kit.scalars import parse_id
from certify_stack.kit.streams import guarded
from certify_stack.printing import PrintingError

log = logging.getLogger(__name__)

CSV, HTML, PDF = "text/csv; charset=utf-8", "text/html; charset=utf-8", "application/pdf"
TYPES = frozenset({"text/csv", "application/octet-stream"})
JOB = """
    SELECT id, file_name, sha256, state, rows_total, rows_read, rows_refused, currency, net, duty, vat, gross, trouble,
        updated_at
    FROM import_job WHERE id = $1
"""
AMOUNTS = ("net", "duty", "vat", "gross")
EXPORTED = "INSERT INTO export_job (source, requested_by_id, state) VALUES ('Invoice', $1, 'DONE') RETURNING id"
READERS = BOOKKEEPERS | REVIEWERS


def add_routes(app: Starlette, runtime: Runtime) -> None:
    """Add the routes."""
    app.add_route("/imports", guarded(runtime, BOOKKEEPERS, upload), methods=["POST"])
    app.add_route("/imports/{id}", guarded(runtime, READERS, progress), methods=["GET"])
    app.add_route("/imports/{id}/report.csv", guarded(runtime, READERS, report_csv), methods=["GET"])
    app.add_route("/imports/{id}/report.html", guarded(runtime, READERS, report_page), methods=["GET"])
    app.add_route("/imports/{id}/report.pdf", guarded(runtime, READERS, report_pdf), methods=["GET"])
    app.add_route("/exports/invoices.csv", guarded(runtime, BOOKKEEPERS, export), methods=["GET"])


async def upload(context: Context, request: Request) -> Response:
    """Take a file; it is imported soon after. The same content again is the same job."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in TYPES:
        raise RefusedError(415, "unsupported_media_type", "send text/csv")
    taken = await intake.take(context, request.query_params.get("name", ""), request.stream())
    body = {"id": str(taken.id), "new": taken.new}
    return json_response(body, 202 if taken.new else 200, {"location": f"/imports/{taken.id}"})


async def progress(context: Context, request: Request) -> Response:
    """Tell how far an import has come."""
    job = await _job(context, request)
    about = {name: str(value) if name in AMOUNTS and value is not None else value for name, value in job.items()}
    return json_response(about | {"id": str(job["id"]), "updated_at": job["updated_at"].isoformat()})


async def report_csv(context: Context, request: Request) -> Response:
    """Give the report as CSV."""
    job = await _job(context, request)
    reporting.facts(job)
    return await _stream(reporting.as_csv(context, job), CSV, f"import-{job['id']}.csv")


async def report_page(context: Context, request: Request) -> Response:
    """Give the report as a page to print."""
    return await _stream(reporting.as_page(context, await _job(context, request)), HTML, "")


async def report_pdf(context: Context, request: Request) -> Response:
    """Give the report as a PDF; many invoices are summed up there in runs."""
    job = await _job(context, request)
    try:
        content = await reporting.as_pdf(context, job)
    except PrintingError as error:
        log.error("report not printed", extra={"import": str(job["id"]), "cause": str(error)})  # noqa: TRY400 - its cause says all
        raise RefusedError(503, "unavailable", "the report cannot be printed at present") from error
    headers = {"content-disposition": f'attachment; filename="import-{job["id"]}.pdf"'}
    return Response(content, media_type=PDF, headers=headers)


async def export(context: Context, request: Request) -> Response:
    """Give invoices as CSV; who took them is written down."""
    owner: UUID = parse_id(context.principal.subject, "the caller's id")
    answer = await _stream(reporting.as_export(context, request.query_params.get("currency", "")), CSV, "invoices.csv")
    async with context.database.transaction() as connection:
        key = await connection.fetchval(EXPORTED, owner)
        data = {"source": "Invoice", "requested_by_id": owner, "state": "DONE"}
        await context.record(
            connection, Event(type="ExportJobCreated", subject=key, subject_type="ExportJob", data=data)
        )
    log.info("data export", extra={"actor": context.principal.subject, "export": str(key)})
    return answer


async def _job(context: Context, request: Request) -> dict[str, Any]:
    row = await context.database.fetchrow(JOB, parse_id(request.path_params["id"]))
    if row is None:
        raise NotFoundError("there is no ImportJob with this id")
    return dict(row)


async def _stream(parts: AsyncIterator[str], media_type: str, name: str) -> Response:
    """Return a stream whose beginning is known to be good, so that what fails at once is no answer of 200."""
    first = await anext(parts)
    second = await anext(parts, "")

    async def whole() -> AsyncIterator[str]:
        async with aclosing(parts) as rest:  # type: ignore[type-var] # an asynchronous generator
            yield first + second
            async for part in rest:
                yield part

    headers = {"x-content-type-options": "nosniff"}
    if name:
        headers["content-disposition"] = f'attachment; filename="{name}"'
    return StreamingResponse(whole(), media_type=media_type, headers=headers)
