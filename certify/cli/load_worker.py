"""`certify load-worker`: take part in a load that waits for workers elsewhere."""

import argparse
import os
import sys

from certify.cli.load_options import master_address

_MODULE = "certify_checks.load.worker"
_EPILOG = """\
The run that waits was started with --load-master; it prints its one-time token, or was given it in CERTIFY_LOAD_TOKEN.
Here it is read from CERTIFY_LOAD_TOKEN, or asked for, or read from standard input. It is never an argument.

examples:
  certify load-worker 192.0.2.10:5557                                asks for the token
  CERTIFY_LOAD_TOKEN=$(cat token) certify load-worker 192.0.2.10:5557
  certify load-worker 192.0.2.10:5557 --once < token                 ends after one load

exit codes:
    0  took part in a load at least
    2  wrong usage, or what was given cannot be a token
    3  no load waited there in time
    5  the master refused: another token, or another version
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "load-worker",
        help="take part in a load that waits for workers elsewhere",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("master", type=master_address, metavar="HOST:PORT", help="where the load waits")
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=300.0,
        metavar="SECONDS",
        help="for a load, and for the next (default: %(default)g)",
    )
    parser.add_argument("--once", action="store_true", help="end after one load (default: wait for the next)")


def run(arguments: argparse.Namespace) -> int:
    """Become the worker: its own imports are none of the engine's."""
    rest = [arguments.master, "--wait", str(arguments.wait), *(["--once"] if arguments.once else [])]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", _MODULE, *rest])  # noqa: S606 - an argument list, no shell


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError("must be more than 0")
    return number
