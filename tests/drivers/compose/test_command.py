"""`certify --compose FILE` as a user runs it: exit codes, what is said, what is sealed, what is left."""

import json
import signal
import subprocess
import time
from typing import Any

import pytest

pytestmark = pytest.mark.docker


def test_all_up_is_0_and_says_what_was_booted(folder: Any, small: Any, left_of: Any):
    (folder.path / "page.html").write_text("hello")
    services = {
        "db": small.checked("touch /ok; sleep 600", "CMD-SHELL", "test -e /ok"),
        "migrate": small.shell("echo done", depends_on={"db": {"condition": "service_healthy"}}),
        "web": small.answering(
            ports=["8080:80"],
            environment={"UNSET": "${NOBODY_SETS_THIS}"},
            volumes=["./page.html:/page.html:ro"],
            depends_on={"migrate": {"condition": "service_completed_successfully"}},
        ),
    }
    ran = folder.certify(folder.write(services), profile="boot")
    assert ran.code == 0, ran.stderr
    assert [service["state"] for service in ran.record["services"]] == ["ready"] * 3
    assert ran.ledger("variable-unset") == ["the variable NOBODY_SETS_THIS is not set: the files see an empty text"]
    assert ran.ledger("port-remapped") == ["web: 8080 -> a free port of 127.0.0.1"]
    components = {one["name"]: one for one in ran.record["release"]["components"]}
    assert components.keys() >= {"compose.yaml", "page.html", "image of db", "image of migrate", "image of web"}
    assert all(one["status"] == "verified" for one in components.values())
    assert components["image of web"]["image"].startswith("sha256:")
    assert ran.record["environment"].keys() >= {"dockerEngine", "dockerCompose"}
    assert (ran.out / "evidence" / "stack" / "migrate.log").read_text().endswith("Z done\n")
    assert not left_of(ran.record["runId"])


def test_the_root_cause_is_told_first_with_its_last_lines(folder: Any, small: Any):
    services = {
        "web": small.shell("sleep 600", depends_on={"db": {"condition": "service_completed_successfully"}}),
        "db": small.shell("echo the disk is full; exit 3"),
    }
    ran = folder.certify(folder.write(services))
    assert ran.code == 1
    first, second = ran.ledger("boot-failed")
    assert first == "db: it ended with exit code 3"
    assert second == "web: not started: it depends on db"
    assert "the disk is full" in ran.stderr
    assert "NOT CERTIFIED" in ran.stdout


@pytest.mark.parametrize(
    "dies",
    [
        pytest.param({}, id="for good"),
        pytest.param({"restart": "always"}, id="and is started again", marks=pytest.mark.nightly),
    ],
)
def test_a_death_after_any_wait_would_have_ended_is_1(folder: Any, small: Any, dies: dict[str, Any]):
    ran = folder.certify(
        folder.write({"web": small.shell("sleep 3; exit 6") | dies, "db": small.shell("sleep 600")}), profile="boot"
    )
    assert ran.code == 1, ran.stdout
    findings = [one for control in ran.record["controls"] for one in control["findings"]]
    assert {one["location"]["service"] for one in findings} == {"web"}


def test_services_with_probes_are_asked_by_http_as_well(folder: Any, small: Any):
    file = folder.write({"web": small.answering(ports=["80"]), "db": small.shell("sleep 600")})
    folder.profile(
        f"profile: brief\nextends: [boot]\nstack:\n  compose: {file}\n  services:\n"
        "    web: {probes: {live: /live, ready: /ready}}\n    db:\n"
        "controls: {BOOT-HEALTH-01: {with: {window: 1 s, interval: 200 ms}}}\n"
    )
    ran = folder.certify()
    assert ran.code == 0, ran.stdout + ran.stderr
    assert ran.ledger("service-undeclared") == []
    health = next(control for control in ran.record["controls"] if control["id"] == "BOOT-HEALTH-01")
    # Of probes five, of the container seven, that it did not start, and that the profile does not name it.
    assert (health["selftest"]["seeded"], health["selftest"]["missed"]) == (14, [])


def test_a_process_that_dies_under_a_parent_that_lives_is_1(folder: Any, small: Any):
    """The container runs on; only who asks from outside notices."""
    dies = small.answering().get("command")[2].replace("while", "alarm 2; while").replace("$$", "$")
    ran = folder.certify(
        folder.write({"web": small.shell(f"perl -e '{dies}' & sleep 600", ports=["80"])}), profile="boot"
    )
    assert ran.code == 1, ran.stdout
    findings = [one["message"] for control in ran.record["controls"] for one in control["findings"]]
    assert "nobody answers at its published port" in findings[0]


def test_a_later_file_overrides_and_a_drill_of_the_same_needs_no_profile(folder: Any, small: Any):
    base = folder.write({"web": small.shell("exit 1")})
    override = folder.write({"web": {"command": ["sleep", "600"]}}, "override.yaml")
    assert folder.certify(base, override).code == 0
    # Without a port or a health check, nobody can notice that it is alone.
    drilled = folder.finish(
        folder.start("drill", "--compose", base, "--compose", override, "--format", "json", "--service", "web")
    )
    answer = json.loads(drilled.stdout)
    noticed = {row["what"]: {one["control"] for one in row["noticed"]} for row in answer["disruptions"]}
    assert answer["clean"]["outcome"] == "clean"
    assert "BOOT-HEALTH-01" in noticed["web killed"]
    assert "BOOT-HEALTH-01" in noticed["web paused"]
    assert noticed["web cut off from its network"] == set()
    assert all(row["back"] for row in answer["disruptions"])
    assert drilled.code == 1


@pytest.mark.nightly
def test_a_drill_whose_disruptions_are_all_noticed_is_0(folder: Any, small: Any, left_of: Any):
    file = folder.write({"web": small.answering(ports=["80"]), "job": small.shell("true")})
    drilled = folder.finish(folder.start("drill", "--compose", file))
    assert drilled.code == 0, drilled.stdout + drilled.stderr
    assert "web cut off from its network  BOOT-HEALTH-01" in drilled.stdout
    assert "3 of 3 disruptions noticed" in drilled.stdout
    assert "job killed" not in drilled.stdout
    logged = (folder.path / "drill" / "stack" / "evidence" / "runlog.jsonl").read_text().splitlines()[0]
    assert not left_of(json.loads(logged)["runId"])


def test_nothing_is_done_to_a_stack_that_is_not_clean(folder: Any, small: Any):
    file = folder.write({"web": small.shell("echo no; exit 2")})
    drilled = folder.finish(folder.start("drill", "--compose", file, "--format", "json"))
    answer = json.loads(drilled.stdout)
    assert (drilled.code, answer["clean"]["outcome"], answer["disruptions"]) == (1, "not clean", [])
    assert "nothing was done to it" in answer["clean"]["spoilt"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--profile", "boot", "--compose", "nowhere.yaml"], "no such file"),
        (["--profile", "boot", "--compose", "cycle.yaml"], "dependency cycle"),
        (["--profile", "boot", "--compose", "compose.yaml", "--driver", "attach"], "--driver compose"),
        (["--profile", "boot"], "--compose FILE"),
        (["drill", "--compose", "compose.yaml", "--fault", "x"], "--fault is about faults"),
        (["drill", "--compose", "compose.yaml", "--service", "nobody"], "no service 'nobody'"),
        (["drill", "--compose", "compose.yaml", "--rule", "load.latency"], "no control of the profile asks"),
        (["drill", "--disruptions"], "--profile NAME"),
        (["drill", "--profile", "boot", "--service", "web"], "--disruptions"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
def test_wrong_usage_is_2(folder: Any, small: Any, arguments: list[str], told: str):
    folder.write({"web": small.shell("sleep 600")})
    folder.write({"a": small.shell("true", depends_on=["b"]), "b": small.shell("true", depends_on=["a"])}, "cycle.yaml")
    ran = folder.finish(folder.start(*arguments))
    assert (ran.code, told in ran.stderr) == (2, True), ran.stderr


def test_no_client_no_engine_no_compose_is_4_with_a_cure(folder: Any, small: Any, tmp_path: Any):
    file = folder.write({"web": small.shell("sleep 600")})
    bare = tmp_path / "bare"
    bare.mkdir()
    without_client = folder.certify(file, PATH=str(bare))
    assert (without_client.code, "install Docker" in without_client.stderr) == (4, True)
    without_engine = folder.certify(file, DOCKER_HOST=f"unix://{tmp_path}/nobody.sock")
    assert (without_engine.code, "start Docker" in without_engine.stderr) == (4, True)
    # The client of a machine with the old Compose alone knows no such command.
    (bare / "docker").write_text("#!/bin/sh\necho \"docker: 'compose' is not a docker command.\" >&2\nexit 1\n")
    (bare / "docker").chmod(0o755)
    old = folder.certify(file, PATH=f"{bare}:/usr/bin:/bin")
    assert (old.code, "Compose plugin" in old.stderr) == (4, True)
    assert not (folder.path / "certification").exists()


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.nightly), signal.SIGTERM, signal.SIGKILL]
)
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("--profile", "brief.yaml"), id="run"),
        pytest.param(("drill", "--profile", "brief.yaml"), id="drill", marks=pytest.mark.nightly),
    ],
)
def test_what_is_ended_leaves_nothing(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    folder: Any, small: Any, left_of: Any, docker: str, number: signal.Signals, command: tuple[str, ...]
):
    file = folder.write({"web": small.checked("sleep 600", "CMD", "false")}, volumes={"data": {}})
    process = folder.start(*command, "--compose", file, "--progress", "json")
    label = "label=com.docker.compose.project.working_dir=" + str(folder.path)
    run = ""
    deadline = time.monotonic() + 120
    while not run:
        assert time.monotonic() < deadline, process.poll()
        told = [docker, "ps", "--filter", label, "--format", '{{.Label "dev.certify.run"}}']
        run = subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()
        time.sleep(0.1)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == (-9 if number is signal.SIGKILL else 128 + number)
    deadline = time.monotonic() + 60
    while left_of(run):
        assert time.monotonic() < deadline
        time.sleep(0.2)
