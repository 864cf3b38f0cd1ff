"""`certify decide`: take the decision of a sealed run again, without running anything."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from certify.model.escape import terminal
from certify.model.exit_codes import ExitCode

if TYPE_CHECKING:
    from certify.model.decision import Decision

_EXAMPLES: Final = """\
examples:
  certify decide certification      does the decision follow from the record?

Waivers, sign-offs and the previous certificate are taken from decision.json; whether these are genuine, and whether the
record is what was sealed, `certify verify` answers. Exit codes: the verdict's own; 5 when the recorded decision is another.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "decide",
        help="take a run's decision again",
        description="Take the decision of a run again from its record, and compare it with the recorded one.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="the folder that certify wrote")


def run(args: argparse.Namespace) -> int:
    """Decide, compare, tell."""
    from certify.cli.report import RunFolderError, load
    from certify.decide import decide

    try:
        record, recorded = load(args.directory)
    except RunFolderError as error:
        sys.stderr.write(f"certify decide: {terminal(str(error))}\n")
        return ExitCode.USAGE
    given = {sign.role: sign for sign in recorded.sign_offs}
    again = decide(
        record,
        waivers=recorded.waivers,
        roles=tuple(given),
        sign_offs=tuple(sign for sign in given.values() if sign.signer),
        previous=recorded.previous,
    )
    sys.stdout.write(told(again, recorded))
    return again.verdict.exit_code if _same(again, recorded) else ExitCode.REFUSED


def told(again: "Decision", recorded: "Decision") -> str:
    """The answer as lines."""
    lines = [f"decided   {again.verdict}: {terminal(again.reason)}"]
    if _same(again, recorded):
        return "\n".join([*lines, "recorded  the same", ""])
    lines.append(f"recorded  {recorded.verdict}: {terminal(recorded.reason)}")
    before = {control.id: control.outcome for control in recorded.controls}
    lines += [
        f"  {terminal(control.id)}: decided {control.outcome}, recorded {before.get(control.id, 'nothing')}"
        for control in again.controls
        if before.get(control.id) is not control.outcome
    ]
    return "\n".join([*lines, "refused: the recorded decision does not follow from the record", ""])


def _same(again: "Decision", recorded: "Decision") -> bool:
    return (again.verdict, again.controls, set(again.waivers)) == (
        recorded.verdict,
        recorded.controls,
        set(recorded.waivers),
    )
