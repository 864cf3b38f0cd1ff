"""The pytest plugin that gives scenarios the running stack, and writes down how each of them ended.

Fixtures: `stack`, `gateway`, `service(name)`, `user(role)`, `mailbox`, `eventually`, `trace`, `unique`.
Markers: `scenario(name)`, `notices(alteration)`.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from certify.api import Stack
from certify_checks.scenario.decoy import PREFIX
from certify_checks.scenario.recorder import NOTICES, SCENARIO, TRACE, CollectionRecorder, Recorder
from certify_checks.scenario.talk import Endpoint, Mailbox, Trace, User, ask_again, handover

_current = pytest.StashKey[Trace]()


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack."""
    return handover().stack


@pytest.fixture(scope="session")
def trace(pytestconfig: pytest.Config) -> Trace:
    """The trace of the test that runs now."""
    return pytestconfig.stash[_current]


@pytest.fixture(scope="session")
def certify_http(trace: Trace) -> Iterator[httpx.Client]:
    """The client that all of a process's scenarios share."""

    def traced(request: httpx.Request) -> None:
        request.headers.update(trace.headers())

    with httpx.Client(timeout=15, trust_env=False, event_hooks={"request": [traced]}) as client:
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

    def of(role: str) -> User:
        return known.setdefault(role, User(role, stack, certify_http))

    return of


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Ask again and again until the answer is truthy, and give it."""
    longest = handover().patience_us / 1_000_000

    def ask(probe: Callable[[], Any], *, within: float = 10.0, every: float = 0.1, what: str = "") -> Any:
        __tracebackhide__ = True
        return ask_again(probe, within=min(within, longest) if longest else within, every=every, what=what)

    return ask


@pytest.fixture(scope="session")
def mailbox(certify_http: httpx.Client, eventually: Callable[..., Any]) -> Mailbox:
    """What the stack sent to people by e-mail and SMS."""
    url = handover().mailbox
    assert url, "the stack has no mailbox; name one in the check's option `mailbox`"  # noqa: S101 - an assertion of a test
    return Mailbox(url, certify_http, eventually)


@pytest.fixture(scope="session")
def unique() -> Callable[[str], str]:
    """A text that nobody else uses, for data of one's own: `unique("customer")`. Safe beside other processes."""
    process = f"{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}-{secrets.token_hex(4)}"
    numbers = count(1)

    def text(what: str = "") -> str:
        return f"{what}-{process}-{next(numbers)}".lstrip("-")

    return text


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line("markers", "scenario(name): the scenario that a test proves")
    config.addinivalue_line("markers", "notices(alteration): fails when amount, notification or event is spoilt")
    config.stash[_current] = Trace(handover().stack.spans)


# First, because pytest sets up the fixtures of the test in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin a trace before the first fixture of the test sends anything."""
    current = item.config.stash[_current]
    current.begin()
    item.user_properties.append((TRACE, [current.id]))


def names_of(item: pytest.Item, marker: str = "scenario") -> tuple[str, ...]:
    """What a test is marked with."""
    return tuple(str(name) for found in item.iter_markers(marker) for name in found.args)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave only what was asked for, and the decoys."""
    given = handover()
    wanted = set(given.scenarios)
    for item in items:
        item.user_properties.append((SCENARIO, list(names_of(item))))
        item.user_properties.append((NOTICES, list(names_of(item, "notices"))))

    def asked(item: pytest.Item) -> bool:
        names = names_of(item)
        if any(name.startswith(PREFIX) for name in names):
            return True
        if given.notices and given.notices not in names_of(item, "notices"):
            return False
        return not wanted or not wanted.isdisjoint(names)

    config.hook.pytest_deselected(items=[item for item in items if not asked(item)])
    items[:] = [item for item in items if asked(item)]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Listen: to collection in every process, to tests in the one that hears of all of them."""
    results = Path(handover().results)
    plugins = session.config.pluginmanager
    plugins.register(CollectionRecorder(results))
    if not hasattr(session.config, "workerinput"):
        plugins.register(Recorder(results))
