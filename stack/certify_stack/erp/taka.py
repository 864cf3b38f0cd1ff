"""Numbers as they are written in Bangladesh, for whatever service prints them."""

BANGLA_DIGITS = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")


def grouped(digits: str) -> str:
    """Return whole digits with commas after the thousands and then after every two: 12345678 is 1,23,45,678."""
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
    return ",".join([*reversed(pairs), tail])


def grouped_amount(amount: str) -> str:
    """Return a decimal number in digits, such as ``1234567.80``, with its whole part grouped."""
    sign = "-" if amount.startswith("-") else ""
    whole, point, places = amount.removeprefix("-").partition(".")
    return f"{sign}{grouped(whole)}{point}{places}"


def in_bangla(text: str) -> str:
    """Return a text with Bangla digits in place of those of ASCII."""
    return text.translate(BANGLA_DIGITS)
