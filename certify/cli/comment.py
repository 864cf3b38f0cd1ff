"""`certify comment`: post or update the one comment of a run on a pull request."""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from certify.model.escape import comment_marker, terminal
from certify.model.exit_codes import ExitCode

DEFAULT_API: Final = "https://api.github.com"
MAX_EVENT_BYTES: Final = 10_000_000
_EXAMPLES: Final = """\
examples:
  GITHUB_TOKEN=... certify comment --dir certification --repo acme/erp --pr 12
  certify comment --dir certification               inside GitHub Actions, which says the rest
  certify comment --dir certification --dry-run     print the comment, send nothing

The token comes from GITHUB_TOKEN and needs `pull-requests: write`. GITHUB_API_URL, GITHUB_REPOSITORY and
GITHUB_EVENT_PATH give the defaults. The comment is rendered here from record.json and decision.json, never taken from a
file that a pull request could have written. See docs/github-actions.md.
"""


class Target(NamedTuple):
    """Where to comment. `pull_request` 0: the one whose head is `head` (`owner:branch`) at commit `sha`."""

    repository: str
    pull_request: int
    head: str = ""
    sha: str = ""


class TargetError(Exception):
    """It is not clear where to comment; the message says what is missing."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "comment",
        help="post or update the comment on a pull request",
        description="Post a run's result as one comment on a pull request, or update it in place.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dir", type=Path, default=Path("certification"), help="a run's folder (default: %(default)s)")
    parser.add_argument("--repo", metavar="OWNER/NAME", help="default: GITHUB_REPOSITORY")
    parser.add_argument("--pr", type=int, metavar="N", help="default: the pull request of the event")
    parser.add_argument("--api", metavar="URL", help="default: GITHUB_API_URL, else https://api.github.com")
    parser.add_argument(
        "--app", metavar="LOGIN", default="github-actions[bot]", help="bot that an app's token posts as (%(default)s)"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the comment, send nothing")


def run(args: argparse.Namespace) -> int:
    """Post the comment; return 0 when it stands, whatever the verdict."""
    from certify.cli.report import RunFolderError, load, render
    from certify.engine.registry import RegistryError
    from certify.github import GitHubError

    try:
        body = render(args.dir, "md")
        if args.dry_run:
            sys.stdout.buffer.write(body.encode())
            return ExitCode.CERTIFIED
        profile = load(args.dir)[1].profile
        said = _post(args, body, comment_marker(profile), os.environ)
    except (RunFolderError, RegistryError, TargetError) as error:
        sys.stderr.write(f"certify comment: {terminal(str(error))}\n")
        return ExitCode.USAGE
    except GitHubError as error:
        sys.stderr.write(f"certify comment: {error}\n" + (f"  cure: {error.cure}\n" if error.cure else ""))
        return ExitCode.ENVIRONMENT
    sys.stderr.write(f"certify comment: {terminal(said)}\n")
    return ExitCode.CERTIFIED


def _post(args: argparse.Namespace, body: str, marker: str, environment: Mapping[str, str]) -> str:
    from certify.github import GitHub

    token = environment.get("GITHUB_TOKEN", "")
    if not token:
        raise TargetError("GITHUB_TOKEN is not set; in a workflow: env: GITHUB_TOKEN: ${{ github.token }}")
    target = find_target(args.repo, args.pr, environment)
    api = args.api or environment.get("GITHUB_API_URL") or DEFAULT_API
    with GitHub(api, target.repository, token, app=args.app) as github:
        number = target.pull_request or github.find_pull_request(target.head, target.sha)
        posted = github.put_comment(number, marker, body)
    doubles = f", {posted.removed} older removed" if posted.removed else ""
    return f"{posted.action}{doubles}: {posted.url}"


def find_target(repository: str | None, pull_request: int | None, environment: Mapping[str, str]) -> Target:
    """Where to comment, from the command line, else from the workflow's environment and event.

    Raises:
        TargetError: neither says it.
    """
    name = repository or environment.get("GITHUB_REPOSITORY", "")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", name) or ".." in name:
        raise TargetError(f"{name!r} is no repository: give --repo OWNER/NAME")
    if pull_request is not None:
        if pull_request < 1:
            raise TargetError(f"{pull_request} is no number of a pull request")
        return Target(name, pull_request)
    return _of_event(name, _event(environment.get("GITHUB_EVENT_PATH", "")))


def _event(path: str) -> dict[str, Any]:
    if not path:
        raise TargetError("which pull request? give --pr N (there is no GITHUB_EVENT_PATH)")
    try:
        with Path(path).open("rb") as file:
            event = json.loads(file.read(MAX_EVENT_BYTES))
    except (OSError, ValueError) as error:
        raise TargetError(f"the event file {path} cannot be read: {error}") from None
    return event if isinstance(event, dict) else {}


def _of_event(repository: str, event: dict[str, Any]) -> Target:
    """GitHub leaves `workflow_run.pull_requests` empty for forks, so the head is looked up instead."""
    try:
        if "pull_request" in event:
            return Target(repository, int(event["pull_request"]["number"]))
        source = event["workflow_run"]
        owner = str(source["head_repository"]["owner"]["login"])
        return Target(repository, 0, f"{owner}:{source['head_branch']}", str(source["head_sha"]))
    except (KeyError, TypeError, ValueError):
        raise TargetError("the event is about no pull request: give --pr N") from None
