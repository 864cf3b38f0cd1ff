"""A run that is interrupted or killed leaves nothing behind, and nothing that verifies as certified."""

import contextlib
import errno
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HANG = {"title": "hangs", "severity": "high", "prove": ["sample.size"], "with": {"behave": "hang-with-child"}}
QUICK = {"title": "quick", "severity": "high", "prove": ["sample.size"]}


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def living(mark: str) -> list[int]:
    """Processes, zombies apart, that have `mark` in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            zombie = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if not zombie and mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def hanging_child(folder: Path) -> bool:
    return any(path.read_text() for path in folder.glob(".certification-*/evidence/*/child.pid"))


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith((".certification-", "certify-2"))]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_seals_what_it_has(product: Any, number: signal.Signals, code: int) -> None:
    product.profile({"C-1": HANG, "C-2": QUICK})
    product.environment["SAMPLE_MARK"] = mark = f"mark-{os.getpid()}-{product.folder.name}"
    process = product.start("--profile", "product.yaml", "--jobs", "2")
    wait_for(lambda: hanging_child(product.folder) and b"job-ended" in _runlog(product.folder))
    process.send_signal(number)
    result = product.finish(process)
    assert result.code == code
    assert result.control("C-1")["reason"].startswith("interrupted")
    assert result.control("C-2")["outcome"] == "pass"
    assert result.record["interrupted"] == number.name
    assert result.decision["verdict"] == "INCONCLUSIVE"
    assert product.certify("verify", "certification").code == 3
    assert living(mark) == []
    assert leftovers(product.folder) == []


def _runlog(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob(".certification-*/evidence/runlog.jsonl"))


def test_a_killed_run_leaves_nothing(product: Any) -> None:
    product.profile({"C-1": HANG})
    product.environment["SAMPLE_MARK"] = mark = f"mark-{os.getpid()}-{product.folder.name}"
    process = product.start("--profile", "product.yaml")
    wait_for(lambda: hanging_child(product.folder))
    process.kill()
    process.communicate()
    wait_for(lambda: living(mark) == [] and leftovers(product.folder) == [])
    assert not (product.folder / "certification").exists()


def test_two_runs_at_once_take_turns_where_they_must(product: Any) -> None:
    alone = {"title": "alone", "severity": "high", "prove": ["sample.alone"], "with": {"behave": "hold", "seconds": 3}}
    product.profile({"C-1": alone})
    runs = [product.start("--profile", "product.yaml", "--out", name) for name in ("one", "two")]
    finished = [product.finish(run) for run in runs]
    assert [run.code for run in finished] == [3, 3]
    records = [_read(product.folder / name) for name in ("one", "two")]
    assert [record["controls"][0]["outcome"] for record in records] == ["pass", "pass"]
    held = [(product.folder / name / "evidence" / "sample" / "held.txt").read_text() for name in ("one", "two")]
    (_, first_ended), (second_began, _) = sorted([int(moment) for moment in line.split()] for line in held)
    assert first_ended <= second_began


def test_two_runs_into_one_folder_leave_one_whole_result(product: Any) -> None:
    product.profile({"C-1": QUICK})
    runs = [product.start("--profile", "product.yaml") for _ in range(3)]
    assert [product.finish(run).code for run in runs] == [3, 3, 3]
    assert product.certify("verify", "certification").code == 3
    assert leftovers(product.folder) == []


def _read(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "record.json").read_text())
    return record


def guardians(mark: str) -> list[int]:
    """The engine's guardians among the processes that have `mark`."""
    found = []
    for pid in living(mark):
        # What is gone by now is none.
        with contextlib.suppress(OSError):
            found += [pid] if b"certify.engine.guardian" in Path(f"/proc/{pid}/cmdline").read_bytes() else []
    return found


def test_a_killed_guardian_is_replaced_and_the_run_still_leaves_nothing(product: Any) -> None:
    product.profile({"C-1": HANG})
    product.environment["SAMPLE_MARK"] = mark = f"mark-{os.getpid()}-{product.folder.name}"
    process = product.start("--profile", "product.yaml")
    wait_for(lambda: hanging_child(product.folder))
    (first,) = guardians(mark)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: any(pid != first for pid in guardians(mark)))
    process.kill()
    process.communicate()
    wait_for(lambda: living(mark) == [] and leftovers(product.folder) == [])


def test_the_next_run_removes_what_a_run_left_that_died_with_its_guardian(product: Any) -> None:
    product.profile({"C-1": HANG})
    scratch = product.folder / "tmp"
    scratch.mkdir()
    product.environment |= {"TMPDIR": str(scratch), "SAMPLE_MARK": f"mark-{os.getpid()}-{product.folder.name}"}
    process = product.start("--profile", "product.yaml")
    wait_for(lambda: hanging_child(product.folder))
    # Stopped, it cannot put another guardian in the place of the one that is killed.
    process.send_signal(signal.SIGSTOP)
    for pid in guardians(product.environment["SAMPLE_MARK"]):
        os.kill(pid, signal.SIGKILL)
    process.kill()
    process.communicate()
    assert leftovers(product.folder) != []
    assert list(scratch.iterdir()) != []
    product.profile({"C-2": QUICK})
    product.finish(product.start("--profile", "product.yaml"))
    assert leftovers(product.folder) == []
    assert list(scratch.iterdir()) == []
    assert living(product.environment["SAMPLE_MARK"]) == []


def test_two_results_change_places_at_once_or_by_way_of_a_third(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from certify.engine import exchange

    new, old = tmp_path / "new", tmp_path / "old"
    for folder in (new, old):
        folder.mkdir()
        (folder / "name").write_text(folder.name)
    exchange.exchange(new, old)
    assert [(folder / "name").read_text() for folder in (new, old)] == ["old", "new"]
    monkeypatch.setattr(exchange, "_at_once", lambda *_: errno.ENOSYS)
    exchange.exchange(new, old)
    assert [(folder / "name").read_text() for folder in (new, old)] == ["new", "old"]
    monkeypatch.setattr(exchange, "_at_once", lambda *_: errno.EACCES)
    with pytest.raises(PermissionError):
        exchange.exchange(new, old)


def test_only_runs_whose_process_is_gone_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from certify.engine import abandoned
    from certify.owner import own

    monkeypatch.setattr(abandoned.tempfile, "gettempdir", lambda: str(tmp_path))
    alive, dead, hidden, bare = (tmp_path / f"certify-{name}" for name in ("alive", "dead", "hidden", "bare"))
    for scratch in (alive, dead, hidden):
        staging = tmp_path / f".out-{scratch.name}"
        staging.mkdir()
        abandoned.make_owned(scratch, scratch.name, staging)
    bare.mkdir(mode=0o700)
    # Somebody else with the same number now; and one in a container that shares the folder.
    process, _ = own().rsplit(":", 1)
    (dead / "owner").write_text(f"{process}:1\n{dead.name}\n{tmp_path / '.out-certify-dead'}\n")
    machine, boot, *_ = own().split(":")
    (hidden / "owner").write_text(f"{machine}:{boot}:1:4194305:1\n{hidden.name}\n{tmp_path / '.out-certify-hidden'}\n")
    assert abandoned.sweep() == 1
    left = {f"{prefix}{name}" for prefix in ("certify-", ".out-certify-") for name in ("alive", "hidden")}
    assert {path.name for path in tmp_path.iterdir()} == {"certify-bare", *left}
