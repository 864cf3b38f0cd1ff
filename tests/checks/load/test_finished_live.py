"""Accepted work in both colours: a real server that works off jobs and files, loses some, ends some badly; the real generator."""

import asyncio
import csv
import json
import time
from asyncio import run
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from certify.api import Context, Criteria, Duration, Limit, Outcome
from certify_checks.load.check import CHECK
from certify_checks.load.config import Effect, LoadConfig, Operation, Shape
from certify_checks.load.model import LoadSeen
from certify_checks.load.work import Finish, Upload

NONE = Limit.parse("== 0")
ASKED = Criteria({"finished-p95": Limit.parse("< 10 s"), "unfinished": NONE, "lost": NONE, "double": NONE})
RULES = {rule.id: rule for rule in CHECK.rules}
TAKES = 0.2
END = Finish(
    "query Job($id: ID!) { job }", "ask.id", "job.state", ("DONE",), ("FAILED",), Duration("50 ms"), Duration("3 s")
)
LISTED = "query($limit: Int!, $offset: Int!) { rows(limit: $limit, offset: $offset) { text } }"
ROWS = 250


def offer(users: int = 20) -> LoadConfig:
    ask = Operation("ask", "mutation Ask", 1, finish=END)
    row = {"name": "N-{unique}", "kind": "{kind}"}
    load = Operation(
        "load",
        upload=Upload("/files?name={unique}.csv", row, ROWS),
        times=1,
        twice=1,
        finish=Finish(END.query, "id", "job.state", ("DONE",), ("FAILED",), Duration("50 ms"), Duration("3 s")),
    )
    return LoadConfig(
        shapes={"work": Shape((ask, load), effects={"rows": Effect(LISTED, "rows.text", "load")})},
        users=users,
        ramp=Duration("200 ms"),
        warmup=Duration("200 ms"),
        hold=Duration("2 s"),
        think_min=Duration("50 ms"),
        think_max=Duration("150 ms"),
    )


class Office:
    """Takes jobs and files, and has done them after a while; `fault` says what it does wrong."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.jobs: dict[str, float] = {}
        self.files: dict[bytes, str] = {}
        self.rows: list[str] = []
        self.polls = 0

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        told, status = await self.answer(scope["path"], body)
        text = json.dumps(told).encode()
        headers = [(b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    async def answer(self, path: str, body: bytes) -> tuple[Any, int]:
        if path == "/files":
            return {"id": self.take(body)}, 202
        if path != "/graphql":
            return {"access_token": "secret"}, 200
        asked = json.loads(body)
        if "Job" in asked["query"]:
            self.polls += 1
            return {"data": {"job": {"state": self.state(asked["variables"]["id"])}}}, 200
        if "rows" in asked["query"]:
            first = asked["variables"]["offset"]
            page = self.rows[first : first + asked["variables"]["limit"]]
            return {"data": {"rows": [{"text": row} for row in page]}}, 200
        await asyncio.sleep(0.005)
        return {"data": {"ask": {} if self.fault == "no id" else {"id": self.job()}}}, 200

    def job(self) -> str:
        name = f"job-{len(self.jobs)}"
        self.jobs[name] = time.monotonic() + TAKES
        return name

    def state(self, name: str) -> str:
        unlucky = int(name.partition("-")[2]) % 5 == 0
        if self.fault == "forgets some" and unlucky:
            return "RUNNING"
        if time.monotonic() < self.jobs[name]:
            return "RUNNING"
        return "FAILED" if self.fault == "fails some" and unlucky else "DONE"

    def take(self, body: bytes) -> str:
        if body not in self.files or self.fault == "takes files twice":
            self.files[body] = self.job()
            rows = [row["name"] for row in csv.DictReader(body.decode().splitlines())]
            self.rows += rows[:-3] if self.fault == "drops rows" else rows
        return self.files[body]


Contexts = Callable[..., Context]
Serving = Callable[[Office], AbstractContextManager[str]]


def observed(context: Contexts, serving: Serving, fault: str = "") -> tuple[LoadSeen, Office]:
    office = Office(fault)
    with serving(office) as address:
        return run(CHECK.observe(context(address), offer())), office


def test_work_that_is_done_passes_and_asking_for_it_is_no_load(context: Contexts, serving: Serving):
    seen, office = observed(context, serving)
    for name in ("finished", "completed", "effects"):
        told = RULES[name].judge(seen, ASKED)
        assert told.outcome is Outcome.PASS, told
    asked, loaded = seen.finishing.operations
    assert len(asked.answered) > 100
    assert min(asked.answered) >= TAKES * 1e6
    # Two sendings of one file, which is taken once.
    assert len(loaded.answered) == 2
    assert (len(office.rows), seen.effects[0].done, seen.effects[0].repeated) == (ROWS, ROWS, ROWS)
    assert seen.finishing.polls == office.polls > len(asked.answered)
    assert seen.requests < len(office.jobs) + 2
    assert max(seen.operations[0].answered) < min(asked.answered)


@pytest.mark.parametrize(
    ("fault", "rule", "code"),
    [
        ("forgets some", "completed", "work-unfinished"),
        ("fails some", "completed", "work-failed"),
        ("no id", "completed", "work-nameless"),
        ("forgets some", "finished", "finished-p95-over-limit"),
        ("drops rows", "effects", "effect-lost"),
        ("takes files twice", "effects", "effect-double"),
    ],
)
def test_work_that_is_lost_turns_red(context: Contexts, serving: Serving, fault: str, rule: str, code: str):
    seen, _ = observed(context, serving, fault)
    told = RULES[rule].judge(seen, ASKED)
    assert told.outcome is Outcome.FAIL, told
    assert code in {finding.code for finding in told.findings}


def test_an_upload_to_nobody_is_no_verdict(context: Contexts, serving: Serving):
    shape = Shape((Operation("ask", "{ a }"), Operation("up", upload=Upload("/", {"a": "b"}, service="x"), times=1)))
    with serving(Office()) as address:
        seen = run(CHECK.observe(context(address), LoadConfig(shapes={"work": shape}, users=1)))
    assert seen.unusable == "no-such-service"
    assert RULES["latency"].judge(seen, Criteria({"p95": Limit.parse("< 1 s")})).outcome is Outcome.INCONCLUSIVE
