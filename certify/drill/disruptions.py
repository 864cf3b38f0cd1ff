"""Disruptions that need no knowledge of a stack, and what its controls said to each: as values, as JSON, as a table. Pure."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import msgspec

from certify.model.check import Action, Capability, Disruption
from certify.model.escape import clip, terminal
from certify.model.exit_codes import ExitCode
from certify.model.outcome import Outcome
from certify.model.record import ControlResult
from certify.model.stack import Stack

NOBODY = "nobody"
_WIDTH = 150
_SHOWN = 6
_UNSURE = frozenset({Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.BLOCKED})
_WORDS = {Action.KILL: "killed", Action.PAUSE: "paused", Action.CUT: "cut off from its"}
_NETWORK = "network"
_DISK = "disk"


class Noticed(msgspec.Struct, frozen=True):
    """A control that said no, by which of its rules, and why."""

    control: str
    rule: str
    detail: str


class Said(msgspec.Struct, frozen=True):
    """What the controls said in one round: who failed, and who could not tell."""

    noticed: tuple[Noticed, ...] = ()
    unsure: tuple[Noticed, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """One disruption and what came of it.

    Attributes:
        refused: why the driver could not do it; empty: it was done.
        back: whether all controls held again after it was undone.
        undoing: why it could not be undone, or who did not hold again.
        back_us: how long that took, in microseconds.
        seconds_us: all of it, in microseconds.
    """

    disruption: Disruption
    said: Said = Said()
    refused: str = ""
    back: bool = True
    undoing: str = ""
    back_us: int = 0
    seconds_us: int = 0


class Disrupted(msgspec.Struct, frozen=True):
    """A whole drill by disruptions.

    Attributes:
        controls: those that were asked, with how they decide the clean stack.
        clean: what they said of the stack before anything was done to it.
        unbooted: what did not come up, with the reason.
        left_out: rules that were not asked, with the reason.
        spoilt: why nothing more could be tried; empty: all was.
        signal: that ended it; 0: none.
    """

    profile: str
    controls: tuple[str, ...] = ()
    clean: Said = Said()
    unbooted: dict[str, str] = {}
    rows: tuple[Row, ...] = ()
    left_out: dict[str, str] = {}
    spoilt: str = ""
    signal: int = 0

    @property
    def red(self) -> bool:
        """Whether the clean stack is not clean."""
        return bool(self.unbooted or self.clean.noticed)

    @property
    def missed(self) -> tuple[Row, ...]:
        """What nobody noticed."""
        return tuple(row for row in self.rows if not row.refused and not row.said.noticed)


def steps(stack: Stack, offered: Collection[Capability], services: Collection[str] = ()) -> Iterator[Disruption]:
    """Kill, pause and disconnect each service that runs, one after the other, and fill its disk where that is a small one.

    Where the driver can cut a service from its database alone, that is what is cut; else its network.
    """
    gateway = [stack.gateway] if stack.gateway else []
    for service in (*stack.services, *gateway):
        ended = service.container is not None and not service.pid
        if ended or (services and service.name not in services):
            continue
        yield Disruption(Action.KILL, service.name)
        yield Disruption(Action.PAUSE, service.name)
        if service.container is not None:
            yield Disruption(Action.CUT, service.name, _NETWORK)
            if service.container.disks:
                yield Disruption(Action.CUT, service.name, _DISK)
        elif Capability.CUT in offered and "database" in stack.parts and service.database:
            yield Disruption(Action.CUT, service.name, "database")


def said(controls: Iterable[ControlResult]) -> Said:
    """Who failed, and who could not tell. A control that a failing one blocks could not tell."""
    noticed, unsure = [], []
    for control in controls:
        for result in control.rulings:
            told = Noticed(control.id, result.rule, _told(result.reason, result.summary, result.findings))
            if result.outcome is Outcome.FAIL:
                noticed.append(told)
            elif result.outcome in _UNSURE:
                unsure.append(told)
    return Said(tuple(noticed), tuple(unsure))


def exit_code(result: Disrupted) -> int:
    """0 only if the clean stack is clean and each disruption was noticed by somebody."""
    if result.signal:
        return 128 + result.signal
    if result.red or result.missed:
        return ExitCode.NOT_CERTIFIED
    done = [row for row in result.rows if not row.refused]
    return ExitCode.INCONCLUSIVE if result.spoilt or not done else ExitCode.CERTIFIED


def words(disruption: Disruption) -> str:
    """What happened, such as `web killed`."""
    if disruption.of == _DISK:
        return f"{disruption.part} left without room on its disk"
    return f"{disruption.part} {_WORDS.get(disruption.do, disruption.do)} {disruption.of}".rstrip()


def as_json(result: Disrupted) -> dict[str, Any]:
    """`{clean: {...}, disruptions: [{service, what, noticed: [{control, rule, detail}], ...}]}`; seconds are numbers."""
    clean = {
        "profile": result.profile,
        "outcome": _clean_word(result),
        "controls": list(result.controls),
        "failed": [msgspec.to_builtins(one) for one in result.clean.noticed],
        "unsure": [msgspec.to_builtins(one) for one in result.clean.unsure],
        "unbooted": result.unbooted,
        "leftOut": result.left_out,
        "spoilt": result.spoilt,
        "exitCode": int(exit_code(result)),
    }
    return {"clean": clean, "disruptions": [_row(row) for row in result.rows]}


def _row(row: Row) -> dict[str, Any]:
    return {
        "service": row.disruption.part,
        "what": words(row.disruption),
        "do": row.disruption.do.value,
        "of": row.disruption.of,
        "noticed": [msgspec.to_builtins(one) for one in row.said.noticed],
        "unsure": [msgspec.to_builtins(one) for one in row.said.unsure],
        "refused": row.refused,
        "back": row.back,
        "undoing": row.undoing,
        "backSeconds": row.back_us / 1e6,
        "seconds": row.seconds_us / 1e6,
    }


def as_text(result: Disrupted) -> str:
    """The clean stack, the table, and the answer."""
    lines = ["", *_clean_lines(result), "", *_table(result), *_notes(result), "", answer(result)]
    return "\n".join(lines) + "\n"


def answer(result: Disrupted) -> str:
    """The drill in one line."""
    done = [row for row in result.rows if not row.refused]
    parts = [f"{len(done) - len(result.missed)} of {len(done)} disruptions noticed"]
    refused = len(result.rows) - len(done)
    parts += [f"{refused} could not be done"] if refused else []
    parts += [result.spoilt] if result.spoilt else []
    parts += ["ended by a signal"] if result.signal else []
    return clip(terminal(f"{result.profile}: the clean stack is {_clean_word(result)}; {'; '.join(parts)}"), _WIDTH * 3)


def line(row: Row) -> str:
    """One disruption in one line, for whoever watches."""
    if row.refused:
        return f"? {words(row.disruption)}: could not be done: {row.refused}"
    first = f": {row.said.noticed[0].detail}" if row.said.noticed else ""
    return f"{_symbol(row)} {words(row.disruption)}: noticed by {_who(row)}{first}"


def _clean_word(result: Disrupted) -> str:
    if not result.controls:
        return "not run"
    return "not clean" if result.red else "not wholly known" if result.clean.unsure else "clean"


def _clean_lines(result: Disrupted) -> Iterator[str]:
    yield f"The stack before anything was done to it: {_clean_word(result)}, {len(result.controls)} controls"
    for name, why in result.unbooted.items():
        yield clip(terminal(f"  x {name} did not come up: {why.partition(chr(10))[0]}"), _WIDTH * 2)
    for symbol, some in (("x", result.clean.noticed), ("?", result.clean.unsure)):
        for one in some:
            yield clip(terminal(f"  {symbol} {one.control} {one.rule}: {one.detail}"), _WIDTH * 2)


def _table(result: Disrupted) -> Iterator[str]:
    if not result.rows:
        return
    rows: list[tuple[str, ...]] = [("", "what happened", "which of your controls noticed", "back after")]
    for row in result.rows:
        took = "-" if row.refused else f"{row.back_us / 1e6:.1f} s" if row.back else "never"
        rows.append((_symbol(row), words(row.disruption), _who(row), took))
    cells = [[clip(terminal(cell), 80) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in cells) for at in range(4)]
    for cell in cells:
        yield "  ".join(text.ljust(width) for text, width in zip(cell, widths, strict=True)).rstrip()


def _notes(result: Disrupted) -> Iterator[str]:
    for row in result.rows:
        if row.refused or row.undoing:
            told = f"could not be done: {row.refused}" if row.refused else f"did not come back: {row.undoing}"
            yield clip(terminal(f"? {words(row.disruption)} {told}"), _WIDTH * 3)
    for why in dict.fromkeys(result.left_out.values()):
        names = [name for name, reason in result.left_out.items() if reason == why]
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        yield clip(terminal(f"not asked: {shown}: {why}"), _WIDTH * 2)


def _symbol(row: Row) -> str:
    return "?" if row.refused else "+" if row.said.noticed else "x"


def _who(row: Row) -> str:
    if row.refused:
        return "-"
    names = list(dict.fromkeys(one.control for one in row.said.noticed))
    unsure = list(dict.fromkeys(one.control for one in row.said.unsure if one.control not in names))
    more = f" ({', '.join(unsure)} could not tell)" if unsure else ""
    return (", ".join(names) or NOBODY) + more


def _told(reason: str, summary: str, findings: Any) -> str:
    first = f" ({findings[0].message})" if findings else ""
    return f"{summary or reason}{first}"
