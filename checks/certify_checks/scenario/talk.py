"""What a scenario talks with: services, users, the mailbox, and the trace that all of it leaves."""

import json
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from certify.api import Service, Stack, read_spans
from certify_checks.http import GraphQLAnswer, bearer, describe, read_graphql
from certify_checks.scenario.model import Handover
from certify_checks.tracing import Hop

HANDOVER = "CERTIFY_SCENARIO_HANDOVER"
Value = TypeVar("Value")


def handover() -> Handover:
    """What the check has left for this process.

    Raises:
        pytest.UsageError: there is nothing; scenarios are run by certify.
    """
    path = os.environ.get(HANDOVER)
    if not path:
        raise pytest.UsageError(f"{HANDOVER} is not set: scenarios are run by `certify --only scenario`")
    return msgspec.json.decode(Path(path).read_bytes(), type=Handover)


class Trace:
    """The trace of the test that runs now: every request of the test belongs to it, also those of its fixtures.

    Attributes:
        id: 32 hexadecimal digits, as in `traceparent`.
    """

    def __init__(self, spans: str) -> None:
        self.id = ""
        self._spans = spans
        self._read = 0
        self._hops: list[Hop] = []
        self.begin()

    def begin(self) -> None:
        """A new test, a new trace."""
        self.id = secrets.token_hex(16)

    def headers(self) -> dict[str, str]:
        """W3C trace context of the next request."""
        return {"traceparent": f"00-{self.id}-{secrets.token_hex(8)}-01"}

    def services(self) -> set[str]:
        """Services that have sent a span of this trace so far; spans take a moment, so ask with `eventually`.

        Empty when nobody listens to the spans of the stack.
        """
        if self._spans:
            with Path(self._spans).open("rb") as file:
                file.seek(self._read)
                found = read_spans(file.read(), of=Hop)
            self._read += found.size
            self._hops += found.spans
        return {hop.service for hop in self._hops if hop.trace == self.id}


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
            self._token = self.new_token()
        return self._token

    def new_token(self) -> str:
        """A bearer token that nobody else has, of a log-in of its own."""
        __tracebackhide__ = True
        known = self._credentials.get("users", {}).get(self.role)
        assert known, f"the stack gives no user of role {self.role!r}"  # noqa: S101 - an assertion of a test
        body = {name: known[name] for name in ("username", "password")}
        response = self._http.post(self._credentials["login"], json=body)
        assert response.status_code == 200, f"log-in of {self.role!r}: HTTP {response.status_code}"  # noqa: S101 - as above
        return str(response.json()["access_token"])


class Endpoint:
    """One service, or the gateway, as a test talks to it. Whoever asks is a `User`, or a bearer token, or nobody."""

    def __init__(self, service: Service, http: httpx.Client) -> None:
        self.service, self._http = service, http

    def answer(self, document: str, user: User | str | None = None, **variables: Any) -> GraphQLAnswer:
        """Run one GraphQL operation and give whatever came back."""
        url = self._address(self.service.graphql or "/graphql")
        body = {"query": document, "variables": variables}
        return read_graphql(self._http.post(url, json=body, headers=_authorization(user)))

    def query(self, document: str, user: User | str | None = None, **variables: Any) -> dict[str, Any]:
        """Run one GraphQL operation that must succeed, and give its data."""
        __tracebackhide__ = True
        answer = self.answer(document, user, **variables)
        assert answer.ok, f"{self.service.name}: {answer.complaint}"  # noqa: S101 - an assertion of a test
        return answer.data

    def get(self, path: str, user: User | str | None = None) -> httpx.Response:
        """GET a path."""
        return self._http.get(self._address(path), headers=_authorization(user))

    def post(self, path: str, body: Any = None, user: User | str | None = None) -> httpx.Response:
        """POST JSON to a path."""
        return self._http.post(self._address(path), json=body, headers=_authorization(user))

    def _address(self, path: str) -> str:
        return f"{self.service.url.rstrip('/')}/{path.lstrip('/')}"


def _authorization(user: User | str | None) -> dict[str, str]:
    return bearer(user.token if isinstance(user, User) else user or "")


class Message(msgspec.Struct, frozen=True):
    """Something that the stack sent to a person; `kind` is `email` or `sms`."""

    kind: str
    to: str
    text: str
    subject: str = ""
    sender: str = ""
    id: str = ""
    headers: dict[str, str] = {}


class Mailbox:
    """What arrived outside of the stack."""

    def __init__(self, url: str, http: httpx.Client, ask: Callable[..., Any]) -> None:
        self._url, self._http, self._ask = url, http, ask

    def of(self, to: str) -> list[Message]:
        """What arrived at an address or a telephone number so far, oldest first."""
        response = self._http.get(f"{self._url}?{urlencode({'to': to})}")
        assert response.status_code == 200, f"mailbox: HTTP {response.status_code}"  # noqa: S101 - an assertion of a test
        return msgspec.convert(json.loads(response.content), list[Message])

    def wait(self, to: str, count: int = 1, *, within: float = 10.0) -> list[Message]:
        """All that arrived at an address, as soon as there are `count` messages."""
        __tracebackhide__ = True

        def enough() -> list[Message]:
            seen = self.of(to)
            return seen if len(seen) >= count else []

        found: list[Message] = self._ask(enough, within=within, what=f"message number {count} to {to}")
        return found


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
