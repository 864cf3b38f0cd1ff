"""`health.truthful`: judged both ways on observations, and seen on real servers whose backing is taken away."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from certify.api import (
    Action,
    Capability,
    Context,
    Criteria,
    Disruption,
    DisruptionRefusedError,
    Duration,
    Limit,
    Outcome,
    Probes,
    Service,
    Stack,
)
from certify_checks.health import CHECK
from certify_checks.health.disturb import reach_broker
from certify_checks.health.disturbance import Disturbance, Watched, first_no, first_yes
from certify_checks.health.model import HealthConfig, HealthObservation, Probed
from certify_checks.health.samples import Sample
from certify_checks.health.truthful import judge_truthful, seed_truthful

CRITERIA = Criteria({"lying": Limit.parse("== 0")})
YES, NO, MUTE = Sample(0, 200, 1_000), Sample(0, 503, 1_000), Sample(0, 0, 2_000_000, "no answer within 2 s")
GOOD = Watched("a", (YES, YES), (YES, NO, NO), (NO, YES, YES), (YES, YES, YES))
DECOYS = (
    Probed("ready", "ready", samples=(YES,)),
    Probed("refusing", "ready", samples=(NO,)),
    Probed("hanging", "ready", samples=(MUTE,)),
    Probed("flapping", "ready", samples=(YES, NO)),
)


def seen(*watched: Watched, **more: object) -> HealthObservation:
    cut = Disturbance("database", watched, patience_us=5_000_000, recovery_us=10_000_000, **more)  # type: ignore[arg-type]
    return HealthObservation(decoys=DECOYS, disturbed=(cut, Disturbance("broker", absent="the stack has no broker")))


def test_services_that_follow_what_they_stand_on_pass():
    ruling = judge_truthful(seen(GOOD, replace(GOOD, service="b")), CRITERIA)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 2)
    assert "not done: broker: the stack has no broker" in ruling.summary


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (replace(GOOD, during=(YES,) * 9), "lies-about-database"),
        (replace(GOOD, during=(YES, NO, YES)), "lies-about-database"),
        (replace(GOOD, after=(NO,) * 9), "never-recovered"),
        (replace(GOOD, after=(YES, NO)), "never-recovered"),
        (replace(GOOD, live=(YES, NO, YES)), "live-follows"),
        (replace(GOOD, live=(MUTE, MUTE)), "live-follows"),
    ],
)
def test_what_is_untruthful_fails(bad: Watched, code: str):
    ruling = judge_truthful(seen(GOOD, replace(bad, service="b")), CRITERIA)
    assert ruling.outcome is Outcome.FAIL
    assert [(finding.code, finding.location.service) for finding in ruling.findings] == [(code, "b")]


def test_one_live_probe_that_was_lost_is_no_finding():
    assert judge_truthful(seen(replace(GOOD, live=(YES, MUTE, YES))), CRITERIA).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("watched", "reason"),
    [
        ((), "nothing-cut"),
        ((GOOD, replace(GOOD, before=(YES, NO))), "was-not-ready"),
        ((GOOD, replace(GOOD, refused="cannot")), "cut-unclear"),
        ((GOOD, replace(GOOD, during=(YES, YES), reached=True)), "cut-had-no-effect"),
        ((GOOD, replace(GOOD, after=(NO, NO), left="cannot")), "cut-unclear"),
    ],
)
def test_what_cannot_be_told_is_inconclusive(watched: tuple[Watched, ...], reason: str):
    ruling = judge_truthful(seen(*watched), CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)
    assert ruling.cure


def test_a_blind_probe_is_inconclusive():
    assert judge_truthful(replace(seen(GOOD), decoys=DECOYS[:1]), CRITERIA).reason == "sensor-blind"


def test_a_lie_counts_more_than_a_cut_that_failed():
    lies = replace(GOOD, during=(YES, YES))
    assert judge_truthful(seen(lies, replace(GOOD, refused="cannot")), CRITERIA).outcome is Outcome.FAIL


def test_only_covered_services_count():
    observation = seen(GOOD, replace(GOOD, service="b", during=(YES, YES)))
    assert judge_truthful(observation, Criteria(CRITERIA.limits, ("a",))).outcome is Outcome.PASS


def test_the_last_spell_counts():
    spells = tuple(replace(sample, at_us=at * 1_000_000) for at, sample in enumerate((YES, NO, YES, NO, NO)))
    assert first_no(replace(GOOD, during=spells)) == 3_001_000
    assert first_yes(replace(GOOD, after=spells)) is None


@pytest.mark.parametrize("limit", ["== 0", "<= 1"])
@pytest.mark.parametrize("real", [GOOD, replace(GOOD, during=(YES, YES), reached=True), Watched("a", (NO,))])
def test_every_seed_is_found(limit: str, real: Watched):
    criteria = Criteria({"lying": Limit.parse(limit)})
    observation = seen(real, replace(GOOD, service="b"))
    both = replace(
        observation, disturbed=(observation.disturbed[0], Disturbance("broker", observation.disturbed[0].watched))
    )
    seeds = list(seed_truthful(both, criteria))
    assert len(seeds) == 8
    for seeded in seeds:
        ruling = judge_truthful(seeded.observation, criteria)
        assert ruling.outcome is Outcome.FAIL, seeded.name
        assert seeded.code in {finding.code for finding in ruling.findings}, seeded.name


class World:
    """Real servers on loopback; what they answer depends on what was cut, each in its own way."""

    def __init__(self, *refuses: str) -> None:
        self.cut: set[str] = set()
        self.done: list[Disruption] = []
        self.refuses = refuses

    async def disturb(self, disruption: Disruption) -> None:
        if disruption.part in self.refuses:
            raise DisruptionRefusedError("it will not")
        self.done.append(disruption)
        change = self.cut.add if disruption.do in {Action.CUT, Action.PAUSE} else self.cut.discard
        change(disruption.part)

    @asynccontextmanager
    async def service(self, name: str, kind: str) -> AsyncIterator[Service]:
        ever = False

        def well(path: str) -> bool:
            nonlocal ever
            gone = bool(self.cut & {name, "kafka"})
            ever = ever or gone
            if path == "/live":
                return not (gone and kind == "live-follows")
            return {"never": False, "lies": True, "never-back": not ever}.get(kind, not gone)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
            status = b"200 OK" if well(path) else b"503 Away"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield Service(name, url, Probes("/live", "/ready"), database=f"postgresql://x@127.0.0.1:{closed()}/{name}")


def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return int(gone.getsockname()[1])


# Only who lies or never recovers is waited for that long; a busy machine may hold up the others for a while.
BRIEF = HealthConfig(patience=Duration("900 ms"), recovery=Duration("3 s"), timeout=Duration("3 s"))
Kind = tuple[str, str]


def look(
    tmp_path: Path, *kinds: str, refuses: tuple[str, ...] = (), broker: bool = False
) -> tuple[World, HealthObservation]:
    async def run() -> tuple[World, HealthObservation]:
        world = World(*refuses)
        async with world.service("a", kinds[0]) as first, world.service("b", kinds[1]) as second:
            parts = {"broker": "kafka"} if broker else {}
            stack = Stack((first, second), parts=parts, broker=f"127.0.0.1:{closed()}" if broker else "")
            offered = frozenset({Capability.KAFKA} if broker else ())
            context = Context(
                "health",
                tmp_path,
                tmp_path,
                rules=("truthful",),
                stack=stack,
                capabilities=offered,
                disrupt=world.disturb,
            )
            return world, await CHECK.observe(context, BRIEF)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("honest", set()),
        ("lies", {"lies-about-database", "lies-about-broker"}),
        ("never-back", {"never-recovered"}),
        ("live-follows", {"live-follows"}),
    ],
)
def test_real_servers_are_told_apart(tmp_path: Path, kind: str, codes: set[str]):
    _, observation = look(tmp_path, "honest", kind, broker=kind in {"lies", "honest"})
    ruling = judge_truthful(observation, CRITERIA)
    assert {finding.code for finding in ruling.findings} == codes, ruling
    assert ruling.outcome is (Outcome.FAIL if codes else Outcome.PASS), ruling
    assert all(finding.location.service == "b" for finding in ruling.findings)


def test_all_that_was_cut_is_given_back_in_order(tmp_path: Path):
    world, _ = look(tmp_path, "honest", "lies", broker=True)
    assert not world.cut
    told = [(one.do.value, one.part, one.of) for one in world.done]
    databases = [
        ("cut", "a", "database"),
        ("cut", "b", "database"),
        ("mend", "a", "database"),
        ("mend", "b", "database"),
    ]
    assert told == [*databases, ("pause", "kafka", ""), ("resume", "kafka", "")]


def test_a_refused_cut_is_inconclusive_and_costs_no_patience(tmp_path: Path):
    _, observation = look(tmp_path, "honest", "lies", refuses=("a", "b"))
    ruling = judge_truthful(observation, CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "cut-unclear")
    assert "it will not" in ruling.summary


def test_a_service_that_is_never_ready_is_inconclusive_and_not_waited_for(tmp_path: Path):
    _, observation = look(tmp_path, "honest", "never")
    assert judge_truthful(observation, CRITERIA).reason == "was-not-ready"
    assert not observation.disturbed[0].watched[1].after


def test_what_was_cut_is_given_back_when_the_check_is_cancelled(tmp_path: Path):
    async def run() -> World:
        world = World()
        async with world.service("a", "lies") as service:
            context = Context(
                "health", tmp_path, tmp_path, rules=("truthful",), stack=Stack((service,)), disrupt=world.disturb
            )
            task = asyncio.create_task(CHECK.observe(context, replace(BRIEF, patience=Duration("60 s"))))
            async with asyncio.timeout(60):
                while not world.cut:  # noqa: ASYNC110 - the check is not ours to change
                    await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return world

    assert not asyncio.run(run()).cut


def test_a_broker_that_answers_is_reached_and_one_that_is_mute_is_not():
    async def ask(reply: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> bool:
        over = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reply(reader, writer)
            except ConnectionError:
                return
            finally:
                writer.transport.abort()
                over.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            reached = await reach_broker(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
            await over.wait()
            await asyncio.sleep(0)
            return reached

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(4))
        asked = await reader.readexactly(size)
        assert asked[:2] == b"\x00\x12", "the question is ApiVersions"
        writer.write(b"\x00\x00\x00\x06" + asked[4:8] + b"\x00\x00")
        await reader.read()

    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert asyncio.run(ask(answers))
    assert not asyncio.run(ask(mute))
    assert not asyncio.run(reach_broker(f"127.0.0.1:{closed()}"))
    assert not asyncio.run(reach_broker(""))
