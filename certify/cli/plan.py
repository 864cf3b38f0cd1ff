"""`certify plan`: what a run would do, without doing it."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from certify.cli.run import add_planning_options

if TYPE_CHECKING:
    from certify.engine.plan import Job, Plan

_EPILOG = """\
examples:
  certify plan --profile finance
  certify plan --profile finance --only health
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "plan",
        help="show what a run would do",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_planning_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan."""
    from certify.cli.problems import told
    from certify.cli.starting import on_compose_files, plan_for, read_profile
    from certify.drivers.select import select

    def action() -> int:
        profile, registry = read_profile(arguments.profile)
        profile = on_compose_files(profile, arguments.compose)
        driver = select(profile.stack, arguments.driver, Path(), Path(profile.folder))
        plan, _ = plan_for(arguments, profile, registry, driver)
        sys.stdout.write(shown(plan))
        return 0

    return told(action)


def shown(plan: "Plan") -> str:
    """The plan as lines: the check processes with what they answer, then what is known without any."""
    lines = []
    for job in plan.jobs:
        lines.append(f"{job.id} ({_when(job)}, at most {job.budget_us / 1e6:g} s)")
        lines += [f"    {question.key.replace('/', '  ')}" for question in job.questions]
    settled = [(control, result) for control, results in plan.settled.items() for result in results]
    if settled:
        lines.append("without a check process")
        lines += [f"    {control}  {result.rule}  {result.outcome}: {result.summary}" for control, result in settled]
    return "\n".join(lines) + "\n"


def _when(job: "Job") -> str:
    if job.last:
        return "last, after all others"
    if job.disturbs:
        return "alone, disturbing the stack"
    if job.exclusive:
        return "alone on the machine"
    return "on the stack" if job.needs_stack else "while the stack boots"
