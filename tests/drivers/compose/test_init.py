"""`certify init` and then certify, as a stranger does it: the written profile runs at once."""

import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker
STRANGERS = Path(__file__).parent / "strangers"


def written(folder: Any, *arguments: str) -> str:
    done = folder.finish(folder.start("init", "--output", "mine.yaml", *arguments))
    assert done.code == 0, done.stderr
    return (folder.path / "mine.yaml").read_text(encoding="utf-8")


def test_the_written_profile_runs_and_misses_what_is_taken_out_of_it(folder: Any, small: Any):
    check = {"test": ["CMD-SHELL", "perl -e 'exit 0' # http://localhost/ready"], "interval": "300ms", "retries": 9}
    job = {"job": {"condition": "service_completed_successfully"}}
    web = small.answering(ports=["80"], healthcheck=check, depends_on=job)
    file = folder.write({"web": web, "job": small.shell("true"), "cache": small.shell("sleep 600")})
    text = written(folder, "--compose", file)
    assert "ready: /ready  # its health check asks it at port 80" in text
    assert "job:  # one-shot: web waits for it to end well" in text
    ran = folder.certify(profile="mine.yaml")
    assert ran.code == 0, ran.stdout + ran.stderr
    assert {service["name"] for service in ran.record["services"]} == {"web", "job", "cache"}

    used = {part["name"]: part for part in ran.record["resources"]["parts"]}
    assert ran.record["resources"]["samples"] > 0
    assert used["web"]["cpuUs"] > 0
    assert used["web"]["memoryPeak"] > 0
    assert used["web"]["networkIn"] > 0

    less = [line for line in text.splitlines() if "cache" not in line and "its process alone" not in line]
    (folder.path / "mine.yaml").write_text("\n".join(less), encoding="utf-8")
    ran = folder.certify(profile="mine.yaml")
    assert ran.code == 1, ran.stdout + ran.stderr
    findings = [one for control in ran.record["controls"] for one in control["findings"]]
    assert [(one["code"], one["location"]["service"]) for one in findings] == [("undeclared", "cache")]


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("stack", "look", "expected"),
    [
        (
            "shop",
            (),
            (
                "db:  # database: image postgres (sure)",
                "cache:  # database: image redis (sure)",
                "migrate:  # one-shot: web waits for it to end well (depends_on) (sure)",
                "ready: /readyz  # its health check asks it at port 3000",
                "tools, which only the Compose profile dev starts",
            ),
        ),
        (
            "post",
            ("--look",),
            (
                "broker:  # broker: image rabbitmq (sure)",
                "proxy:  # proxy: image nginx (sure)",
                "live: /health/live  # answered when it was looked at (sure)",
                "ready: /health/ready  # answered when it was looked at, and its OpenAPI document names it (sure)",
                "# OpenAPI: /openapi.json answered when it was looked at (sure)",
            ),
        ),
        (
            "reviews",
            ("--look",),
            (
                "gateway:  # its name; it asks several services that speak GraphQL (likely)",
                "graphql: /graphql  # its health check asks it at port 4000, which is published, and it answered when it was looked at",
                "calls: [products, reviews]",
            ),
        ),
    ],
)
def test_stacks_of_strangers(folder: Any, left_of: Any, stack: str, look: tuple[str, ...], expected: tuple[str, ...]):
    shutil.copytree(STRANGERS / stack, folder.path, dirs_exist_ok=True)
    text = written(folder, *look)
    assert not [line for line in expected if line not in text], text
    assert not [word for word in ("k3epsake", "p0stmark") if word in text]
    ran = folder.certify(profile="mine.yaml")
    assert ran.code == 0, ran.stdout + ran.stderr
    assert left_of(ran.record["runId"]) == ""
