"""Invoices of an import as events and rows of read models, in COPY's text format. No I/O.

The rows come from the same projection as those of single commands, so an imported invoice is what it would be if it had
been drawn up and sent by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

import msgspec

from certify_stack.erp.finance.bulk_rows import Drawn
from certify_stack.erp.finance.copy_text import line_of
from certify_stack.erp.finance.events import Event, InvoiceCreated, Recorded, encode
from certify_stack.erp.finance.money import ZERO
from certify_stack.erp.finance.projection import project
from certify_stack.erp.finance.rows import (
    BalanceRow,
    BookingRow,
    EntryRow,
    InvoiceRow,
    Key,
    LineRow,
    Row,
    RowType,
    values_of,
)

# What is copied at once into its table; balances are added up instead, and events wait for their positions.
DIRECT: tuple[RowType, ...] = (InvoiceRow, LineRow, EntryRow, BookingRow)
STAGED_COLUMNS = ("ordinal", "event_id", "stream_id", "stream_version", "type", "type_version", "data")
LINK_COLUMNS = ("import_id", "line", "reference", "invoice_id")


@dataclass(frozen=True, slots=True)
class Staged:
    """A batch as text: rows by read model, events without positions, and which line became which invoice."""

    rows: dict[RowType, str]
    events: str
    links: str


@dataclass(slots=True)
class Sums:
    """What all batches so far come to."""

    invoices: int = 0
    net: Decimal = ZERO
    duty: Decimal = ZERO
    vat: Decimal = ZERO
    billed: dict[UUID, Decimal] = field(default_factory=dict)
    owing: list[tuple[int, UUID, Decimal]] = field(default_factory=list)

    @property
    def gross(self) -> Decimal:
        """What is to be paid."""
        return self.net + self.duty + self.vat

    def add(self, drawn: Drawn) -> None:
        """Count one invoice."""
        created = drawn.created
        gross = created.gross
        self.invoices += 1
        self.net += created.net
        self.duty += created.duty
        self.vat += created.vat
        self.billed[created.customer_id] = self.billed.get(created.customer_id, ZERO) + gross
        self.owing.append((drawn.line, created.customer_id, gross))


def stage(import_id: UUID, batch: Sequence[Drawn], numbers: Sequence[int], after: int, now: datetime) -> Staged:
    """Return a batch as text.

    Args:
        import_id: The import that it belongs to.
        batch: Good rows.
        numbers: As many numbers of the invoices' series.
        after: How many events the batches before have.
        now: When all of it is recorded.
    """
    rows: dict[RowType, list[str]] = {kind: [] for kind in DIRECT}
    events: list[str] = []
    links: list[str] = []
    for place, (drawn, number) in enumerate(zip(batch, numbers, strict=True)):
        stream = uuid4()
        created = msgspec.structs.replace(drawn.created, number=f"INV-{number:08d}")
        first = after + 2 * place + 1
        both: tuple[Event, Event] = (created, drawn.issued)
        for offset, event in enumerate(both):
            events.append(line_of((first + offset, uuid4(), stream, offset + 1, *encode(event))))
        _project(rows, stream, created, drawn, now)
        links.append(line_of((import_id, drawn.line, drawn.reference, stream)))
    return Staged({kind: "".join(lines) for kind, lines in rows.items()}, "".join(events), "".join(links))


def _project(
    rows: dict[RowType, list[str]], stream: UUID, created: InvoiceCreated, drawn: Drawn, now: datetime
) -> None:
    """Append the rows that follow from both events of an invoice; the second one's stand for those of the first."""
    draft, *lines = project({}, Recorded(0, stream, 1, now, created))
    known: dict[Key, Row] = {(InvoiceRow, (stream,)): draft}
    for row in (*lines, *project(known, Recorded(0, stream, 2, now, drawn.issued))):
        if not isinstance(row, BalanceRow):
            rows[type(row)].append(line_of(values_of(row)))
