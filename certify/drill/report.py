"""The result of a drill: as values, as JSON, as a table. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from certify.drill.judge import CleanTrouble, Finish, Judged
from certify.drill.scene import Options
from certify.model.escape import clip, terminal
from certify.model.exit_codes import ExitCode
from certify.model.fault import Fault
from certify.model.quantity import format_quantity

_SYMBOLS = {Finish.CAUGHT: "+", Finish.MISSED: "x", Finish.UNKNOWN: "?"}
_WIDTH = 150


class FaultResult(msgspec.Struct, frozen=True):
    """One fault with its fate. Times are its share of its scene's, in microseconds."""

    fault: Fault
    judged: Judged
    scene: str = ""
    seconds_us: int = 0
    observing_us: int = 0


class CleanResult(msgspec.Struct, frozen=True):
    """The stack without faults. `rules` maps each rule that was run to its outcomes."""

    rules: dict[str, tuple[str, ...]] = {}
    trouble: tuple[CleanTrouble, ...] = ()
    seconds_us: int = 0


class DrillResult(msgspec.Struct, frozen=True):
    """A whole drill. `signal` ended it early (0: none); `blamed` maps scenes to what was blamed wrongly in them."""

    profile: str
    clean: CleanResult
    faults: tuple[FaultResult, ...]
    blamed: dict[str, tuple[str, ...]] = {}
    left_out: dict[str, str] = {}
    options: Options = {}
    seed: int = 0
    signal: int = 0


def exit_code(result: DrillResult) -> int:
    """0 only if the clean stack is clean, each fault is caught, and nothing is blamed wrongly."""
    if result.signal:
        return 128 + result.signal
    finishes = {one.judged.finish for one in result.faults}
    if Finish.MISSED in finishes or any(result.blamed.values()) or any(one.failed for one in result.clean.trouble):
        return ExitCode.NOT_CERTIFIED
    if Finish.UNKNOWN in finishes or result.clean.trouble or not result.faults:
        return ExitCode.INCONCLUSIVE
    return ExitCode.CERTIFIED


def as_json(result: DrillResult) -> dict[str, Any]:
    """`{clean: {...}, faults: [{fault, expected, outcome, caught, seconds, ...}]}`; seconds are numbers."""
    clean = {
        "outcome": _clean_word(result),
        "rules": {rule: list(outcomes) for rule, outcomes in result.clean.rules.items()},
        "trouble": [{"rule": one.rule, "failed": one.failed, "detail": one.detail} for one in result.clean.trouble],
        "seconds": result.clean.seconds_us / 1e6,
        "profile": result.profile,
        "seed": result.seed,
        "options": result.options,
        "leftOut": result.left_out,
        "exitCode": int(exit_code(result)),
    }
    return {"clean": clean, "faults": [_fault(one, result.blamed) for one in result.faults]}


def _fault(one: FaultResult, blamed: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {
        "fault": one.fault.name,
        "expected": list(one.fault.caught_by),
        "outcome": one.judged.outcome,
        "caught": one.judged.finish is Finish.CAUGHT,
        "seconds": one.seconds_us / 1e6,
        "observing": one.observing_us / 1e6,
        "kind": one.fault.kind.value,
        "target": one.fault.target,
        "finish": one.judged.finish.value,
        "detail": one.judged.detail,
        "blamed": list(blamed.get(one.scene, ())),
        "scene": one.scene,
    }


def as_text(result: DrillResult) -> str:
    """The clean stack, a line for each fault, what was blamed wrongly, and the answer."""
    lines = [
        "",
        *_clean_lines(result),
        "",
        *_table(result),
        *_blamed_lines(result),
        *_notes(result),
        "",
        answer(result),
    ]
    return "\n".join(lines) + "\n"


def answer(result: DrillResult) -> str:
    """The drill in one line."""
    tally = {finish: sum(one.judged.finish is finish for one in result.faults) for finish in Finish}
    parts = [f"{tally[Finish.CAUGHT]} of {len(result.faults)} faults caught"]
    parts += [f"{tally[finish]} {finish}" for finish in (Finish.MISSED, Finish.UNKNOWN) if tally[finish]]
    wrong = sum(map(len, result.blamed.values()))
    parts += [f"{wrong} wrong blame{'s' if wrong > 1 else ''}"] if wrong else []
    parts += ["ended by a signal"] if result.signal else []
    if result.faults:
        beyond = sum(one.seconds_us - one.observing_us for one in result.faults) // len(result.faults)
        parts.append(f"{_seconds(beyond)} a fault beyond its rules' own observing")
    return f"{result.profile}: the clean stack is {_clean_word(result)}; {', '.join(parts)}"


def line(one: FaultResult) -> str:
    """One fault in one line, for whoever watches."""
    fault, judged = one.fault, one.judged
    return f"{_SYMBOLS[judged.finish]} {judged.finish:<11}  {fault.name}: {', '.join(fault.caught_by)}: {judged.detail}"


def catalogue_lines(faults: Mapping[str, Fault]) -> Iterator[str]:
    """The catalogue as a table."""
    rows: list[tuple[str, ...]] = [("fault", "kind", "target", "caught by", "breaks")]
    rows += [(f.name, f.kind.value, f.target or "-", ", ".join(f.caught_by), f.breaks) for f in faults.values()]
    yield from _columns(rows)


def _clean_word(result: DrillResult) -> str:
    if not result.clean.rules:
        return "not run"
    if any(one.failed for one in result.clean.trouble):
        return "not clean"
    return "not wholly known" if result.clean.trouble else "clean"


def _clean_lines(result: DrillResult) -> Iterator[str]:
    clean = result.clean
    yield f"The stack without faults: {_clean_word(result)}, {len(clean.rules)} rules, {_seconds(clean.seconds_us)}"
    for one in clean.trouble:
        yield clip(terminal(f"  {'x' if one.failed else '?'} {one.rule or 'boot'}: {one.detail}"), _WIDTH * 2)


def _table(result: DrillResult) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("", "fault", "target", "expected", "happened", "seconds", "observing")]
    for one in result.faults:
        happened = one.judged.finish.value
        happened += "" if one.judged.finish is Finish.CAUGHT else f" ({one.judged.outcome})"
        rows.append(
            (
                _SYMBOLS[one.judged.finish],
                one.fault.name,
                one.fault.target or "-",
                ", ".join(one.fault.caught_by),
                happened,
                f"{one.seconds_us / 1e6:.1f}",
                f"{one.observing_us / 1e6:.1f}",
            )
        )
    yield from _columns(rows)
    for one in result.faults:
        if one.judged.finish is not Finish.CAUGHT:
            yield clip(terminal(line(one)), _WIDTH * 3)


def _blamed_lines(result: DrillResult) -> Iterator[str]:
    for scene, texts in result.blamed.items():
        for text in texts:
            yield clip(terminal(f"x wrong blame in scene {scene}: {text}"), _WIDTH * 3)


def _notes(result: DrillResult) -> Iterator[str]:
    if result.options:
        told = "; ".join(
            f"{check}: " + ", ".join(f"{name} {_shown(value)}" for name, value in given.items())
            for check, given in sorted(result.options.items())
        )
        yield clip(terminal(f"options that keep the drill short, also on the clean stack: {told}"), _WIDTH * 4)
    if result.left_out:
        names = ", ".join(f"{name} ({why})" for name, why in result.left_out.items())
        yield clip(terminal(f"left out: {names}"), _WIDTH * 4)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _columns(rows: list[tuple[str, ...]]) -> Iterator[str]:
    cells = [[clip(terminal(cell), 80) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in cells) for at in range(len(rows[0]))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _seconds(us: int) -> str:
    return format_quantity(us // 1000 * 1000, "us")
