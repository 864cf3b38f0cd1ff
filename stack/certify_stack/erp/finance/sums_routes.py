"""Sums over invoices for other services: what was drawn up on each day of a period."""

from datetime import date, timedelta

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from certify_stack.kit.endpoint import json_response
from certify_stack.kit.errors import InvalidInputError
from certify_stack.kit.roles import MACHINES
from certify_stack.kit.runtime import Context, Runtime
from certify_stack.kit.scalars import check_text
from certify_stack.kit.streams import guarded

MOST_DAYS = 366
# Bounds and not a function of the column, so that the index on created_at serves.
SUMS = """
    SELECT (created_at AT TIME ZONE 'Asia/Dhaka')::date AS day, count(*)::integer AS invoices, sum(net) AS net,
        sum(duty) AS duty, sum(vat) AS vat, sum(gross) AS gross, sum(paid) AS paid
    FROM invoice_view
    WHERE created_at >= ($1::date)::timestamp AT TIME ZONE 'Asia/Dhaka'
        AND created_at < ($2::date + 1)::timestamp AT TIME ZONE 'Asia/Dhaka' AND currency = $3
    GROUP BY day ORDER BY day
"""


class Day(msgspec.Struct, frozen=True):
    """What was drawn up on one day; amounts are decimal numbers in digits."""

    day: date
    invoices: int
    net: str
    duty: str
    vat: str
    gross: str
    paid: str


def add_routes(app: Starlette, runtime: Runtime) -> None:
    """Add the route, which is for services alone."""
    app.add_route("/invoice-sums", guarded(runtime, MACHINES, sums), methods=["GET"])


async def sums(context: Context, request: Request) -> Response:
    """Return the sums of each day from ``first`` to ``last`` on which there was an invoice in ``currency``."""
    given = request.query_params
    first, last = _day(given.get("first", "")), _day(given.get("last", ""))
    currency = check_text(given.get("currency", ""), "currency", 3)
    if not timedelta(0) <= last - first < timedelta(MOST_DAYS):
        raise InvalidInputError(f"a period has 1 to {MOST_DAYS} days")
    rows = await context.database.fetch(SUMS, first, last, currency)
    return json_response([Day(row["day"], row["invoices"], *(str(row[name]) for name in AMOUNTS)) for row in rows])


AMOUNTS = ("net", "duty", "vat", "gross", "paid")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(f"{text[:20]!r} is no day such as 2026-01-31") from error
