"""Requests that are sent a few times in all beside the users, such as large files. Imported by the generator only."""

import json
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any, NamedTuple

import gevent  # type: ignore[import-untyped]
from gevent.pool import Group  # type: ignore[import-untyped]
from locust.contrib.fasthttp import FastHttpSession

from certify_checks.load.generator.files import table
from certify_checks.load.generator.tally import DIGITS, FIRST_OF_JOBS
from certify_checks.variables import UNIQUE, fill

FIRST = 0.05  # of its share of the window: soon, but not with the window's very first request


class Job(NamedTuple):
    """One request, ready to be sent."""

    operation: int
    url: str
    body: str
    unique: str
    after: float


class Jobs:
    """What is to be sent in the measured window; it is made before, so that making it disturbs nobody."""

    def __init__(self, mix: Any, events: Any) -> None:
        self._mix, self._tally = mix, mix.tally
        timeout = mix.config["timeout"]
        self._session = FastHttpSession(
            None, events, None, insecure=False, concurrency=10, network_timeout=timeout, connection_timeout=timeout
        )
        # Apart from the numbers of users, so that those of one file follow on each other.
        self._numbers = count(FIRST_OF_JOBS)
        self._group = Group()
        self.jobs = sorted(self._made(), key=lambda job: job.after)

    def start(self) -> None:
        """Send them from now on, evenly over the window; an operation that is sent `twice` is, each time."""
        for job in self.jobs:
            self._group.spawn(self._send, job)
            if self._mix.operations[job.operation]["twice"]:
                self._group.spawn(self._send, job)

    def wait(self) -> None:
        """Wait until all are answered, or have timed out."""
        self._group.join()

    def _made(self) -> Iterable[Job]:
        for number, operation in enumerate(self._mix.operations):
            apart = self._mix.config["hold"] / max(1, operation["times"])
            for turn in range(operation["times"]):
                url, body, unique = self._request(operation)
                yield Job(number, url, body, unique, (turn + FIRST) * apart)

    def _request(self, operation: Mapping[str, Any]) -> tuple[str, str, str]:
        mix, upload = self._mix, operation["upload"]
        values = operation.get("values") or mix.config["values"]
        if upload:
            uniques = [self._unique() for _ in range(upload["rows"])]
            body = table(upload["row"], uniques, lambda field, unique: fill(field, values, mix.chance, unique))
            return operation["url"].replace(UNIQUE, uniques[0]), body, uniques[0]
        unique = self._unique()
        variables = fill(operation["variables"], values, mix.chance, unique)
        return operation["url"], json.dumps({"query": operation["query"], "variables": variables}), unique

    def _unique(self) -> str:
        return f"{self._mix.config['run']}{next(self._numbers):0{DIGITS}x}"

    def _send(self, job: Job) -> None:
        gevent.sleep(job.after)
        operation = self._mix.operations[job.operation]
        about = self._mix.about(job.operation, self._tally.begin(job.operation, job.unique))
        self._session.post(job.url, data=job.body, headers=operation["headers"], name=operation["name"], context=about)
