"""`certify drill`: plant known faults into a stack, and see which rule notices each."""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certify.console.events import Console
    from certify.drill.report import DrillResult
    from certify.drill.stage import Theatre
    from certify.model.fault import Fault
    from certify.profile.model import Profile

# Looks on wherever the stack is booted: a fault must not make services unready that it does not touch.
BYSTANDER: Final = "health.ready"
_EPILOG = """\
examples:
  certify drill --list                                        all installed faults
  certify drill --profile finance                             each fault is caught by its rule, or is it?
  certify drill --profile finance --rule health.ready
  certify drill --profile finance --sample 1/10 --seed 7      every tenth fault; another tenth with each seed
  certify drill --compose docker-compose.yml                  kill, pause and disconnect each service: who notices?
  certify drill --profile finance --disruptions --service crm

exit codes: 0 the clean stack passes, each fault is caught by its rules, and nothing else is blamed; 1 a fault is
missed, or something is blamed wrongly; 3 something could not be told; 2 wrong usage or invalid profile; 4 the
environment could not run the stack; 130/143 ended by a signal.
with disruptions: 0 each that could be done was noticed by a control; 1 nobody noticed one, or the clean stack fails a
control; 3 none could be done, or the stack did not come back after one.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    from certify.drivers.select import NAMES

    parser = subparsers.add_parser(
        "drill",
        help="plant known faults, and see which rule notices each",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--profile", metavar="NAME", help="a shipped profile's name, or a path")
    add("--list", action="store_true", help="print the installed faults, and do nothing else")
    add("--fault", action="append", default=[], metavar="NAME", help="only this fault (repeatable)")
    add(
        "--rule",
        action="append",
        default=[],
        metavar="RULE",
        help="only faults that this rule catches; with disruptions: ask only this rule (repeatable)",
    )
    add("--sample", type=_share, metavar="N/M", help="only so many of them, others with each --seed")
    add("--seed", type=int, default=0, help="for the sample, and for every random choice (default: %(default)s)")
    add(
        "--compose",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="disturb the stack of this compose file (repeatable: later files override; default profile: boot)",
    )
    add("--disruptions", action="store_true", help="plant no fault: kill, pause and disconnect each service")
    add("--service", action="append", default=[], metavar="NAME", help="disturb only this service (repeatable)")
    add("--driver", choices=NAMES, help="how the stack comes up (default: whatever fits)")
    add("--advisories", type=Path, metavar="ZIP", help="OSV export to audit dependencies with, offline")
    add("--jobs", type=_positive, metavar="N", help="check processes side by side (default: one a core)")
    add("--out", type=Path, default=Path("drill"), metavar="DIR", help="evidence of each scene (default: %(default)s)")
    add("--progress", choices=("plain", "json"), default="plain", help="how to show progress (default: %(default)s)")
    add("--format", choices=("text", "json"), default="text", help="the answer (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked and return the exit code."""
    from certify.cli.problems import told
    from certify.drill.catalogue import discover_faults
    from certify.engine.plan import PlanError

    def action() -> int:
        if arguments.compose or arguments.disruptions:
            return _disturb(arguments)
        if arguments.service:
            raise PlanError("--service chooses what is disturbed: it goes with --disruptions or --compose")
        catalogue = discover_faults()
        if arguments.list:
            return _list(catalogue, arguments.format)
        if not arguments.profile:
            raise PlanError("say which stack: --profile NAME (or --list to see the faults)")
        return _drill(arguments, catalogue)

    return told(action)


def _drill(arguments: argparse.Namespace, catalogue: "Mapping[str, Fault]") -> int:
    import asyncio

    from certify.cli.starting import read_profile
    from certify.drill.catalogue import check_options
    from certify.drill.choosing import Wanted, choose
    from certify.drill.report import exit_code
    from certify.drill.run import Drill
    from certify.drill.scene import needs_stack, scenes

    profile, registry = read_profile(arguments.profile)
    wanted = Wanted(tuple(arguments.fault), tuple(arguments.rule), arguments.sample, arguments.seed)
    overlays = bool(profile.stack.reference) and arguments.driver in {None, "embedded"}
    chosen = choose(catalogue, profile, wanted, overlays=overlays)
    check_options(chosen.faults, registry)
    bystander = BYSTANDER if any(BYSTANDER in control.prove for control in profile.controls) else ""
    planned = scenes(chosen.faults, needs_stack(registry), bystander)
    theatre = _theatre(arguments, profile, registry)
    with _console(arguments) as console:
        result = asyncio.run(Drill(planned, theatre, console, chosen.left_out).run())
    _answer(result, arguments.format)
    return int(exit_code(result))


def _disturb(arguments: argparse.Namespace) -> int:
    import asyncio

    from certify.cli.starting import on_compose_files, read_profile
    from certify.drill.disruptions import as_json, as_text, exit_code
    from certify.drill.rounds import drill
    from certify.engine.plan import PlanError

    for option in ("list", "fault", "sample"):
        if getattr(arguments, option):
            raise PlanError(f"--{option} is about faults, and none is planted with --disruptions or --compose")
    if not (arguments.profile or arguments.compose):
        raise PlanError("say which stack: --profile NAME, or --compose FILE")
    profile, registry = read_profile(arguments.profile or "boot")
    profile = on_compose_files(profile, arguments.compose)
    with _console(arguments, silent=True) as console:
        work = drill(_theatre(arguments, profile, registry), console, tuple(arguments.rule), tuple(arguments.service))
        result = asyncio.run(work)
    _say(_json(as_json(result)) if arguments.format == "json" else as_text(result))
    return int(exit_code(result))


def _theatre(arguments: argparse.Namespace, profile: "Profile", registry: object) -> "Theatre":
    from certify.cli.run_options import run_options
    from certify.drill.stage import Theatre
    from certify.drivers.interface import Driver
    from certify.drivers.select import beside, select
    from certify.engine.settings import Settings, default_jobs
    from certify.engine.workspace import new_run_id
    from certify.seal.keystore import forget_secrets

    # A drill seals nothing.
    forget_secrets()

    def make_driver(narrowed: "Profile", folder: Path, overlays: tuple[str, ...]) -> Driver:
        base = Path(profile.folder)
        own = select(narrowed.stack, arguments.driver, folder, base, overlays, run_id=settings.run_id)
        return beside(own, narrowed.stack, folder, base, settings.run_id)

    options = run_options(profile, advisories=arguments.advisories)
    settings = Settings(
        run_id=new_run_id(), jobs=arguments.jobs or default_jobs(), seed=arguments.seed, run_options=options
    )
    return Theatre(profile, registry, make_driver, settings, arguments.out.absolute())  # type: ignore[arg-type]


def _answer(result: "DrillResult", form: str) -> None:
    from certify.drill.report import as_json, as_text

    _say(_json(as_json(result)) if form == "json" else as_text(result))


def _say(text: str) -> None:
    # Nobody reading must not change the exit code.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text)
        sys.stdout.flush()


def _list(catalogue: "Mapping[str, Fault]", form: str) -> int:
    from certify.drill.report import catalogue_lines

    if form == "json":
        shown = [
            {"fault": f.name, "kind": f.kind, "target": f.target, "breaks": f.breaks, "caughtBy": f.caught_by}
            for f in catalogue.values()
        ]
        sys.stdout.write(_json(shown))
    else:
        sys.stdout.writelines(f"{text}\n" for text in catalogue_lines(catalogue))
    return 0


def _json(value: object) -> str:
    import json

    # ASCII, so that no character of a service's text can steer a terminal.
    return json.dumps(value, indent=2).replace("\x7f", "\\u007f") + "\n"


def _share(text: str) -> tuple[int, int]:
    from certify.drill.choosing import share

    try:
        return share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _console(arguments: argparse.Namespace, *, silent: bool = False) -> "Console":
    from certify.console.choose import open_console
    from certify.drill.console import Quiet, Silent

    return (Silent if silent else Quiet)(open_console(arguments.progress))
