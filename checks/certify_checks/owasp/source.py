"""Rule `source`: bandit finds no hole of high severity in the source of any service."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from certify.api import Context, Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.owasp.config import OwaspConfig
from certify_checks.owasp.seen import Hole, SourceSeen
from certify_checks.source_tree import ServiceSource, all_files, collect, covered, unseen
from certify_checks.tools import run_module

HIGH = "HIGH"
_CANARY = """\
import hashlib
import subprocess


def run(text: str) -> str:
    subprocess.call(text, shell=True)
    return hashlib.md5(text.encode()).hexdigest()
"""
_CANARY_TESTS = {"B602", "B324"}
_SECONDS = 120


async def observe_source(ctx: Context, config: OwaspConfig) -> SourceSeen:
    """Run bandit once over every Python file of the services and one file with known holes."""
    if ctx.source_root is None:
        return SourceSeen(problem="the profile names no source")
    root = ctx.source_root.resolve()
    sources = tuple(_python(source) for source in collect(root, ctx.stack.services, config.shared, config.exclude))
    canary = ctx.scratch / "certify_canary.py"
    canary.write_text(_CANARY, encoding="utf-8")
    report, problem = await _bandit(ctx, config, root, [*all_files(sources)], canary)
    if problem:
        return SourceSeen(sources, problem=problem)
    return _read(report, sources, root, str(canary))


def _python(source: ServiceSource) -> ServiceSource:
    files = tuple(file for file in source.files if file.endswith(".py"))
    problem = source.problem or ("" if files else "bandit judges Python only, and there is none")
    return ServiceSource(source.service, files, problem)


async def _bandit(
    ctx: Context, config: OwaspConfig, root: Path, files: list[str], canary: Path
) -> tuple[dict[str, Any], str]:
    """Run with our own empty settings: a `.bandit` file in the tree must not narrow what is looked for."""
    settings, output = ctx.scratch / "bandit.ini", ctx.scratch / "bandit.json"
    settings.write_text("[bandit]\n", encoding="utf-8")
    output.unlink(missing_ok=True)
    options = ["-f", "json", "-q", "--exit-zero", "--ini", str(settings), "-o", str(output), "-x", "/nowhere"]
    options += [] if config.honour_nosec else ["--ignore-nosec"]
    paths = [str(root / file) for file in files]
    run = await run_module("bandit", [*options, str(canary), *paths], folder=ctx.scratch, seconds=_SECONDS)
    try:
        raw = output.read_bytes()
        report: dict[str, Any] = json.loads(raw)
    except (OSError, ValueError):
        return {}, f"bandit gave no report: {run.complaint}"
    ctx.write_evidence("bandit.json", raw)
    if config.honour_nosec and (count := report["metrics"]["_totals"].get("nosec", 0)):
        ctx.weaken("suppressed", f"{count} lines are hidden from bandit by # nosec")
    return report, ""


def _read(report: dict[str, Any], sources: tuple[ServiceSource, ...], root: Path, canary: str) -> SourceSeen:
    owners = all_files(sources)

    def relative(name: str) -> str:
        return Path(name).relative_to(root).as_posix() if Path(name).is_relative_to(root) else name

    found = [(relative(result["filename"]), result) for result in report["results"]]
    broken = {relative(error["filename"]): str(error["reason"]) for error in report["errors"]}
    counted = {relative(name): metrics for name, metrics in report["metrics"].items()}
    return SourceSeen(
        sources=sources,
        scanned={name: m["loc"] for name, m in counted.items() if name in owners and name not in broken},
        holes=tuple(_hole(owners[name], name, result) for name, result in found if name in owners),
        broken={name: reason for name, reason in broken.items() if name in owners},
        suppressed=sum(m.get("nosec", 0) for name, m in counted.items() if name in owners),
        canary=tuple(sorted({str(result["test_id"]) for name, result in found if name == relative(canary)})),
    )


def _hole(service: str, file: str, result: dict[str, Any]) -> Hole:
    first = int(result["code"].split(" ", 1)[0]) if result["code"][:1].isdigit() else 0
    lines = result["code"].splitlines()
    index = result["line_number"] - first
    code = lines[index].split(" ", 1)[-1].strip() if first and index < len(lines) else ""
    return Hole(
        service,
        file,
        result["line_number"],
        result["col_offset"] + 1,
        str(result["test_id"]),
        str(result["issue_severity"]),
        str(result["issue_confidence"]),
        str(result["issue_text"]),
        code[:200],
    )


def judge_source(seen: SourceSeen, criteria: Criteria) -> Ruling:
    """No result of high severity, and every file of every covered service really scanned."""
    sources = covered(seen.sources, criteria)
    wanted = all_files(sources)
    holes = [hole for hole in seen.holes if hole.severity == HIGH and hole.file in wanted]
    limit = criteria["high"]
    measured = (Measurement("high", len(holes), limit=limit),)
    scanned = [file for file in wanted if file in seen.scanned]
    if not limit.holds(len(holes)):
        return Ruling(
            Outcome.FAIL,
            f"bandit found {len(holes)} holes of high severity in {len(scanned)} files",
            len(scanned),
            findings=tuple(_finding(hole) for hole in holes),
            measurements=measured,
        )
    if doubt := _doubt(seen, sources, scanned):
        return doubt
    lines = sum(seen.scanned[file] for file in scanned)
    hidden = f"; {seen.suppressed} lines suppressed inline" if seen.suppressed else ""
    return Ruling(
        Outcome.PASS,
        f"bandit found {len(holes)} holes of high severity in {len(scanned)} Python files ({lines} lines) "
        f"of {len(sources)} services{hidden}",
        len(scanned),
        measurements=measured,
    )


def _finding(hole: Hole) -> Finding:
    return Finding(
        f"source.{hole.test}",
        hole.text,
        Severity.HIGH,
        Location(hole.file, hole.line, hole.column, service=hole.service),
        f"mend the line; what bandit's {hole.test} wants is in its documentation",
        hole.code,
    )


def _doubt(seen: SourceSeen, sources: tuple[ServiceSource, ...], scanned: list[str]) -> Ruling | None:
    if seen.problem:
        return Ruling.inconclusive(
            "no-report", seen.problem, cure="give the stack a `source:` folder and services `source:` entries"
        )
    if not set(seen.canary) >= _CANARY_TESTS:
        return Ruling.inconclusive(
            "sensor-blind",
            f"bandit found {', '.join(seen.canary) or 'nothing'} in a file with {', '.join(sorted(_CANARY_TESTS))}",
            cure="see bandit.json in the evidence; reinstall bandit",
            examined=len(scanned),
        )
    left = [file for file in all_files(sources) if file not in seen.scanned]
    if left:
        why = seen.broken.get(left[0], "not in bandit's report")
        return Ruling.inconclusive(
            "not-scanned",
            f"{len(left)} files were not scanned, such as {left[0]} ({why})",
            cure="make the files parse with this Python, or leave them out by `exclude`",
            examined=len(scanned),
        )
    return unseen(sources, len(scanned))


def seed_source(seen: SourceSeen, criteria: Criteria) -> Iterable[Seeded[SourceSeen]]:
    """A hole of high severity in each covered service that has files."""
    for source in covered(seen.sources, criteria):
        if source.files:
            hole = Hole(source.service, source.files[0], 1, 1, "B602", HIGH, HIGH, "planted: shell=True")
            planted = msgspec.structs.replace(seen, holes=(hole, *seen.holes))
            yield Seeded(f"shell=True in {source.service}", planted, "source.B602")
