"""The finance stack in containers: what publishes no port is reached all the same, and only as the checks need it."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import jwt
import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from certify.drivers.interface import Driver
from certify.drivers.select import DriverError, select
from certify.listener import listening
from certify.model.check import Action, Capability, Disruption, DisruptionRefusedError
from certify.model.span import read_spans
from certify.model.stack import Stack
from certify.profile.load import load_profile

PATIENCE = 30.0
IMAGES = ("python:3.11-slim", "node:24-slim", "postgres:18", "apache/kafka:4.1.0")


def _driver(folder: Path, run_id: str) -> Driver:
    profile = load_profile("finance")
    # A busy machine takes its time; how long is no matter of this test.
    stack = msgspec.structs.replace(profile.stack, boot_budget_us=900_000_000)
    return select(stack, "compose", folder, Path(profile.folder), run_id=run_id)


@contextlib.asynccontextmanager
async def _booted(driver: Driver, spans_to: str) -> AsyncIterator[None]:
    try:
        booted = await driver.start(lambda _: None, spans_to=spans_to)
        assert booted.failures == {}
        yield
    finally:
        await driver.stop()


@pytest.mark.docker
@pytest.mark.stack
@pytest.mark.nightly
def test_checks_reach_all_that_they_need_and_nothing_is_left(
    tmp_path: Path, run_id: str, left_of: Any, docker: str, require: Callable[[str, object], None]
):
    found = subprocess.run([docker, "image", "inspect", *IMAGES], capture_output=True, check=False)
    require("images", found.returncode == 0)

    async def scene() -> None:
        driver = _driver(tmp_path, run_id)
        needed = {
            Capability.SQL,
            Capability.LOGIN,
            Capability.KAFKA,
            Capability.SPANS,
            Capability.CUT,
            Capability.GATEWAY,
        }
        assert needed <= driver.capabilities
        spans = tmp_path / "spans.jsonl"
        async with listening(spans) as spans_to, _booted(driver, spans_to):
            stack = driver.now()
            await _logs_in(stack)
            await _exchanges(stack.broker)
            await _cuts_one_alone(driver)
            await _until(lambda: _senders(spans) >= {"auth", "finance"})

    asyncio.run(scene())
    assert left_of(run_id) == ""


def _senders(file: Path) -> set[str]:
    return {span.service for span in read_spans(file.read_bytes()).spans}


def _key(told: dict[str, Any]) -> str:
    file = Path(told["jwt"]["private_key_file"])
    assert file.stat().st_mode & 0o077 == 0
    return file.read_text(encoding="ascii")


async def _logs_in(stack: Stack) -> None:
    """Each role, and with a token that is signed with the key of the run."""
    told = stack.credentials
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
        for user in told["users"].values():
            words = {"username": user["username"], "password": user["password"]}
            assert (await client.post(told["login"], json=words)).status_code == httpx.codes.OK
        facts = told["jwt"]
        now = int(time.time())
        claims = {
            "iss": facts["issuer"],
            "aud": facts["audience"],
            "sub": "x",
            "roles": ["admin"],
            "iat": now,
            "exp": now + 60,
        }
        token = jwt.encode(claims, _key(told), algorithm=facts["algorithm"], headers={"kid": facts["kid"]})
        assert stack.gateway
        url = f"{stack.gateway.url}{stack.gateway.graphql}"
        query = {"query": "{ invoices(limit: 3) { id customer { name } } }"}
        answer = await client.post(url, json=query, headers={"authorization": f"Bearer {token}"})
        assert len(answer.json()["data"]["invoices"]) == 3


async def _exchanges(broker: str) -> None:
    """A whole client, which goes on to the address that the broker tells it."""
    producer = AIOKafkaProducer(bootstrap_servers=broker)
    consumer = AIOKafkaConsumer("audit.dead", bootstrap_servers=broker, auto_offset_reset="earliest")
    await asyncio.gather(producer.start(), consumer.start())
    try:
        await producer.send_and_wait("audit.dead", b"well")
        assert (await asyncio.wait_for(consumer.getone(), PATIENCE)).value == b"well"
    finally:
        await asyncio.gather(producer.stop(), consumer.stop())


async def _cuts_one_alone(driver: Driver) -> None:
    await driver.disturb(Disruption(Action.CUT, "crm", "database"))
    services = {service.name: service for service in driver.now().services}
    assert await _connects(services["finance"].database)
    assert not await _connects(services["crm"].database)
    await driver.disturb(Disruption(Action.MEND, "crm", "database"))
    assert await _connects(services["crm"].database)
    with pytest.raises(DisruptionRefusedError, match="pause that part"):
        await driver.disturb(Disruption(Action.CUT, "crm", "broker"))


async def _connects(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=PATIENCE)
    except (OSError, asyncpg.PostgresError):
        return False
    try:
        return bool(await connection.fetchval("SELECT count(*) FROM alembic_version") == 1)
    finally:
        await connection.close()


async def _until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - another process writes the file
            await asyncio.sleep(0.1)


def test_faults_are_planted_into_processes_only(tmp_path: Path):
    profile = load_profile("finance")
    with pytest.raises(DriverError, match="--driver embedded"):
        select(profile.stack, "compose", tmp_path, Path(profile.folder), overlays=("certify_faults.owasp:x",))
