"""`certify check`: one check at the desk, on files, without a stack."""

import argparse
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from certify.model.escape import terminal
from certify.model.exit_codes import ExitCode

if TYPE_CHECKING:
    from certify.engine.desk import Answer
    from certify.model.check import Check

_EXAMPLES: Final = """\
examples:
  certify check federation --subgraphs schemas
  certify check federation --subgraphs schemas --baseline certified.graphql --operations clients --format json
  certify check federation --help                 what this check can be told

exit codes: 0 nothing was found, 1 something was, 3 something could not be told, 2 wrong usage.
"""
_SHOWN: Final = 20


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command; the options of the check are its own, and read when it is known."""
    parser = subparsers.add_parser(
        "check",
        help="run one check at the desk, on files",
        description="Run one check on files, without a stack. Nothing is sealed.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("check", metavar="NAME", help="the check, such as federation")
    parser.add_argument("options", metavar="...", nargs=argparse.REMAINDER, help="what the check is told")


def run(arguments: argparse.Namespace) -> int:
    """Observe, judge, tell."""
    with _uncollected():
        return _run(arguments)


@contextmanager
def _uncollected() -> Iterator[None]:
    """What is imported and parsed is kept until the process ends: looking for garbage in it takes a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


def _run(arguments: argparse.Namespace) -> int:
    from certify.engine.desk import DeskError, at_the_desk, find

    try:
        check = find(arguments.check)
        given = vars(_parser(check).parse_args(arguments.options))
        form, only, out = given.pop("format"), given.pop("only"), given.pop("out")
        answer = at_the_desk(check, {name: value for name, value in given.items() if value is not None}, only, out)
    except DeskError as error:
        sys.stderr.write(f"certify check: {terminal(str(error))}\n")
        return ExitCode.USAGE
    sys.stdout.write(_as_json(answer) if form == "json" else as_text(answer))
    return answer.exit_code


def _parser(check: "Check") -> argparse.ArgumentParser:
    from pathlib import Path

    from certify.profile.option_schema import options_schema

    parser = argparse.ArgumentParser(prog=f"certify check {check.id}", description=check.title, allow_abbrev=False)
    schema = options_schema(check)
    for name, facts in schema["properties"].items():
        default = facts.get("default")
        told = facts.get("description", "") + (f" (default: {default})" if default else "")
        flag = f"--{name.replace('_', '-')}"
        required = name in schema["required"]
        parser.add_argument(flag, dest=name, required=required, metavar="VALUE", help=told.replace("%", "%%"))
    rules = [rule.id for rule in check.rules]
    parser.add_argument("--only", action="append", choices=rules, default=[], help="only this rule (repeatable)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the evidence there")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text by default")
    return parser


def _as_json(answer: "Answer") -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n"


def as_text(answer: "Answer") -> str:
    """The answer for people: each rule, then its findings, worst first as the check told them."""
    lines = []
    for result in answer.rules:
        lines.append(f"{result.outcome:<14}  {result.rule}  {terminal(result.summary)}")
        for finding in result.findings[:_SHOWN]:
            place = str(finding.location)
            lines.append(f"    {finding.code}  {terminal(place)}")
            lines += [f"        {terminal(line)}" for line in finding.message.splitlines() if line.strip()]
            lines += [f"        cure: {terminal(finding.cure)}"] if finding.cure else []
        if more := len(result.findings) - _SHOWN:
            lines += [f"    and {more} more; --format json tells all"] if more > 0 else []
        lines += [f"    cure: {terminal(result.cure)}"] if result.cure else []
    lines += [f"note: {terminal(text)}" for text in answer.weakenings]
    return "\n".join(lines) + "\n"
