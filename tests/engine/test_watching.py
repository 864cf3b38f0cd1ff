"""What happens to the stack while checks look at it is seen, told and sealed; a stack that is gone keeps nobody waiting."""

import json
from typing import Any

WEB = {"title": "web", "severity": "high", "prove": ["sample.web"]}


def hanging(seconds: int, rule: str = "sample.web") -> dict[str, Any]:
    return {
        "title": "takes its time",
        "severity": "high",
        "prove": [rule],
        "with": {"behave": "hang", "seconds": seconds},
    }


def test_a_service_that_dies_unasked_is_told_at_once_and_nothing_is_certified_on_it(product: Any) -> None:
    product.toy({"C-1": hanging(2)}, "dies")
    result = product.certify("--profile", "product.yaml")
    line = next(line for line in result.stderr.splitlines() if "till died" in line)
    assert r"warning: till died: exit status 1" in line
    assert r"\x1b[31m::error::panic: no more\u202e money" in line
    assert "\x1b" not in result.stderr
    assert {
        "kind": "service-died",
        "text": "till died, and no check had asked for it: exit status 1",
        "control": "",
    } in (result.record["ledger"])
    assert "service-died" in result.decision["reason"]
    till = result.record["services"][1]
    assert (till["state"], till["deaths"]) == ("ready", 1)
    assert till["detail"] == "exit status 1\n" + r"\x1b[31m::error::panic: no more\u202e money"


def test_checks_that_start_later_are_told_what_happened(product: Any) -> None:
    product.toy({"C-1": hanging(2), "C-2": hanging(0, "sample.last")}, "dies")
    result = product.certify("--profile", "product.yaml")
    states = [
        (event["part"], event["state"])
        for event in json.loads(result.evidence("sample-last", "stack.json"))["happened"]
    ]
    assert states == [
        ("shop", "ready"), ("till", "ready"), ("till", "died"), ("till", "restarting"), ("till", "ready"),
    ]  # fmt: skip
    early = json.loads(result.evidence("sample-web", "stack.json"))["happened"]
    assert [event["part"] for event in early] == ["shop", "till"]
    times = [event["at_us"] for event in json.loads(result.evidence("sample-last", "stack.json"))["happened"]]
    assert times == sorted(times)
    assert times[0] > 0


def test_a_stack_that_is_gone_ends_the_checks_on_it_but_no_others(product: Any) -> None:
    controls = {"C-1": hanging(60), "C-2": hanging(60, "sample.alone"), "C-3": hanging(0, "sample.size")}
    controls["C-2"]["prove"] = ["sample.breaks"]
    product.toy(controls, "exits")
    result = product.certify("--profile", "product.yaml")
    assert result.code == 3
    assert [result.control(name)["outcome"] for name in controls] == ["inconclusive", "inconclusive", "pass"]
    for name in ("C-1", "C-2"):
        assert result.control(name)["reason"] == "stack-gone: the stack's launcher ended: out of memory"
    assert "error: stack-gone" in result.stderr
    assert "stack-gone" in {entry["kind"] for entry in result.record["ledger"]}
    assert product.certify("verify", "certification", "--integrity-only").code == 0


def test_what_looks_back_is_observed_after_everything_else(product: Any) -> None:
    controls = {
        "C-1": hanging(0, "sample.last"),
        "C-2": hanging(1, "sample.alone"),
        "C-3": hanging(1),
        "C-4": hanging(0, "sample.breaks"),
        "C-5": hanging(0, "sample.size") | {"requires": ["C-2"]},
    }
    product.toy(controls)
    result = product.certify("--profile", "product.yaml", "--jobs", "4")
    assert {control["outcome"] for control in result.record["controls"]} == {"pass"}, result.stderr
    started = [note["job"] for note in result.runlog if note["event"] == "job-started"]
    ended = [note["job"] for note in result.runlog if note["event"] == "job-ended"]
    by_rule = {question: job["id"] for job in result.record["jobs"] for question in (job["id"].split("-")[1],)}
    assert started[-1] == by_rule["last"]
    assert ended[:-1] == ended[: ended.index(by_rule["last"])]
    assert started.index(by_rule["alone"]) < started.index(by_rule["breaks"])


def test_a_requirement_of_the_last_comes_before_what_requires_it(product: Any) -> None:
    controls = {"C-1": hanging(0, "sample.last"), "C-2": hanging(0, "sample.alone") | {"requires": ["C-1"]}}
    product.toy(controls)
    result = product.certify("--profile", "product.yaml")
    assert [note["job"] for note in result.runlog if note["event"] == "job-started"] == ["sample-last", "sample-alone"]


def test_the_plan_says_what_comes_last(product: Any) -> None:
    product.toy({"C-1": hanging(0, "sample.last"), "C-2": hanging(0, "sample.breaks")})
    shown = product.certify("plan", "--profile", "product.yaml").stdout
    assert "sample-last (last, after all others, at most 30 s)" in shown
    assert "sample-breaks (alone, disturbing the stack, at most 30 s)" in shown
