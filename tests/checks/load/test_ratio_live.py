"""Two real servers under one load in turns: the slower one is found, and other rules see the certified one alone."""

import asyncio
import json
from asyncio import run
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from msgspec.structs import replace

from certify.api import Context, Criteria, Duration, Limit, Outcome, Service, Stack
from certify_checks.load.check import CHECK
from certify_checks.load.config import LoadConfig, Operation, Shape
from certify_checks.load.model import Calibration, LoadSeen
from certify_checks.picks import Pick

RATIO = next(rule for rule in CHECK.rules if rule.id == "ratio")
ASKED = Criteria({"ratio": Limit.parse("< 300 %")})
LOAD = LoadConfig(
    shapes={
        "mix": Shape((Operation("read", "{ read }", variables={"id": "{id}"}),), {"id": Pick("{ ids }", "ids.id")})
    },
    compare="previous",
    users=60,
    ramp=Duration("300 ms"),
    warmup=Duration("500 ms"),
    hold=Duration("4 s"),
    think_min=Duration("20 ms"),
    think_max=Duration("60 ms"),
)


def app(token: str, delay: float, own: str) -> Callable[..., Any]:
    """Answers after `delay` to whoever has its own token and asks for what it has."""

    async def answer(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        told: dict[str, Any] = {"access_token": token}
        if scope["path"] == "/graphql":
            asked = json.loads(body)
            await asyncio.sleep(delay if "read" in asked["query"] else 0)
            right = dict(scope["headers"]).get(b"authorization") == f"Bearer {token}".encode()
            known = "ids" in asked["query"] or asked["variables"]["id"] == own
            told = {"data": {"ids": [{"id": own}]}} if right and known else {"errors": [{"message": "who?"}]}
        text = json.dumps(told).encode()
        headers = [(b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    return answer


def seen_by(ctx: Context, own: str, peer: str) -> LoadSeen:
    def stack(address: str) -> Stack:
        login = {"login": f"{address}/login", "users": {"admin": {"username": "a", "password": "b"}}}
        return Stack((), Service("gateway", address, graphql="/graphql"), login)

    return run(CHECK.observe(replace(ctx, stack=replace(stack(own), peers={"previous": stack(peer)})), LOAD))


def test_the_slower_of_two_is_found_and_each_gets_what_is_its_own(
    context: Callable[..., Context], serving: Callable[[Any], AbstractContextManager[str]]
):
    with serving(app("old", 0.02, "7")) as quick, serving(app("new", 0.2, "9")) as slow:
        seen = seen_by(context(slow), slow, quick)
        assert not seen.failures
        assert not sum(one.failures for one in seen.peer)
        assert min(seen.operations[0].answered) >= 200_000 > min(seen.peer[0].answered) >= 20_000
        told = RATIO.judge(seen, ASKED)
    assert told.outcome is Outcome.FAIL, told
    # How well this machine keeps time while others work is none of this test's.
    better = replace(seen, operations=seen.peer, peer=seen.operations, calibration=Calibration((0,) * 40))
    better = replace(better, generator=replace(seen.generator, cpu_ppm=0))
    assert RATIO.judge(better, ASKED).outcome is Outcome.PASS


def test_a_peer_that_is_not_up_is_no_pass(context: Callable[..., Context], address: str):
    asked = replace(LOAD, shapes={"mix": Shape((Operation("list", "{ list }"),))})
    seen = run(CHECK.observe(context(address), asked))
    assert RATIO.judge(seen, ASKED).reason == "no-peer"
