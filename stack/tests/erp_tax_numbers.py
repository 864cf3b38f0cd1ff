"""TIN and BIN: field, number, and whether it is one."""

# ruff: noqa: RUF001 - digits that only look like digits are what is tested

_WRONG = {"letters": "O24187378587", "inside": "22418A378587", "hyphen": "224187378-587", "sign": "+22418737858"}
_WRONG |= {"space": "2241 87378587", "before": " 24187378587", "after": "22418737858 ", "newline": "22418737858\n"}
_WRONG |= {
    "bangla": "২২৪১৮৭৩৭৮৫৮৭",
    "arabic": "٢٢٤١٨٧٣٧٨٥٨٧",
    "full width": "２２４１８７３７８５８７",
    "mixed": "22418737858৭",
}
_WRONG |= {"raised": "22418737858²", "point": "2241873785.7", "tab": "22418737858\t"}


def _numbers(field: str, count: int) -> list[tuple[str, str, bool]]:
    good = ["224187378587"[:count] + "0" * (count - 12), "0" * count, "9" * count, "1234567890123"[:count]]
    lengths = [number for number in (1, 9, 11, count - 1, count + 1, 17, 30) if number != count]
    # The wrong character is kept; digits are put before it until the length is right.
    padded = ["0" * (count - len(text)) + text for text in _WRONG.values()]
    return [(field, number, True) for number in good] + [
        (field, number, False) for number in [*("1" * length for length in lengths), *padded]
    ]


TINS = _numbers("taxNumber", 12)
BINS = _numbers("bin", 13)
