"""The files for workers elsewhere are what the page shows, and say what they are said to."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from certify.cli.load_worker import add_parser
from certify_checks.load.generator.distributed.reaching import reaches
from certify_checks.load.generator.distributed.secret import VARIABLE

DOCS = Path(__file__).parents[3] / "docs"
FILES = DOCS / "load-workers"


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "kubernetes.yaml"])
def test_the_page_shows_the_file(name: str):
    assert (
        f"```{'dockerfile' if name == 'Dockerfile' else 'yaml'}\n{(FILES / name).read_text()}```"
        in (DOCS / "load-distributed.md").read_text()
    )


def parsed(words: list[str]) -> Any:
    import argparse

    subparsers = argparse.ArgumentParser().add_subparsers()
    add_parser(subparsers)
    return subparsers.choices["load-worker"].parse_args(words)


def test_compose_starts_workers_with_a_token_from_outside():
    worker = yaml.safe_load((FILES / "compose.yaml").read_text())["services"]["worker"]
    assert worker["environment"] == {VARIABLE: "${CERTIFY_LOAD_TOKEN:?the token of the run}"}
    assert (worker["read_only"], worker["cap_drop"]) == (True, ["ALL"])
    address, *rest = worker["command"]
    assert address.startswith("${MASTER:?")
    assert parsed(["host:5557", *rest]).wait == 600


def test_kubernetes_starts_as_many_workers_as_it_waits_for():
    job = yaml.safe_load((FILES / "kubernetes.yaml").read_text())
    assert (job["kind"], job["spec"]["parallelism"]) == ("Job", job["spec"]["completions"])
    pod = job["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert parsed(container["args"]).master == "192.0.2.10:5557"
    token = next(one for one in container["env"] if one["name"] == VARIABLE)
    assert set(token["valueFrom"]) == {"secretKeyRef"}
    assert container["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not pod["automountServiceAccountToken"]


def test_what_can_be_reached_is_told_apart(address: str):
    assert reaches(address)
    assert not reaches("http://127.0.0.1:9")
