"""A locustfile of the user's own, against a real server: both colours, and whatever can be wrong with the file itself."""

import socket
from asyncio import run
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from certify.api import Context, Criteria, Limit, Outcome
from certify.profile.options import as_config
from certify_checks.load.check import CHECK
from certify_checks.load.model import LoadSeen
from certify_checks.load.observing import running

Contexts = Callable[..., Context]
RULES = {rule.id: rule for rule in CHECK.rules}
ASKED = Criteria({"p95": Limit.parse("< 5 s"), "share": Limit.parse("< 1 %")})
HEAD = """
import os
import time
from locust import FastHttpUser, HttpUser, constant, task

class Buyer(FastHttpUser):
    wait_time = constant(0.05)

    def ask(self, query, name):
        headers = {"Authorization": f"Bearer {os.environ['CERTIFY_TOKEN']}"}
        return self.client.post(os.environ["CERTIFY_GRAPHQL"], json={"query": query}, headers=headers, name=name)
"""


def observed(context: Contexts, address: str, folder: Path, text: str, **more: Any) -> LoadSeen:
    (folder / "buyers.py").write_text(text)
    ctx = context(address, options={"profiles": str(folder)})
    options = {
        "shapes": {"own": {"locustfile": "buyers.py"}},
        "users": 10,
        "ramp": "300 ms",
        "warmup": "300 ms",
        "hold": "3 s",
        "timeout": "1 s",
    }
    seen: LoadSeen = run(CHECK.observe(ctx, as_config(CHECK, options | more)))
    return seen


def test_its_users_make_the_load_and_every_request_is_kept_under_its_name(
    context: Contexts, address: str, tmp_path: Path
):
    text = (
        HEAD
        + """
    @task(3)
    def listed(self):
        assert self.ask("{ list }", "listed").status_code == 200

class Slow(HttpUser):
    wait_time = constant(0.05)
    fixed_count = 2

    @task
    def login(self):
        print('{"second": "nonsense"}', os.environ["CERTIFY_TOKEN"])
        self.client.post("/login", json={}, name="log-in")
"""
    )
    seen = observed(context, address, tmp_path, text)
    assert not seen.unusable, seen.detail
    assert {operation.name for operation in seen.operations} == {"listed", "log-in"}
    assert {operation.name for operation in seen.operations if len(operation.answered) > 50} >= {"listed"}
    assert not seen.failures
    assert seen.generator.users == 10
    assert min(next(one for one in seen.operations if one.name == "listed").answered) >= 10_000
    assert RULES["latency"].judge(seen, ASKED).outcome is Outcome.PASS
    assert RULES["errors"].judge(seen, ASKED).outcome is Outcome.PASS
    log = (tmp_path / "evidence" / "generator.log").read_text()
    assert ("(token)" in log, "secret" in log) == (True, False)
    assert RULES["effects"].judge(seen, Criteria({name: Limit.parse("== 0") for name in ("lost", "double")})).reason


def test_failures_are_those_of_locust_of_the_file_and_of_graphql(context: Contexts, address: str, tmp_path: Path):
    text = (
        HEAD
        + """
    @task
    def all(self):
        self.ask("{ graphql }", "errors in a 200")
        self.ask("{ http }", "500")
        self.ask("{ throttled }", "429")
        with self.client.post("/login", json={}, name="refused", catch_response=True) as answer:
            answer.failure("not what was wanted")
        self.client.get("http://127.0.0.1:9/", name="nobody")
"""
    )
    seen = observed(context, address, tmp_path, text)
    found = {operation.name: set(operation.failed) for operation in seen.operations}
    assert found == {
        "errors in a 200": {"graphql"},
        "500": {"http"},
        "429": {"throttled"},
        "refused": {"script"},
        "nobody": {"connection"},
    }
    told = RULES["errors"].judge(seen, ASKED)
    assert told.outcome is Outcome.FAIL
    assert any("not what was wanted" in finding.message for finding in told.findings)
    assert RULES["latency"].judge(seen, ASKED).outcome is not Outcome.PASS


def test_what_is_under_way_at_the_end_counts_as_unanswered(context: Contexts, address: str, tmp_path: Path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        text = f"""{HEAD}
    network_timeout = connection_timeout = 60.0

    @task
    def never(self):
        self.ask("{{ list }}", "listed")
        time.sleep(1.0)
        self.client.get("http://127.0.0.1:{silent.getsockname()[1]}/silent?x=1")
"""
        seen = observed(context, address, tmp_path, text, warmup="0 s", ramp="100 ms", hold="3 s")
    assert sum(one.failed.get("unanswered", 0) for one in seen.operations if one.name == "GET /silent") > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def broken(:\n", "buyers.py:1: SyntaxError"),
        ("import nothing_of_that_name\n", "buyers.py:1: ModuleNotFoundError"),
        ("\nraise SystemExit('leaving')\n", "buyers.py:2: SystemExit: leaving"),
        ("x = 1\n", "no class in it is a locust.User"),
        (
            "from locust import LoadTestShape\n"
            + HEAD
            + "\n    @task\n    def t(self): ...\n\nclass Waves(LoadTestShape):\n    def tick(self): ...\n",
            "Waves is a LoadTestShape",
        ),
        (
            HEAD + "\n    host = 'http://elsewhere.example'\n\n    @task\n    def t(self): ...\n",
            "which is not this stack",
        ),
        (
            HEAD
            + "\n    @task\n    def t(self):\n        self.environment.events.request.fire(request_type='own', name='own',"
            " response_time=float('nan'), response_length=0, exception=None, context={})\n",
            "ValueError: cannot convert float NaN",
        ),
        (HEAD + "\n    @task\n    def wrong(self):\n        self.nothing()\n", "buyers.py:15: AttributeError"),
        (
            HEAD + "\n    def on_start(self):\n        raise ValueError('no')\n\n    @task\n    def t(self): ...\n",
            "ValueError: no",
        ),
        ("import os\nos._exit(3)\n", "ended with code 3"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_its_line(
    context: Contexts, address: str, tmp_path: Path, text: str, said: str
):
    seen = observed(context, address, tmp_path, text, hold="60 s")
    ruling = RULES["latency"].judge(seen, ASKED)
    assert ruling.outcome is Outcome.INCONCLUSIVE
    assert ruling.reason in {"locustfile-failed", "generator-failed"}
    assert said in ruling.summary
    assert ruling.cure


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.sleep(3600)\n",
        HEAD + "\n    @task\n    def wrong(self):\n        while True:\n            pass\n",
    ],
    ids=["while it is imported", "while it runs"],
)
def test_a_file_that_hangs_is_ended(
    context: Contexts, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
):
    monkeypatch.setattr(running, "GRACE", 2.0)
    seen = observed(context, address, tmp_path, text, hold="500 ms")
    assert seen.unusable == "generator-failed"


def test_a_file_that_is_not_there_and_options_that_contradict_it(context: Contexts, address: str, tmp_path: Path):
    options = {"shapes": {"own": {"locustfile": "nowhere.py"}}}
    seen = run(CHECK.observe(context(address, options={"profiles": str(tmp_path)}), as_config(CHECK, options)))
    assert (seen.unusable, "nowhere.py" in seen.detail) == ("no-locustfile", True)
    for more, said in (({"pace": "1 s"}, "wait as it says"), ({"rate": "5/s"}, "wait as it says")):
        with pytest.raises(msgspec.ValidationError, match=said):
            as_config(CHECK, options | more)
    both = {"shapes": {"own": {"locustfile": "x.py", "operations": [{"name": "a", "query": "b"}]}}}
    with pytest.raises(msgspec.ValidationError, match="contradict each other"):
        as_config(CHECK, both)
