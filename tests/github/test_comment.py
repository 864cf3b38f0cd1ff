"""The sticky comment, against a small real server that speaks the three end points of GitHub's API."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from certify.cli.comment import TargetError, find_target
from certify.cli.main import main
from certify.github import ATTEMPTS, GitHub, GitHubError

TOKEN = "ghs_veryverysecret"
MARKER = "<!-- certify:finance -->"
BOT = {"id": 41898282, "login": "github-actions[bot]", "type": "Bot"}
STRANGER = {"id": 7, "login": "mallory", "type": "User"}


class Api:
    """State of the stub; `trouble` answers first as long as it has something to say."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.pulls: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.user: dict[str, Any] | None = None
        self.trouble: list[tuple[int, dict[str, str], str]] = []
        self.url = ""

    def add(self, user: dict[str, Any], body: str) -> dict[str, Any]:
        number = 100 + len(self.calls) + len(self.comments)
        comment = {"id": number, "user": user, "body": body, "html_url": f"https://github.test/c/{number}"}
        self.comments.append(comment)
        return comment

    def answer(self, method: str, target: str, body: dict[str, str]) -> tuple[int, Any]:
        path = urlsplit(target).path
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        if path == "/user":
            return (200, self.user) if self.user else (403, {"message": "Resource not accessible by integration"})
        if path == "/repos/acme/erp/pulls":
            return 200, [pull for pull in self.pulls if pull["label"] == query["head"]]
        if path == "/repos/acme/erp/issues/12/comments":
            if method == "POST":
                return 201, self.add(self.user or BOT, body["body"])
            size, page = int(query["per_page"]), int(query["page"])
            return 200, self.comments[(page - 1) * size : page * size]
        for comment in self.comments:
            if path == f"/repos/acme/erp/issues/comments/{comment['id']}":
                return self.change(method, comment, body)
        return 404, {"message": "Not Found"}

    def change(self, method: str, comment: dict[str, Any], body: dict[str, str]) -> tuple[int, Any]:
        if method == "DELETE":
            self.comments.remove(comment)
            return 204, None
        comment["body"] = body["body"]
        return 200, comment


class Handler(BaseHTTPRequestHandler):
    api: Api

    def handle_any(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        self.api.calls.append(f"{self.command} {self.path}")
        assert self.headers["authorization"] == f"Bearer {TOKEN}"
        headers: dict[str, str] = {}
        if self.api.trouble:
            status, headers, message = self.api.trouble.pop(0)
            value: Any = {"message": message}
        else:
            status, value = self.api.answer(self.command, self.path, body)
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - names that the base class calls

    def log_message(self, *args: object) -> None:
        """Keep the test's output quiet."""


@pytest.fixture
def api() -> Iterator[Api]:
    state = Api()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"api": state}))
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def github(api: Api, waits: list[float]) -> Iterator[GitHub]:
    with GitHub(api.url, "acme/erp", TOKEN, sleep=waits.append) as client:
        yield client


def body(text: str) -> str:
    return f"{MARKER}\n{text}"


def test_first_run_creates_and_second_updates_the_same_comment(api: Api, github: GitHub):
    api.add(STRANGER, "nice work")
    assert github.put_comment(12, MARKER, body("one")).action == "created"
    assert github.put_comment(12, MARKER, body("two")).action == "updated"
    assert github.put_comment(12, MARKER, body("two")).action == "unchanged"
    assert [comment["body"] for comment in api.comments] == ["nice work", body("two")]


def test_a_strangers_comment_with_our_marker_is_left_alone(api: Api, github: GitHub):
    api.add(STRANGER, body("CERTIFIED, trust me"))
    api.add({**STRANGER, "login": "github-actions[bot]"}, body("a user who took the bot's name"))
    assert github.put_comment(12, MARKER, body("NOT CERTIFIED")).action == "created"
    assert [comment["user"]["login"] for comment in api.comments][2] == "github-actions[bot]"
    assert api.comments[0]["body"] == body("CERTIFIED, trust me")
    assert api.comments[2]["body"] == body("NOT CERTIFIED")


def test_a_marker_that_is_quoted_further_down_is_not_ours(api: Api, github: GitHub):
    api.add(BOT, f"> quoting\n{MARKER}")
    assert github.put_comment(12, MARKER, body("x")).action == "created"


def test_a_personal_token_is_known_by_its_user_id(api: Api, github: GitHub):
    api.user = {"id": 99, "login": "release-bot", "type": "User"}
    api.add(BOT, body("of another workflow"))
    api.add(api.user, body("old"))
    assert github.put_comment(12, MARKER, body("new")).action == "updated"
    assert [comment["body"] for comment in api.comments] == [body("of another workflow"), body("new")]


def test_comment_on_a_later_page_is_found_and_doubles_go(api: Api, github: GitHub):
    for number in range(250):
        api.add(STRANGER, f"comment {number}")
    api.add(BOT, body("old"))
    api.add(BOT, body("double"))
    posted = github.put_comment(12, MARKER, body("new"))
    assert (posted.action, posted.removed) == ("updated", 1)
    assert [comment["body"] for comment in api.comments if comment["user"] == BOT] == [body("new")]


@pytest.mark.parametrize(
    ("trouble", "wait"),
    [
        ((502, {}, "Bad gateway"), 1.0),
        ((429, {"retry-after": "9"}, "slow down"), 9.0),
        ((403, {"retry-after": "3600"}, "secondary"), 60.0),
        ((403, {}, "You have exceeded a secondary rate limit"), 1.0),
        ((403, {"x-ratelimit-remaining": "0"}, "limit"), 1.0),
    ],
)
def test_busy_answers_are_tried_again(api: Api, github: GitHub, waits: list[float], trouble: Any, wait: float):
    api.trouble = [trouble]
    assert github.put_comment(12, MARKER, body("x")).action == "created"
    assert waits == [wait]


def test_an_answer_lost_after_the_work_was_done_makes_no_double(api: Api, github: GitHub):
    real = api.answer

    def lose_the_first_post(method: str, target: str, content: dict[str, str]) -> tuple[int, Any]:
        done = real(method, target, content)
        if method == "POST" and len(api.comments) == 1 and "lost" not in api.calls:
            api.calls.append("lost")
            return 502, {"message": "lost"}
        return done

    api.answer = lose_the_first_post  # type: ignore[method-assign]
    assert github.put_comment(12, MARKER, body("x")).action == "unchanged"
    assert len(api.comments) == 1


def test_patience_ends(api: Api, github: GitHub, waits: list[float]):
    api.trouble = [(503, {}, "down")] * 50
    with pytest.raises(GitHubError, match="503 down"):
        github.put_comment(12, MARKER, body("x"))
    assert len(waits) == ATTEMPTS - 1
    assert len(api.calls) == ATTEMPTS


@pytest.mark.parametrize(
    ("status", "said"), [(401, "not valid"), (403, "pull-requests: write"), (404, "OWNER/NAME"), (422, "locked")]
)
def test_refusals_are_explained_at_once_and_hide_the_token(api: Api, github: GitHub, status: int, said: str):
    api.trouble = [(status, {}, f"no \x1b[31m{TOKEN}")]
    with pytest.raises(GitHubError) as refused:
        github.put_comment(12, MARKER, body("x"))
    assert said in refused.value.cure
    assert TOKEN not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert len(api.calls) == 1


def test_nobody_there_is_an_error_without_the_token(waits: list[float]):
    nobody = GitHub("http://127.0.0.1:9", "acme/erp", TOKEN, sleep=waits.append)
    with nobody as github, pytest.raises(GitHubError) as failed:
        github.put_comment(12, MARKER, body("x"))
    assert TOKEN not in str(failed.value)
    assert len(waits) == ATTEMPTS - 1


def test_the_token_is_not_sent_in_the_clear():
    with pytest.raises(GitHubError, match="not https"):
        GitHub("http://github.example.org/api/v3", "acme/erp", TOKEN)


def test_redirects_are_not_followed(api: Api, github: GitHub):
    api.trouble = [(301, {"location": "http://127.0.0.1:9/"}, "moved")]
    with pytest.raises(GitHubError, match="301"):
        github.put_comment(12, MARKER, body("x"))


def test_the_pull_request_of_a_fork_is_found_by_its_head(api: Api, github: GitHub):
    api.pulls = [
        {"number": 3, "label": "eve:fix", "head": {"sha": "old"}},
        {"number": 12, "label": "eve:fix", "head": {"sha": "abc"}},
    ]
    assert github.find_pull_request("eve:fix", "abc") == 12
    with pytest.raises(GitHubError, match="no open pull request"):
        github.find_pull_request("eve:fix", "other")


def test_target_from_arguments_events_and_neither(tmp_path: Any):
    assert find_target("a/b", 4, {}) == ("a/b", 4, "", "")
    event = tmp_path / "event.json"
    environment = {"GITHUB_REPOSITORY": "a/b", "GITHUB_EVENT_PATH": str(event)}
    event.write_text('{"pull_request": {"number": 8}}')
    assert find_target(None, None, environment).pull_request == 8
    source = {"head_repository": {"owner": {"login": "eve"}}, "head_branch": "fix", "head_sha": "abc"}
    event.write_text(json.dumps({"workflow_run": source}))
    assert find_target(None, None, environment) == ("a/b", 0, "eve:fix", "abc")
    event.write_text("[]")
    with pytest.raises(TargetError, match="no pull request"):
        find_target(None, None, environment)
    with pytest.raises(TargetError, match="OWNER/NAME"):
        find_target("a/b/../../x", 4, {})
    with pytest.raises(TargetError, match="--pr"):
        find_target("a/b", None, {})


def test_the_command_posts_what_report_renders(
    api: Api, run_folder: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    folder = run_folder()
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    arguments = ["comment", "--dir", str(folder), "--repo", "acme/erp", "--pr", "12", "--api", api.url]
    assert main(arguments) == 0
    assert main(["report", str(folder), "--format", "md"]) == 0
    shown = capfd.readouterr()
    assert [comment["body"] for comment in api.comments] == [shown.out]
    assert shown.out.startswith(MARKER)
    assert "created: https://github.test/c/" in shown.err
    assert TOKEN not in shown.out + shown.err


def test_a_run_that_contradicts_itself_is_not_posted(
    api: Api, run_folder: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    folder = run_folder()
    decision = json.loads((folder / "decision.json").read_text())
    decision["verdict"] = "CERTIFIED"
    (folder / "decision.json").write_text(json.dumps(decision))
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    assert main(["comment", "--dir", str(folder), "--repo", "acme/erp", "--pr", "12", "--api", api.url]) == 2
    assert "contradicts" in capfd.readouterr().err
    assert not api.comments
