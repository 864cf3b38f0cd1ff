"""The workflows and the action: no finding of zizmor, pinned, with least permissions, and without injections."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILES = [*WORKFLOWS, ROOT / "action.yml"]


def zizmor(*paths: Path) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("zizmor", path=f"{Path(sys.executable).parent}")
    assert tool, "zizmor belongs to the development tools"
    command = [tool, "--offline", "--no-progress", "--persona=pedantic", "--strict-collection", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    if "runs" in document:
        return list(document["runs"]["steps"])
    return [step for job in document["jobs"].values() for step in job["steps"]]


def test_zizmor_has_no_finding():
    assert len(WORKFLOWS) == 3
    done = zizmor(*FILES)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in FILES:
        assert f"completed {path}" in done.stderr


def test_zizmor_would_find_an_injection(tmp_path: Path):
    bad = (ROOT / "action.yml").read_text().replace('"--profile=$PROFILE"', '"--profile=${{ inputs.profile }}"')
    (tmp_path / "action.yml").write_text(bad)
    done = zizmor(tmp_path / "action.yml")
    assert done.returncode != 0
    assert "template-injection" in done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_their_version(path: Path):
    lines = [line for line in path.read_text().splitlines() if re.search(r"\buses:", line)]
    assert lines
    for line in lines:
        assert re.search(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_one_commit_per_action_and_version():
    pins = {m for path in FILES for m in re.findall(r"uses: (\S+)@(\w{40}) # (\S+)", path.read_text())}
    assert len(pins) == len({(name, version) for name, _, version in pins})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_expression_stands_in_a_script(path: Path):
    scripts = [step["run"] for step in steps(yaml.safe_load(path.read_text())) if "run" in step]
    assert scripts
    assert not [script for script in scripts if "${{" in script]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_least(path: Path):
    document = yaml.safe_load(path.read_text())
    assert document["permissions"] == {}
    for job in document["jobs"].values():
        writes = {name for name, level in job["permissions"].items() if level == "write"}
        assert writes == ({"pull-requests"} if path.name == "comment.yml" else set())
    for step in steps(document):
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False
            assert "ref" not in step["with"]


def test_the_action_ends_with_the_verdicts_exit_code(tmp_path: Path):
    """The two steps that carry the exit code, run by bash as the runner would."""
    document = yaml.safe_load((ROOT / "action.yml").read_text())
    by_name = {step["name"]: step["run"] for step in steps(document) if "run" in step}
    fake = tmp_path / "certify" / "bin" / "certify"
    fake.parent.mkdir(parents=True)
    output = tmp_path / "output"
    for code in (0, 1, 3):
        fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/seen\nexit {code}\n')
        fake.chmod(0o755)
        environment = {
            "PATH": "/usr/bin:/bin",
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_OUTPUT": str(output),
            "PROFILE": "x; $(touch injected)",
            "ARGS": "--quick --seed 7",
        }
        output.write_text("")
        bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
        subprocess.run([*bash, by_name["Certify"]], env=environment, cwd=tmp_path, check=True)
        assert output.read_text() == f"exit-code={code}\n"
        seen = (tmp_path / "seen").read_text().splitlines()
        assert seen == ["run", "--profile=x; $(touch injected)", "--quick", "--seed", "7", "--out", "certification"]
        assert not (tmp_path / "injected").exists()
        last = subprocess.run(
            [*bash, by_name["End with the verdict's exit code"]], env={"CODE": str(code)}, check=False
        )
        assert last.returncode == code
    lost = subprocess.run([*bash, by_name["End with the verdict's exit code"]], env={"CODE": ""}, check=False)
    assert lost.returncode == 70
