"""Follows accepted work until it is finished: each piece is asked for, again and again. Imported by the generator only.

What is asked for this is no request of the load: it goes over connections of its own, and no listener hears of it.
"""

import json
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from gevent.pool import Group  # type: ignore[import-untyped]
from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook

from certify_checks.load.generator.outcomes import NAMELESS, OK, REFUSED, UNFINISHED, classify
from certify_checks.load.generator.tally import FINISHED, Row, Tally, write
from certify_checks.variables import at_path

COLUMNS = ("due_us", "elapsed_us", "operation", "outcome", "unique")
AT_ONCE = 100
MICRO = 1_000_000


class Following:
    """All work of one load that was accepted and is not finished.

    Attributes:
        rows: what ended: when it was due, how long it took from then on, operation, outcome, unique number.
        polls: how often it was asked; `deaf` of these had no right answer.
    """

    def __init__(self, config: dict[str, Any], tally: Tally) -> None:
        self._operations, self._tally = config["operations"], tally
        self._group = Group()
        timeout = config["timeout"]
        nobody = EventHook()  # type: ignore[no-untyped-call]
        self._session = FastHttpSession(
            None,
            nobody,
            None,
            insecure=False,
            concurrency=AT_ONCE,
            network_timeout=timeout,
            connection_timeout=timeout,
        )
        self.rows: list[tuple[int, int, int, str, str]] = []
        self.polls = self.deaf = 0

    def accepted(self, row: Row, content: bytes) -> None:
        """A request was answered; follow what it asked for, if its operation says how."""
        if self._operations[row.operation]["finish"]:
            self._group.spawn(self._follow, row, content)

    def wait(self) -> None:
        """Wait until each piece is finished, or was asked for as long as its operation says."""
        self._group.join()

    @property
    def under_way(self) -> int:
        """How many pieces are not finished yet."""
        return len(self._group)

    def write(self, folder: Path) -> None:
        """Write what ended."""
        write(folder / FINISHED, COLUMNS, sorted(self.rows))

    def _follow(self, row: Row, content: bytes) -> None:
        operation = self._operations[row.operation]
        finish = operation["finish"]
        found = at_path(_root(content, graphql=not operation["upload"]), finish["id"])
        if not found:
            self._end(row, NAMELESS, self._tally.now(), content[:300].decode(errors="replace"))
            return
        body = json.dumps({"query": finish["query"], "variables": {"id": found[0]}})
        until, said = row.due_us + int(finish["within"] * MICRO), ""
        while (now := self._tally.now()) < until:
            gevent.sleep(min(finish["every"], (until - now) / MICRO))
            state, said = self._ask(body, operation)
            at = self._tally.now()
            if state in finish["done"]:
                self._end(row, OK, at, "")
                return
            if state in finish["failed"]:
                self._end(row, REFUSED, at, said)
                return
        self._end(row, UNFINISHED, until, said)

    def _ask(self, body: str, operation: dict[str, Any]) -> tuple[str, str]:
        """The state now, empty when it cannot be told, and the answer in short."""
        self.polls += 1
        response = self._session.post(operation["followed_at"], data=body, headers=operation["followed_as"])
        try:
            status, content = int(response.status_code or 0), bytes(response.content or b"")
        except Exception:  # noqa: BLE001 - whatever went wrong while the body was read, there is no whole answer
            status, content = 0, b""
        outcome, said = classify(status, content, nullable=True)
        if outcome != OK:
            self.deaf += 1
            return "", f"{outcome} {said}".strip()
        found = at_path(_root(content, graphql=True), operation["finish"]["path"])
        return (str(found[0]) if found else ""), content[:300].decode(errors="replace")

    def _end(self, row: Row, outcome: str, at: int, said: str) -> None:
        self.rows.append((row.due_us, at - row.due_us, row.operation, outcome, row.unique))
        if said and outcome != OK:
            self._tally.examples.setdefault(f"{row.operation} finish {outcome}", said)


def _root(content: bytes, *, graphql: bool) -> Any:
    told = json.loads(content)
    return told.get("data") if graphql else told
