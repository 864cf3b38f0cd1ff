"""What a service is for, out of what its compose file says; each rule, and which one wins."""

from typing import Any

import pytest

from certify.draft.classify import classify, waiting_for
from certify.draft.images import kind_of_image, short_name
from certify.draft.model import Built, Found, Kind, Sure
from certify.drivers.compose.project import parts

ENDED = {"condition": "service_completed_successfully"}
PORT = {"target": 8080, "published": "8080", "protocol": "tcp"}


def found(services: dict[str, dict[str, Any]], name: str, built: Built | None = None) -> Found:
    part = next(part for part in parts({"services": services}) if part.name == name)
    return classify(name, services[name], part, waiting_for(name, services), built or Built())


@pytest.mark.parametrize(
    ("image", "kind", "sure"),
    [
        ("postgres:18", Kind.DATABASE, Sure.SURE),
        ("docker.io/library/redis:7@sha256:00", Kind.DATABASE, Sure.SURE),
        ("timescale/timescaledb:latest-pg16", Kind.DATABASE, Sure.LIKELY),
        ("mcr.microsoft.com/mssql/server:2022-latest", Kind.DATABASE, Sure.LIKELY),
        ("apache/kafka:4.1.0", Kind.BROKER, Sure.LIKELY),
        ("rabbitmq:3-management", Kind.BROKER, Sure.SURE),
        ("nginx:1", Kind.PROXY, Sure.SURE),
        ("localhost:5000/traefik", Kind.PROXY, Sure.LIKELY),
        ("axllent/mailpit", Kind.DEVELOPMENT, Sure.LIKELY),
        ("acme/server:3", Kind.APPLICATION, Sure.GUESS),
        ("ghcr.io/acme/orders", Kind.APPLICATION, Sure.GUESS),
    ],
)
def test_images(image: str, kind: Kind, sure: Sure):
    told = found({"it": {"image": image, "ports": [PORT]}}, "it")
    assert (told.value, told.sure) == (kind, sure)


def test_a_registrys_port_is_no_tag():
    assert short_name("localhost:5000/team/App@sha256:12") == "app"
    assert kind_of_image("localhost:5000/mysql") is Kind.DATABASE


def test_who_is_awaited_is_a_one_shot_whatever_it_is_made_of():
    services = {"db-init": {"image": "postgres:18"}, "web": {"image": "acme/web", "depends_on": {"db-init": ENDED}}}
    assert found(services, "db-init") == Found(Kind.ONE_SHOT, "web waits for it to end well (depends_on)", Sure.SURE)
    services["api"] = services["web"]
    assert found(services, "db-init").where == "api and 1 more waits for it to end well (depends_on)"


def test_jobs_that_nobody_waits_for():
    command = {"build": {"context": "."}, "command": ["alembic", "upgrade", "head"]}
    assert found({"x": command}, "x").value == Kind.ONE_SHOT
    named = {"image": "acme/app"}
    assert found({"web-migrate": named}, "web-migrate").sure is Sure.GUESS
    assert found({"web-migrate": named}, "web-migrate").value == Kind.ONE_SHOT
    # A service that is kept up, or that is asked at a port, is none.
    for kept in ({"restart": "always"}, {"ports": [PORT]}):
        assert found({"migrate": named | kept}, "migrate").value == Kind.APPLICATION


def test_a_health_checks_tool_tells_more_than_a_name():
    test = {"test": ["CMD-SHELL", "pg_isready -U app"]}
    assert found({"store": {"image": "acme/store", "healthcheck": test}}, "store") == Found(
        Kind.DATABASE, "its health check runs pg_isready", Sure.LIKELY
    )
    test = {"test": ["CMD", "/opt/kafka/bin/kafka-topics.sh", "--list"]}
    assert found({"store": {"image": "acme/store", "healthcheck": test}}, "store").value == Kind.BROKER
    # Part of another word, or of an address, is no tool.
    test = {"test": ["CMD-SHELL", "curl http://localhost/psql-status"]}
    assert found({"store": {"image": "acme/store", "healthcheck": test}}, "store").value == Kind.APPLICATION


def test_what_is_built_here_is_an_application_unless_it_stands_on_something_known():
    here = {"x": {"build": {"context": "."}, "image": "redis"}}
    assert found(here, "x").value == Kind.APPLICATION
    assert found(here, "x", Built("postgres:18")) == Found(
        Kind.DATABASE, "its Dockerfile builds on postgres", Sure.LIKELY
    )
    # Own pages on a web server are an application, and so is what is only called like a database.
    assert found(here, "x", Built("nginx:1")).value == Kind.APPLICATION
    assert found({"db": {"build": {"context": "."}}}, "db").value == Kind.APPLICATION


@pytest.mark.parametrize(
    ("name", "more", "kind"),
    [
        ("it", {"expose": ["5432"]}, Kind.DATABASE),
        ("it", {"ports": [PORT | {"target": 5672}]}, Kind.BROKER),
        ("main-db", {}, Kind.DATABASE),
        ("queue2", {}, Kind.BROKER),
        ("reverse-proxy", {}, Kind.PROXY),
        ("debug", {}, Kind.DEVELOPMENT),
        ("dbase", {}, Kind.APPLICATION),
    ],
)
def test_ports_and_names_are_guesses(name: str, more: dict[str, Any], kind: Kind):
    told = found({name: {"image": "acme/thing", "restart": "always"} | more}, name)
    assert (told.value, told.sure) == (kind, Sure.GUESS)
