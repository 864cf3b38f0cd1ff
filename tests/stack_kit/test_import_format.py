"""The format of files of invoices, as it is documented and as it is read."""

from pathlib import Path

from certify_stack.erp.file_storage import contents
from certify_stack.erp.finance import bulk, bulk_rows
from certify_stack.erp.import_export import intake, reading

PAGE = (Path(__file__).parents[2] / "docs" / "import-format.md").read_text(encoding="utf-8")


def test_the_columns_are_documented_in_the_order_in_which_they_travel():
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `")]
    assert [row[1].strip(" `") for row in rows] == list(reading.COLUMNS)
    assert [row[1].strip(" `") for row in rows if row[2].strip() == "yes"] == list(reading.REQUIRED)
    assert bulk_rows.Given.__struct_fields__[2:] == reading.COLUMNS


def test_the_limits_are_documented():
    for told in (
        f"{intake.LARGEST // 2**20} MiB",
        f"{bulk.MOST_ROWS:,} rows",
        f"{reading.LONGEST_LINE:,} bytes",
        f"first {bulk_rows.MOST_REFUSALS:,} of them",
    ):
        assert told in PAGE.replace("\n", " ")
    assert contents.LARGEST >= intake.LARGEST
