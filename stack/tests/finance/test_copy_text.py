"""What COPY reads is what was written."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from erp_harness import Harness

from certify_stack.erp.finance.copy_text import line_of
from certify_stack.erp.finance.tax import Treatment

VALUES = {
    "text": [
        "plain",
        "",
        "a\tb",
        "a\nb",
        "a\r\nb",
        "\\",
        r"\N",
        r"\.",
        "\u09ac\u09be\u0982\u09b2\u09be",
        "\u2028",
        "'\"",
    ],
    "numeric": [Decimal("0.10"), Decimal("-12345678901234567.89"), 7, None],
    "boolean": [True, False, None],
    "uuid": [UUID(int=7)],
    "date": [date(2026, 2, 28)],
    "timestamptz": [datetime(2026, 2, 28, 23, 59, 59, 123456, UTC)],
}


@pytest.mark.parametrize("kind", VALUES)
def test_values_come_back_as_they_were(erp: Harness, kind: str):
    values = VALUES[kind]
    text = "".join(line_of((number, value)) for number, value in enumerate(values))

    async def there_and_back(connection: Any) -> list[Any]:
        await connection.execute(f"CREATE TEMPORARY TABLE copied (number integer, value {kind})")
        await connection.copy_to_table("copied", source=io.BytesIO(text.encode()))
        return [row["value"] for row in await connection.fetch("SELECT value FROM copied ORDER BY number")]

    assert erp.with_connection(there_and_back) == values


def test_an_enum_is_written_as_its_text():
    assert line_of((Treatment.EXEMPT,)) == "EXEMPT\n"
