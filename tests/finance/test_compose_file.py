"""The committed compose file is what the finance profile comes to, and keeps what it promises."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from certify.drivers.compose.reference import NoComposeFileError, compose_text, description
from certify.profile.load import load_profile
from certify.profile.model import StackSpec

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.test.yml"
JOBS = {"secrets", "migrations", "topics"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    return found


def test_is_written_anew_as_it_is(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "certify", "compose", "write", "--out", str(tmp_path / "file.yml")]
    subprocess.run(command, check=True)
    written = (tmp_path / "file.yml").read_text(encoding="utf-8")
    assert written == FILE.read_text(encoding="utf-8"), "run: certify compose write"


def test_has_every_service_of_the_profile_and_asks_its_ready_probe(services: dict[str, Any]) -> None:
    stack = load_profile("finance").stack
    assert stack.gateway
    for service in (*stack.services, stack.gateway):
        assert service.probes.ready in services[service.name]["healthcheck"]["test"][-1]
    others = set(services) - {service.name for service in stack.services}
    assert others == JOBS | {"postgres", "kafka", "gateway", "door", "sink"}


def test_publishes_nothing_but_free_ports_of_loopback(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert set(published) == {"127.0.0.1::8080"}
    assert not services["postgres"].get("ports")
    assert not services["kafka"].get("ports")


def test_everything_is_confined(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service.get("read_only") or name == "kafka", name
    own = [service for name, service in services.items() if name not in JOBS | {"postgres", "kafka", "door"}]
    users = [service["user"] for service in own]
    assert len(set(users)) == len(users)
    assert "0" not in users


def test_holds_no_secret(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            assert "password" not in str(value).lower(), (name, variable)
            assert not ("DSN" in variable and not variable.endswith("_FILE")), (name, variable)


def test_the_stack_is_told_what_the_profile_says() -> None:
    stack = load_profile("finance").stack
    told = description("finance", stack)
    assert told["gateway"] == "/health/ready"
    assert told["services"]["crm"] == {"ready": "/health/ready"}
    without = compose_text("finance", StackSpec(reference=stack.reference, services=stack.services))
    assert "gateway:" not in without


def test_a_profile_without_a_stack_of_its_own_is_refused() -> None:
    with pytest.raises(NoComposeFileError, match="no `reference` stack"):
        compose_text("boot", load_profile("boot").stack)


def test_a_service_that_the_stack_does_not_have_is_refused() -> None:
    stack = load_profile("finance").stack
    fewer = StackSpec(reference=stack.reference, services=stack.services[1:])
    with pytest.raises(NoComposeFileError, match="'auth' cannot be left out"):
        compose_text("finance", fewer)
