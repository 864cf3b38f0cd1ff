"""Effects in both colours: a real server that keeps payments well, loses some, takes some twice; the real generator."""

import json
from asyncio import run, sleep
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import pytest

from certify.api import Context, Criteria, Duration, Limit, Outcome
from certify_checks.load.check import CHECK
from certify_checks.load.config import Effect, LoadConfig, Operation, Shape
from certify_checks.load.model import LoadSeen

ASKED = Criteria({"lost": Limit.parse("== 0"), "double": Limit.parse("== 0")})
EFFECTS = next(rule for rule in CHECK.rules if rule.id == "effects")
LISTED = "query($limit: Int!, $offset: Int!) { payments(limit: $limit, offset: $offset) { key amount } }"
SHOP = Shape(
    (
        Operation("pay", "mutation Pay", 3, {"key": "P-{unique}"}, twice=2),
        Operation("look", "query { payments }", 1, {"limit": 1, "offset": 0}),
    ),
    effects={
        "payments": Effect(LISTED, "payments.key", "pay"),
        "taken": Effect(LISTED, "payments.amount", "pay", adds="0.10"),
    },
)
LOAD = LoadConfig(
    shapes={"shop": SHOP},
    users=10,
    ramp=Duration("200 ms"),
    warmup=Duration("200 ms"),
    hold=Duration("1500 ms"),
    think_min=Duration("20 ms"),
    think_max=Duration("60 ms"),
)


class Shop:
    """Takes payments under a client's key; `fault` says what it does wrong with one in ten."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.kept: list[str] = ["old-1", "old-2"]
        self.known: set[str] = set()

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        told = (
            {"access_token": "secret"} if scope["path"] != "/graphql" else {"data": await self.answer(json.loads(body))}
        )
        text = json.dumps(told).encode()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(text)).encode())]}
        )
        await send({"type": "http.response.body", "body": text})

    def take_again(self) -> None:
        """The last one, after somebody has looked at all that was taken."""
        if self.fault == "takes one again later" and self.known:
            self.fault = ""
            self.kept.append(self.kept[-1])

    async def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        variables = asked["variables"]
        if "payments" in asked["query"]:
            page = self.kept[variables["offset"] : variables["offset"] + variables["limit"]]
            if variables["limit"] > 1 and len(page) < variables["limit"]:
                self.take_again()
            return {"payments": [{"key": key, "amount": "0.10"} for key in page]}
        await self.take(variables["key"])
        return {"pay": {"id": "1"}}

    async def take(self, key: str) -> None:
        known = key in self.known
        self.known.add(key)
        await sleep(0.002)
        unlucky = len(self.known) % 10 == 0
        if self.fault == "forgets keys" if known else not (self.fault == "loses" and unlucky):
            self.kept.append(key)


Contexts = Callable[..., Context]
Serving = Callable[[Shop], AbstractContextManager[str]]


def observed(context: Contexts, serving: Serving, fault: str = "") -> tuple[LoadSeen, Shop]:
    shop = Shop(fault)
    with serving(shop) as address:
        return run(CHECK.observe(context(address), LOAD)), shop


def test_payments_that_were_taken_once_pass_also_those_sent_twice(context: Contexts, serving: Serving):
    seen, shop = observed(context, serving)
    ruling = EFFECTS.judge(seen, ASKED)
    assert ruling.outcome is Outcome.PASS, ruling
    traced, summed = seen.effects
    assert traced.done == summed.done == len(shop.kept) - 2 > 20
    assert traced.done / 4 < traced.repeated < traced.done * 3 / 4
    assert (summed.before, Decimal(summed.after)) == ("0.20", Decimal("0.10") * len(shop.kept))


@pytest.mark.parametrize(
    ("fault", "code"),
    [("loses", "effect-lost"), ("forgets keys", "effect-double"), ("takes one again later", "effect-double")],
)
def test_payments_that_are_lost_or_taken_twice_turn_red(context: Contexts, serving: Serving, fault: str, code: str):
    seen, _ = observed(context, serving, fault)
    ruling = EFFECTS.judge(seen, ASKED)
    assert ruling.outcome is Outcome.FAIL
    assert {(finding.code, finding.context) for finding in ruling.findings} == {(code, "payments"), (code, "taken")}


@pytest.mark.parametrize(
    ("effect", "told"),
    [
        (Effect("{ payments }", "payments.amount.x", "nobody"), "'nobody'"),
        (Effect("query { payments }", "payments.key", "pay", adds="x"), "not a number"),
    ],
)
def test_an_effect_that_cannot_be_looked_at_is_no_pass(context: Contexts, serving: Serving, effect: Effect, told: str):
    asked = LoadConfig(
        **{name: getattr(LOAD, name) for name in LOAD.__struct_fields__ if name != "shapes"},
        shapes={"shop": Shape(SHOP.operations[:1], effects={"odd": effect})},
    )
    with serving(Shop()) as address:
        ruling = EFFECTS.judge(run(CHECK.observe(context(address), asked)), ASKED)
    assert ruling.outcome is Outcome.INCONCLUSIVE
    assert told in ruling.summary
