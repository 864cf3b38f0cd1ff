"""Files of invoices as CSV, read in parts: UTF-8, a header, one row a line, comma or semicolon. No I/O.

A line holds one row: a text with a line break in it is refused. So a row's place is the number of its line, and a file
can be read in parts of any size.
"""

import csv
from collections.abc import Iterator, Sequence

MOST_COLUMNS_WANTED = ("treatment", "duty_rate", "discount", "prices_include_tax", "gross")
REQUIRED = (
    "reference",
    "customer_id",
    "currency",
    "product_id",
    "description",
    "quantity",
    "unit_price",
    "vat_rate",
    "due_on",
)
COLUMNS = (*REQUIRED, *MOST_COLUMNS_WANTED)
LONGEST_LINE = 8_192
SEPARATORS = (",", ";")
MARK = "\ufeff"

# Line, why it cannot be read (empty if it can), and the fields in the order of COLUMNS.
Row = tuple[int | str, ...]


class HeaderError(ValueError):
    """The file has no header that tells what its columns are; the message says why."""


class Reader:
    """Turns parts of a file into rows.

    Attributes:
        rows: How many rows were read, good or bad.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._line = 0
        self._rest = b""
        self._separator = ","
        self._order: list[int] | None = None
        self._width = 0

    def feed(self, part: bytes) -> list[Row]:
        """Return the rows that the part completes.

        Raises:
            HeaderError: The first line is no header.
        """
        *lines, self._rest = (self._rest + part).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            # The rest of so long a line is of no use; a byte more than allowed keeps it refused.
            self._rest = self._rest[: LONGEST_LINE + 1]
        return list(self._read(lines))

    def finish(self) -> list[Row]:
        """Return the row of a last line without end.

        Raises:
            HeaderError: There was no header.
        """
        rest, self._rest = self._rest, b""
        rows = list(self._read([rest])) if rest else []
        if self._order is None:
            raise HeaderError("the file is empty")
        return rows

    def _read(self, lines: Sequence[bytes]) -> Iterator[Row]:
        for raw in lines:
            self._line += 1
            line = raw.removesuffix(b"\r")
            if self._order is None:
                self._header(line)
            elif line.strip():
                self.rows += 1
                yield self._row(line, self._order)

    def _header(self, raw: bytes) -> None:
        try:
            text = raw.decode().removeprefix(MARK)
        except UnicodeError:
            raise HeaderError("the file is not UTF-8") from None
        self._separator = max(SEPARATORS, key=text.count)
        names = [name.strip().lower() for name in text.replace('"', "").split(self._separator)]
        if missing := [name for name in REQUIRED if name not in names]:
            raise HeaderError(f"the header lacks {', '.join(missing)}")
        if strange := [name for name in names if name not in COLUMNS]:
            raise HeaderError(f"the header has {strange[0][:40]!r}, which is no column of an invoice")
        if len(set(names)) < len(names):
            raise HeaderError("the header has a column twice")
        # Columns that are absent are read from an empty field behind the last one.
        self._order = [names.index(name) if name in names else len(names) for name in COLUMNS]
        self._width = len(names)

    def _row(self, raw: bytes, order: Sequence[int]) -> Row:
        if len(raw) > LONGEST_LINE:
            return self._line, f"the line is longer than {LONGEST_LINE} bytes"
        try:
            fields = self._fields(raw.decode())
        except UnicodeError:
            return self._line, "the line is not UTF-8"
        except csv.Error as error:
            return self._line, f"the line is no CSV: {error}"
        if len(fields) != self._width:
            return self._line, f"there are {len(fields)} fields, not {self._width}"
        fields.append("")
        return self._line, "", *[fields[place] for place in order]

    def _fields(self, line: str) -> list[str]:
        if '"' not in line:
            return line.split(self._separator)
        return next(csv.reader([line], delimiter=self._separator, strict=True))
