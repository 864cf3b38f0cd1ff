"""The last word of a run: verdict, one cause per blocker, and the next command to type."""

import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Final, TextIO

from certify.console.words import ORDER, SYMBOLS, counts
from certify.model.decision import Blocker, Decision
from certify.model.escape import clip, terminal
from certify.model.outcome import Mode, Outcome, Verdict
from certify.model.record import Record
from certify.model.report import ReportContext

# More than this no one reads in a terminal; the report has all.
SHOWN: Final = 12
TEXT: Final = 240
# What nobody looked at needs no cause of its own: a list of names says it.
_LISTED: Final = (Outcome.UNIMPLEMENTED, Outcome.SKIPPED)
_GOOD: Final = frozenset({Verdict.CERTIFIED, Verdict.CERTIFIED_WITH_WAIVERS})
_BOLD, _RED, _GREEN, _YELLOW, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"


def final_block(record: Record, decision: Decision, context: ReportContext, *, color: bool = False) -> str:
    """The block as plain text, a line feed at its end. `color` adds colour to words that say the same without it."""
    parts = [
        _headline(decision, color=color),
        *_blockers(record, decision),
        *_listed(record, decision),
        "",
        *_facts(record, decision, context),
        f"Next: {next_command(record, decision, context)}",
    ]
    return "\n".join(parts) + "\n"


def wants_color(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour: a terminal that is not dumb, and no NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def next_command(record: Record, decision: Decision, context: ReportContext) -> str:
    """What to type now: see the first blocker again, or verify what was sealed."""
    by_id = {control.id: control for control in record.controls}
    known = (by_id[blocker.id].repro for blocker in _told(decision) if blocker.id in by_id)
    repro = next(filter(None, known), "")
    if repro and decision.verdict not in _GOOD:
        return _line(repro)
    return f"certify verify {_line(shlex.quote(context.directory))}"


def _line(text: str) -> str:
    return clip(terminal(text), TEXT)


def _headline(decision: Decision, *, color: bool) -> str:
    verdict = decision.verdict.value
    if color:
        tone = _GREEN if decision.verdict in _GOOD else _RED if decision.verdict is Verdict.NOT_CERTIFIED else _YELLOW
        verdict = f"{_BOLD}{tone}{verdict}{_RESET}"
    subject = f"{_line(decision.profile)}, reference stack" if decision.reference else _line(decision.profile)
    return f"\n{verdict}  ({subject})\n{_line(decision.reason)}"


def _told(decision: Decision) -> list[Blocker]:
    """The blockers that have a cause of their own, worst first."""
    told = (blocker for blocker in decision.blockers if blocker.outcome not in _LISTED)
    return sorted(told, key=lambda blocker: ORDER.index(blocker.outcome))


def _blockers(record: Record, decision: Decision) -> Iterator[str]:
    told = _told(decision)
    repros = {control.id: control.repro for control in record.controls}
    for blocker in told[:SHOWN]:
        yield ""
        yield f"  {SYMBOLS[blocker.outcome]} {blocker.outcome.upper()}  {_line(blocker.id)}  {_line(blocker.cause)}"
        for name, text in _details(blocker, repros.get(blocker.id, "")):
            yield f"      {name:<10}{_line(text)}"
    if len(told) > SHOWN:
        yield f"\n  ... and {len(told) - SHOWN} more; report.html has them all"


def _details(blocker: Blocker, repro: str) -> Iterator[tuple[str, str]]:
    if blocker.measured:
        yield "measured", blocker.measured
    if blocker.origin and blocker.origin not in blocker.measured:
        yield "asked by", blocker.origin
    yield "weight", f"{blocker.severity}, {blocker.mode}"
    if blocker.owner:
        yield "owner", blocker.owner
    if blocker.cure:
        yield "cure", blocker.cure
    if repro:
        yield "again", repro


def _listed(record: Record, decision: Decision) -> Iterator[str]:
    modes = {control.id: control.mode for control in record.controls}
    for outcome in _LISTED:
        named = (control.id for control in decision.controls if control.outcome is outcome)
        names = [_line(name) for name in named if modes.get(name, Mode.BLOCK) is Mode.BLOCK]
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield f"\n  {SYMBOLS[outcome]} {len(names)} {outcome}: {', '.join(names[:SHOWN])}{more}"


def _facts(record: Record, decision: Decision, context: ReportContext) -> Iterator[str]:
    tally = {outcome.value: 0 for outcome in ORDER}
    for control in decision.controls:
        tally[control.outcome] += 1
    yield f"{len(decision.controls)} controls: {counts(tally)}"
    if record.ledger:
        kinds = list(dict.fromkeys(_line(entry.kind) for entry in record.ledger))
        noun = "weakening" if len(record.ledger) == 1 else "weakenings"
        yield f"{len(record.ledger)} {noun} in the ledger: {', '.join(kinds[:SHOWN])}"
    if context.signer:
        yield f"Signed by {_line(context.signer)} ({_line(context.key_origin) or 'origin of the key unknown'})"
    yield f"Report: {_line(context.directory)}/report.html"
