"""`certify compose write`: the compose file of a profile's reference stack."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from certify.profile.model import Profile

_FILE: Final = "docker-compose.test.yml"
_EPILOG: Final = f"""\
examples:
  certify compose write                          {_FILE}, for the finance profile
  certify compose write --profile my --out -     to standard output
  certify --profile finance --driver compose     certify what runs in these containers
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "compose",
        help="write the compose file of a reference stack",
        description="Write the compose file that boots a profile's reference stack in containers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="write")
    write = actions.add_parser("write", help="out of the profile", allow_abbrev=False)
    write.add_argument("--profile", default="finance", metavar="NAME", help="name or path (default: %(default)s)")
    write.add_argument(
        "--out", type=Path, default=Path(_FILE), metavar="FILE", help="- for standard output (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the file, and return the exit code."""
    from certify.cli.problems import told
    from certify.profile.load import load_profile

    return told(lambda: _write(load_profile(arguments.profile), arguments.out))


def _write(profile: "Profile", out: Path) -> int:
    from certify.drivers.compose.reference import NoComposeFileError, compose_text
    from certify.model.escape import terminal
    from certify.model.exit_codes import ExitCode

    try:
        text = compose_text(profile.name, profile.stack)
        if out == Path("-"):
            sys.stdout.write(text)
        else:
            out.write_text(text, encoding="utf-8")
    except (NoComposeFileError, OSError) as error:
        sys.stderr.write(f"certify: {terminal(str(error))}\n")
        return ExitCode.USAGE
    return 0
