"""What the replay check sees."""

import msgspec

from certify.api import CheckConfig, Duration
from certify_checks.commands import Ran


class ReplayConfig(CheckConfig, frozen=True):
    """Where events and read models are, and how they are rebuilt.

    `rebuild` may use `{dsn}` and `{schema}`; it fills the schema `{schema}` with the tables in `projections`. So may the
    values in `environment`, which is the better place for a DSN: anybody on the machine can read a command line.
    A first word `python` is the interpreter that runs certify. Columns in `ignore` (`table.column`) are left out of
    the comparison, and the ledger says so; tables in `optional` may be empty.
    """

    service: str = ""
    rebuild: tuple[str, ...] = ()
    environment: dict[str, str] = msgspec.field(default_factory=dict)
    events: str = "events"
    position: str = "position"
    schema: str = "public"
    projections: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    settle: Duration = Duration("3 s")
    timeout: Duration = Duration("60 s")


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One row: its primary key as a JSON array, and the first 32 hex digits of the SHA-256 of its canonical JSON."""

    key: str
    digest: str


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """One table: columns with their types, rows ordered by key. `missing`: there is no such table."""

    table: str
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    missing: bool = False


class Detail(msgspec.Struct, frozen=True):
    """Which columns of one row differ between two states; names only, because values may be personal."""

    table: str
    key: str
    columns: tuple[str, ...]


class ReplayObservation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Live read models and two rebuilds of them, read at the same position in the events.

    Attributes:
        problem: why nothing could be compared.
        events: how many there are.
        settled: no event came in between, in one of `attempts`.
        rebuilds: how the rebuild command ended, each time.
        live: the read models in use.
        first: as the first rebuild made them.
        second: as the second one did.
        canary: a copy of rows of the first rebuild with one row deleted and one changed through SQL.
        canary_of: the rows that were copied, unspoilt.
        details: of altered rows, the first ones.
        optional: tables that may be empty.
    """

    service: str
    problem: str = ""
    events: int = 0
    settled: bool = False
    attempts: int = 0
    rebuilds: tuple[Ran, ...] = ()
    live: tuple[Content, ...] = ()
    first: tuple[Content, ...] = ()
    second: tuple[Content, ...] = ()
    canary_of: Content | None = None
    canary: Content | None = None
    details: tuple[Detail, ...] = ()
    optional: tuple[str, ...] = ()
