"""The scenario check runs real tests in real processes against a real server."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from certify.api import Context, Criteria, Duration, Limit, Outcome, Service, Stack
from certify_checks.scenario import CHECK
from certify_checks.scenario.model import ScenarioConfig, ScenarioObservation
from certify_checks.scenario.passes import LIMITS, judge_passes

CRITERIA = Criteria({name: Limit.parse(text) for name, text in LIMITS.items()})
TESTS = """
import pytest

@pytest.mark.scenario("order")
def test_order(gateway, user, service, eventually, stack):
    data = gateway.query("mutation($n: Int) { order }", user("clerk"), n=3)
    assert data["order"]["variables"] == {"n": 3}
    assert data["order"]["authorization"] == "Bearer token-of-ann"
    assert service("shop").get("/health").status_code == 200
    assert eventually(lambda: gateway.query("{ count }", user("clerk"))["order"]["calls"] > 3)
    assert stack.reference is False

@pytest.mark.scenario("refund")
def test_refund(gateway):
    assert gateway.answer("{ refuse }").ok is False
    gateway.query("{ refuse }")

@pytest.mark.scenario("ship")
@pytest.mark.skip(reason="no ship")
def test_ship():
    pass
"""


class Handler(BaseHTTPRequestHandler):
    calls = 0

    def do_GET(self):
        self._send({"status": "ok"})

    def do_POST(self):
        Handler.calls += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/login":
            assert body == {"username": "ann", "password": "secret"}
            self._send({"access_token": "token-of-ann"})
        elif "refuse" in body["query"]:
            self._send({"data": None, "errors": [{"message": "FORBIDDEN"}]})
        else:
            seen = {
                "variables": body["variables"],
                "authorization": self.headers["Authorization"],
                "calls": Handler.calls,
            }
            self._send({"data": {"order": seen}})

    def _send(self, body: dict) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object):
        pass


@pytest.fixture
def shop() -> Iterator[Stack]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        users = {"clerk": {"username": "ann", "password": "secret", "role": "clerk"}}
        credentials = {"login": f"{url}/login", "users": users}
        yield Stack((Service("shop", url),), Service("gateway", url, graphql="/graphql"), credentials)
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("tree/scenarios", "evidence", "scratch"):
        (tmp_path / name).mkdir(parents=True)
    file = tmp_path / "tree" / "scenarios" / "test_shop.py"
    file.write_text(TESTS)
    return file


def look(folder: Path, stack: Stack, *names: str, seconds: int = 60) -> ScenarioObservation:
    root = folder.parents[2]
    context = Context("scenario", root / "evidence", root / "scratch", root / "tree", stack=stack)
    config = ScenarioConfig(("nowhere", "scenarios"), names, timeout=Duration(f"{seconds} s"))
    seen: ScenarioObservation = asyncio.run(CHECK.observe(context, config))
    return seen


def test_a_scenario_that_works_passes_with_login_gateway_and_service(folder: Path, shop: Stack):
    seen = look(folder, shop, "order")
    ruling = judge_passes(seen, CRITERIA)
    assert ruling.outcome is Outcome.PASS, (ruling, (folder.parents[2] / "evidence/pytest.log").read_text())
    assert [result.test for result in seen.results] == ["test_shop.py::test_order"]
    assert oct((folder.parents[2] / "scratch/scenario/pytest/handover.json").stat().st_mode & 0o777) == "0o600"


def test_a_scenario_that_fails_is_located(folder: Path, shop: Stack):
    ruling = judge_passes(look(folder, shop, "refund"), CRITERIA)
    assert ruling.outcome is Outcome.FAIL
    finding = ruling.findings[0]
    assert "refund: AssertionError: gateway: FORBIDDEN" in finding.message
    assert finding.location.coordinate == "test_shop.py::test_refund"


@pytest.mark.parametrize(("name", "reason"), [("ship", "skipped"), ("bill", "no-test")])
def test_a_scenario_that_did_not_run_is_inconclusive(folder: Path, shop: Stack, name: str, reason: str):
    assert judge_passes(look(folder, shop, name), CRITERIA).reason == reason


def test_a_file_that_cannot_be_read_fails_although_another_one_passes(folder: Path, shop: Stack):
    folder.with_name("test_fine.py").write_text("def test_fine():\n    pass\n")
    folder.write_text("import nothing_like_it\n")
    ruling = judge_passes(look(folder, shop), CRITERIA)
    assert [finding.code for finding in ruling.findings] == ["scenario-error"]
    assert "nothing_like_it" in ruling.findings[0].message


def test_a_file_that_is_skipped_whole_is_inconclusive(folder: Path, shop: Stack):
    folder.with_name("test_fine.py").write_text("def test_fine():\n    pass\n")
    folder.write_text("import pytest\npytest.skip('not today', allow_module_level=True)\n")
    ruling = judge_passes(look(folder, shop), CRITERIA)
    assert (ruling.reason, "not today" in ruling.summary) == ("skipped", True)


def test_a_test_that_ends_its_process_fails(folder: Path, shop: Stack):
    folder.write_text("def test_dies():\n    import os\n    os._exit(3)\n")
    assert [finding.code for finding in judge_passes(look(folder, shop), CRITERIA).findings] == ["scenario-error"]


def test_a_run_that_hangs_never_passes(folder: Path, shop: Stack):
    folder.write_text("import time\ntime.sleep(60)\n")
    assert judge_passes(look(folder, shop, seconds=8), CRITERIA).reason == "not-run"


def test_no_folder_is_inconclusive(folder: Path, shop: Stack):
    folder.unlink()
    folder.parent.rmdir()
    assert judge_passes(look(folder, shop), CRITERIA).reason == "not-run"


def test_an_empty_folder_is_inconclusive(folder: Path, shop: Stack):
    folder.unlink()
    assert judge_passes(look(folder, shop), CRITERIA).reason == "no-test"
