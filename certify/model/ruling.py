"""What a rule says of an observation: an outcome with its findings and measurements."""

import hashlib
import re
from collections.abc import Iterable
from typing import Self

import msgspec

from certify.model.chart import Chart
from certify.model.limit import Limit
from certify.model.outcome import Outcome, Severity
from certify.model.quantity import format_quantity


class Location(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a defect is: a file, or a service, or a coordinate in a schema; `line` and `column` from 1."""

    file: str = ""
    line: int = 0
    column: int = 0
    service: str = ""
    coordinate: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return " ".join(part for part in (self.service, place, self.coordinate) if part)


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One defect. `context` is the text that identifies it apart from its line, such as the offending line."""

    code: str
    message: str
    severity: Severity = Severity.HIGH
    location: Location = Location()
    cure: str = ""
    context: str = ""

    @property
    def fingerprint(self) -> str:
        """16 hex digits, the same when lines move: code, place without line, context without white space."""
        place = (self.location.service, self.location.file, self.location.coordinate)
        text = "\x00".join((self.code, *place, re.sub(r"\s+", "", self.context or self.message)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Measurement(msgspec.Struct, frozen=True, omit_defaults=True):
    """One measured quantity, an integer in the smallest `unit`, with its limit and confidence interval if any."""

    name: str
    value: int
    unit: str = "1"
    limit: Limit | None = None
    interval: tuple[int, int] | None = None
    samples: int | None = None
    service: str = ""

    def __str__(self) -> str:
        shown = format_quantity(self.value, self.unit)
        if self.interval:
            low, high = (format_quantity(end, self.unit) for end in self.interval)
            shown += f" [{low}, {high}]"
        return f"{shown} {self._relation()} ({self.limit.origin})" if self.limit else shown

    def _relation(self) -> str:
        assert self.limit is not None  # noqa: S101 - narrowing for the type checker; the caller has asked
        holds = self.limit.holds(self.value)
        return str(self.limit) if holds else f"not {self.limit}"


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of a network, and what it holds."""

    name: str
    holds: tuple[str, ...] = ()


class Way(msgspec.Struct, frozen=True, omit_defaults=True):
    """That one part refers to another, and by what."""

    start: str
    end: str
    by: tuple[str, ...] = ()


class Network(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the parts of what was examined refer to each other: reports draw it. `left` ways are not told, to keep it short."""

    title: str
    parts: tuple[Part, ...]
    ways: tuple[Way, ...] = ()
    left: int = 0


class Ruling(msgspec.Struct, frozen=True):
    """The answer of one rule. A pass that examined nothing is made inconclusive by the engine.

    Attributes:
        outcome: pass, fail, inconclusive, not-applicable (proved) or error.
        summary: one sentence for people, with the figures that decided.
        examined: how many items were looked at: services, files, samples, packages...
        reason: a code such as `no-samples`; wanted for every outcome but pass and fail.
        cure: what would help.
        findings: defects, worst first.
        measurements: what was measured, with limits.
        networks: what of it is best seen as a picture; decides nothing.
        charts: curves, likewise.
    """

    outcome: Outcome
    summary: str
    examined: int = 0
    reason: str = ""
    cure: str = ""
    findings: tuple[Finding, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    networks: tuple[Network, ...] = ()
    charts: tuple[Chart, ...] = ()

    @classmethod
    def of_findings(
        cls,
        findings: Iterable[Finding],
        *,
        examined: int,
        summary: str,
        measurements: Iterable[Measurement] = (),
    ) -> Self:
        """Fail when there is a finding, pass when there is none."""
        found = tuple(findings)
        outcome = Outcome.FAIL if found else Outcome.PASS
        return cls(outcome, summary, examined, findings=found, measurements=tuple(measurements))

    @classmethod
    def inconclusive(cls, reason: str, summary: str, *, cure: str, examined: int = 0) -> Self:
        """It cannot be told; `reason` is a code, `cure` what would help."""
        return cls(Outcome.INCONCLUSIVE, summary, examined, reason, cure)

    @classmethod
    def not_applicable(cls, reason: str, summary: str) -> Self:
        """Proved not to apply, such as a first certificate that has nothing to be compared with."""
        return cls(Outcome.NOT_APPLICABLE, summary, 0, reason)
