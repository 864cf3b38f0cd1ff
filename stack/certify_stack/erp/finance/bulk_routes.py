"""How other services of the stack import invoices and read them in bulk: JSON, one array of rows a line."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from certify_stack.erp.finance import bulk
from certify_stack.erp.finance.bulk_rows import Given
from certify_stack.kit.endpoint import json_response
from certify_stack.kit.errors import InvalidInputError, NotFoundError
from certify_stack.kit.roles import MACHINES
from certify_stack.kit.runtime import Context, Runtime
from certify_stack.kit.scalars import check_text, parse_id
from certify_stack.kit.streams import guarded, lines_of, turn

NDJSON = "application/x-ndjson"
BATCH = 500
READERS = 2
IMPORTED = """
    SELECT line, reference, number, booked.net, booked.duty, booked.vat, booked.gross FROM invoice_import AS file
    JOIN imported_invoice ON import_id = file.id JOIN invoice_view AS booked ON booked.id = invoice_id
    WHERE sha256 = $1 ORDER BY line
"""
EXPORTED = """
    SELECT number, customer_id, currency, status, net, duty, vat, gross, paid, due_on FROM invoice_view
    WHERE ($1::text = '' OR currency = $1) ORDER BY number
"""

_rows = msgspec.json.Decoder(list[Given])


class End(msgspec.Struct, frozen=True):
    """The last line of an import: how many rows there were, so that no row is lost on the way."""

    rows: int


def add_routes(app: Starlette, runtime: Runtime) -> None:
    """Add the routes; each is for services alone."""
    app.add_route("/invoice-imports", guarded(runtime, MACHINES, import_invoices), methods=["POST"])
    app.add_route("/invoice-imports/{sha256}", guarded(runtime, MACHINES, imported), methods=["GET"])
    app.add_route("/invoice-imports/{id}/progress", guarded(runtime, MACHINES, progress), methods=["GET"])
    app.add_route("/invoice-export", guarded(runtime, MACHINES, exported), methods=["GET"])


async def import_invoices(context: Context, request: Request) -> Response:
    """Import the rows of the body, all or none; ``id``, ``sha256`` and ``actor`` stand in the query."""
    given = request.query_params
    sha256 = check_text(given.get("sha256", ""), "sha256", 64)
    asked = bulk.Asked(parse_id(given.get("id", "")), sha256, check_text(given.get("actor", ""), "actor", 200))
    async with turn(context.runtime, "importing", 1):
        outcome = await bulk.run(context.runtime, asked, batches_of(request.stream()))
    return json_response(outcome)


async def batches_of(parts: AsyncIterator[bytes]) -> AsyncIterator[Sequence[Given]]:
    """Yield the batches of a body, whose last line says how many rows there were.

    Raises:
        InvalidInputError: A line is none, or rows are missing.
    """
    count = 0
    end: End | None = None
    async for line in lines_of(parts):
        try:
            if end is not None:
                raise InvalidInputError("there are lines after the end")
            if line.startswith(b"{"):
                end = msgspec.json.decode(line, type=End)
                continue
            rows = _rows.decode(line)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise InvalidInputError(f"a line is no array of rows: {error}") from error
        count += len(rows)
        yield rows
    if end is None or end.rows != count:
        raise InvalidInputError(f"{count} rows arrived of {'an unknown number' if end is None else end.rows}")


async def progress(context: Context, request: Request) -> Response:
    """Tell how many rows of an import that runs now were judged."""
    rows = bulk.progress_of(context.runtime, parse_id(request.path_params["id"]))
    if rows is None:
        raise NotFoundError("no import with this id runs here")
    return json_response({"rows": rows})


async def imported(context: Context, request: Request) -> Response:
    """Return what became of the rows of an imported file, as it stands in the books."""
    sha256 = request.path_params["sha256"]
    if not await context.database.fetchval("SELECT EXISTS (SELECT FROM invoice_import WHERE sha256 = $1)", sha256):
        raise NotFoundError("nothing was imported from such content")
    return StreamingResponse(_read(context.runtime, IMPORTED, sha256), media_type=NDJSON)


async def exported(context: Context, request: Request) -> Response:
    """Return all invoices, or those in one currency."""
    currency = request.query_params.get("currency", "")
    return StreamingResponse(_read(context.runtime, EXPORTED, currency), media_type=NDJSON)


async def _read(runtime: Runtime, query: str, argument: str | UUID) -> AsyncIterator[bytes]:
    # Whoever reads slowly holds a connection for as long.
    async with turn(runtime, "reading", READERS), runtime.database.transaction() as connection:
        cursor = await connection.cursor(query, argument)
        count = 0
        while rows := await cursor.fetch(BATCH):
            count += len(rows)
            yield msgspec.json.encode([[_plain(value) for value in row] for row in rows]) + b"\n"
    yield msgspec.json.encode(End(count)) + b"\n"


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | None) else str(value)
