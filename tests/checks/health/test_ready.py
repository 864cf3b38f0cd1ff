"""`health.ready`: judged both ways on observations, and watched on real servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from certify.api import Context, Criteria, Duration, Limit, Outcome, Probes, Service, Stack
from certify_checks.health import CHECK
from certify_checks.health.model import HealthConfig, HealthObservation, Probed, Sample
from certify_checks.health.ready import judge_ready, seed_ready

CRITERIA = Criteria({"not-ready": Limit.parse("== 0")})
# The patience is long, because a busy machine may hold up a good server for a while.
BRIEF = HealthConfig(window=Duration("600 ms"), interval=Duration("100 ms"), timeout=Duration("2 s"))
WELL = tuple(Sample(at, 200, 900) for at in range(0, 3_000_001, 500_000))
REFUSED = Sample(1_000_000, 503, 900)
DECOYS = (
    Probed("ready", "ready", "/ready", samples=WELL),
    Probed("refusing", "ready", "/refusing", samples=(REFUSED,)),
    Probed("hanging", "ready", "/hanging", samples=(Sample(0, 0, 200_000, "no answer"),)),
    Probed("flapping", "ready", "/flapping", samples=(*WELL, REFUSED)),
)


def observation(*probed: Probed) -> HealthObservation:
    return HealthObservation(3_000_000, 500_000, probed, DECOYS)


def both(name: str, ready: tuple[Sample, ...] = WELL) -> tuple[Probed, ...]:
    return Probed(name, "live", "/live", samples=WELL), Probed(name, "ready", "/ready", samples=ready)


def codes(seen: HealthObservation, criteria: Criteria = CRITERIA) -> list[str]:
    ruling = judge_ready(seen, criteria)
    assert ruling.outcome is Outcome.FAIL
    return [finding.code for finding in ruling.findings]


def test_all_ready_passes():
    ruling = judge_ready(observation(*both("a"), *both("b")), CRITERIA)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 2)
    assert ruling.summary == "2 of 2 ready in every sample of 3,000 ms"
    assert [(m.name, m.value) for m in ruling.measurements] == [("not-ready", 0)]


def test_one_bad_sample_is_flapping():
    bad = (*WELL[:3], REFUSED, *WELL[4:])
    seen = observation(*both("a"), *both("b", bad))
    assert codes(seen) == ["flapping"]
    assert "1 of 7 samples bad" in judge_ready(seen, CRITERIA).findings[0].message


def test_never_ready_is_not_ready():
    assert codes(observation(*both("a", (REFUSED,) * 7))) == ["not-ready"]


def test_a_body_that_contradicts_the_status_is_believed():
    assert codes(observation(*both("a", (replace(WELL[0], says="unready"), *WELL[1:])))) == ["flapping"]


def test_a_service_without_probe_or_address_fails():
    seen = observation(*both("a"), Probed("b", "ready"), Probed("c", "ready", "/ready", up=False))
    assert codes(seen) == ["no-probe", "not-up"]


def test_only_covered_services_count():
    seen = observation(*both("a"), *both("b", (REFUSED,) * 7))
    assert judge_ready(seen, Criteria(CRITERIA.limits, ("a",))).outcome is Outcome.PASS
    assert codes(seen, Criteria(CRITERIA.limits, ("b",))) == ["not-ready"]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (observation(), "no-services"),
        (observation(*both("a", WELL[:1])), "too-few-samples"),
        (observation(*both("a", WELL[:4])), "too-few-samples"),
        (replace(observation(*both("a")), decoys=()), "sensor-blind"),
        (replace(observation(*both("a")), decoys=(replace(DECOYS[1], samples=WELL), *DECOYS)), "sensor-blind"),
    ],
)
def test_what_cannot_be_told_is_inconclusive(seen: HealthObservation, reason: str):
    ruling = judge_ready(seen, CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)
    assert ruling.cure


@pytest.mark.parametrize("limit", ["== 0", "<= 1"])
@pytest.mark.parametrize("ready", [WELL, (REFUSED,) * 7])
def test_every_seed_is_found(limit: str, ready: tuple[Sample, ...]):
    seen, criteria = observation(*both("a"), *both("b", ready), *both("c")), Criteria({"not-ready": Limit.parse(limit)})
    seeds = list(seed_ready(seen, criteria))
    assert len(seeds) == 7
    for seeded in seeds:
        ruling = judge_ready(seeded.observation, criteria)
        assert ruling.outcome is Outcome.FAIL, seeded.name
        assert not seeded.code or seeded.code in {finding.code for finding in ruling.findings}


def test_what_was_started_and_is_not_in_the_profile_is_a_finding():
    seen = replace(observation(*both("a")), undeclared=("db", "cache"))
    ruling = judge_ready(seen, CRITERIA)
    assert codes(seen) == ["undeclared", "undeclared"]
    assert ruling.summary == "1 of 3 ready in every sample of 3,000 ms; not cache, db"
    assert ruling.findings[0].location.service == "cache"
    assert "name cache below `services:`" in ruling.findings[0].cure
    # A limit may allow one, and a control about chosen services says nothing of others.
    assert judge_ready(seen, Criteria({"not-ready": Limit.parse("<= 2")})).outcome is Outcome.PASS
    chosen = Criteria(CRITERIA.limits, ("a",))
    assert judge_ready(seen, chosen).outcome is Outcome.PASS
    assert "undeclared" not in {seeded.code for seeded in seed_ready(seen, chosen)}
    # Nothing that was watched is nothing to say, whatever else was started.
    assert judge_ready(replace(observation(), undeclared=("db",)), CRITERIA).outcome is Outcome.INCONCLUSIVE


@asynccontextmanager
async def server(*statuses: int) -> AsyncIterator[str]:
    """Answers with the statuses in turn; the last one for ever. Status 0 hangs."""
    turns = iter(statuses)
    state = {"now": statuses[0]}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        state["now"] = next(turns, state["now"])
        if state["now"]:
            writer.write(f"HTTP/1.1 {state['now']} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        else:
            await reader.read()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def watched(tmp_path: Path, *statuses: int) -> tuple[Outcome, list[str]]:
    async with server(*statuses) as url:
        service = Service("crm", url, Probes(ready="/ready"))
        context = Context("health", tmp_path, tmp_path, stack=Stack((service,)))
        seen = await CHECK.observe(context, replace(BRIEF, probes=("ready",)))
    ruling = judge_ready(seen, CRITERIA)
    assert ruling.outcome is not Outcome.INCONCLUSIVE, ruling.summary
    return ruling.outcome, [finding.code for finding in ruling.findings]


@pytest.mark.parametrize(
    ("statuses", "outcome", "expected"),
    [
        ((200,), Outcome.PASS, []),
        ((200, 503, 200), Outcome.FAIL, ["flapping"]),
        ((500,), Outcome.FAIL, ["not-ready"]),
        ((302,), Outcome.FAIL, ["not-ready"]),
        ((0,), Outcome.FAIL, ["not-ready"]),
    ],
)
def test_real_servers_are_told_apart(tmp_path: Path, statuses: tuple[int, ...], outcome: Outcome, expected: list[str]):
    assert asyncio.run(watched(tmp_path, *statuses)) == (outcome, expected)


def test_a_closed_port_is_not_ready(tmp_path: Path):
    async def look() -> HealthObservation:
        async with server(200) as url:
            pass
        service = Service("crm", url, Probes("/live", "/ready"))
        return await CHECK.observe(Context("health", tmp_path, tmp_path, stack=Stack((service,))), BRIEF)

    assert codes(asyncio.run(look())) == ["live-not-ready", "not-ready"]


def test_the_gateway_is_watched_too(tmp_path: Path):
    stack = Stack((), gateway=Service("gateway", "", Probes("/live", "/ready")))
    seen = asyncio.run(CHECK.observe(Context("health", tmp_path, tmp_path, stack=stack), BRIEF))
    assert codes(seen) == ["not-up", "not-up"]
