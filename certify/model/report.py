"""The shape of a report format: a pure function of record and decision."""

from collections.abc import Callable

import msgspec

from certify.model.decision import Decision
from certify.model.record import Record


class ReportContext(msgspec.Struct, frozen=True):
    """What a report may say beside record and decision: how it was signed and where it lies."""

    signer: str = ""
    key_origin: str = ""
    directory: str = "certification"


class ReportFormat(msgspec.Struct, frozen=True):
    """One report file. `render` does no I/O.

    Attributes:
        id: unique; what `--format` names.
        filename: name of the file in the run's folder.
        render: (record, decision, context) -> text of the file, UTF-8.
    """

    id: str
    filename: str
    render: Callable[[Record, Decision, ReportContext], str]
