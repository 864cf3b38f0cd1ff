"""k6's samples, one by one, and what is made of a script; without the program."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from certify.api import Duration
from certify_checks.load.config import LoadConfig, Operation, Shape
from certify_checks.load.generator.outcomes import CONNECTION, HTTP, OK, THROTTLED, UNSENT, WRONG
from certify_checks.load.generator.tally import Row
from certify_checks.load.k6.running import Used, complaint, cores_used, environment, find_k6
from certify_checks.load.k6.samples import NEVER_STARTED, SampleError, Samples, read_samples
from certify_checks.load.k6.wrapper import wrapper
from certify_checks.load.observing.distribution import LOOPBACK, Layout
from certify_checks.load.observing.scripting import alone
from certify_checks.load.observing.unusable import UnusableError

COLUMNS = "metric_name,timestamp,metric_value,check,error,error_code,method,name,scenario,status,extra_tags,metadata"
PLAN: dict[str, Any] = {
    "url": "http://shop.example:8080",
    "path": "/graphql",
    "ramp": 1.0,
    "warmup": 2.0,
    "hold": 10.0,
    "users": 7,
    "stages": [],
    "concurrent": 50,
    "tokens": {"admin": "secret", "clerk": "other"},
    "role": "admin",
    "run": "1f",
}
ORIGIN = 1_000_000_000_000


def line(metric: str, value: float, at_ms: float = 0, **more: str) -> str:
    told = {"metric_name": metric, "timestamp": str(ORIGIN + round(at_ms * 1e6)), "metric_value": f"{value:f}"}
    told |= {"scenario": "load", "metadata": "vu=3&iter=0"} | more
    return ",".join(told.get(name, "") for name in COLUMNS.split(","))


def request(at_ms: float, took_ms: float, **more: str) -> list[str]:
    told = {"name": "list", "status": "200"} | more
    parts = {"http_reqs": 1, "http_req_duration": took_ms - 1, "http_req_blocked": 1, "http_req_connecting": 0.7}
    return [line(metric, value, at_ms, **told) for metric, value in parts.items()]


def read(tmp_path: Path, *lines: str) -> Samples:
    path = tmp_path / "samples.csv.gz"
    path.write_bytes(gzip.compress("\n".join([COLUMNS, line("certify_began", 0, scenario=""), *lines]).encode()))
    return read_samples(path)


def test_a_request_takes_from_waiting_for_a_connection_to_the_last_byte(tmp_path: Path):
    samples = read(tmp_path, *request(500, 20.25), line("checks", 1, 501, check="there"))
    assert samples.rows() == [Row(479_750, 20_250, 0, OK, "", 479_750, 0)]
    assert (samples.names, samples.unchecked()) == (["list"], [])


def test_outcomes_are_told_apart_and_a_failed_check_is_a_wrong_answer(tmp_path: Path):
    samples = read(
        tmp_path,
        *request(1, 1, status="0", error="dial: connection refused", name="a", metadata="vu=1&iter=0"),
        *request(2, 1, status="429", name="b", metadata="vu=1&iter=1"),
        *request(3, 1, status="503", name="c", metadata="vu=1&iter=2"),
        *request(4, 1, name="d", metadata="vu=1&iter=3"),
        line("checks", 0, 5, check="has data", metadata="vu=1&iter=3"),
        *request(6, 1, name="e", metadata="vu=1&iter=4"),
        line("dropped_iterations", 2, 7, metadata=""),
    )
    assert samples.names == ["a", "b", "c", "d", "e", NEVER_STARTED]
    outcomes = [row.outcome for row in sorted(samples.rows(), key=lambda row: row.operation)]
    assert outcomes == [CONNECTION, THROTTLED, HTTP, WRONG, OK, UNSENT, UNSENT]
    assert samples.examples() == {
        "0 connection": "dial: connection refused",
        "2 http": "HTTP 503",
        "3 wrong-body": "check 'has data' failed",
    }
    assert samples.unchecked() == ["e"]


def test_answers_that_are_looked_into_together_fail_one_by_one(tmp_path: Path):
    checks = [line("checks", 0, 9, check=name) for name in ("data", "data", "total", "data")]
    samples = read(tmp_path, *request(1, 1), *request(2, 1), *request(3, 1), *checks)
    assert [row.outcome for row in samples.rows()] == [WRONG] * 3


def test_a_check_is_of_the_same_turn_of_the_same_user(tmp_path: Path):
    samples = read(
        tmp_path,
        *request(1, 1, metadata="iter=0&vu=1"),
        *request(2, 1, metadata="iter=0&vu=2", name="other"),
        line("checks", 0, 3, check="c", metadata="iter=1&vu=1"),
        line("checks", 0, 3, check="c", metadata="iter=0&vu=2"),
    )
    assert [(row.operation, row.outcome) for row in samples.rows()] == [(0, OK), (1, WRONG)]


def test_calibration_is_joined_with_the_truth_and_is_no_load(tmp_path: Path):
    samples = read(
        tmp_path,
        *request(100, 6, scenario="calibration"),
        line("certify_true", 5.25, 100.2, scenario="calibration"),
        *request(200, 6, scenario=""),
        line("vus", 12, 300, scenario=""),
    )
    assert samples.calibration == [(94_000, 6000, 5250)]
    assert (samples.rows(), samples.users) == ([], [(ORIGIN + 300_000_000, 10)])


NO_RUNS = {
    "nothing": b"",
    "not compressed": b"{}",
    "other columns": gzip.compress(b"a,b\n1,2\n"),
    "no rows": gzip.compress(COLUMNS.encode()),
}


@pytest.mark.parametrize("content", NO_RUNS.values(), ids=NO_RUNS)
def test_what_is_no_whole_run_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises((SampleError, OSError)):
        read_samples(tmp_path / "x.gz")


def test_the_profile_says_how_many_and_the_script_what():
    told = wrapper(Path("/some where/it's.js"), PLAN)
    assert 'import * as script from "file:///some%20where/it%27s.js";' in told
    assert '"stages": [{"duration": "1s", "target": 7}, {"duration": "12s", "target": 7}]' in told
    rates = wrapper(Path("/a.js"), PLAN | {"stages": [{"rate": 2.5, "seconds": 4}, {"rate": 5, "seconds": 6}]})
    assert '"timeUnit": "1000s"' in rates
    assert '{"duration": "0s", "target": 5000}, {"duration": "6s", "target": 5000}]' in rates


def test_only_the_stack_can_be_reached_and_nothing_of_the_surroundings_comes_along(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("K6_OUT", "cloud")
    told = environment(PLAN, Path("/scratch"), "http://127.0.0.1:1")
    assert told["CERTIFY_TOKEN"] == "secret"
    assert told["CERTIFY_TOKEN_CLERK"] == "other"
    assert told["NO_PROXY"] == "127.0.0.1,localhost,shop.example"
    assert told["K6_NO_USAGE_REPORT"] == "true"
    assert "K6_OUT" not in told


def test_the_first_error_of_the_log_is_told():
    log = 'noise\n[1]\n{"level":"info","msg":"a"}\n{"level":"error","msg":"TypeError: x","source":"stacktrace"}\n'
    assert complaint(log) == "TypeError: x"
    assert not complaint('{"level":"warning","msg":"Request Failed","error":"refused"}')


def test_cpu_is_a_share_of_all_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    used = [Used(at * 1_000_000_000, at * 2.0) for at in range(20)]
    assert cores_used(used, 5_000_000_000, 10_000_000_000) == 500_000
    assert cores_used(used[:1], 5_000_000_000, 10_000_000_000) == 0


def test_options_that_contradict_a_script_are_refused():
    with pytest.raises(ValueError, match="`locustfile` and `k6`"):
        Shape(locustfile="a.py", k6="b.js")
    with pytest.raises(ValueError, match="`k6` and `operations`"):
        Shape((Operation("a", "{ a }"),), k6="b.js")
    with pytest.raises(ValueError, match="leave `pace` out"):
        LoadConfig(shapes={"a": Shape(k6="b.js")}, pace=Duration("1 s"))
    with pytest.raises(UnusableError, match="on all cores by itself"):
        alone(Shape(k6="b.js"), Layout(2, LOOPBACK, "", 1))


def test_no_k6_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnusableError, match="no program `k6`"):
        find_k6()
