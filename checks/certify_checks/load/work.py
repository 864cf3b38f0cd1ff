"""Options of work that is accepted now and finished later, and of files that are sent to be worked off."""

from typing import Any

import msgspec

from certify.api import CheckConfig, Duration

MOST_ROWS = 1_000_000


class Finish(CheckConfig, frozen=True):
    """How to see that what a request asked for is there: a query, asked again and again.

    Attributes:
        query: takes `$id`, which is what the accepted answer has at `id`.
        id: dotted path into the accepted answer: below `data` for GraphQL, else from its root.
        path: dotted path below `data` of the state.
        done: states of work that is finished.
        failed: states of work that will never be.
        every: how often it is asked; times are read so much too long at most, so a tenth of a limit is as long as it may be.
        within: how long it is asked at most; what is not finished by then counts as a time-out.
    """

    query: str
    id: str
    path: str
    done: tuple[str, ...]
    failed: tuple[str, ...] = ()
    every: Duration = Duration("250 ms")
    within: Duration = Duration("60 s")

    def __post_init__(self) -> None:
        """Refuse what would never end, or end at once."""
        if not self.done:
            raise ValueError("`done` names the states of finished work, such as [DONE]")
        if both := sorted(set(self.done) & set(self.failed)):
            raise ValueError(f"{both[0]!r} cannot be both `done` and `failed`")
        if not 0 < self.every.microseconds <= self.within.microseconds:
            raise ValueError("`every` is longer than nothing, and not longer than `within`")


class Upload(CheckConfig, frozen=True):
    """A CSV file to be posted to a service: so many rows, each with a `{unique}` of its own.

    Attributes:
        service: whose address it goes to; the gateway if none is named.
        path: may hold `{unique}`, which is that of the first row.
        row: name of a column -> template of its fields, as in the variables of an operation.
        rows: how many, without the header.
        media_type: what it is sent as.
    """

    path: str
    row: dict[str, Any]
    rows: int = 1
    service: str = ""
    media_type: str = msgspec.field(name="type", default="text/csv")

    def __post_init__(self) -> None:
        """Refuse a file of nothing."""
        if not 1 <= self.rows <= MOST_ROWS or not self.row:
            raise ValueError(f"`rows` is from 1 to {MOST_ROWS:,}, and `row` names at least one column")
