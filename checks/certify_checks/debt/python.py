"""Python by ruff: debug output (T10, T20) and commented-out code (ERA001)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from certify_checks.debt.seen import COMMENTED, DEBUG, Judged, Spot
from certify_checks.tools import run_module

_SELECTED = {DEBUG: ("T10", "T20"), COMMENTED: ("ERA",)}
_DECOY = """\
import pdb
from pprint import pprint


def planted(value: int) -> int:
    print(value)
    pprint(value)
    breakpoint()
    pdb.set_trace()
    # value = value + 1
    return value
"""
_PLANTED = {DEBUG: ("T100", "T201", "T203"), COMMENTED: ("ERA001",)}
_SECONDS = 60


async def judge_python(
    rules: Sequence[str], root: Path, owners: Mapping[str, str], scratch: Path
) -> tuple[dict[str, Judged], bytes]:
    """Run ruff once over every Python file and a decoy, deaf to settings and hushing comments of the tree."""
    decoy = scratch / "certify_decoy.py"
    decoy.write_text(_DECOY, encoding="utf-8")
    files = {str(root / file): file for file in owners if file.endswith((".py", ".pyi"))}
    options = ["check", "--isolated", "--no-cache", "--ignore-noqa", "--exit-zero", "--quiet"]
    selected = [code for rule in rules for code in _SELECTED[rule]]
    shape = ["--output-format", "json", "--select", ",".join(selected)]
    run = await run_module("ruff", [*options, *shape, str(decoy), *files], folder=scratch, seconds=_SECONDS)
    try:
        report: list[dict[str, Any]] = json.loads(run.stdout)
    except ValueError:
        failed = Judged(problem=f"ruff gave no report: {run.complaint}")
        return dict.fromkeys(rules, failed), b""
    return {rule: _read(rule, report, str(decoy), files, owners) for rule in rules}, run.stdout


def _read(
    rule: str, report: list[dict[str, Any]], decoy: str, files: Mapping[str, str], owners: Mapping[str, str]
) -> Judged:
    chosen = [row for row in report if str(row["code"]).startswith(_SELECTED[rule])]
    broken = {
        files[row["filename"]]: f"{row['message']} (line {row['location']['row']})"
        for row in report
        if row["filename"] in files and not str(row["code"]).startswith(("T", "ERA"))
    }
    found = {row["code"] for row in chosen if row["filename"] == decoy}
    return Judged(
        files=dict.fromkeys((file for file in files.values() if file not in broken), "Python"),
        spots=tuple(_spot(row, files, owners) for row in chosen if row["filename"] in files),
        broken=broken,
        decoys={"ruff": len(found & set(_PLANTED[rule]))},
        planted={"ruff": len(_PLANTED[rule])},
    )


def _spot(row: dict[str, Any], files: Mapping[str, str], owners: Mapping[str, str]) -> Spot:
    file, place = files[row["filename"]], row["location"]
    return Spot(owners[file], file, place["row"], place["column"], str(row["code"]))


def with_code(judged: Judged, texts: Mapping[str, str]) -> Judged:
    """Add the offending line, which the report does not have."""
    spots = [msgspec.structs.replace(spot, code=_line(texts.get(spot.file, ""), spot.line)) for spot in judged.spots]
    return msgspec.structs.replace(judged, spots=tuple(spots))


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1].strip()[:200] if number <= len(lines) else ""
