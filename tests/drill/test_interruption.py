"""A drill that is interrupted tells what it knows; killed or not, it leaves nothing behind."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def hanging(folder: Path) -> bool:
    return any(path.read_text() for path in folder.glob("drill/.02-*/evidence/*/child.pid"))


def living(mark: str) -> list[int]:
    """Processes, zombies apart, that have `mark` in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and f"DRILL_MARK={mark}".encode() in (folder / "environ").read_bytes().split(
                b"\0"
            ):
                zombie = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
                found += [] if zombie else [int(folder.name)]
        except OSError:
            continue
    return found


def leftovers(product: Any) -> list[str]:
    """Staging and scratch folders."""
    return [path.name for path in (*product.out.glob(".*"), *product.folder.glob("certify-2*"))]


def started(product: Any) -> Any:
    process = product.start("--fault", "bad-till", "--fault", "hangs", "--format", "json")
    try:
        wait_for(lambda: hanging(product.folder), 180)
    except AssertionError:
        process.kill()
        raise AssertionError(process.communicate()) from None
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_drill_tells_what_it_knows(product: Any, number: signal.Signals, code: int):
    process = started(product)
    process.send_signal(number)
    drilled = product.finish(process)
    assert drilled.code == code, drilled.stderr
    assert drilled.fates == {"bad-till": "caught: fail"}
    assert drilled.answer["clean"]["exitCode"] == code
    wait_for(lambda: living(str(product.folder)) == [] and leftovers(product) == [], 60)


def test_a_killed_drill_leaves_nothing_but_its_last_answer(product: Any):
    process = started(product)
    process.kill()
    process.communicate()
    wait_for(lambda: living(str(product.folder)) == [] and leftovers(product) == [], 60)
    answer = json.loads((product.out / "drill.json").read_text())
    assert [one["fault"] for one in answer["faults"]] == ["bad-till"]
