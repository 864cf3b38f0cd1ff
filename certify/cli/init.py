"""`certify init`: a profile for compose files, from what they say and, with `--look`, from what the stack answers."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from certify.draft.drafting import Read
    from certify.draft.look import Looked
    from certify.draft.model import Draft

_EPILOG: Final = """\
examples:
  certify init                                         from compose.yaml or docker-compose.yml in this folder
  certify init --compose docker-compose.yml --compose ci.yml --output shop.yaml
  certify init --compose docker-compose.yml --look     boot it as well, ask what it serves, take it down
  certify --profile shop.yaml                          then certify it

Nothing is started without --look, and no engine is needed. Values of variables, environment files and secrets are not copied.
"""
_NO_NAME: Final = "profile"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "init",
        help="write a profile for compose files",
        description="Write a profile that runs at once: each service with what it is for, and the probes that were found.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--compose",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="compose file (repeatable: later files override; default: those that Compose finds here)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="the profile (default: FOLDER.yaml, after the first file's folder)"
    )
    parser.add_argument(
        "--look", action="store_true", help="boot the stack and ask its published ports, then take it down"
    )
    parser.add_argument("--force", action="store_true", help="write over a file that is there")


def run(arguments: argparse.Namespace) -> int:
    """Write the profile, and return the exit code."""
    from certify.cli.problems import told

    return told(lambda: _init(arguments))


def profile_name(text: str) -> str:
    """A profile's name made of the name of a folder or a file."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return re.sub(r"^[^a-z]+", "", words)[:64].strip("-") or _NO_NAME


def _init(arguments: argparse.Namespace) -> int:
    from certify.draft.at_rest import read_at_rest, usual_files
    from certify.draft.drafting import draft
    from certify.draft.rendering import render
    from certify.drivers.compose.command import ComposeFileError

    files = tuple(arguments.compose) or usual_files(Path())
    if not files:
        raise ComposeFileError(f"there is no compose file in {Path.cwd()}\ncure: name it with --compose FILE")
    output = arguments.output or Path(f"{profile_name(files[0].absolute().parent.name)}.yaml")
    _refuse_output(output, files, force=arguments.force)
    folder = output.absolute().parent
    read = read_at_rest(files, folder)
    relative = [os.path.relpath(file.absolute(), folder) for file in files]
    looked = _look(read, files) if arguments.look else None
    made = draft(profile_name(output.stem), relative, read, looked.answers if looked else None)
    _write(output, render(made), force=arguments.force)
    _tell(made, output, looked)
    return 0


def _refuse_output(output: Path, files: Sequence[Path], *, force: bool) -> None:
    """Before anything is read or booted.

    Raises:
        OutputFileError: the profile cannot be written there.
    """
    from certify.draft.model import OutputFileError

    if any(os.path.realpath(output) == os.path.realpath(file) for file in files):
        raise OutputFileError(f"{output} is one of the compose files\ncure: name another file with --output FILE")
    try:
        output.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise OutputFileError(f"{output}: {error.strerror}\ncure: name another file with --output FILE") from error
    if output.is_dir() or not output.absolute().parent.is_dir():
        what = "is a folder" if output.is_dir() else "is in a folder that does not exist"
        raise OutputFileError(f"{output} {what}\ncure: name a file with --output FILE")
    if output.exists() and not force:
        raise OutputFileError(f"{output} is there already\ncure: name another file with --output FILE, or use --force")


def _look(read: "Read", files: Sequence[Path]) -> "Looked":
    import asyncio

    from certify.draft.drafting import asked
    from certify.draft.look import look
    from certify.engine.conduct import interruptible
    from certify.engine.workspace import new_run_id
    from certify.model.escape import terminal
    from certify.profile.model import StackSpec

    spec = StackSpec(compose=tuple(str(file.absolute()) for file in files))

    def tell(text: str) -> None:
        sys.stderr.write(f"certify: {terminal(text)}\n")

    async def looked() -> "Looked":
        async with interruptible() as interruption:
            try:
                return await look(spec, Path.cwd(), asked(read), new_run_id(), tell)
            except asyncio.CancelledError:
                raise SystemExit(128 + interruption.signal) from None

    return asyncio.run(looked())


def _write(output: Path, text: str, *, force: bool) -> None:
    from certify.draft.model import OutputFileError

    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputFileError(
            f"{output} cannot be written: {error.strerror}\ncure: name another with --output"
        ) from error


def _tell(made: "Draft", output: Path, looked: "Looked | None") -> None:
    from collections import Counter

    from certify.model.escape import terminal

    kinds = Counter(one.kind.value for one in made.services)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    say = [f"{output}: {len(made.services)} services ({counted})"]
    say += [f"the variables {', '.join(made.unset)} are not set: the files see empty texts"] if made.unset else []
    say += [f"{name} is left out: a profile cannot hold that name" for name in made.unnameable]
    say += [
        f"{name} did not come up: {text.partition(chr(10))[0]}"
        for name, text in (looked.failures if looked else {}).items()
    ]
    say += [f"now run: certify --profile {output}"]
    sys.stderr.writelines(f"certify: {terminal(line)}\n" for line in say)
