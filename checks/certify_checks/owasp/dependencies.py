"""Rule `dependencies`: pip-audit knows no hole of high severity in any Python dependency."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from certify.api import (
    Context,
    Criteria,
    Finding,
    Location,
    Measurement,
    Outcome,
    Ruling,
    Seeded,
    Severity,
    format_quantity,
)
from certify_checks.owasp.advisories import Advisories, load
from certify_checks.owasp.config import OwaspConfig
from certify_checks.owasp.loopback import serve
from certify_checks.owasp.requirements import Wanted, of_environment, of_files
from certify_checks.owasp.seen import Advisory, DependenciesSeen
from certify_checks.tools import run_module

_LESSER = {"low", "medium"}
# Old releases with well-known holes; the first that is not itself a dependency is the canary.
_CANARIES = {"jinja2": "2.4.1", "django": "1.11", "pyyaml": "5.3", "pillow": "6.2.0", "urllib3": "1.24"}
_PINNED = "{}=={}"
_OFFLINE = "give an OSV export of PyPI with `--advisories FILE`, or let this machine reach an advisory service"


class _Task(msgspec.Struct, frozen=True):
    """What one audit is about: pins, a canary as name and version, and the local advisories if any."""

    wanted: Wanted
    canary: tuple[str, str]
    local: Advisories | None


async def observe_dependencies(ctx: Context, config: OwaspConfig) -> DependenciesSeen:
    """Audit every pin and a canary in one run of pip-audit."""
    try:
        wanted = _wanted(ctx, config)
        local = load(Path(ctx.options["advisories"])) if ctx.options.get("advisories") else None
    except (OSError, ValueError) as error:
        return DependenciesSeen(problem=str(error), reason="bad-input")
    task = _Task(wanted, _canary(wanted, local), local)
    database, report, problem = await _audit(ctx, config, task)
    if problem:
        return DependenciesSeen(wanted.origin, _pins(wanted), problem=problem, reason="no-advisories")
    ctx.write_evidence("pip-audit.json", json.dumps(report, indent=1, sort_keys=True))
    seen = _read(report, task)
    return msgspec.structs.replace(seen, database=database, max_age_us=config.max_age.microseconds)


def _wanted(ctx: Context, config: OwaspConfig) -> Wanted:
    if not config.requirements:
        return of_environment(config.first_party)
    if ctx.source_root is None:
        raise ValueError("`requirements` needs a source root, and the profile names no source")
    return of_files(ctx.source_root, config.requirements)


def _canary(wanted: Wanted, local: Advisories | None) -> tuple[str, str]:
    """A package with a known hole that is no dependency itself; of the local file, if there is one."""
    if local and (found := local.an_affected_version({*wanted.pins})):
        return found
    return next(((name, version) for name, version in _CANARIES.items() if name not in wanted.pins), ("", ""))


async def _audit(ctx: Context, config: OwaspConfig, task: _Task) -> tuple[str, dict[str, Any], str]:
    """Ask the local file if one is given, else the first service that knows the canary."""
    probe, full = ctx.scratch / "canary.txt", ctx.scratch / "requirements.txt"
    canary, package = _PINNED.format(*task.canary), task.canary[0]
    probe.write_text(canary, encoding="utf-8")
    full.write_text("\n".join((*_pins(task.wanted), canary)), encoding="utf-8")
    refused: list[str] = []
    async with _services(task.local) as services:
        for name, options in services.items():
            report, problem = await _pip_audit(ctx, config, probe, options)
            if not problem and not _vulnerable(report, package):
                problem = f"it does not know the holes of {canary}"
            if not problem:
                report, problem = await _pip_audit(ctx, config, full, options)
            if not problem:
                return name, report, ""
            refused.append(f"{name}: {problem}")
    ctx.write_evidence("advisory-services.txt", "\n".join(refused) + "\n")
    # The tool's own last words are evidence; one line for people is enough here.
    short = "; ".join(": ".join(words.split(": ")[:2]) for words in refused)
    return "", {}, f"no advisory service answered: {short}"


@asynccontextmanager
async def _services(local: Advisories | None) -> AsyncIterator[dict[str, list[str]]]:
    """The services to ask, by name, with the options that choose them."""
    if local is None:
        yield {"pypi": ["-s", "pypi"], "osv": ["-s", "osv"]}
        return
    async with serve(local.query) as address:
        yield {local.name: ["-s", "osv", "--osv-url", f"{address}/v1/query"]}


async def _pip_audit(
    ctx: Context, config: OwaspConfig, requirements: Path, options: list[str]
) -> tuple[dict[str, Any], str]:
    """One run over pins only: nothing is resolved, downloaded or installed."""
    output = ctx.scratch / "pip-audit.json"
    output.unlink(missing_ok=True)
    fixed = ["-r", str(requirements), "--no-deps", "--disable-pip", "-f", "json", "-o", str(output), "--aliases", "on"]
    cache = ["--progress-spinner", "off", "--timeout", "5", "--cache-dir", str(ctx.scratch / "pip-audit-cache")]
    run = await run_module(
        "pip_audit", [*fixed, *cache, *options], folder=ctx.scratch, seconds=config.service_timeout.seconds
    )
    try:
        report: dict[str, Any] = json.loads(output.read_bytes())
    except (OSError, ValueError):
        return {}, run.complaint
    return report, "" if run.exit_code in {0, 1} else run.complaint


def _vulnerable(report: dict[str, Any], name: str) -> int:
    return sum(len(one.get("vulns", ())) for one in report["dependencies"] if one["name"] == name)


def _read(report: dict[str, Any], task: _Task) -> DependenciesSeen:
    wanted, local, package = task.wanted, task.local, task.canary[0]
    rows = [row for row in report["dependencies"] if row["name"] != package]
    age = datetime.now(UTC) - local.newest if local else None
    return DependenciesSeen(
        origin=wanted.origin,
        asked=_pins(wanted),
        audited=tuple(row["name"] for row in rows if "skip_reason" not in row),
        skipped={row["name"]: row["skip_reason"] for row in rows if "skip_reason" in row} | wanted.unusable,
        advisories=tuple(_advisory(row, hole, local) for row in rows for hole in row.get("vulns", ())),
        canary=_PINNED.format(*task.canary),
        canary_found=_vulnerable(report, package),
        database_date=local.newest.date().isoformat() if local else "",
        age_us=int(age.total_seconds() * 1_000_000) if age else 0,
        first_party=wanted.first_party,
    )


def _pins(wanted: Wanted) -> tuple[str, ...]:
    return tuple(_PINNED.format(*pin) for pin in wanted.pins.items())


def _advisory(row: dict[str, Any], hole: dict[str, Any], local: Advisories | None) -> Advisory:
    ids = (str(hole["id"]), *map(str, hole.get("aliases", ())))
    severity = local.severity(row["name"], ids) if local else "unknown"
    text = str(hole.get("description", ""))[:300]
    return Advisory(row["name"], row["version"], ids[0], severity, tuple(hole["fix_versions"]), ids[1:], text)


def judge_dependencies(seen: DependenciesSeen, criteria: Criteria) -> Ruling:
    """No known hole, every pin really audited, the canary found, the advisories fresh."""
    limit = criteria["known-high"]
    high = [one for one in seen.advisories if one.severity not in _LESSER]
    measured = (Measurement("known-high", len(high), limit=limit),)
    if not limit.holds(len(high)):
        return Ruling(
            Outcome.FAIL,
            f"{len(high)} known holes in {len({one.package for one in high})} of {len(seen.audited)} Python packages"
            f"{_dated(seen)}; a hole without a severity counts as high",
            len(seen.audited),
            findings=tuple(map(_finding, high)),
            measurements=measured,
        )
    if doubt := _doubt(seen):
        return doubt
    return Ruling(
        Outcome.PASS,
        f"{len(high)} known holes of high severity in {len(seen.audited)} Python packages of {seen.origin}{_dated(seen)}",
        len(seen.audited),
        measurements=measured,
    )


def _dated(seen: DependenciesSeen) -> str:
    return f" (advisories: {seen.database}" + (f" of {seen.database_date})" if seen.database_date else ")")


def _finding(hole: Advisory) -> Finding:
    cure = (
        f"use {hole.package} {hole.fixed[-1]} or later" if hole.fixed else f"replace {hole.package}: no mended release"
    )
    return Finding(
        "dependencies.known-hole",
        f"{hole.package} {hole.version}: {hole.id} {' '.join(hole.aliases)} {hole.text}".strip(),
        Severity.HIGH,
        Location(coordinate=f"pkg:pypi/{hole.package}"),
        cure,
        f"{hole.package} {hole.id}",
    )


def _doubt(seen: DependenciesSeen) -> Ruling | None:
    audited = len(seen.audited)
    if seen.problem:
        cure = _OFFLINE if seen.reason == "no-advisories" else "mend the named file or option"
        return Ruling.inconclusive(seen.reason, seen.problem, cure=cure)
    if not seen.canary_found:
        return Ruling.inconclusive(
            "sensor-blind",
            f"the known hole of {seen.canary} was not reported in the same run",
            cure=_OFFLINE,
            examined=audited,
        )
    if seen.skipped or audited < len(seen.asked) or not audited:
        name, why = next(iter(seen.skipped.items()), ("", "no package was asked for"))
        return Ruling.inconclusive(
            "not-audited",
            f"{audited} of {len(seen.asked)} packages were audited; {len(seen.skipped)} skipped: {name} ({why})",
            cure="pin every dependency to a release that the index has; name your own packages in `first_party`",
            examined=audited,
        )
    if seen.age_us > seen.max_age_us:
        allowed = format_quantity(seen.max_age_us, "us")
        return Ruling.inconclusive(
            "advisories-stale",
            f"the newest record of {seen.database} is of {seen.database_date}, older than {allowed}",
            cure="give a fresh export with `--advisories`, or allow more by the check's `max_age`",
            examined=audited,
        )
    return None


def seed_dependencies(seen: DependenciesSeen, criteria: Criteria) -> Iterable[Seeded[DependenciesSeen]]:
    """A known hole in an audited package, with each severity that counts."""
    have = sum(one.severity not in _LESSER for one in seen.advisories)
    for name in seen.audited[:1]:
        for severity in ("unknown", "high", "critical"):
            hole = Advisory(name, "0", "PYSEC-0000-0", severity, text="planted")
            planted = (hole,) * max(1, criteria["known-high"].beyond() - have)
            after = msgspec.structs.replace(seen, advisories=(*seen.advisories, *planted))
            yield Seeded(f"a hole of {severity} severity in {name}", after, "dependencies.known-hole")
