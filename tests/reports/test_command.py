"""`certify report`: every installed format again, from the two documents."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec
import pytest

from certify.api import ReportFormat
from certify.cli.main import main
from certify.seal import canonical


@pytest.fixture
def folder(tmp_path: Path, sample: Any) -> Path:
    for name, value in (
        ("release", sample.record.release),
        ("record", sample.record),
        ("decision", sample.decision),
    ):
        (tmp_path / f"{name}.json").write_bytes(canonical.pretty(msgspec.to_builtins(value)))
    return tmp_path


def formats() -> dict[str, ReportFormat]:
    points = entry_points(group="certify.reports")
    return {point.name: point.load() for point in points if point.dist and point.dist.name == "certify"}


def test_our_formats_are_installed_under_their_ids():
    assert set(formats()) == {"html", "md", "summary", "junit"}
    assert all(name == report.id for name, report in formats().items())


@pytest.mark.parametrize("name", ["html", "md", "summary", "junit"])
def test_it_renders_what_the_run_rendered(name: str, folder: Path, sample: Any, capfd: pytest.CaptureFixture[str]):
    assert main(["report", str(folder), "--format", name, "--out", str(folder / "out")]) == 0
    assert main(["report", str(folder), "--format", name]) == 0
    shown = capfd.readouterr().out
    assert (folder / "out").read_text(encoding="utf-8") == shown
    context = msgspec.structs.replace(sample.context, signer="", key_origin="", directory=str(folder))
    assert shown == formats()[name].render(sample.record, sample.decision, context)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "pdf"], "no report format 'pdf'; installed are"),
        (["--out", "/no/such/folder/x"], "cannot be written"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], said: str, folder: Path, capfd: pytest.CaptureFixture[str]):
    assert main(["report", str(folder), *arguments]) == 2
    assert said in capfd.readouterr().err


@pytest.mark.parametrize("name", ["record.json", "decision.json"])
def test_a_damaged_or_missing_document_is_told(name: str, folder: Path, capfd: pytest.CaptureFixture[str]):
    (folder / name).write_text('{"runId": 1}')
    assert main(["report", str(folder)]) == 2
    assert name in capfd.readouterr().err
    (folder / name).unlink()
    assert main(["report", str(folder)]) == 2
    assert name in capfd.readouterr().err


@pytest.mark.parametrize("command", ["report", "comment", "doctor"])
def test_help_has_examples(command: str):
    done = subprocess.run(
        [sys.executable, "-m", "certify", command, "--help"], capture_output=True, text=True, check=True
    )
    assert "examples:" in done.stdout
    assert f"certify {command}" in done.stdout
