"""What certify changes of a compose project, and what it leaves."""

from certify.drivers.compose.labels import OWNER, RUN
from certify.drivers.compose.project import (
    Part,
    isolate,
    parts,
    project_name,
    remapped,
    scaled_down,
    shared,
    unchecked,
)

CONFIG = {
    "name": "shop",
    "services": {
        "web": {
            "image": "web",
            "container_name": "the-web",
            "labels": {"team": "web"},
            "depends_on": {
                "db": {"condition": "service_healthy"},
                "migrate": {"condition": "service_completed_successfully"},
            },
            "ports": [
                {"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"},
                {"mode": "ingress", "target": 53, "published": "53", "protocol": "udp", "host_ip": "0.0.0.0"},  # noqa: S104 - as files say it
            ],
            "environment": {"A": "x$$y"},
        },
        "db": {"image": "db", "healthcheck": {"test": ["CMD", "true"]}, "restart": "always", "labels": ["a=b"]},
        "migrate": {"build": {"context": "/somewhere"}},
        "cron": {"image": "cron", "healthcheck": {"disable": True}, "restart": "no"},
    },
    "networks": {"default": {"name": "shop_default"}, "shared": {"name": "company", "external": True}},
    "volumes": {"data": {"name": "precious"}},
}


def test_a_part_knows_what_its_readiness_depends_on():
    web, db, migrate, cron = parts(CONFIG)
    assert web == Part(
        "web",
        "web",
        {"db": "service_healthy", "migrate": "service_completed_successfully"},
        ports=(80,),
    )
    assert (db.checked, db.restarts, db.may_end) == (True, True, False)
    assert (migrate.awaited, migrate.may_end) == (True, True)
    assert (cron.checked, cron.restarts, cron.may_end) == (False, False, True)


def test_nothing_can_be_shared_with_another_project():
    alone = isolate(CONFIG, "run-1", "me")
    name = project_name("run-1")
    web, db = alone["services"]["web"], alone["services"]["db"]
    assert alone["name"] == name != project_name("run-2")
    assert "container_name" not in web
    assert web["labels"] == {"team": "web", RUN: "run-1", OWNER: "me"}
    assert db["labels"] == {"a": "b", RUN: "run-1", OWNER: "me"}
    assert [(port["host_ip"], port.get("published")) for port in web["ports"]] == [("127.0.0.1", None)] * 2
    assert alone["volumes"]["data"]["name"] == f"{name}_data"
    assert alone["networks"]["default"] == {"name": f"{name}_default", "labels": {RUN: "run-1", OWNER: "me"}}
    assert alone["networks"]["shared"] == {"name": "company", "external": True}
    assert web["environment"] == {"A": "x$$y"}
    assert CONFIG["services"]["web"]["container_name"] == "the-web"


def test_an_image_that_is_built_has_the_same_name_in_each_run():
    names = {isolate(CONFIG, run, "me")["services"]["migrate"]["image"] for run in ("run-1", "run-2")}
    assert len(names) == 1


def test_nobodys_image_is_built_anew_under_its_own_name():
    config = {"services": {"web": {"build": {"context": "/a"}, "image": "shop:1"}, "worker": {"image": "shop:1"}}}
    services = isolate(config, "run-1", "me")["services"]
    assert services["web"]["image"] == services["worker"]["image"] != "shop:1"


def test_ports_stay_where_they_are_kept():
    ports = isolate(CONFIG, "run-1", "me", keep_ports=True)["services"]["web"]["ports"]
    assert [port["published"] for port in ports] == ["8080", "53"]
    assert remapped(CONFIG) == ("web: 8080 -> a free port of 127.0.0.1", "web: 53 -> a free port of 127.0.0.1")


def test_a_service_has_one_container_and_none_where_the_file_says_so():
    config = {
        "services": {
            "many": {"image": "a", "deploy": {"replicas": 3}},
            "scaled": {"image": "a", "scale": 2},
            "none": {"image": "a", "deploy": {"replicas": 0}},
            "one": {"image": "a"},
        }
    }
    assert [part.name for part in parts(config)] == ["many", "scaled", "one"]
    assert scaled_down(config) == ("many: one container instead of 3", "scaled: one container instead of 2")
    services = isolate(config, "run-1", "me")["services"]
    assert [services[name].get("deploy", {}).get("replicas") for name in services] == [1, 1, 0, None]
    assert "scale" not in services["scaled"]


def test_what_the_run_shares_with_others_is_told():
    assert shared(CONFIG) == ("the network company is external: what the stack does there stays",)


def test_a_health_check_that_another_service_waits_for_stays():
    web = {**CONFIG["services"]["web"], "healthcheck": {"test": ["CMD", "true"]}}
    config = {**CONFIG, "services": {**CONFIG["services"], "web": web}}
    found = {part.name: part.checked for part in parts(unchecked(config, ["web", "db", "nobody"]))}
    assert (found["web"], found["db"]) == (False, True)
    assert parts(config)[0].checked


def test_what_another_service_builds_has_no_image_of_its_own_and_what_was_chosen_starts():
    services = {
        "job": {"build": {"context": "."}, "image": "shop/all"},
        "web": {"image": "shop/all", "profiles": ["certify"]},
    }
    assert [part.image for part in parts({"services": services})] == ["", ""]
    alone = isolate({"services": services}, "run", "owner")["services"]
    assert alone["web"]["image"] == alone["job"]["image"]
    assert "profiles" not in alone["web"]
