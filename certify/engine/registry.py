"""Finds the installed checks and report formats by their entry points, ours as a stranger's."""

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec

from certify.engine.protocol import Description, RuleDescription
from certify.model.check import Check
from certify.model.report import ReportFormat
from certify.profile.options import COMMAND_OPTION

CHECKS = "certify.checks"
REPORTS = "certify.reports"
_DESCRIBE_BUDGET = 20.0


class RegistryError(Exception):
    """An installed check or report cannot be used; the message names its distribution and the cure."""


class InstalledCheck(msgspec.Struct, frozen=True):
    """One check that can be run. `check` is None for executables, whose `command` is run instead."""

    id: str
    description: Description
    command: tuple[str, ...]
    entry: str = ""
    distribution: str = ""
    version: str = ""
    check: Check | None = None


Registry = dict[str, InstalledCheck]


def discover_checks(executables: dict[str, tuple[str, ...]] | None = None) -> Registry:
    """All installed checks by id, and the executables that a profile names.

    Raises:
        RegistryError: two owners claim one id, or one of them cannot be loaded.
    """
    found: Registry = {}
    for point in entry_points(group=CHECKS):
        _add(found, _load_check(point))
    for name, command in (executables or {}).items():
        _add(found, describe_executable(name, command))
    return dict(sorted(found.items()))


def discover_reports() -> dict[str, ReportFormat]:
    """All installed report formats by id.

    Raises:
        RegistryError: two owners claim one id, or one of them cannot be loaded.
    """
    found: dict[str, tuple[ReportFormat, str]] = {}
    for point in entry_points(group=REPORTS):
        report = _load(point, ReportFormat)
        if report.id in found:
            raise RegistryError(_twice("report", report.id, found[report.id][1], _owner(point)))
        found[report.id] = (report, _owner(point))
    return {name: report for name, (report, _) in sorted(found.items())}


def describe(check: Check) -> Description:
    """What the planner needs to know of a Python check."""
    rules = (
        RuleDescription(rule.id, rule.title, rule.needs, dict(rule.limits), rule.last, rule.uses)
        for rule in check.rules
    )
    return Description(check.id, check.title, tuple(rules), check.budget)


def describe_executable(name: str, command: tuple[str, ...]) -> InstalledCheck:
    """Ask an executable what it can decide, by `COMMAND --describe`.

    Raises:
        RegistryError: it cannot be started, takes too long, or answers something else.
    """
    shown = " ".join(command)
    try:
        done = subprocess.run([*command, "--describe"], capture_output=True, timeout=_DESCRIBE_BUDGET, check=True)
        description = msgspec.json.decode(done.stdout, type=Description)
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError) as error:
        raise RegistryError(
            f"check {name!r}: `{shown} --describe` gave no description ({error}); see docs/adding-a-check.md"
        ) from error
    if description.id != name:
        raise RegistryError(f"the profile calls {shown!r} {name!r}, but it describes itself as {description.id!r}")
    return InstalledCheck(name, description, command, distribution=command[0], version=description.version)


def _load_check(point: EntryPoint) -> InstalledCheck:
    check = _load(point, Check)
    if COMMAND_OPTION in check.config.__struct_fields__:
        raise RegistryError(f"{_owner(point)}: check {check.id!r} has an option {COMMAND_OPTION!r}, which is reserved")
    command = (sys.executable, "-m", "certify.engine.worker")
    name, version = _distribution(point)
    return InstalledCheck(check.id, describe(check), command, point.value, name, version, check)


def _load(point: EntryPoint, kind: type[Any]) -> Any:
    try:
        value = point.load()
    except Exception as error:  # a stranger's module may raise anything while it is imported
        raise RegistryError(f"{_owner(point)}: {point.value} cannot be loaded: {error}") from error
    if not isinstance(value, kind):
        raise RegistryError(f"{_owner(point)}: {point.value} is a {type(value).__name__}, not a {kind.__name__}")
    return value


def _add(found: Registry, check: InstalledCheck) -> None:
    other = found.get(check.id)
    if other is not None:
        raise RegistryError(_twice("check", check.id, other.distribution, check.distribution))
    found[check.id] = check


def _twice(kind: str, name: str, first: str, second: str) -> str:
    return f"{kind} {name!r} is claimed by {first!r} and by {second!r}: uninstall one of them"


def _distribution(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("unknown", "")


def _owner(point: EntryPoint) -> str:
    return " ".join(_distribution(point)).strip()
