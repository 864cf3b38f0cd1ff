"""Reports as files: ``GET /reports/ID.pdf``, for whoever may read them."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from certify_stack.kit.errors import ConflictError, NotFoundError
from certify_stack.kit.roles import BOOKKEEPERS
from certify_stack.kit.runtime import Context, Runtime
from certify_stack.kit.scalars import parse_id
from certify_stack.kit.streams import guarded
from certify_stack.kit.transfer import Transfers

KEPT = "SELECT status, sha256 FROM report WHERE id = $1"


def add_routes(app: Starlette, runtime: Runtime) -> None:
    """Add the route."""
    app.add_route("/reports/{key}.pdf", guarded(runtime, BOOKKEEPERS, pdf), methods=["GET"])


async def pdf(context: Context, request: Request) -> Response:
    """Give the file of a report."""
    key = parse_id(request.path_params["key"])
    row = await context.database.fetchrow(KEPT, key)
    if row is None:
        raise NotFoundError("there is no report with this id")
    if row["status"] != "READY" or row["sha256"] is None:
        raise ConflictError("the report is not there yet")
    transfers = Transfers(context.runtime.client, context.runtime.tracing)
    async with transfers.open("file-storage", "GET", f"/contents/{row['sha256']}") as kept:
        content = await kept.aread()
    headers = {"content-disposition": f'inline; filename="report-{key}.pdf"', "x-content-type-options": "nosniff"}
    return Response(content, media_type="application/pdf", headers=headers)
