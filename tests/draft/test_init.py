"""`certify init` as a user runs it, at rest: Compose reads the files, and no engine is asked."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from certify.cli.init import profile_name
from certify.profile.load import load_profile

FILE = """\
services:
  web:
    build: ./web
    environment: {DATABASE_URL: "postgres://shop:${PASSWORD}@db/shop", SESSION_KEY: t0psecret}
    env_file: [web.env]
    healthcheck: {test: "curl -fu admin:$$ADMIN_WORD http://localhost:3000/healthz"}
    ports: ["3000"]
    labels: {"evil": "x\\n  injected: [}\\u2028"}
    depends_on: [db]
  db: {image: "postgres:18", environment: {POSTGRES_PASSWORD: hunter2}}
  tool: {image: adminer, profiles: [dev]}
"""
Init = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def init(tmp_path: Path, require: Callable[[str, object], None]) -> Init:
    docker = shutil.which("docker")
    plugin = docker and not subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    require("docker compose", plugin)

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        # Nobody listens there: whatever needs an engine fails.
        environment = {
            "PATH": Path(docker or "").parent.as_posix() + ":/usr/bin:/bin",
            "DOCKER_HOST": "unix:///no.sock",
        }
        return subprocess.run(
            [sys.executable, "-m", "certify", "init", *arguments],
            cwd=tmp_path,
            env=environment | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text(FILE, encoding="utf-8")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM node:24-slim\n", encoding="utf-8")
    (tmp_path / "web.env").write_text("MAIL_PASSWORD=sw0rdfish\n", encoding="utf-8")
    return tmp_path


def test_a_profile_is_written_and_no_secret_is_in_it(shop: Path, init: Init):
    done = init("--output", "shop.yaml")
    assert (done.returncode, done.stdout) == (0, "")
    assert "shop.yaml: 2 services (1 database, 1 application)" in done.stderr
    assert done.stderr.count("PASSWORD") == 1
    text = (shop / "shop.yaml").read_text(encoding="utf-8")
    assert not [word for word in ("hunter2", "t0psecret", "sw0rdfish", "injected", "ADMIN_WORD") if word in text]
    assert "tool, which only the Compose profile dev starts" in text
    assert [service.name for service in load_profile(str(shop / "shop.yaml")).stack.services] == ["db", "web"]


def test_what_is_there_is_kept_unless_forced(shop: Path, init: Init):
    (shop / "shop.yaml").write_text("mine", encoding="utf-8")
    done = init("--output", "shop.yaml")
    assert (done.returncode, (shop / "shop.yaml").read_text()) == (2, "mine")
    assert "shop.yaml is there already" in done.stderr
    assert init("--output", "shop.yaml", "--force").returncode == 0
    assert init("--output", "compose.yaml", "--force").returncode == 2
    assert (shop / "compose.yaml").read_text() == FILE


def test_no_spelling_of_a_compose_file_lets_it_be_written_over(shop: Path, init: Init):
    (shop / "link.yaml").symlink_to("compose.yaml")
    for name in ("web/../compose.yaml", "link.yaml"):
        done = init("--compose", name, "--output", "compose.yaml", "--force")
        assert (done.returncode, "is one of the compose files" in done.stderr) == (2, True)
        assert (shop / "compose.yaml").read_text() == FILE


@pytest.mark.parametrize("option", ["--compose", "--output"])
def test_a_name_that_no_file_can_have(shop: Path, init: Init, option: str):
    done = init(option, str(shop / ("x" * 300)))
    assert done.returncode == 2
    assert "too long" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_built_from_where_nobody_can_look(shop: Path, init: Init):
    build = f"services: {{web: {{build: ./{'x' * 300}}}, api: {{build: 'https://example.org/{'y' * 300}.git'}}}}"
    (shop / "compose.yaml").write_text(build, encoding="utf-8")
    done = init("--output", "shop.yaml")
    assert (done.returncode, "2 application" in done.stderr) == (0, True), done.stderr


def test_paths_lead_from_the_profile_to_the_files(shop: Path, init: Init):
    (shop / "profiles").mkdir()
    (shop / "ci.yml").write_text("services: {web: {restart: always}}", encoding="utf-8")
    assert init("--compose", "compose.yaml", "--compose", "ci.yml", "--output", "profiles/shop.yaml").returncode == 0
    assert load_profile(str(shop / "profiles" / "shop.yaml")).stack.compose == ("../compose.yaml", "../ci.yml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "compose.yaml: there is no such file"),
        ("services:\n  web: [\n b: {", "compose.yaml:3:6: not YAML"),
        ("services: {web: {imag: x}}", "imag"),
        ("services: {web: {image: x, depends_on: [nobody]}}", "nobody"),
        ("services: {web: {image: x, profiles: [dev]}}", "no services"),
        ("\x00", "compose.yaml: cannot be read"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, init: Init, content: str | None, said: str):
    if content is not None:
        (tmp_path / "compose.yaml").write_text(content, encoding="utf-8")
    done = init("--compose", "compose.yaml", "--output", "shop.yaml")
    assert done.returncode == 2
    assert said in done.stderr
    assert "cure:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "shop.yaml").exists()


def test_without_files_or_without_a_client(tmp_path: Path, init: Init, monkeypatch: pytest.MonkeyPatch):
    done = init()
    assert (done.returncode, "there is no compose file in" in done.stderr) == (2, True)
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x}}", encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    command = [sys.executable, "-m", "certify", "init"]
    alone = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (alone.returncode, "there is no `docker` command" in alone.stderr) == (4, True)


def test_a_look_needs_an_engine(shop: Path, init: Init):
    done = init("--output", "shop.yaml", "--look")
    assert done.returncode == 4
    assert "cure:" in done.stderr
    assert not (shop / "shop.yaml").exists()


SLOW_CLIENT = """\
#!/bin/sh
case "$*" in *version*) echo 2.40.0; exit;; esac
echo asked >>asked
test "$(wc -l <asked)" -le 4 && echo '{"services": {"web": {"image": "x"}}}' && exit
exec sleep 60
"""


def test_a_look_that_waits_for_compose_can_be_ended(tmp_path: Path):
    (tmp_path / "docker").write_text(SLOW_CLIENT, encoding="utf-8")
    (tmp_path / "docker").chmod(0o700)
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x}}", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "certify", "init", "--look"],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    asked = tmp_path / "asked"
    for _ in range(600):
        if asked.exists() and asked.read_text().count("asked") > 4:
            break
        time.sleep(0.1)
    # As a terminal sends it: to all that were started.
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (130, "")
    assert not list(tmp_path.glob("certify-*"))


def test_names_of_profiles():
    assert [profile_name(text) for text in ("Shop", "2024 My_Shop!", "---", "é")] == [
        "shop",
        "my-shop",
        "profile",
        "profile",
    ]


def test_help_has_examples():
    command = [sys.executable, "-m", "certify", "init", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "certify init --compose docker-compose.yml" in told
    assert "Nothing is started without --look" in told
