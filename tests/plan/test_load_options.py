"""How a run is told that others share its load, and how their token is kept from everybody else."""

import argparse
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from certify.cli.load_options import VARIABLE, LoadTokenError, add_load_options, load_options
from certify.cli.main import main

TOKEN = "t" * 43


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_load_options(parser)
    return parser.parse_args(words)


def test_nothing_is_told_unless_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, TOKEN)
    with load_options(parsed()) as options:
        assert options == {}
        assert VARIABLE not in os.environ


def test_the_token_goes_by_a_private_file_that_no_folder_holds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, TOKEN)
    with load_options(parsed("--load-master", "5557", "--load-workers", "3")) as options:
        path = Path(options.pop("load-token-file"))
        assert options == {"load-master": "127.0.0.1:5557", "load-workers": "3"}
        assert path.read_text() == TOKEN
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.is_relative_to(f"/proc/{os.getpid()}/fd"), "it would outlive a process that is killed"
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o500
        assert VARIABLE not in os.environ
    assert not path.exists()


def test_a_short_token_and_a_log_in_place_of_a_terminal_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(LoadTokenError, match="32 characters"), load_options(parsed("--load-master", "5557")):
        pass
    with pytest.raises(LoadTokenError, match="no terminal"), load_options(parsed("--load-master", "5557")):
        pass


def test_on_a_terminal_a_new_token_is_printed_once(tmp_path: Path):
    program = (
        "from certify.cli.load_options import *; import argparse, sys; from pathlib import Path\n"
        "p = argparse.ArgumentParser(); add_load_options(p)\n"
        "with load_options(p.parse_args(['--load-master', '192.0.2.1:5557'])) as o:\n"
        f"    Path({str(tmp_path / 'kept')!r}).write_text(Path(o['load-token-file']).read_text())\n"
    )
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    subprocess.run([sys.executable, "-c", program], stderr=theirs, env=environment, check=True)
    os.close(theirs)
    told = os.read(ours, 10_000).decode()
    os.close(ours)
    token = (tmp_path / "kept").read_text()
    assert len(token) == 43
    assert told.count(token) == 1
    assert "certify load-worker 192.0.2.1:5557" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--load-master", "example.org:5557"), "is not an IP address of this machine"),
        (("--load-master", "127.0.0.1:0"), "is not a port"),
        (("--load-master", "127.0.0.1"), "is not a"),
        (("--load-workers", "0"), "from 1 to 1000"),
        (("--load-workers", "many"), "from 1 to 1000"),
    ],
)
def test_what_makes_no_sense_is_told(words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        parsed(*words)
    assert told in capsys.readouterr().err


def test_the_worker_command_tells_how_it_is_used(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["load-worker", "--help"])
    assert ended.value.code == 0
    assert "CERTIFY_LOAD_TOKEN=$(cat token) certify load-worker" in capsys.readouterr().out


def test_the_worker_command_is_the_worker():
    environment = os.environ | {VARIABLE: "short"}
    program = "import sys; from certify.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "load-worker", "127.0.0.1:9", "--once"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "a token has 32 characters" in ended.stderr
