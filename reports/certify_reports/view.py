"""What the templates show: record and decision joined, sorted, grouped and bounded. Pure; escapes nothing."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from certify.api import (
    Blocker,
    ControlDecision,
    ControlResult,
    Decision,
    Finding,
    Measurement,
    Mode,
    Outcome,
    Record,
    ReportContext,
    SelfTest,
    Severity,
)
from certify_reports.chart import ChartView
from certify_reports.chart import view as chart_view
from certify_reports.delta import Delta, delta
from certify_reports.fit import Detail
from certify_reports.network import NetworkView
from certify_reports.network import view as network_view
from certify_reports.pictures import Gauge, Segment, gauge, outcome_bar
from certify_reports.resources import ResourcesView
from certify_reports.resources import view as resources_view
from certify_reports.words import UNSEEN, VERDICTS, rank, tally, tally_text


@dataclass(frozen=True)
class ControlView:
    """One control as it was decided, with what was ruled about it."""

    id: str
    anchor: str
    outcome: Outcome
    result: ControlResult
    findings: tuple[Finding, ...]
    findings_left: int
    measurements: tuple[tuple[Measurement, Gauge | None], ...]
    measurements_left: int
    charts: tuple[ChartView, ...]

    @property
    def is_unseen(self) -> bool:
        """Whether nobody looked."""
        return self.outcome in UNSEEN

    @property
    def headline(self) -> str:
        """The measurement that decided, else the first ruling's sentence."""
        limited = [m for m, _ in self.measurements if m.limit]
        broken = [m for m in limited if m.limit and not m.limit.holds(m.value)]
        if broken or limited:
            return str((broken or limited)[0])
        return next((ruling.summary for ruling in self.result.rulings if ruling.summary), self.result.reason)

    @property
    def cure(self) -> str:
        """The control's cure, else the first that a ruling gives."""
        return self.result.cure or next((ruling.cure for ruling in self.result.rulings if ruling.cure), "")


@dataclass(frozen=True)
class Family:
    """Controls whose ids differ only in their last part."""

    name: str
    controls: tuple[ControlView, ...]
    left: int
    text: str


@dataclass(frozen=True)
class BlockerView:
    """A blocker with the control that it is about, if the record has it."""

    blocker: Blocker
    control: ControlView | None

    @property
    def gauges(self) -> tuple[tuple[Measurement, Gauge], ...]:
        """Pictures of the limits that do not hold."""
        if self.control is None:
            return ()
        return tuple((m, picture) for m, picture in self.control.measurements if picture and not picture.holds)


@dataclass(frozen=True)
class View:
    """Everything a template prints."""

    record: Record
    decision: Decision
    context: ReportContext
    detail: Detail
    tone: str
    symbol: str
    counts: tuple[tuple[Outcome, int], ...]
    tally: str
    bar: tuple[Segment, ...]
    blockers: tuple[BlockerView, ...]
    blockers_left: int
    unseen: tuple[tuple[Outcome, tuple[ControlView, ...]], ...]
    families: tuple[Family, ...]
    controls_left: int
    delta: Delta
    selftest: SelfTest
    networks: tuple[NetworkView, ...]
    resources: ResourcesView
    verify: str
    cosign: str

    @property
    def commit(self) -> str:
        """The first commit that is known, for the headline."""
        return next((part.commit for part in self.record.release.components if part.commit), "")

    @property
    def elapsed_us(self) -> int:
        """Time of all phases."""
        return sum(self.record.timings.values())

    def head(self, items: Sequence[Any]) -> Sequence[Any]:
        """As many of `items` as a table may have rows."""
        return items[: self.detail.rows]

    def left(self, items: Sequence[Any]) -> int:
        """How many of `items` the table leaves out."""
        return max(0, len(items) - self.detail.rows)


def make_view(record: Record, decision: Decision, context: ReportContext, detail: Detail) -> View:
    """Join, sort and bound; `detail` says how much is kept."""
    controls = _controls(record, decision, detail)
    by_id = {control.id: control for control in controls}
    blocked = sorted(decision.blockers, key=lambda blocker: rank(blocker.outcome, blocker.severity))
    blockers = [BlockerView(blocker, by_id.get(blocker.id)) for blocker in blocked]
    seen = [view for view in blockers if view.blocker.outcome not in UNSEEN]
    tone, symbol = VERDICTS[decision.verdict]
    counts = tuple(tally(decision.controls))
    return View(
        record=record,
        decision=decision,
        context=context,
        detail=detail,
        tone=tone,
        symbol=symbol,
        counts=counts,
        tally=tally_text(decision.controls),
        bar=outcome_bar(counts),
        blockers=tuple(seen[: detail.rows]),
        blockers_left=max(0, len(seen) - detail.rows),
        unseen=_unseen(controls),
        families=_families(controls, detail),
        controls_left=max(0, len(controls) - detail.rows),
        delta=delta(decision),
        selftest=_selftests(record),
        networks=_networks(controls, detail),
        resources=resources_view(record.resources),
        verify=_verify(record, context),
        cosign=_cosign(context),
    )


def family_of(name: str) -> str:
    """`FIN-LOAD-01` -> `FIN-LOAD`; a name without a dash is a family of its own."""
    return name.rpartition("-")[0] or name


def _controls(record: Record, decision: Decision, detail: Detail) -> tuple[ControlView, ...]:
    results = {control.id: control for control in record.controls}
    views = []
    for number, decided in enumerate(decision.controls):
        result = results.get(decided.id) or _unknown(decided)
        plain = re.fullmatch(r"[A-Za-z0-9._-]{1,64}", decided.id)
        views.append(_control(decided, result, f"c-{decided.id}" if plain else f"n-{number}", detail))
    return tuple(views)


def _control(decided: ControlDecision, result: ControlResult, anchor: str, detail: Detail) -> ControlView:
    few = max(1, detail.findings)
    return ControlView(
        decided.id,
        anchor,
        decided.outcome,
        result,
        result.findings[: detail.findings],
        max(0, len(result.findings) - detail.findings),
        tuple((measurement, gauge(measurement)) for measurement in result.measurements[:few]),
        max(0, len(result.measurements) - few),
        _charts(result, detail),
    )


def _charts(result: ControlResult, detail: Detail) -> tuple[ChartView, ...]:
    views = (chart_view(chart, detail.rows) for ruling in result.rulings for chart in ruling.charts)
    return tuple(view for view in views if view)


def _unknown(decided: ControlDecision) -> ControlResult:
    """A decision about what the record does not have is shown, not hidden."""
    reason = "the decision names this control, the record does not have it"
    return ControlResult(decided.id, "", "", Severity.HIGH, Mode.BLOCK, decided.outcome, reason)


def _families(controls: Sequence[ControlView], detail: Detail) -> tuple[Family, ...]:
    grouped: dict[str, list[ControlView]] = {}
    for control in controls:
        grouped.setdefault(family_of(control.id), []).append(control)
    families = []
    room = detail.rows
    for name, members in grouped.items():
        shown = sorted(members, key=lambda view: (rank(view.outcome), view.id))[:room]
        room -= len(shown)
        text = tally_text(ControlDecision(view.id, view.outcome) for view in members)
        if shown:
            families.append(Family(name, tuple(shown), len(members) - len(shown), text))
    return tuple(families)


def _unseen(controls: Sequence[ControlView]) -> tuple[tuple[Outcome, tuple[ControlView, ...]], ...]:
    """The blocking controls that nobody looked at; the decision may leave them out where worse stands in the way."""
    asked = [view for view in controls if view.result.mode is Mode.BLOCK]
    groups = ((o, tuple(view for view in asked if view.outcome is o)) for o in sorted(UNSEEN, key=rank))
    return tuple((outcome, views) for outcome, views in groups if views)


def _networks(controls: Sequence[ControlView], detail: Detail) -> tuple[NetworkView, ...]:
    """What rules want drawn; the same picture once, with the first control that asked for it."""
    told = [(view.id, network) for view in controls for ruling in view.result.rulings for network in ruling.networks]
    once = {network: control for control, network in reversed(told)}
    return tuple(network_view(control, network, detail.rows) for network, control in once.items())[: detail.rows]


def _selftests(record: Record) -> SelfTest:
    tests = [control.selftest for control in record.controls]
    missed = tuple(name for test in tests for name in test.missed)
    return SelfTest(sum(test.seeded for test in tests), sum(test.found for test in tests), missed)


def _verify(record: Record, context: ReportContext) -> str:
    commit = next((part.commit for part in record.release.components if part.commit), "")
    suffix = f" --commit {shlex.quote(commit)}" if commit else ""
    return f"certify verify {shlex.quote(context.directory)} --key certify.pub{suffix}"


def _cosign(context: ReportContext) -> str:
    folder = shlex.quote(context.directory)
    return (
        "cosign verify-blob-attestation --key certify.pub --insecure-ignore-tlog"
        " --type https://certify.dev/attestation/decision/v1"
        f" --bundle {folder}/attestations/decision.sigstore.json {folder}/release.json"
    )
