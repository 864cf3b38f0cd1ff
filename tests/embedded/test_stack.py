"""The whole stack, booted for real."""

import os
import signal
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.stack

ACROSS = "{ invoices(limit: 3) { number customer { id name } } }"
CLEAN_SECONDS = 30.0


def test_it_boots_answers_breaks_returns_and_leaves_nothing(launch: Any, http: Any, left_over: Any):
    get, post = http
    stack = launch("--overlay", "overlay_for_tests:apply")
    endpoints = stack.until_up()
    services, gateway = endpoints["services"], endpoints["gateway"]["url"]

    assert len(services) == 18
    assert {event["name"] for event in stack.events if event.get("state") == "ready"} >= services.keys() | {"gateway"}
    assert [get(service["url"] + service["ready"])[0] for service in services.values()] == [200] * 18
    assert stat.S_IMODE((stack.folder / "endpoints.json").stat().st_mode) == 0o600
    assert get(services["scheduler"]["url"] + "/overlay") == (200, "scheduler urn:erp:auth")
    assert get(services["crm"]["url"] + "/overlay")[0] == 404

    token = log_in(post, endpoints["credentials"])
    query_across(post, gateway, token)
    refuse_strangers(post, gateway)
    break_and_mend(stack, http, endpoints, token)

    family, folders = stack.family(), stack.private_folders()
    assert len(family) > 20
    assert len(folders) == 1
    stack.process.send_signal(signal.SIGKILL)
    assert left_over(family, CLEAN_SECONDS) == []
    assert not folders[0].exists()


def log_in(post: Any, credentials: Any):
    user = credentials["users"]["accountant"]
    status, answer = post(credentials["login"], {"username": user["username"], "password": user["password"]})
    assert status == 200
    assert post(credentials["login"], {"username": user["username"], "password": "wrong"})[0] == 401
    return answer["access_token"]


def query_across(post: Any, gateway: str, token: str):
    status, answer = post(f"{gateway}/graphql", {"query": ACROSS}, token)
    assert status == 200
    assert "errors" not in answer
    assert len(answer["data"]["invoices"]) == 3
    assert all(invoice["customer"]["name"] for invoice in answer["data"]["invoices"])


def refuse_strangers(post: Any, gateway: str):
    for token in ("", "x.y.z"):
        status, answer = post(f"{gateway}/graphql", {"query": "{ __schema { queryType { name } } }"}, token)
        assert status == 401
        assert answer == {
            "errors": [{"message": "A valid bearer token is needed.", "extensions": {"code": "UNAUTHENTICATED"}}]
        }


def break_and_mend(stack: Any, http: Any, endpoints: Any, token: str):
    get, post = http
    gateway, crm = endpoints["gateway"]["url"], endpoints["services"]["crm"]

    assert stack.do("kill", "crm") == [("crm", "died")]
    refused(crm["url"])
    assert get(f"{gateway}/health/ready")[0] == 503
    status, answer = post(f"{gateway}/graphql", {"query": ACROSS}, token)
    assert status == 200
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"SUBGRAPH_UNAVAILABLE"}
    assert "127.0.0.1" not in str(answer)

    assert stack.do("restart", "crm")[-1] == ("crm", "ready")
    query_across(post, gateway, token)

    assert stack.do("pause", "crm") == []
    assert get(f"{gateway}/health/ready")[0] == 503
    stack.do("resume", "crm")
    assert get(f"{gateway}/health/ready")[0] == 200

    assert stack.do("restart", "gateway")[-1] == ("gateway", "ready")
    query_across(post, gateway, token)


def refused(url: str):
    port = int(url.rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_end_of_standard_input_takes_all_of_it_down_even_in_the_midst_of_booting(launch: Any, left_over: Any):
    stack = launch()
    stack.until(lambda event: event.get("state") == "migrated")
    family, folders = stack.family(), stack.private_folders()
    stack.stdin.close()
    assert stack.process.wait(CLEAN_SECONDS) == 0
    assert left_over(family, 5.0) == []
    assert [folder for folder in folders if folder.exists()] == []


def test_a_launcher_killed_in_its_first_moments_leaves_nothing(launch: Any, left_over: Any):
    stack = launch()
    stack.until(lambda event: event.get("name") == "postgres")
    family, folders = stack.family(), stack.private_folders()
    assert len(family) > 3
    stack.process.send_signal(signal.SIGKILL)
    assert left_over(family, CLEAN_SECONDS) == []
    assert [folder for folder in folders if folder.exists()] == []


def test_an_overlay_that_does_not_exist_fails_the_boot_by_name(launch: Any):
    stack = launch("--overlay", "overlay_for_tests:nothing")
    failed = stack.until(lambda event: event["event"] in {"up", "failed"})
    assert failed["event"] == "failed"
    assert any("overlay 'overlay_for_tests:nothing'" in line for line in failed["log_tail"])
    assert stack.process.wait(CLEAN_SECONDS) == 1


def test_logs_stay_in_the_given_folder_for_the_owner_alone(launch: Any):
    stack = launch()
    stack.until(lambda event: event.get("state") == "listening" and event["name"] == "finance")
    logs = {path.name: path for path in (stack.folder / "logs").iterdir()}
    assert {"zygote.log", "postgres.log", "finance.log"} <= logs.keys()
    assert stat.S_IMODE(logs["finance.log"].stat().st_mode) == 0o600
    assert Path(stack.folder).stat().st_uid == os.geteuid()
