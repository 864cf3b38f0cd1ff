"""Runs of the finance profile by the real command, as its user would start them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest


class Run:
    """One `certify` process on the finance profile, in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.mark = f"finance-test-{os.getpid()}-{time.monotonic_ns()}"
        scratch = folder / "tmp"
        scratch.mkdir()
        with (folder / "events").open("wb") as events:
            self.process = self._start(arguments, scratch, events)

    def _start(self, arguments: tuple[str, ...], scratch: Path, events: IO[bytes]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "certify", "--profile", "finance", "--progress", "json", *arguments],
            cwd=self.folder,
            env=os.environ | {"CERTIFY_TEST_MARK": self.mark, "TMPDIR": str(scratch)},
            stdout=subprocess.PIPE,
            stderr=events,
            text=True,
            start_new_session=True,
        )

    def events(self) -> list[dict[str, Any]]:
        found = []
        for line in (self.folder / "events").read_text().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def wait_for(self, condition: Callable[[dict[str, Any]], bool], seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while not any(condition(event) for event in self.events()):
            assert self.process.poll() is None, (self.folder / "events").read_text()[-2000:]
            assert time.monotonic() < deadline, self.events()[-5:]
            time.sleep(0.02)

    def finish(self, seconds: float = 300) -> int:
        self.process.communicate(timeout=seconds)
        return self.process.returncode

    def document(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "certification" / name).read_text())
        return document

    def outcomes(self) -> dict[str, str]:
        return {control["id"]: control["outcome"] for control in self.document("record.json")["controls"]}

    def living(self) -> list[str]:
        """Command lines of the processes, zombies apart, that this run started and that still live."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                if not folder.name.isdigit() or self.mark.encode() not in (folder / "environ").read_bytes():
                    continue
                if (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found

    def leftovers(self) -> list[str]:
        """Folders of the run that were not removed."""
        hidden = [path.name for path in self.folder.iterdir() if path.name.startswith(".certification")]
        return hidden + [path.name for path in (self.folder / "tmp").iterdir() if path.name.startswith("certify-2")]

    def wait_until_gone(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while self.living() or self.leftovers():
            assert time.monotonic() < deadline, (self.living(), self.leftovers())
            time.sleep(0.1)


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Run]:
    return lambda *arguments: Run(tmp_path, *arguments)


@pytest.fixture
def start_in() -> Callable[..., Run]:
    """Like `start`, in a folder that is made for it: for several runs at once."""

    def started(folder: Path, *arguments: str) -> Run:
        folder.mkdir()
        return Run(folder, *arguments)

    return started
