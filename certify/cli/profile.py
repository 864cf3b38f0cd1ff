"""`certify profile lint|show|schema`: what is wrong with a profile, what it comes to, and its grammar."""

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from certify.model.escape import terminal
from certify.model.exit_codes import ExitCode

if TYPE_CHECKING:
    from certify.engine.registry import Registry
    from certify.profile.load import Inspected
    from certify.profile.problem import Problem

_EXAMPLES: Final = """\
examples:
  certify profile lint my.yaml              every mistake with file, line and column; exit 2 when there is one
  certify profile show finance              every control with its limits, their lines, and what proves it
  certify profile show finance --format json
  certify profile show finance --edges      who calls whom, and who takes whose events
  certify profile show finance --edges --format mermaid   the same as a diagram for a pull request
  certify profile schema > profile.schema.json

NAME is a path, or the name of a profile in ./profiles or among the shipped ones. How to write one: docs/profiles.md
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "profile",
        help="lint or show a profile, print the JSON Schema",
        description="Lint or show a profile, or print the JSON Schema of profiles.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="lint|show|schema")
    lint = actions.add_parser("lint", help="every mistake with its place", allow_abbrev=False)
    lint.add_argument("profile", metavar="NAME", help="a profile's name or path")
    show = actions.add_parser("show", help="the resolved profile", allow_abbrev=False)
    show.add_argument("profile", metavar="NAME", help="a profile's name or path")
    show.add_argument("--edges", action="store_true", help="only the declared edges between the services")
    show.add_argument(
        "--format", choices=("text", "json", "mermaid"), default="text", help="text by default; mermaid for --edges"
    )
    actions.add_parser("schema", help="the JSON Schema, with the installed checks", allow_abbrev=False)


def run(args: argparse.Namespace) -> int:
    """Do what was asked, and return the exit code."""
    from certify.cli.problems import told

    def action() -> int:
        if args.action == "schema":
            return _schema()
        if args.action == "lint":
            return _lint(args.profile)
        return _show_edges(args.profile, args.format) if args.edges else _show(args.profile, args.format)

    return told(action)


def _lint(name: str) -> int:
    from certify.profile.problem import Level, ProfileError

    try:
        inspected, _, remarks = _inspect(name)
    except ProfileError as error:
        _write(str(problem) for problem in error.problems)
        _write([f"{len(error.problems)} {_plural('error', len(error.problems))}"])
        return ExitCode.USAGE
    remarks += _expired(inspected)
    _write(str(remark) for remark in remarks)
    warnings = sum(remark.level is Level.WARNING for remark in remarks)
    count = len(inspected.profile.controls)
    _write([f"{name}: {count} {_plural('control', count)}, no error, {warnings} {_plural('warning', warnings)}"])
    return ExitCode.CERTIFIED


def _expired(inspected: "Inspected") -> "list[Problem]":
    from datetime import UTC, datetime

    from certify.profile.problem import Level, Problem

    today = datetime.now(UTC).date().isoformat()
    return [
        Problem(node.nearest("expires").origin, f"the waiver for {node.plain()['control']} has expired", Level.WARNING)
        for node in inspected.tree.items("waivers")
        if node.plain()["expires"] < today
    ]


def _show(name: str, form: str) -> int:
    import msgspec

    from certify.profile.show import as_json, as_text

    if form == "mermaid":
        sys.stderr.write("certify profile show: --format mermaid draws edges; add --edges\n")
        return ExitCode.USAGE
    inspected, registry, _ = _inspect(name)
    if form == "json":
        _print_json(msgspec.json.encode(as_json(inspected.profile, registry)))
    else:
        _write(as_text(inspected.profile, registry))
    return ExitCode.CERTIFIED


def _show_edges(name: str, form: str) -> int:
    import shutil

    import msgspec

    from certify.profile.edges import edges_as_json, edges_as_mermaid, edges_as_text

    profile = _inspect(name)[0].profile
    if form == "json":
        _print_json(msgspec.json.encode(edges_as_json(profile)))
    else:
        wide = shutil.get_terminal_size().columns
        _write(edges_as_mermaid(profile) if form == "mermaid" else edges_as_text(profile, wide))
    return ExitCode.CERTIFIED


def _schema() -> int:
    import msgspec

    from certify.engine.registry import discover_checks
    from certify.profile.schema import profile_schema

    _print_json(msgspec.json.encode(profile_schema(discover_checks())))
    return ExitCode.CERTIFIED


def _inspect(name: str) -> "tuple[Inspected, Registry, list[Problem]]":
    from certify.engine.registry import discover_checks
    from certify.profile.conform import check_against
    from certify.profile.load import in_order, inspect_profile
    from certify.profile.options import executables
    from certify.profile.problem import Level, ProfileError

    inspected = inspect_profile(name)
    registry = discover_checks(executables(inspected.profile))
    found = check_against(inspected.profile, inspected.tree, registry)
    problems = in_order([*inspected.remarks, *found], inspected.profile.files)
    errors = [problem for problem in problems if problem.level is Level.ERROR]
    if errors:
        raise ProfileError(errors)
    return inspected, registry, problems


def _print_json(content: bytes) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.format(content, indent=2).decode() + "\n")


def _write(lines: "Iterable[str]") -> None:
    for line in lines:
        sys.stdout.write(terminal(line) + "\n")


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
