"""`certify report`: render the reports of a run again, from its record and decision."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from certify.model.escape import terminal
from certify.model.exit_codes import ExitCode

if TYPE_CHECKING:
    from certify.model.decision import Decision
    from certify.model.record import Record

_EXAMPLES: Final = """\
examples:
  certify report certification --format md                     the pull request comment on standard output
  certify report certification --format html --out page.html   into a file
  certify report certification --format junit > junit.xml

The installed formats are html, md, summary, junit and those of plug-ins. Only record.json and decision.json are read;
whether they are what was sealed, `certify verify` answers.
"""


class RunFolderError(Exception):
    """A run's folder cannot be read; the message names file, cause and cure."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "report",
        help="render the reports of a run again",
        description="Render one report from a run's record and decision.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="the folder that certify wrote")
    parser.add_argument("--format", default="html", metavar="NAME", help="html (default), md, summary, junit, ...")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there instead of standard output")


def run(args: argparse.Namespace) -> int:
    """Render and write; return the exit code: 0 when rendered, whatever the verdict."""
    from certify.engine.registry import RegistryError

    try:
        text = render(args.directory, args.format)
    except (RunFolderError, RegistryError) as error:
        sys.stderr.write(f"certify report: {terminal(str(error))}\n")
        return ExitCode.USAGE
    if args.out is None:
        sys.stdout.buffer.write(text.encode())
        return ExitCode.CERTIFIED
    try:
        args.out.write_text(text, encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"certify report: {terminal(str(args.out))} cannot be written: {error.strerror}\n")
        return ExitCode.USAGE
    return ExitCode.CERTIFIED


def render(directory: Path, name: str) -> str:
    """The report `name` of the run in `directory`.

    Raises:
        RunFolderError: the folder or the format is not there, or not of the right shape.
    """
    from certify.engine.registry import discover_reports
    from certify.model.report import ReportContext

    formats = discover_reports()
    if name not in formats:
        known = ", ".join(formats) or "none: install the distribution that certify came with"
        raise RunFolderError(f"no report format {name!r}; installed are {known}")
    record, decision = load(directory)
    return formats[name].render(record, decision, ReportContext(directory=str(directory)))


def load(directory: Path) -> "tuple[Record, Decision]":
    """The record and the decision of a run, read strictly.

    Raises:
        RunFolderError: a file is missing, of another shape, or they cannot be of one run.
    """
    from certify.seal import documents
    from certify.seal.errors import SealError

    try:
        found = documents.read(directory)
    except SealError as error:
        raise RunFolderError(f"{directory}: {error}; {error.problem.cure}") from error
    problem = next(documents.contradictions(found), None)
    if problem is not None:
        raise RunFolderError(f"{directory}: {problem}; {problem.cure}")
    return found.record, found.decision
