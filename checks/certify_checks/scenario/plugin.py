"""The pytest plugin that gives scenarios the running stack, and writes down how each of them ended.

Fixtures: `stack`, `gateway`, `service(name)`, `user(role)`, `eventually`. Marker: `scenario(name)`.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import pytest

from certify.api import Service, Stack
from certify_checks.http import GraphQLAnswer, bearer, describe, read_graphql
from certify_checks.scenario.decoy import PREFIX
from certify_checks.scenario.model import Handover, TestResult

HANDOVER = "CERTIFY_SCENARIO_HANDOVER"
_PROPERTY = "certify-scenario"
_MESSAGE = 2_000
_WORST = ("error", "failed", "xfailed", "skipped", "passed")
Value = TypeVar("Value")


class User:
    """Somebody with a role; logs in when first needed."""

    def __init__(self, role: str, stack: Stack, http: httpx.Client) -> None:
        self.role = role
        self._credentials, self._http = stack.credentials, http
        self._token: str = self._credentials.get("tokens", {}).get(role, "")

    @property
    def token(self) -> str:
        """A bearer token."""
        __tracebackhide__ = True
        if not self._token:
            known = self._credentials.get("users", {}).get(self.role)
            assert known, f"the stack gives no user of role {self.role!r}"  # noqa: S101 - an assertion of a test
            body = {name: known[name] for name in ("username", "password")}
            response = self._http.post(self._credentials["login"], json=body)
            assert response.status_code == 200, f"log-in of {self.role!r}: HTTP {response.status_code}"  # noqa: S101 - as above
            self._token = str(response.json()["access_token"])
        return self._token


class Endpoint:
    """One service, or the gateway, as a test talks to it."""

    def __init__(self, service: Service, http: httpx.Client) -> None:
        self.service, self._http = service, http

    def answer(self, document: str, user: User | None = None, **variables: Any) -> GraphQLAnswer:
        """Run one GraphQL operation and give whatever came back."""
        path = (self.service.graphql or "/graphql").lstrip("/")
        headers = bearer(user.token) if user else {}
        body = {"query": document, "variables": variables}
        return read_graphql(self._http.post(f"{self.service.url.rstrip('/')}/{path}", json=body, headers=headers))

    def query(self, document: str, user: User | None = None, **variables: Any) -> dict[str, Any]:
        """Run one GraphQL operation that must succeed, and give its data."""
        __tracebackhide__ = True
        answer = self.answer(document, user, **variables)
        assert answer.ok, f"{self.service.name}: {answer.complaint}"  # noqa: S101 - an assertion of a test
        return answer.data

    def get(self, path: str, user: User | None = None) -> httpx.Response:
        """GET a path."""
        url = f"{self.service.url.rstrip('/')}/{path.lstrip('/')}"
        return self._http.get(url, headers=bearer(user.token) if user else {})


def handover() -> Handover:
    """What the check has left for this process.

    Raises:
        pytest.UsageError: there is nothing; scenarios are run by certify.
    """
    path = os.environ.get(HANDOVER)
    if not path:
        raise pytest.UsageError(f"{HANDOVER} is not set: scenarios are run by `certify --only scenario`")
    return msgspec.json.decode(Path(path).read_bytes(), type=Handover)


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack."""
    return handover().stack


@pytest.fixture(scope="session")
def certify_http() -> Iterator[httpx.Client]:
    """The client that all of a process's scenarios share."""
    with httpx.Client(timeout=15, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def gateway(stack: Stack, certify_http: httpx.Client) -> Endpoint:
    """The gateway."""
    assert stack.gateway, "the profile has no gateway"  # noqa: S101 - an assertion of a test
    return Endpoint(stack.gateway, certify_http)


@pytest.fixture(scope="session")
def service(stack: Stack, certify_http: httpx.Client) -> Callable[[str], Endpoint]:
    """A service by name."""
    return lambda name: Endpoint(stack.service(name), certify_http)


@pytest.fixture(scope="session")
def user(stack: Stack, certify_http: httpx.Client) -> Callable[[str], User]:
    """Somebody with that role; one log-in per role and process."""
    known: dict[str, User] = {}
    return lambda role: known.setdefault(role, User(role, stack, certify_http))


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Ask again and again until the answer is truthy, and give it."""
    return ask_again


def ask_again(probe: Callable[[], Value], *, within: float = 10.0, every: float = 0.1, what: str = "") -> Value:
    """Ask until the answer is truthy; fail after `within` seconds with what was last seen."""
    __tracebackhide__ = True
    deadline = time.monotonic() + within
    while True:
        trouble = ""
        try:
            if seen := probe():
                return seen
            last = repr(seen)
        except (AssertionError, httpx.HTTPError) as error:
            last, trouble = "", describe(error)
        if time.monotonic() > deadline:
            pytest.fail(f"{what or 'it'} did not come within {within:g} s; last seen: {trouble or last[:300]}")
        time.sleep(every)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "scenario(name): the scenario that a test proves")


def names_of(item: pytest.Item) -> tuple[str, ...]:
    """The scenarios that a test is marked with."""
    return tuple(str(name) for marker in item.iter_markers("scenario") for name in marker.args)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave only what was asked for, and the decoys."""
    wanted = set(handover().scenarios)
    for item in items:
        item.user_properties.append((_PROPERTY, list(names_of(item))))
    if not wanted:
        return

    def asked(item: pytest.Item) -> bool:
        return any(name in wanted or name.startswith(PREFIX) for name in names_of(item))

    config.hook.pytest_deselected(items=[item for item in items if not asked(item)])
    items[:] = [item for item in items if asked(item)]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Listen: to collection in every process, to tests in the one that hears of all of them."""
    results = Path(handover().results)
    plugins = session.config.pluginmanager
    plugins.register(CollectionRecorder(results))
    if not hasattr(session.config, "workerinput"):
        plugins.register(Recorder(results))


def write(file: Path, result: TestResult) -> None:
    """Append one line; short ones of several processes do not mix."""
    with file.open("ab", buffering=0) as output:
        output.write(msgspec.json.encode(result) + b"\n")


class CollectionRecorder:
    """Writes down files that could not be read or were left out whole: their tests would be gone without a word."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Hear of one file."""
        if report.outcome != "passed":
            outcome = "error" if report.outcome == "failed" else "skipped"
            write(self._file, TestResult(report.nodeid, (), outcome, said(report.longrepr)[2], report.nodeid))


class Recorder:
    """Writes one line for each test as soon as it has ended, so that nothing is lost when the rest is."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._parts: dict[str, list[TestResult]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of one part of one test; the report of a process that died has no name for its part."""
        parts = self._parts.setdefault(report.nodeid, [])
        parts.append(part_of(report))
        if report.when not in {"setup", "call"}:
            worst = min(parts, key=lambda part: _WORST.index(part.outcome))
            write(self._file, msgspec.structs.replace(worst, elapsed_us=sum(part.elapsed_us for part in parts)))


def said(longrepr: object) -> tuple[str, int, str]:
    """File, line and message in what pytest shows of a failure; empty where it says nothing."""
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.path), int(crash.lineno), str(crash.message)[:_MESSAGE]
    if isinstance(longrepr, tuple):
        return str(longrepr[0]), int(longrepr[1]), str(longrepr[2])[:_MESSAGE]
    return "", 0, str(longrepr or "").strip().rpartition("\n")[2][:_MESSAGE]


def part_of(report: pytest.TestReport) -> TestResult:
    """One part (set-up, call, tear-down) of one test."""
    outcome: str = report.outcome
    if outcome == "failed" and report.when != "call":
        outcome = "error"
    if outcome == "skipped" and hasattr(report, "wasxfail"):
        outcome = "xfailed"
    file, line, message = said(report.longrepr)
    return TestResult(
        report.nodeid,
        tuple(name for key, names in report.user_properties if key == _PROPERTY for name in names),  # type: ignore[attr-defined]  # pytest says object
        outcome,
        message,
        file or report.location[0],
        line or (report.location[1] or 0) + 1,
        int(report.duration * 1_000_000),
    )
