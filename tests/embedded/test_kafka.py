import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from certify_stack.embedded.broker import BrokerPart
from certify_stack.embedded.kafka import admin, archive, furnished, installation, server
from certify_stack.embedded.kafka.errors import KafkaError, Progress
from certify_stack.embedded.kafka.server import KafkaServer, temporary
from certify_stack.embedded.procs import ProcessId, wait_gone

pytestmark = pytest.mark.stack

OWNER = """
from certify_stack.embedded.kafka.server import temporary
with temporary() as server:
    print(server.process.pid, server.log.parent, flush=True)
    input()
"""


async def send(bootstrap: str, topic: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    try:
        await producer.start()
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def receive(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id="reader", auto_offset_reset="earliest")
    try:
        await consumer.start()
        async with asyncio.timeout(60):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def topics(bootstrap: str) -> set[str]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        return set(await client.list_topics())
    finally:
        await client.close()


def test_a_temporary_broker_has_its_topics_carries_messages_and_goes_away():
    with temporary(["orders.events", "stock.events"]) as server:
        assert asyncio.run(topics(server.bootstrap)) >= {"orders.events", "stock.events", "__consumer_offsets"}
        assert asyncio.run(admin.exchange(server.bootstrap, "orders.events")) == b"well"
        log = server.log.read_text()
        assert " ERROR " not in log
        assert " WARN " not in log
        process, folder = ProcessId.of(server.process.pid), server.log.parent
        uid = next(
            line for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines() if "Uid" in line
        )
        assert uid.split()[1] == str(os.geteuid())
    assert process is not None
    assert not process.alive
    assert not folder.exists()


def test_a_furnished_folder_has_its_topics_and_nothing_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Made in a place of its own, where it must not be found by others."""
    real = installation.prepare(lambda _: None)
    formatted = tmp_path / real.formatted.name
    shutil.copytree(real.formatted, formatted)
    wanted = ("orders.events", "stock.events")
    assert furnished.find(formatted, wanted) == formatted
    made = furnished.provide(real.runtime, formatted, wanted, pytest.fail)
    assert made == furnished.find(formatted, wanted) != formatted
    assert furnished.find(formatted, (*wanted, "more.events")) == formatted

    monkeypatch.setattr(server, "prepare", lambda _: replace(real, formatted=formatted))
    with temporary(wanted) as one, temporary(wanted) as other:
        assert one.cluster != other.cluster
        assert asyncio.run(topics(one.bootstrap)) == {*wanted, "__consumer_offsets"}
        # The first message is the very first: nothing was left by whoever made the folder.
        assert asyncio.run(admin.exchange(one.bootstrap, "orders.events")) == b"well"
        one.kill()
        one.start()
        asyncio.run(one.ready())
        assert asyncio.run(receive(one.bootstrap, "orders.events", 1)) == [b"well"]
        assert " ERROR " not in one.log.read_text()


def test_a_folder_that_cannot_be_furnished_costs_time_and_nothing_else(tmp_path: Path):
    real = installation.prepare(lambda _: None)
    formatted = tmp_path / real.formatted.name
    formatted.mkdir()
    (formatted / "meta.properties").write_text("cluster.id=broken\n")
    told: list[Progress] = []
    assert furnished.provide(real.runtime, formatted, ["orders.events"], told.append) == formatted
    assert "starts more slowly" in told[-1].text
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [formatted.name]


def test_a_killed_broker_comes_back_on_its_port_with_all_it_acknowledged():
    sent = [str(number).encode() for number in range(20)]
    with temporary(["orders.events"]) as server:
        port, first, cluster = server.port, server.process.pid, server.cluster
        asyncio.run(send(server.bootstrap, "orders.events", *sent))
        server.kill()
        assert not server.running
        started = time.monotonic()
        asyncio.run(server.restart())
        assert time.monotonic() - started < 15
        assert (server.port, server.cluster) == (port, cluster)
        assert server.process.pid != first
        asyncio.run(send(server.bootstrap, "orders.events", b"after"))
        assert asyncio.run(receive(server.bootstrap, "orders.events", 21)) == [*sent, b"after"]


def test_a_paused_broker_answers_nothing_until_it_is_resumed():
    with temporary(["orders.events"]) as server:
        server.pause()
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(send(server.bootstrap, "orders.events", b"early"), 1))
        server.resume()
        asyncio.run(send(server.bootstrap, "orders.events", b"late"))


def test_two_brokers_at_once_are_two_clusters():
    with temporary(["one"]) as first, temporary(["two"]) as second:
        assert first.port != second.port
        assert first.cluster != second.cluster
        assert "one" not in asyncio.run(topics(second.bootstrap))
        with pytest.raises(KafkaError, match="is answered by the cluster"):
            asyncio.run(admin.prepare(first.bootstrap, second.cluster, []))


def test_it_is_gone_with_a_killed_owner_and_so_is_its_folder():
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout
        pid, folder = owner.stdout.readline().split()
        server = ProcessId.of(int(pid))
        assert server is not None
        owner.send_signal(signal.SIGKILL)
        assert wait_gone([server], 30) == []
    deadline = time.monotonic() + 30
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(folder).exists()


def test_its_end_can_be_waited_for():
    async def killed(server: KafkaServer) -> int:
        ending = asyncio.create_task(server.wait())
        await asyncio.sleep(0)
        os.kill(server.process.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            return await ending

    with temporary() as server:
        assert asyncio.run(killed(server)) == -signal.SIGKILL


def test_another_thread_may_not_start_it_because_its_end_would_end_the_broker(tmp_path: Path):
    caught = []

    def start() -> None:
        try:
            KafkaServer(tmp_path).start()
        except KafkaError as error:
            caught.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert caught == ["KafkaServer.start() must be called from the main thread, whose end ends the broker"]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive that is as it was published and no good; every broker gets it."""
    real = installation.prepare(lambda _: None)
    assert real.runtime.archive is not None
    archived = tmp_path / "kafka-java-damaged.archive"
    content = bytearray(real.runtime.archive.read_bytes())
    content[1 << 20 : 8 << 20] = os.urandom(7 << 20)
    (tmp_path / "made").write_bytes(content)
    archive._publish(tmp_path / "made", archived)
    broken = replace(real, runtime=replace(real.runtime, archive=archived))
    monkeypatch.setattr("certify_stack.embedded.kafka.server.prepare", lambda _: broken)
    return archived


def test_a_damaged_archive_of_classes_costs_time_and_nothing_else(damaged: Path):
    with temporary(["orders.events"]) as server:
        asyncio.run(send(server.bootstrap, "orders.events", b"well"))
    assert not damaged.exists()
    assert archive.usable(installation.prepare(lambda _: None).runtime.archive or damaged)


def test_a_broker_of_a_stack_does_without_a_damaged_archive_too(damaged: Path, tmp_path: Path):
    """There its death is heard at once, before anybody looks."""
    told: list[str] = []
    followed: list[int] = []
    server = KafkaServer(tmp_path, tell=lambda _: None)
    part = BrokerPart(
        server, ["orders.events"], lambda event: told.append(event["state"]), lambda pid, _: followed.append(pid)
    )

    async def boot() -> None:
        try:
            await part.come_up()
        finally:
            part.leave()
            server.stop()
            await asyncio.sleep(0.1)

    asyncio.run(boot())
    assert told == ["starting", "ready"]
    assert len(followed) == 2
    assert not damaged.exists()


def test_a_broker_that_is_killed_while_it_starts_stays_down(tmp_path: Path):
    server = KafkaServer(tmp_path)
    server.start()
    try:
        os.kill(server.process.pid, signal.SIGKILL)
        with pytest.raises(KafkaError, match="ended with status -9 at its start"):
            asyncio.run(server.ready())
        assert not server.running
    finally:
        server.stop()


def test_a_broker_that_cannot_start_says_why(tmp_path: Path):
    server = KafkaServer(tmp_path)
    server.start()
    try:
        asyncio.run(server.ready())
        server.stop()
        (tmp_path / "kafka" / "data" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=other\n")
        server.start()
        with pytest.raises(KafkaError, match=r"(?s)ended with status 1 at its start; the end of .*node"):
            asyncio.run(server.ready())
        told: list[Progress] = []
        installation.prepare(told.append)
        assert told == []  # the archive is still there
    finally:
        server.stop()
