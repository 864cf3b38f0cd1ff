"""Values at the border of every service: what is taken as it is, and what is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from certify_stack.kit import scalars
from certify_stack.kit.errors import ConflictError, InvalidInputError, UnavailableError, translate


class BorderContract:
    """Exact decimals, texts, times and ids."""

    @pytest.mark.parametrize("given", ["0", "1250.00", "-3.5", "999999999999999.999999"])
    def test_decimals_come_as_texts_and_leave_unchanged(self, given: str):
        assert scalars.print_decimal(scalars.parse_decimal(given)) == given

    @pytest.mark.parametrize("given", [1, 1.5, None, True, "", "1e5", "NaN", "Infinity", "1,5", "٣", " 1", "1" * 16])
    def test_what_is_not_exact_is_refused(self, given: Any):
        with pytest.raises(InvalidInputError):
            scalars.parse_decimal(given)

    @pytest.mark.parametrize(("given", "scale"), [("-0.01", 2), ("0.001", 2), ("1.0005", 3)])
    def test_decimals_are_not_negative_and_never_rounded(self, given: str, scale: int):
        with pytest.raises(InvalidInputError):
            scalars.check_decimal(Decimal(given), "amount", scale)

    def test_texts_ids_and_numbers_have_bounds(self):
        assert scalars.check_text("ab", "name", 2) == "ab"
        for bad in ("", "\t", "abc", "a\x00"):
            with pytest.raises(InvalidInputError):
                scalars.check_text(bad, "name", 2)
        for bad_id in ("", "x", "0" * 31):
            with pytest.raises(InvalidInputError):
                scalars.parse_id(bad_id)
        assert scalars.check_integer(1, "attempt", 1) == 1
        with pytest.raises(InvalidInputError):
            scalars.check_integer(0, "attempt", 1)

    def test_times_become_utc(self):
        dhaka = timezone(timedelta(hours=6))
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        assert scalars.check_instant(datetime(2026, 1, 1, 18, tzinfo=dhaka), "at") == noon
        assert scalars.check_instant(noon.replace(tzinfo=None), "at") == noon
        with pytest.raises(InvalidInputError):
            scalars.check_instant(datetime(1, 1, 1, tzinfo=dhaka), "at")
        assert scalars.check_day(date(2026, 1, 1), "on") == date(2026, 1, 1)
        with pytest.raises(InvalidInputError):
            scalars.check_day(noon, "on")

    def test_only_known_errors_are_shown(self):
        assert translate(ValueError("secret")) is None
        assert isinstance(translate(OSError("secret")), UnavailableError)
        kept = ConflictError("x")
        assert translate(kept) is kept
