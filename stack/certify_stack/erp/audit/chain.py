"""The chain of audit entries: each holds the digest of the one before, so that no entry can change unseen."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

GENESIS = "0" * 64


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says; the digest covers all of it, in this order."""

    sequence: int
    event_id: UUID
    service: str
    action: str
    subject_type: str
    subject_id: UUID
    actor: str
    occurred_at: datetime
    trace_id: str | None
    detail: str | None


def digest(previous: str, entry: Entry) -> str:
    """Return the entry's link: SHA-256 over the previous link and the entry as JSON with keys in declared order."""
    return hashlib.sha256(previous.encode("ascii") + b"\n" + msgspec.json.encode(entry)).hexdigest()


def first_broken(links: Iterable[tuple[Entry, str, str]]) -> int | None:
    """Return the sequence number of the first entry that does not fit, or None when all do.

    Args:
        links: Entries in order, each with the previous link and its own link as they are kept.
    """
    previous = GENESIS
    for expected, (entry, before, own) in enumerate(links, 1):
        if entry.sequence != expected or before != previous or own != digest(before, entry):
            return expected
        previous = own
    return None
