"""The doctor: each fact in both colours, and the command on this machine."""

import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from certify.cli.doctor import as_text
from certify.doctor.diagnosis import State, diagnose
from certify.doctor.facts import SHARED_MEMORY, Facts, Key, gather
from certify.engine.lock import lock_path

GOOD = Facts(
    python=(3, 12, 1),
    stack_module="certify_stack.erp",
    stack_found=True,
    postgres="postgres (PostgreSQL) 18.4",
    node="v24.1.0",
    git="git version 2.39.5",
    docker="28.2.2",
    docker_problem="",
    loopback_problem="",
    output_problem="",
    cores=2,
    memory=8 << 30,
    shared_memory=4 << 30,
    open_files=65536,
    lock="free",
    key=Key("environment", "CERTIFY_KEY"),
    checks=("health",),
    reports=("html",),
)
ESSENTIAL = {"Python", "reference stack", "PostgreSQL", "Node", "loopback", "output folder", "signing key"}
BAD = [
    ("Python", {"python": (3, 10, 9)}, State.MISSING),
    ("reference stack", {"stack_found": False}, State.MISSING),
    ("PostgreSQL", {"postgres": ""}, State.MISSING),
    ("Node", {"node": ""}, State.MISSING),
    ("Node", {"node": "v18.20.0"}, State.MISSING),
    ("loopback", {"loopback_problem": "Operation not permitted"}, State.MISSING),
    ("output folder", {"output_problem": "/x: Permission denied"}, State.MISSING),
    ("signing key", {"key": Key("environment", "CERTIFY_KEY", "wrong passphrase")}, State.MISSING),
    ("Docker engine", {"docker": "", "docker_problem": "DockerException"}, State.MISSING),
    ("git", {"git": ""}, State.MISSING),
    ("installed checks", {"checks": ()}, State.MISSING),
    ("installed checks", {"reports": ()}, State.MISSING),
    ("cores", {"cores": 1}, State.DEGRADED),
    ("memory", {"memory": 1 << 30}, State.DEGRADED),
    ("memory", {"memory": -1}, State.DEGRADED),
    (SHARED_MEMORY.as_posix(), {"shared_memory": 64 << 20}, State.DEGRADED),
    ("open files", {"open_files": 1024}, State.DEGRADED),
    ("machine lock", {"lock": "held"}, State.DEGRADED),
    ("signing key", {"key": Key("local", "/x/key.pem")}, State.DEGRADED),
    ("signing key", {"key": Key()}, State.DEGRADED),
]


def test_a_good_machine_has_only_good_rows():
    diagnosis = diagnose(GOOD)
    assert diagnosis.embedded
    assert {row.state for row in diagnosis.rows} == {State.OK}
    assert "The embedded driver can run here." in as_text(diagnosis)


@pytest.mark.parametrize(("name", "change", "state"), BAD)
def test_each_lack_is_one_row_with_its_cost_and_cure(name: str, change: dict[str, object], state: State):
    embedded = name not in ESSENTIAL or state is not State.MISSING
    diagnosis = diagnose(msgspec.structs.replace(GOOD, **change))
    bad = [row for row in diagnosis.rows if row.state is not State.OK]
    assert [(row.name, row.state) for row in bad] == [(name, state)]
    assert bad[0].costs
    assert bad[0].cure
    assert diagnosis.embedded is embedded
    text = as_text(diagnosis)
    assert bad[0].costs in text
    assert bad[0].cure in text
    assert ("cannot run here" in text) is not embedded


def test_hostile_facts_do_not_steer_the_terminal():
    assert "\x1b" not in as_text(diagnose(msgspec.structs.replace(GOOD, git="git \x1b[2J")))


def test_unlimited_files_are_enough():
    assert diagnose(msgspec.structs.replace(GOOD, open_files=-1)).rows == tuple(
        msgspec.structs.replace(row, found="unlimited") if row.name == "open files" else row
        for row in diagnose(GOOD).rows
    )


def test_this_machine_is_told_as_it_is(tmp_path: Path):
    facts = gather("certify_stack.erp", tmp_path / "not" / "yet", {})
    assert facts.python == sys.version_info[:3]
    assert facts.loopback_problem == ""
    assert facts.output_problem == ""
    assert facts.stack_found
    assert facts.postgres.startswith("postgres (PostgreSQL) 1")
    assert not (tmp_path / "not").exists()
    assert not gather("no_such_stack.module", tmp_path, {}).stack_found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path):
    tmp_path.chmod(0o500)
    assert "denied" in gather("certify_stack.erp", tmp_path / "out", {}).output_problem


def test_a_file_in_the_way_of_the_output_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert gather("certify_stack.erp", tmp_path / "file", {}).output_problem


def test_a_held_lock_and_a_planted_link_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import fcntl

    path = tmp_path / "machine.lock"
    monkeypatch.setenv("CERTIFY_LOCK", str(path))
    assert gather("x", tmp_path, {}).lock == "free"
    assert not path.exists()
    with lock_path().open("w") as held:
        assert gather("x", tmp_path, {}).lock == "free"
        fcntl.flock(held, fcntl.LOCK_SH)
        assert gather("x", tmp_path, {}).lock == "held"
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere.lock")
    (tmp_path / "elsewhere.lock").write_text("")
    assert gather("x", tmp_path, {}).lock not in {"free", "held"}


def test_a_key_is_looked_at_and_none_is_made(tmp_path: Path):
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert gather("x", tmp_path, environment).key == Key()
    assert not list(tmp_path.iterdir())
    broken = gather("x", tmp_path, {**environment, "CERTIFY_KEY": "/no/such/key.pem"}).key
    assert broken.origin == "environment"
    assert "/no/such/key.pem" in broken.problem


def test_a_docker_engine_that_never_answers_does_not_hold_the_doctor(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {"DOCKER_HOST": f"tcp://127.0.0.1:{silent.getsockname()[1]}"}
        done = threading.Event()
        found: list[Facts] = []

        def look() -> None:
            found.append(gather("x", tmp_path, environment))
            done.set()

        threading.Thread(target=look, daemon=True).start()
        assert done.wait(120)
    assert (found[0].docker, bool(found[0].docker_problem)) == ("", True)


def test_a_docker_engine_that_answers_is_told(tmp_path: Path):
    """A real HTTP server on a socket of its own stands for the engine: the doctor only asks for its version."""

    class Engine(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"Version": "28.2.2", "ApiVersion": "1.50"}' if self.path == "/version" else b"{}"
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Keep the test's output quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Engine) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        facts = gather("x", tmp_path, {"DOCKER_HOST": f"tcp://127.0.0.1:{server.server_port}"})
        server.shutdown()
        thread.join()
    assert (facts.docker, facts.docker_problem) == ("28.2.2", "")


@pytest.mark.parametrize(("profile", "code"), [("finance", 0), ("no-such-profile", 2)])
def test_the_command(profile: str, code: int):
    command = [sys.executable, "-m", "certify", "doctor", "--profile", profile, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    if code == 0:
        answer = json.loads(done.stdout)
        assert answer["embedded"] is True
        assert {"name", "state", "found", "costs", "cure", "essential"} == set(answer["rows"][0])
    else:
        assert "no-such-profile" in done.stderr


def test_the_command_without_a_stack_ends_with_4(tmp_path: Path):
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "profile: mine\nstack:\n  reference: not_installed.at_all\n  services:\n    a: {tier: 1}\ncontrols:\n"
        "  X-1: {title: t, source: s, severity: high, prove: [health.ready]}\n"
    )
    command = [sys.executable, "-m", "certify", "doctor", "--profile", str(profile)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "not_installed.at_all is not installed" in done.stdout
