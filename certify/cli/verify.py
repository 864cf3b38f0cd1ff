"""`certify verify`: is this folder what was sealed, who sealed it, and what does it certify?"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from certify.model.escape import terminal
from certify.model.exit_codes import ExitCode

if TYPE_CHECKING:
    from certify.seal.result import VerifyResult

_EXAMPLES: Final = """\
examples:
  certify verify certification                        with your own key: what you sealed on this machine
  certify verify certification --key certify.pub      with the signer's key, which the signer gave you
  certify verify certification --key certify.pub --commit "$(git rev-parse HEAD)"
  certify verify certification --integrity-only       exit 0 when intact, whatever the verdict
  certify verify certification --format json | python3 -m json.tool

The key comes from --key, else CERTIFY_PUBLIC_KEY (PEM text or a path), else CERTIFY_KEY or your own local key. It is
never taken out of DIR. Without any key the signer is unknown and the answer is a refusal (exit 5).

exit codes: 0 certified, 1 not certified, 3 inconclusive or partial, 6 pending sign-off: the recorded verdict's own;
5 integrity or signer refused; 2 wrong usage.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "verify",
        help="check a sealed run: integrity, signer, verdict",
        description="Check a sealed run: nothing changed, who sealed it, what it certifies.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="the folder that certify wrote")
    parser.add_argument("--key", metavar="PUB", type=Path, help="the signer's public key (PEM)")
    parser.add_argument("--commit", metavar="SHA", default="", help="refuse unless this commit is certified")
    parser.add_argument("--integrity-only", action="store_true", help="exit 0 when intact, whatever the verdict")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text by default")


def run(args: argparse.Namespace) -> int:
    """Verify, print the answer, return the exit code."""
    from certify.seal.errors import SealError
    from certify.seal.verify import verify

    try:
        result = verify(args.directory, public_key=args.key, commit=args.commit)
    except SealError as error:
        sys.stderr.write(f"certify verify: {terminal(str(error))}\n  cure: {terminal(error.problem.cure)}\n")
        return ExitCode.USAGE
    code = result.exit_code(integrity_only=args.integrity_only)
    sys.stdout.write(as_json(result, code) if args.format == "json" else as_text(result))
    return code


def as_json(result: "VerifyResult", code: ExitCode) -> str:
    """The answer for programs; `exitCode` is what the process returns."""
    import msgspec

    from certify.seal import canonical

    value: dict[str, Any] = {**msgspec.to_builtins(result), "exitCode": int(code)}
    return canonical.pretty(value).decode()


def as_text(result: "VerifyResult") -> str:
    """The answer for people. Text out of the folder is made harmless for the terminal."""
    rows = _accepted(result) if result.accepted else _refused(result)
    return "".join(f"{terminal(row)}\n" for row in rows)


def _refused(result: "VerifyResult") -> list[str]:
    rows = [f"REFUSED    {result.directory}: {len(result.problems)} problem(s); nothing that it says counts"]
    for problem in result.problems:
        rows.append(f"  {problem.code}: {problem}")
        rows += [f"      cure: {problem.cure}"] if problem.cure else []
    claimed = result.signer.claimed
    return [*rows, f"signer     unproved; the files name the key {claimed}"] if claimed else rows


def _accepted(result: "VerifyResult") -> list[str]:
    stack = "reference stack, no product: " if result.reference else ""
    rows = [
        f"integrity  intact: {result.files} files, attestations {', '.join(result.attestations)}",
        f"signer     {result.signer.claimed}, matches {result.signer.key_source}",
        f"verdict    {stack}{result.verdict}: {result.reason}",
        f"profile    {result.profile}",
        f"release    {result.release}, run {result.run_id}, sealed {result.sealed_at}",
    ]
    for part in result.components:
        state = f"{part.status}, uncommitted changes" if part.dirty else part.status
        tree = f", tree {part.tree}" if part.tree else ""
        rows.append(f"commit     {part.commit or 'unknown'}{tree}: {part.name} ({state})")
    return [*rows, "not checked:", *(f"  - {note}" for note in result.not_checked)]
