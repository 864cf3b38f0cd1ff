"""Workers that come to a load over a socket: with the right token, with another, with none, and what is no worker at all."""

import asyncio
import os
import socket
import sys
from asyncio import run
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import zmq
from msgspec.structs import replace

from certify.api import Context, Criteria, Duration, Limit, Outcome
from certify_checks.load.check import CHECK
from certify_checks.load.config import LoadConfig, Operation, Shape
from certify_checks.load.generator.distributed.secret import MASTER, VARIABLE, new_token, pair
from certify_checks.load.model import LoadSeen

LATENCY = CHECK.rules[0]
ASKED = Criteria({"p95": Limit.parse("< 5 s")})
CONFIG = LoadConfig(
    shapes={"mix": Shape((Operation("list", "{ list }"),))},
    users=10,
    ramp=Duration("300 ms"),
    warmup=Duration("1 s"),
    hold=Duration("3 s"),
    think_min=Duration("50 ms"),
    think_max=Duration("150 ms"),
    workers_wait=Duration("60 s"),
)
Contexts = Callable[..., Context]


class Meeting(NamedTuple):
    ctx: Context
    address: str
    token: str


@pytest.fixture
def meeting(context: Contexts, address: str, tmp_path: Path) -> Iterator[Meeting]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
    token = new_token()
    (tmp_path / "token").write_text(token)
    options = {"load-master": place, "load-workers": "2", "load-token-file": str(tmp_path / "token")}
    yield Meeting(context(address, options=options), place, token)
    for path in (tmp_path / "evidence").iterdir():
        assert token not in path.read_text()


async def worker(address: str, token: str | None, said: str | None = None) -> tuple[int, str]:
    """Exit code and what it said; the token in its environment, or said on its standard input."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "certify_checks.load.worker", address, "--once", "--wait", "60"),
        env=environment | ({VARIABLE: token} if token is not None else {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate(said.encode() if said else b"")
    assert process.returncode is not None
    return process.returncode, told.decode()


async def together(meeting: Meeting, *others: Any, **more: Any) -> tuple[LoadSeen, list[Any]]:
    asked = LoadConfig(**({name: getattr(CONFIG, name) for name in CONFIG.__struct_fields__} | more))
    seen, *rest = await asyncio.gather(CHECK.observe(meeting.ctx, asked), *others)
    return seen, rest


async def strangers(address: str, token: str) -> None:
    """Noise, a peer without encryption who would join, and one who knows one key of the two."""
    host, port = address.split(":")
    for _ in range(300):
        try:
            noise = socket.create_connection((host, int(port)), timeout=5)
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.1)
    with noise, zmq.Context() as sockets:
        noise.sendall(b"\xff" + os.urandom(4000))
        plain, curved = sockets.socket(zmq.DEALER), sockets.socket(zmq.DEALER)
        with plain, curved:
            curved.curve_publickey, curved.curve_secretkey = zmq.curve_keypair()
            curved.curve_serverkey = pair(token, MASTER).public
            for one in (plain, curved):
                one.linger = 0
                one.connect(f"tcp://{address}")
                one.send(b"\x93\xacclient_ready\xa62.47.0\xa1x")
            await asyncio.sleep(3)
            for one in (plain, curved):
                assert not one.poll(0), "a stranger was answered"


def test_workers_with_the_token_make_the_load_and_strangers_do_not_disturb_it(meeting: Meeting):
    seen, [told, other, _] = run(
        together(
            meeting,
            worker(meeting.address, meeting.token),
            worker(meeting.address, None, meeting.token + "\n"),
            strangers(meeting.address, meeting.token),
        )
    )
    assert (seen.unusable, seen.detail) == ("", "")
    assert LATENCY.judge(seen, ASKED).outcome is Outcome.PASS, LATENCY.judge(seen, ASKED)
    assert [len(worker.overheads_us) >= 20 for worker in seen.workers] == [True, True]
    for code, said in (told, other):
        assert (code, said) == (0, "certify: took part in a load\n")


def test_a_worker_with_another_token_is_refused_and_no_load_begins(meeting: Meeting):
    seen, [(code, said)] = run(together(meeting, worker(meeting.address, new_token()), workers_wait=Duration("12 s")))
    assert code == 5
    assert "refuses this token" in said
    ruling = LATENCY.judge(seen, ASKED)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "workers-missing")
    assert "0 of 2 workers came within 12 s" in ruling.summary
    assert "without the right token" in ruling.summary
    assert not (meeting.ctx.evidence / "requests.csv").exists()


@pytest.mark.nightly
def test_too_few_workers_are_no_load(meeting: Meeting):
    seen, [(code, _)] = run(together(meeting, worker(meeting.address, meeting.token), workers_wait=Duration("8 s")))
    assert code
    assert (seen.unusable, seen.requests) == ("workers-missing", 0)
    assert "1 of 2 workers came" in seen.detail


@pytest.mark.parametrize("token", ["", "short"])
def test_what_is_no_token_is_said_at_once(token: str):
    code, said = run(worker("127.0.0.1:9", token))
    assert code == 2
    assert "32 characters" in said


def test_a_taken_port_is_told(meeting: Meeting):
    host, port = meeting.address.split(":")
    with socket.create_server((host, int(port))):
        seen, _ = run(together(meeting))
    assert seen.unusable == "master-unreachable"
    assert meeting.address in seen.detail


@pytest.mark.nightly
def test_workers_do_not_load_on_for_a_master_who_is_gone(meeting: Meeting):
    killed: list[psutil.Process] = []

    def told(_: str, second: int, __: int) -> None:
        if second >= 2 and not killed:
            name = "certify_checks.load.generator.distributed.master"
            killed.extend(child for child in psutil.Process().children() if name in child.cmdline())
            killed[0].kill()

    begun = meeting._replace(ctx=replace(meeting.ctx, progress=told))
    seen, ended = run(
        together(begun, *(worker(meeting.address, meeting.token) for _ in range(2)), hold=Duration("90 s"))
    )
    assert len(killed) == 1
    assert LATENCY.judge(seen, ASKED).reason == "generator-failed"
    for code, said in ended:
        assert code == 4
        assert "the master went away" in said
