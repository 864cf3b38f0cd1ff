"""Scenarios that notice what is spoilt, scenarios that do not, and what is kept of each test: real processes and servers."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from certify.api import Context, Criteria, Duration, Limit, Outcome, Service, Span, Stack
from certify_checks.scenario import CHECK
from certify_checks.scenario.model import JUnitConfig, ScenarioConfig, ScenarioObservation, SelfTestConfig
from certify_checks.scenario.passes import LIMITS, judge_passes

CRITERIA = Criteria({name: Limit.parse(text) for name, text in LIMITS.items()})
ALTER = SelfTestConfig(("amount", "notification", "event"), ("entries",), Duration("0.3 s"), Duration("40 s"))
GOOD = """
import pytest
pytestmark = pytest.mark.scenario("pay")

@pytest.mark.notices("amount")
def test_the_bill_is_exact(gateway):
    assert gateway.query("{ bill }")["bill"] == "12.30"

@pytest.mark.notices("notification")
def test_the_customer_hears_of_it(mailbox):
    assert mailbox.wait("ann@example.org")[0].text == "paid"

@pytest.mark.notices("event")
def test_the_trail_tells_of_it(gateway, eventually, unique):
    assert unique("a") != unique("a")
    eventually(lambda: "paid" in gateway.query("{ entries }")["entries"], within=20, what="the entry")
"""
BLIND = """
import pytest

@pytest.mark.scenario("pay")
@pytest.mark.notices("amount", "notification", "event")
def test_asserts_on_nothing(gateway, mailbox):
    gateway.query("{ bill }")
    mailbox.of("ann@example.org")
    gateway.query("{ entries }")
"""
FLAKY = """
import pytest
from pathlib import Path

@pytest.mark.scenario("pay")
def test_now_and_then(request):
    seen = Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first, "not the first time"

def test_never():
    raise AssertionError("never")
"""


class Handler(BaseHTTPRequestHandler):
    traces: ClassVar[list[str]] = []

    def do_GET(self):
        self._send([{"kind": "email", "id": "1", "to": "ann@example.org", "text": "paid"}])

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        Handler.traces.append(self.headers["traceparent"])
        self._send({"data": {"bill": "12.30", "entries": ["paid"]}})

    def _send(self, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object):
        pass


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Stack]:
    for name in ("tree/scenarios", "evidence", "scratch"):
        (tmp_path / name).mkdir(parents=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        gateway = Service("gateway", url, graphql="/graphql")
        yield Stack((Service("shop", url),), gateway, {"mailbox": f"{url}/messages"})
        server.shutdown()
        thread.join()


def look(root: Path, stack: Stack, tests: str = "", **options: Any) -> tuple[ScenarioObservation, list[str]]:
    """The observation, and what went into the ledger."""
    if tests:
        (root / "tree/scenarios/test_it.py").write_text(tests)
    ledger: list[str] = []
    context = Context(
        "scenario",
        root / "evidence",
        root / "scratch",
        root / "tree",
        stack=stack,
        weakening=lambda kind, text: ledger.append(f"{kind}: {text}"),
    )
    config = ScenarioConfig(("scenarios",), workers=1, **options)
    return asyncio.run(CHECK.observe(context, config)), ledger


def test_scenarios_that_notice_all_three_pass(tmp_path: Path, shop: Stack):
    seen, ledger = look(tmp_path, shop, GOOD, selftest=ALTER)
    ruling = judge_passes(seen, CRITERIA)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 3), ruling
    assert ruling.summary == "3 of 3 tests of 1 scenarios passed; 3 alterations noticed"
    assert {one.alteration: one.results[0].message.splitlines()[0] for one in seen.altered} == {
        "amount": "AssertionError: assert '12.31' == '12.30'",
        "notification": "Failed: message number 1 to ann@example.org did not come within 0.3 s; last seen: []",
        "event": "Failed: the entry did not come within 0.3 s; last seen: False",
    }
    assert ledger == []


def test_scenarios_that_notice_nothing_prove_nothing(tmp_path: Path, shop: Stack):
    seen, _ = look(tmp_path, shop, BLIND, selftest=ALTER)
    ruling = judge_passes(seen, CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "self-test-missed")
    assert ruling.summary.count("test_asserts_on_nothing did not fail") == 3


def test_a_test_that_passes_when_repeated_is_flaky_and_told_so(tmp_path: Path, shop: Stack):
    seen, ledger = look(tmp_path, shop, FLAKY)
    assert {result.test.rpartition("::")[2]: result.outcome for result in seen.results} == {
        "test_now_and_then": "flaky",
        "test_never": "failed",
    }
    assert "flaky-test: test_it.py::test_now_and_then: AssertionError: not the first time" in "\n".join(ledger)
    codes = {finding.code for finding in judge_passes(seen, CRITERIA).findings}
    assert codes == {"scenario-flaky", "scenario-failed"}


def test_skipped_and_expected_failures_are_in_the_ledger(tmp_path: Path, shop: Stack):
    tests = "import pytest\n@pytest.mark.skip(reason='no ship')\ndef test_a(): pass\n"
    tests += "@pytest.mark.xfail(reason='known')\ndef test_b(): assert 0\n"
    _, ledger = look(tmp_path, shop, tests)
    assert ledger[:2] == [
        "skipped-test: test_it.py::test_a: Skipped: no ship",
        "expected-failure: test_it.py::test_b: known",
    ]
    assert ledger[2].startswith("no-alteration: nothing was spoilt")


def test_output_spans_and_log_lines_of_each_test_are_kept(tmp_path: Path, shop: Stack):
    spans, log = tmp_path / "spans.jsonl", tmp_path / "shop.log"
    spans.write_text("")
    log.write_text("before the tests\n")
    one = Span("shop", "POST", "server", "{trace}", "00f067aa0ba902b7")
    record = json.dumps({name: getattr(one, name) for name in ("service", "name", "kind", "trace", "id")})
    tests = f"""
from pathlib import Path

def test_pays(gateway, trace, eventually):
    print("paying")
    gateway.query("{{ bill }}")
    with Path({str(log)!r}).open("a") as file:
        file.write("paid in " + trace.id + "\\n")
        file.write("paid in another trace\\n")
    with Path({str(spans)!r}).open("a") as file:
        file.write('''{record}'''.replace("{{trace}}", trace.id) + "\\n")
    eventually(lambda: trace.services() == {{"shop"}})
"""
    service = Service("shop", shop.services[0].url, log=str(log))
    stack = Stack((service,), shop.gateway, shop.credentials, spans=str(spans))
    seen, _ = look(tmp_path, stack, tests)
    assert judge_passes(seen, CRITERIA).outcome is Outcome.PASS, (tmp_path / "evidence/pytest.log").read_text()
    (file,) = (tmp_path / "evidence/tests").iterdir()
    kept = json.loads(file.read_text())
    trace = kept["result"]["trace"]
    assert kept["log"] == [f"paid in {trace}"]
    assert [span["service"] for span in kept["spans"]] == ["shop"]
    assert "paying" in kept["result"]["output"]
    assert any(sent.split("-")[1] == trace for sent in Handler.traces)


def test_results_of_another_runner_alone_are_read_and_prove_nothing(tmp_path: Path, shop: Stack):
    (tmp_path / "tree/jest.xml").write_text("<testsuite tests='1' name='pay'><testcase name='pays'/></testsuite>")
    (tmp_path / "tree/scenarios").rmdir()
    junit = (JUnitConfig("jest.xml", "Jest", {"pay > *": "pay"}), JUnitConfig("none.xml", "newman"))
    seen, ledger = look(tmp_path, shop, junit=junit[:1])
    assert judge_passes(seen, CRITERIA).reason == "unverified"
    assert ledger[0] == "unverified: jest.xml: 1 results of Jest, 1 of scenarios, prove nothing"
    seen, ledger = look(tmp_path, shop, junit=junit[:1], accept_unverified=True)
    assert judge_passes(seen, CRITERIA).outcome is Outcome.PASS
    assert ledger[0] == "unverified: jest.xml: 1 results of Jest, 1 of scenarios, count"
    seen, _ = look(tmp_path, shop, junit=junit, accept_unverified=True)
    ruling = judge_passes(seen, CRITERIA)
    assert ruling.reason == "junit-unreadable"
    assert "none.xml: No such file" in ruling.summary
