"""Files as CSV: read in parts of any size, row by row, each bad one with its line."""

import pytest

from certify_stack.erp.import_export.reading import COLUMNS, LONGEST_LINE, REQUIRED, HeaderError, Reader, Row

HEADER = ",".join(REQUIRED)
FIELDS = ("R-1", "c", "BDT", "p", "Rice", "1", "2.00", "15", "2026-01-31")
LINE = ",".join(FIELDS)


def read(body: bytes, size: int = 1 << 20) -> list[Row]:
    reader = Reader()
    rows = [row for first in range(0, len(body), size) for row in reader.feed(body[first : first + size])]
    rows += reader.finish()
    assert reader.rows == len(rows)
    return rows


def row(line: int, *fields: str) -> Row:
    return line, "", *fields, *[""] * (len(COLUMNS) - len(fields))


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_parts_of_any_size_give_the_same_rows(size: int, end: str):
    quoted = LINE.replace("Rice", '"Rice, ""fine"" \u09a7"')
    body = end.join([HEADER, LINE, "", quoted, LINE + ",more", LINE]).encode()
    good = row(4, *(field if field != "Rice" else 'Rice, "fine" \u09a7' for field in FIELDS))
    wanted = [row(2, *FIELDS), good, (5, "there are 10 fields, not 9"), row(6, *FIELDS)]
    assert read(body, size) == read(body + end.encode(), size) == wanted


def test_columns_may_stand_in_any_order_and_some_may_be_absent():
    header = ";".join(["\ufeffgross", *reversed(REQUIRED), "Treatment"])
    (found,) = read(f"{header}\n{';'.join(['2.30', *reversed(FIELDS), 'EXEMPT'])}".encode())
    named = dict(zip(COLUMNS, found[2:], strict=True))
    assert named == dict(zip(REQUIRED, FIELDS, strict=True)) | {
        "treatment": "EXEMPT",
        "duty_rate": "",
        "discount": "",
        "prices_include_tax": "",
        "gross": "2.30",
    }


BAD_LINES = {
    "a quote that does not end": (LINE.replace("Rice", '"Rice').encode(), "the line is no CSV"),
    "a quote in the middle": (LINE.replace("Rice", '"Ri"ce"').encode(), "the line is no CSV"),
    "no UTF-8": (LINE.encode().replace(b"Rice", b"\xff"), "the line is not UTF-8"),
    "too long": (LINE.replace("Rice", "R" * LONGEST_LINE).encode(), "the line is longer than"),
    "too few": (b"a,b", "there are 2 fields, not 9"),
}


@pytest.mark.parametrize("name", BAD_LINES)
@pytest.mark.parametrize("size", [3, 1 << 20])
def test_a_bad_line_is_told_and_those_around_it_are_read(name: str, size: int):
    bad, reason = BAD_LINES[name]
    before, broken, after = read(b"\n".join([HEADER.encode(), LINE.encode(), bad, LINE.encode()]), size)
    assert (before, after) == (row(2, *FIELDS), row(4, *FIELDS))
    assert broken[0] == 3
    assert str(broken[1]).startswith(reason)
    assert len(broken) == 2


BAD_HEADERS = {
    "": "the file is empty",
    "a,b": "the header lacks reference, customer_id",
    HEADER.replace(",due_on", ""): "the header lacks due_on",
    HEADER + ",colour": "the header has 'colour'",
    HEADER + ",due_on": "the header has a column twice",
}


@pytest.mark.parametrize("header", BAD_HEADERS)
def test_a_file_without_a_good_header_is_none(header: str):
    with pytest.raises(HeaderError, match=BAD_HEADERS[header]):
        read(header.encode())
    if header:
        with pytest.raises(HeaderError, match=BAD_HEADERS[header]):
            read(f"{header}\n{LINE}".encode())
    with pytest.raises(HeaderError, match="not UTF-8"):
        read(b"\xff\xfe\n")


def test_a_stream_without_lines_takes_little_memory():
    reader = Reader()
    reader.feed(f"{HEADER}\n".encode())
    for _ in range(50):
        assert reader.feed(b"x" * 100_000) == []
    assert len(reader._rest) <= 2 * LONGEST_LINE
    assert [found[0] for found in reader.feed(b"\n" + LINE.encode() + b"\n")] == [2, 3]
