"""`certify doctor`: what this machine can and cannot run."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from certify.model.escape import terminal
from certify.model.exit_codes import ExitCode

if TYPE_CHECKING:
    from certify.doctor.diagnosis import Diagnosis, Row

_EXAMPLES: Final = """\
examples:
  certify doctor                                  what works here, what does not, what it costs, what helps
  certify doctor --profile finance                for this profile's stack
  certify doctor --format json | python3 -m json.tool

exit codes: 0 the embedded driver can run, 4 it cannot; 2 wrong usage or invalid profile.
"""
_SYMBOLS: Final = {"ok": "+", "degraded": "~", "missing": "x"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "doctor",
        help="tell what this machine can and cannot run",
        description="Tell what this machine can and cannot run, what a lack costs, and what helps.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--profile", default="finance", metavar="NAME", help="the profile whose stack is looked for (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("certification"), metavar="DIR", help="where results would go")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text by default")


def run(args: argparse.Namespace) -> int:
    """Look, judge, tell; return 0 when the embedded driver can run, else 4."""
    from certify.doctor.diagnosis import diagnose
    from certify.doctor.facts import gather
    from certify.profile.load import load_profile
    from certify.profile.problem import ProfileError

    try:
        module = load_profile(args.profile).stack.reference
    except ProfileError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"certify doctor: {terminal(line)}\n")
        return ExitCode.USAGE
    diagnosis = diagnose(gather(module, args.out, os.environ))
    if args.format == "json":
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(diagnosis)).decode() + "\n")
    else:
        sys.stdout.write(as_text(diagnosis))
    return ExitCode.CERTIFIED if diagnosis.embedded else ExitCode.ENVIRONMENT


def as_text(diagnosis: "Diagnosis") -> str:
    """The rows for people, and the answer."""
    width = max(len(row.name) for row in diagnosis.rows)
    lines = [line for row in diagnosis.rows for line in _lines(row, width)]
    answer = "The embedded driver can run here." if diagnosis.embedded else "The embedded driver cannot run here."
    return "\n".join([*lines, "", answer, "Next: " + _next(diagnosis)]) + "\n"


def _lines(row: "Row", width: int) -> list[str]:
    lines = [f"{_SYMBOLS[row.state]} {row.state:<8}  {row.name:<{width}}  {terminal(row.found)}"]
    indent = " " * (width + 14)
    lines += [f"{indent}costs: {row.costs}"] if row.costs else []
    lines += [f"{indent}cure:  {row.cure}"] if row.cure else []
    return lines


def _next(diagnosis: "Diagnosis") -> str:
    if diagnosis.embedded:
        return "certify --profile finance"
    return next(row.cure for row in diagnosis.rows if row.essential and row.state == "missing")
