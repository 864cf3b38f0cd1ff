"""A stack with peers: the certified one is what is looked at, and whatever was started is taken down."""

import asyncio
import sys
from pathlib import Path

import pytest

from certify.drivers.attach import AttachDriver
from certify.drivers.beside import NOTE, Beside
from certify.drivers.select import beside, select
from certify.model.check import Capability
from certify.model.stack import Happened, Service
from certify.profile.model import StackSpec

LAUNCHER = """
import json, sys
print(json.dumps({"event": "up", "endpoints": {"services": {"crm": {"url": "http://127.0.0.1:9"}}}}), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def python(tmp_path: Path) -> str:
    """An interpreter whose only module boots a stack."""
    path = tmp_path / "python"
    program = f'if [ "$3" = describe ]; then echo \'{{"root": "{tmp_path}"}}\'; exit; fi\n'
    path.write_text(f"#!/bin/sh\n{program}exec {sys.executable} -c '{LAUNCHER}'\n")
    path.chmod(0o755)
    return path.name


def spec(**more: object) -> StackSpec:
    return StackSpec(services=(Service("crm"),), **more)  # type: ignore[arg-type]


def test_peers_are_told_beside_the_stack_and_no_part_of_it(tmp_path: Path, python: str):
    peers = {"previous": spec(reference="old", python=python), "other": spec(targets={"crm": "http://127.0.0.1:2"})}
    own = spec(targets={"crm": "http://127.0.0.1:1"}, peers=peers)
    driver = beside(select(own, None, tmp_path, tmp_path), own, tmp_path, tmp_path, "run")
    heard: list[Happened] = []

    async def boot() -> None:
        booted = await driver.start(heard.append)
        try:
            assert booted.notes == ()
            assert [service.url for service in booted.stack.services] == ["http://127.0.0.1:1"]
            urls = {name: peer.service("crm").url for name, peer in driver.now().peers.items()}
            assert urls == {"previous": "http://127.0.0.1:9", "other": "http://127.0.0.1:2"}
        finally:
            await driver.stop()

    asyncio.run(boot())
    assert [event.part for event in heard] == ["crm", "other/crm"]
    assert Capability.PEERS in driver.capabilities
    assert Capability.PEERS not in select(own, None, tmp_path, tmp_path).capabilities


def test_a_peer_that_does_not_come_up_is_a_note(tmp_path: Path, python: str):
    (tmp_path / python).write_text(
        f'#!/bin/sh\nif [ "$3" = describe ]; then echo \'{{"root": "{tmp_path}"}}\'; exit; fi\necho gone >&2; exit 3\n'
    )
    own = spec(targets={"crm": "http://127.0.0.1:1"}, peers={"previous": spec(reference="old", python=python)})
    driver = beside(select(own, None, tmp_path, tmp_path), own, tmp_path, tmp_path, "run")

    async def boot() -> None:
        booted = await driver.start(lambda _: None)
        await driver.stop()
        assert driver.now().peers == {}
        ((code, text),) = booted.notes
        assert code == NOTE
        assert "the peer previous cannot be booted here" in text
        assert "gone" in text

    asyncio.run(boot())


def test_who_has_no_peers_is_left_alone(tmp_path: Path):
    own = spec(targets={"crm": "http://127.0.0.1:1"})
    assert isinstance(beside(select(own, None, tmp_path, tmp_path), own, tmp_path, tmp_path, "run"), AttachDriver)


def test_the_end_of_a_peer_is_the_end_of_the_comparison(tmp_path: Path, python: str):
    (tmp_path / python).write_text((tmp_path / python).read_text().replace("sys.stdin.read()", "sys.stdin.read(1)"))
    own = spec(targets={"crm": "http://127.0.0.1:1"}, peers={"previous": spec(reference="old", python=python)})
    driver = beside(select(own, None, tmp_path, tmp_path), own, tmp_path, tmp_path, "run")
    assert isinstance(driver, Beside)

    async def boot() -> str:
        await driver.start(lambda _: None)
        peer = driver._up["previous"]
        await peer._launcher._process.stdin.drain()
        peer._launcher._process.stdin.write(b"x")
        try:
            return await asyncio.wait_for(driver.gone(), 30)
        finally:
            await driver.stop()

    assert asyncio.run(boot()).startswith("the peer previous: the stack's launcher ended")
