"""`certify run`: the whole way from a profile to a sealed folder."""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from certify.cli.load_options import add_load_options
from certify.model.exit_codes import help_text

if TYPE_CHECKING:
    from certify.engine.run import Finished

_EPILOG = f"""\
examples:
  certify --profile finance
  certify --profile finance --quick --only load
  certify --profile ./stack.yaml --driver attach --out results
  certify --profile boot --compose docker-compose.yml
  certify --profile finance --only load --load-workers 4

exit codes:
{help_text()}
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "run",
        help="boot, test, measure, decide, seal",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_planning_options(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("certification"), metavar="DIR", help="results (default: %(default)s)"
    )
    parser.add_argument(
        "--previous", type=Path, metavar="DIR", help="certificate to compare with (default: the one in --out)"
    )
    parser.add_argument(
        "--jobs", type=_positive, metavar="N", help="check processes side by side (default: one a core)"
    )
    parser.add_argument("--seed", type=int, default=0, help="for every random choice (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="shorten what can be shortened; PARTIAL at best")
    parser.add_argument("--advisories", type=Path, metavar="ZIP", help="OSV export to audit dependencies with, offline")
    add_load_options(parser)
    parser.add_argument(
        "--overlay",
        action="append",
        default=[],
        metavar="MODULE:FUNCTION",
        help="start the reference stack with this fault",
    )
    parser.add_argument(
        "--progress",
        choices=("auto", "plain", "json"),
        default="auto",
        help="how to show progress (default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="the answer on standard output (default: %(default)s)",
    )


def add_planning_options(parser: argparse.ArgumentParser) -> None:
    """The options that `run` and `plan` share."""
    parser.add_argument("--profile", required=True, metavar="NAME", help="a shipped profile's name, or a path")
    parser.add_argument(
        "--driver", choices=("embedded", "compose", "attach"), help="how the stack comes up (default: whatever fits)"
    )
    parser.add_argument(
        "--compose",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="boot this compose file, in place of the profile's stack (repeatable: later files override)",
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID", help="only this control, check or rule (repeatable)"
    )
    parser.add_argument(
        "--skip", action="append", default=[], metavar="ID", help="all but this control, check or rule (repeatable)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do the run and return its exit code."""
    from certify.cli.problems import told
    from certify.cli.starting import run_to_end

    def action() -> int:
        finished = run_to_end(arguments)
        # Nobody reading must not change the exit code.
        with contextlib.suppress(BrokenPipeError):
            _answer(finished, arguments.format)
            sys.stdout.flush()
        return _exit_code(finished)

    return told(action)


def _answer(finished: "Finished", form: str) -> None:
    from certify.console.final import final_block, wants_color

    if form == "json":
        import msgspec

        from certify.seal import canonical

        sys.stdout.write(canonical.pretty(msgspec.to_builtins(finished.decision)).decode())
        return
    sys.stdout.write(final_block(finished.record, finished.decision, finished.context, color=wants_color(sys.stdout)))


def _exit_code(finished: "Finished") -> int:
    return 128 + finished.interrupted if finished.interrupted else finished.decision.verdict.exit_code


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
