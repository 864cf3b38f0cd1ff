"""The command `certify`. Only the module of the command that was asked for is imported, so that `--help` is quick."""

import argparse
import importlib
import signal
import sys
from typing import Final

from certify import __version__

# name -> what it does; the module certify.cli.NAME (with _ for -) has `add_parser` and `run`.
COMMANDS: Final = {
    "run": "boot, test, measure, decide, seal (the default)",
    "load-worker": "take part in a load that waits for workers elsewhere",
    "check": "run one check at the desk, on files, without a stack",
    "plan": "show what a run would do, without doing it",
    "init": "write a profile for compose files, from what they say",
    "compose": "write the compose file of a reference stack",
    "profile": "lint or show a profile, print the JSON Schema",
    "drill": "plant known faults into a stack, and see which rule notices each",
    "doctor": "tell what this machine can and cannot run",
    "verify": "verify a sealed run",
    "decide": "take a run's decision again, without running anything",
    "report": "render the reports of a run again",
    "comment": "post or update the comment on a pull request",
    "keygen": "make a signing key",
}
# These end quietly when their reader does (`| head`). The others hold sockets and pipes of their own.
_PRINTERS: Final = frozenset({"plan", "profile", "report", "verify", "decide"})
_EXAMPLES: Final = """\
examples:
  certify --profile finance                 certify the reference stack; results in certification/
  certify --profile finance --quick         the same, shortened (the verdict is PARTIAL at best)
  certify --profile finance --only load     only the controls that the load check proves
  certify --profile boot --compose FILE     does any stack of containers come up, and stay up?
  certify init --compose FILE               write a profile for that stack, to go on from
  certify profile lint my.yaml              every mistake with its line
  certify verify certification --key certify.pub
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not arguments or arguments[0] in {"-h", "--help"}:
        sys.stdout.write(help_text())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        sys.stdout.write(f"certify {__version__}\n")
        return 0
    name = "run" if arguments[0].startswith("-") else arguments[0]
    if name not in COMMANDS:
        return _unknown(name)
    parser = argparse.ArgumentParser(prog="certify", allow_abbrev=False)
    subparsers = parser.add_subparsers(dest="command", required=True)
    module = importlib.import_module(f"certify.cli.{name.replace('-', '_')}")
    module.add_parser(subparsers)
    if name in _PRINTERS:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    rest = arguments if name == "run" and arguments[0].startswith("-") else arguments[1:]
    try:
        return int(module.run(parser.parse_args([name, *rest])))
    except KeyboardInterrupt:  # where a command has nothing to take down, so no handler of its own
        return 128 + signal.SIGINT


def help_text() -> str:
    """What `certify --help` prints."""
    from certify.model import exit_codes

    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    return (
        "usage: certify [run] --profile NAME [options]\n       certify COMMAND ...\n\n"
        "Boots a stack, tests and measures it, decides, and seals a signed certification report.\n\n"
        f"commands (each has --help):\n{commands}\n\n{_EXAMPLES}\nexit codes:\n{exit_codes.help_text()}\n"
    )


def _unknown(name: str) -> int:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    sys.stderr.write(f"certify: unknown command {name!r}{hint} (see certify --help)\n")
    return 2
