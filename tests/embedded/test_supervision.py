"""What dies comes back on its port; what a command took down stays down; what dies again and again is given up."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from certify_stack.embedded.part import Deaths
from certify_stack.embedded.procs import ProcessId, wait_gone

pytestmark = pytest.mark.stack

SECONDS = 30.0


@pytest.fixture(scope="module")
def stack(launch_once: Callable[..., Any]) -> Any:
    """One stack for all tests here; each leaves it as whole as it was."""
    started = launch_once()
    started.endpoints = started.until_up()
    return started


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").forget()


def service(stack: Any, name: str) -> dict[str, Any]:
    return stack.endpoints["services"][name]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pid_of(stack: Any, name: str) -> int:
    return int(stack.newest_endpoints()["services"][name]["pid"])


def ask(dsn: str, statement: str) -> Any:
    async def work() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(work())


def connects(url: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def ready(http: Any, stack: Any, name: str) -> bool:
    return bool(http[0](service(stack, name)["url"] + "/health/ready")[0] == 200)


def test_a_killed_service_comes_back_without_refusing_anybody(stack: Any, http: Any):
    url = service(stack, "crm")["url"]
    os.kill(pid_of(stack, "crm"), signal.SIGKILL)
    refused = 0
    while True:
        refused += not connects(url)
        try:
            if http[0](f"{url}/health/live")[0] == 200:
                break
        except OSError:
            continue  # a connection that the killed process had accepted
    stack.until_state("crm", "ready")
    told = stack.told("crm")
    assert [event["state"] for event in told] == ["died", "restarting", "starting", "migrated", "listening", "ready"]
    assert not any(event["asked"] for event in told)
    assert told[0]["detail"].startswith("signal SIGKILL\n")
    assert '"service":"crm"' in told[0]["detail"]
    assert refused == 0


def test_what_a_command_killed_stays_down_and_refuses_until_it_is_restarted(stack: Any, http: Any):
    url = service(stack, "hr")["url"]
    assert stack.do("kill", "hr") == [("hr", "died")]
    assert all(event["asked"] for event in stack.told("hr"))
    time.sleep(0.3)
    assert not connects(url)
    stack.forget()
    assert stack.do("restart", "hr")[-1] == ("hr", "ready")
    assert all(event["asked"] for event in stack.told("hr"))
    assert ready(http, stack, "hr")
    stack.forget()
    os.kill(pid_of(stack, "hr"), signal.SIGTERM)
    stack.until_state("hr", "ready")
    assert not any(event["asked"] for event in stack.told("hr"))


def test_what_dies_again_and_again_is_given_up_until_a_command_starts_it(stack: Any, http: Any):
    for _ in range(Deaths.LIMIT):
        os.kill(pid_of(stack, "scm"), signal.SIGKILL)
        stack.until(lambda event: event.get("name") == "scm" and event["state"] in {"ready", "given-up"})
    assert stack.events[-1]["state"] == "given-up"
    assert "died 5 times within 30 s, the last time by signal SIGKILL" in stack.events[-1]["detail"]
    assert not connects(service(stack, "scm")["url"])
    assert stack.do("restart", "scm")[-1] == ("scm", "ready")
    assert ready(http, stack, "scm")


def test_the_gateway_comes_back_on_its_port(stack: Any, http: Any):
    gateway = stack.endpoints["gateway"]["url"]
    os.kill(stack.newest_endpoints()["gateway"]["pid"], signal.SIGKILL)
    stack.until_state("gateway", "ready")
    assert [event["state"] for event in stack.told("gateway")][:3] == ["died", "restarting", "starting"]
    assert http[0](f"{gateway}/health/ready")[0] == 200
    assert stack.do("kill", "gateway") == [("gateway", "died")]
    assert not connects(gateway)
    assert stack.do("restart", "gateway")[-1] == ("gateway", "ready")
    assert http[0](f"{gateway}/health/ready")[0] == 200


@pytest.mark.parametrize("by", ["accident", "command"])
def test_the_database_server_comes_back_with_its_data(stack: Any, http: Any, by: str):
    dsn, asked = service(stack, "crm")["database"], by == "command"
    ask(dsn, "CREATE TABLE kept AS SELECT 42 AS value")
    if asked:
        assert stack.do("kill", "postgres") == [("postgres", "died")]
        assert not ready(http, stack, "crm")
        assert stack.do("restart", "postgres")[-1] == ("postgres", "ready")
    else:
        server = ProcessId.of(stack.parts()["postgres"])
        assert server
        server.signal(signal.SIGKILL)
        stack.until_state("postgres", "ready")
    assert [event["asked"] for event in stack.told("postgres")] == [asked] * len(stack.told("postgres"))
    assert ask(dsn, "SELECT value FROM kept") == 42
    ask(dsn, "DROP TABLE kept")
    for name in stack.endpoints["services"]:
        until(lambda name=name: ready(http, stack, name))


def test_a_paused_database_server_answers_nobody_until_it_is_resumed(stack: Any, http: Any):
    stack.do("pause", "postgres")
    try:
        assert not ready(http, stack, "crm")
    finally:
        stack.do("resume", "postgres")
    until(lambda: ready(http, stack, "crm"))


def test_a_service_that_is_cut_off_from_its_database_is_the_only_one(stack: Any, http: Any):
    stack.do("cut", "crm", of="database")
    try:
        assert not ready(http, stack, "crm")
        assert ready(http, stack, "hr")
        with pytest.raises(asyncpg.PostgresError):
            ask(service(stack, "crm")["database"], "SELECT 1")
    finally:
        stack.do("mend", "crm", of="database")
    until(lambda: ready(http, stack, "crm"))


def test_a_restarted_broker_is_found_at_the_same_address(stack: Any):
    address = stack.endpoints["broker"]
    assert stack.do("kill", "kafka") == [("kafka", "died")]
    assert not connects(f"http://{address}")
    assert stack.do("restart", "kafka")[-1] == ("kafka", "ready")
    assert stack.newest_endpoints()["broker"] == address
    assert connects(f"http://{address}")
    stack.do("pause", "kafka")
    stack.do("resume", "kafka")


@pytest.mark.parametrize(
    ("command", "service_name", "of", "said"),
    [
        ("cut", "crm", "broker", "pause 'kafka' instead"),
        ("cut", "crm", "", "needs `of`: database"),
        ("cut", "gateway", "database", "gateway is none"),
        ("kill", "nobody", "", "there is no service 'nobody'"),
        ("explode", "crm", "", "unknown command 'explode'; known: kill, pause, resume, restart, cut, mend, stop"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    stack: Any, command: str, service_name: str, of: str, said: str
):
    assert said in stack.refusal(command, service_name, of)


def test_what_is_down_can_neither_be_paused_nor_resumed(stack: Any):
    stack.do("kill", "rules-engine")
    assert stack.refusal("pause", "rules-engine") == "rules-engine does not run"
    assert stack.refusal("resume", "rules-engine") == "rules-engine does not run"
    stack.do("restart", "rules-engine")


def test_a_stack_with_paused_parts_goes_down_with_nothing_left(launch: Any):
    stack = launch()
    stack.until_up()
    for part in ("crm", "gateway", "postgres", "kafka"):
        stack.do("pause", part)
    family, folders = stack.family(), stack.private_folders()
    stack.process.send_signal(signal.SIGKILL)
    assert wait_gone(family, 30) == []
    assert [folder for folder in folders if folder.exists()] == []


def test_two_stacks_at_once_do_not_meet(launch: Any):
    first, second = launch(), launch("--durable")
    one, two = first.until_up(), second.until_up()
    urls = [service["url"] for endpoints in (one, two) for service in endpoints["services"].values()]
    assert len(set(urls)) == 36
    assert one["broker"] != two["broker"]
    assert ask(one["services"]["crm"]["database"], "SHOW fsync") == "off"
    assert ask(two["services"]["crm"]["database"], "SHOW fsync") == "on"
    assert all(not str(folder).startswith("/dev/shm") for folder in second.private_folders())  # noqa: S108 - only asked about
    assert Path(second.folder / "endpoints.json").is_file()
