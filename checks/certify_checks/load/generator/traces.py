"""Which requests of a load ask to be traced, and by which name they are found again. Pure; standard library only.

Trace context of the W3C (https://www.w3.org/TR/trace-context/): a flag says whether the caller wants spans. Services that heed it are
not slowed by spans of every single request; of others more is told than is looked at.
"""

_DIGITS = 32
# Of a number, which counts the requests of one process.
_COUNTED = 6


def trace_of(unique: str) -> str:
    """The trace of the request with that number, which is hexadecimal and no longer than a trace's id."""
    return unique.rjust(_DIGITS, "f")


def wanted(unique: str, every: int) -> bool:
    """Whether the request with that number is one of those to be traced: one in `every`."""
    return every > 0 and int(unique[-_COUNTED:], 16) % every == 0


def traceparent(unique: str, *, wanted: bool) -> str:
    """The header of that request."""
    # The caller's own span: it reports none, so any will do but zero.
    return f"00-{trace_of(unique)}-{unique[-16:].rjust(16, 'f')}-{'01' if wanted else '00'}"
