"""One sticky comment on a pull request, by GitHub's REST API.

https://docs.github.com/en/rest/issues/comments. The comment is found again by its hidden first line *and* its author, so
that nobody can make certify overwrite a stranger's comment, nor hide behind one. The token goes nowhere but into the
header of requests to the given API, and into no message.
"""

import ipaddress
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, Self, TypeVar

import httpx
import msgspec

from certify.model.escape import clip, terminal

PAGE: Final = 100
# 3,000 comments are more than any pull request that is still read; a server that pages for ever is not followed.
MAX_PAGES: Final = 30
ATTEMPTS: Final = 5
MAX_WAIT: Final = 60.0
ACTIONS_BOT: Final = "github-actions[bot]"
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_CURES: Final = {
    401: "GITHUB_TOKEN is not valid for this API: pass `GITHUB_TOKEN: ${{ github.token }}` to the step.",
    403: "The token may not comment. Give the job `permissions: pull-requests: write`. A workflow that a fork's pull"
    " request starts never may: post from a workflow_run job (see docs/github-actions.md).",
    404: "Is the repository OWNER/NAME, does the pull request exist, and may the token see them?",
    410: "The comment or the pull request has been deleted, or issues are turned off.",
    422: "GitHub refused the content; is the conversation locked?",
}


_Done = TypeVar("_Done")


class GitHubError(Exception):
    """What GitHub answered or why it could not be asked, and what helps."""

    def __init__(self, message: str, cure: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.cure = cure
        self.status = status


class _Busy(Exception):  # noqa: N818 - a signal within this module, not an error
    """Worth another try after `seconds`."""

    def __init__(self, error: GitHubError, seconds: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.seconds = seconds


class Posted(msgspec.Struct, frozen=True):
    """What was done, to which comment, and how many doubles were removed."""

    action: Literal["created", "updated", "unchanged"]
    url: str
    removed: int = 0


class GitHub:
    """The few calls that a sticky comment needs, each tried again a bounded number of times while GitHub is busy."""

    def __init__(
        self,
        api: str,
        repository: str,
        token: str,
        *,
        app: str = ACTIONS_BOT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not _may_carry_token(api):
            raise GitHubError(f"{api} is not https: the token would be readable on the way", "Use an https:// address.")
        self._base = f"{api.rstrip('/')}/repos/{repository}"
        self._user = f"{api.rstrip('/')}/user"
        self._token = token
        self._app = app
        self._sleep = sleep
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "certify",
        }
        # No redirect is followed: the token is for this host only.
        self._client = httpx.Client(headers=headers, timeout=httpx.Timeout(20.0), follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self._client.close()

    def put_comment(self, pull_request: int, marker: str, body: str) -> Posted:
        """Make `body` the one comment whose first line is `marker`.

        Raises:
            GitHubError: it could not be done; the message and its cure hold no secret.
        """

        # The whole is tried again, not the single call: after a lost answer the search tells whether it had been done.
        def act() -> Posted:
            mine = self._mine(pull_request, marker)
            if not mine:
                made = self._call("POST", f"{self._base}/issues/{pull_request}/comments", {"body": body})
                return Posted("created", str(made.get("html_url", "")))
            first, *doubles = mine
            action: Literal["updated", "unchanged"] = "unchanged"
            if first.get("body", "").replace("\r\n", "\n").strip() != body.strip():
                first = self._call("PATCH", f"{self._base}/issues/comments/{int(first['id'])}", {"body": body})
                action = "updated"
            for double in doubles:
                self._call("DELETE", f"{self._base}/issues/comments/{int(double['id'])}")
            return Posted(action, str(first.get("html_url", "")), len(doubles))

        return self._patiently(act)

    def find_pull_request(self, head: str, sha: str) -> int:
        """The open pull request from `head` (`owner:branch`) whose last commit is `sha`.

        Raises:
            GitHubError: there is none, or GitHub cannot be asked.
        """

        def act() -> int:
            query = httpx.QueryParams({"head": head, "state": "open", "per_page": str(PAGE)})
            for found in self._call("GET", f"{self._base}/pulls?{query}"):
                if found["head"]["sha"] == sha:
                    return int(found["number"])
            raise GitHubError(
                f"no open pull request from {terminal(head)} is at commit {terminal(sha)}",
                "It has moved on or was closed: there is nothing to comment on.",
            )

        return self._patiently(act)

    def _mine(self, pull_request: int, marker: str) -> list[dict[str, Any]]:
        comments = [
            comment for comment in self._comments(pull_request) if str(comment.get("body", "")).startswith(marker)
        ]
        if not comments:
            return []
        is_mine = self._author()
        return [comment for comment in comments if is_mine(comment.get("user") or {})]

    def _comments(self, pull_request: int) -> Iterator[dict[str, Any]]:
        for page in range(1, MAX_PAGES + 1):
            found = self._call("GET", f"{self._base}/issues/{pull_request}/comments?per_page={PAGE}&page={page}")
            yield from found
            if len(found) < PAGE:
                return
        raise GitHubError(f"more than {MAX_PAGES * PAGE} comments", "Lock or split the conversation.")

    def _author(self) -> Callable[[dict[str, Any]], bool]:
        """Who this token is. The token of an app, such as a workflow's, may not ask: then it is the bot `app`."""
        try:
            me = int(self._call("GET", self._user)["id"])
        except GitHubError as error:
            if error.status not in {403, 404}:
                raise
            return lambda user: user.get("login") == self._app and user.get("type") == "Bot"
        return lambda user: user.get("id") == me

    def _patiently(self, act: Callable[[], _Done]) -> _Done:
        for attempt in range(ATTEMPTS):
            try:
                return act()
            except _Busy as busy:
                if attempt == ATTEMPTS - 1:
                    raise busy.error from None
                self._sleep(min(MAX_WAIT, 2.0**attempt if busy.seconds is None else busy.seconds))
        raise AssertionError("the last attempt returns or raises")

    def _call(self, method: str, url: str, body: dict[str, str] | None = None) -> Any:
        try:
            response = self._client.request(method, url, json=body)
        except httpx.HTTPError as error:
            raise _Busy(GitHubError(f"{method} {url}: {self._harmless(str(error)) or type(error).__name__}")) from None
        if response.is_success:
            return self._read(response)
        status = response.status_code
        refusal = GitHubError(self._said(method, url, response), _CURES.get(status, ""), status)
        if status in _BUSY or _is_limited(response):
            raise _Busy(refusal, _wait(response))
        raise refusal

    def _read(self, response: httpx.Response) -> Any:
        try:
            return response.json() if response.content else {}
        except ValueError:
            raise GitHubError(f"{response.request.url} answered no JSON", "Is the API's address right?") from None

    def _said(self, method: str, url: str, response: httpx.Response) -> str:
        try:
            reason = str(response.json().get("message", ""))
        except (ValueError, AttributeError):
            reason = response.reason_phrase
        return f"{method} {url}: {response.status_code} {self._harmless(reason)}"

    def _harmless(self, text: str) -> str:
        return clip(terminal(text.replace(self._token, "***")), 200)


def _is_limited(response: httpx.Response) -> bool:
    """A rate limit comes as 403 too: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api."""
    if response.status_code != 403:
        return False
    spent = response.headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in response.headers or "rate limit" in response.text.lower()


def _wait(response: httpx.Response) -> float | None:
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isdecimal() else None


def _may_carry_token(api: str) -> bool:
    url = httpx.URL(api)
    if url.scheme == "https":
        return True
    try:
        return url.scheme == "http" and ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False
