"""``python -m certify_stack.erp``: one service, migrations, or the whole stack.

python -m certify_stack.erp finance --port 8081
python -m certify_stack.erp migrate finance
python -m certify_stack.erp redeliver audit
python -m certify_stack.erp up
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from certify_stack.erp import CONSUMES, SERVICES

if TYPE_CHECKING:
    from certify_stack.kit.settings import Settings

USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in {"up", "describe"}:
        return _stack(arguments)
    if arguments == ["compose"]:
        from certify_stack.containers import composefile  # noqa: PLC0415 - one service needs nothing of it

        return composefile.main()
    given = _parser().parse_args(arguments)
    does = {"migrate": _migrate, "redeliver": _redeliver}
    return does.get(given.command, _serve)(given)


def _stack(arguments: list[str]) -> int:
    from certify_stack.embedded.parent import spawn  # noqa: PLC0415 - one service needs nothing of it

    asks = arguments[0] != "up" or {"-h", "--help"} & set(arguments)
    parent = None if asks else spawn()
    if parent:
        # What is imported now stays: looking for garbage in it takes time from the boot, at whose end the launcher does again.
        gc.disable()
    from certify_stack.embedded import launcher  # noqa: PLC0415 - the parent imports while this does

    return int(launcher.main(arguments, parent))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m certify_stack.erp", description="The services of the ERP.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start PostgreSQL, all services and the gateway", add_help=False)
    commands.add_parser("describe", help="print where source and suites lie, as JSON", add_help=False)
    commands.add_parser("compose", help="print a compose file of the stack that is described as JSON", add_help=False)
    migrate = commands.add_parser("migrate", help="bring the database of a service to head")
    migrate.add_argument("service", choices=SERVICES, metavar="SERVICE", help=", ".join(SERVICES))
    again = commands.add_parser("redeliver", help="give the messages that a service has put aside to it once more")
    again.add_argument("service", choices=CONSUMES, metavar="SERVICE", help=", ".join(CONSUMES))
    for name in SERVICES:
        service = commands.add_parser(name, help=f"serve {name}")
        service.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        service.add_argument("--port", type=int, default=0, help="port to listen on (default: the system chooses)")
    return parser


def _migrate(given: argparse.Namespace) -> int:
    from certify_stack.kit.migrate import upgrade  # noqa: PLC0415 - a serving process does without

    settings = _settings()
    if settings is None:
        return USAGE
    upgrade(settings.database_dsn, given.service)
    return 0


def _redeliver(given: argparse.Namespace) -> int:
    from certify_stack.kit import dead_letters  # noqa: PLC0415 - a serving process does without

    settings = _settings()
    return USAGE if settings is None else dead_letters.main(given.service, settings)


def _serve(given: argparse.Namespace) -> int:
    from certify_stack.kit.server import listen, serve  # noqa: PLC0415 - the help page does without

    settings = _settings()
    if settings is None:
        return USAGE
    serve(given.command, settings, listen(given.host, given.port))
    return 0


def _settings() -> "Settings | None":
    from certify_stack.kit.settings import Settings, SettingsError  # noqa: PLC0415 - the stack has its own

    try:
        return Settings.from_env()
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        return None


if __name__ == "__main__":
    sys.exit(main())
