"""A check may break the running stack if its rules need that; whatever it leaves broken, the engine mends."""

import json
from typing import Any

import pytest

DESCRIBE = """
if "--describe" in sys.argv:
    print(json.dumps({"id": "alien", "title": "Alien", "rules": [
        {"id": "there", "title": "is there"}, {"id": "breaks", "title": "breaks", "needs": ["kill"]}]})); sys.exit()
task = json.loads(sys.stdin.readline())
key, rule = task["questions"][0]["key"], task["questions"][0]["rule"]
def say(**line): print(json.dumps(line), flush=True)
def good(summary):
    ruling = {"outcome": "pass", "summary": summary, "examined": 1}
    say(type="ruling", key=key, rule=rule, ruling=ruling, selftest={"seeded": 1, "found": 1})
    say(type="done")
"""


def breaks(*disturb: str, **options: Any) -> dict[str, Any]:
    given = {"disturb": list(disturb)} | options
    return {"title": "a control", "severity": "high", "prove": ["sample.breaks"], "with": given}


def done(result: Any) -> list[str]:
    """What was done to the stack, in order, as the run log tells it."""
    return [
        " ".join(filter(None, (note["event"], note["do"], note["part"], note.get("of", ""))))
        for note in result.runlog
        if note.get("do")
    ]


def test_what_a_check_does_and_undoes_is_logged_with_its_name(product: Any) -> None:
    product.toy({"C-1": breaks("kill shop", "restart shop", "cut till database", "mend till database")})
    result = product.certify("--profile", "product.yaml")
    assert result.control("C-1")["outcome"] == "pass", result.stderr
    assert result.evidence("sample", "disturbed.txt").split("\n") == [
        "kill done",
        "restart done",
        "cut done",
        "mend done",
    ]
    assert done(result)[::2] == [
        "disturb kill shop", "disturb restart shop", "disturb cut till database", "disturb mend till database",
    ]  # fmt: skip
    assert {note["job"] for note in result.runlog if note.get("do")} == {"sample"}
    assert result.decision["reason"].startswith("the run was weakened: source-unknown")


def test_what_a_check_left_broken_is_mended_in_an_order_that_can_succeed(product: Any) -> None:
    controls = {
        "C-1": breaks("kill shop", "pause till", "kill postgres", "cut shop database", "restart till"),
        "C-2": breaks("pause till", "kill till"),
    }
    product.toy(controls)
    result = product.certify("--profile", "product.yaml")
    assert [result.control(name)["outcome"] for name in controls] == ["pass", "pass"]
    undone = [note for note in done(result) if note.startswith("undo ")]
    assert undone == ["undo mend shop database", "undo restart postgres", "undo restart shop", "undo restart till"]
    # All of the first one's before the second one began.
    jobs = [note["job"] for note in result.runlog if note.get("do")]
    assert jobs == sorted(jobs, key=jobs.index)
    second = json.loads(result.evidence(jobs[-1], "stack.json"))
    assert second["services"][0]["pid"] == 4711
    assert {"part": "shop", "state": "died", "detail": "signal 9", "asked": True} in [
        {key: value for key, value in event.items() if key != "at_us"} for event in second["happened"]
    ]
    assert [service["deaths"] for service in result.record["services"]] == [0, 0]
    assert "service-died" not in {entry["kind"] for entry in result.record["ledger"]}


@pytest.mark.parametrize(("behave", "reason"), [("hang", "budget"), ("killed", "crashed"), ("raise", "check-failed")])
def test_also_a_check_that_ends_badly_leaves_nothing_broken(product: Any, behave: str, reason: str) -> None:
    product.toy({"C-1": breaks("kill shop", behave=behave)}, budgets={"sample": "2 s"})
    result = product.certify("--profile", "product.yaml")
    assert result.control("C-1")["reason"].startswith(reason)
    assert done(result)[-1] == "undo-done restart shop"


def test_a_stack_that_stays_broken_is_no_defect_of_the_stack(product: Any) -> None:
    quick = {"title": "quick", "severity": "high", "prove": ["sample.last"]}
    product.toy({"C-1": breaks("kill shop"), "C-2": quick}, "no-restart")
    result = product.certify("--profile", "product.yaml")
    assert result.code == 3
    assert result.control("C-1")["outcome"] == "pass"
    assert result.control("C-2")["outcome"] == "inconclusive"
    assert result.control("C-2")["reason"] == (
        "stack-left-disturbed: what sample-breaks did to the stack could not be undone: "
        r"restart shop: it \x1b[2Jdoes not come back"
    )
    assert "stack-left-disturbed" in {entry["kind"] for entry in result.record["ledger"]}
    assert "error: stack-left-disturbed" in result.stderr


def test_what_cannot_be_done_is_refused_with_the_reason(product: Any) -> None:
    product.toy({"C-1": breaks("kill nobody", "cut shop broker", "kill \x1b[2J")}, "no-cut", "no-mend")
    result = product.certify("--profile", "product.yaml")
    refused = result.evidence("sample", "disturbed.txt").split("\n")
    assert refused[0] == "kill refused: the stack has no part 'nobody'; it has: postgres, shop, till"
    assert refused[1] == r"cut refused: it \x1b[2Jdoes not come back"
    assert refused[2].startswith(r"kill refused: the stack has no part '\x1b[2J'")
    assert "stack-left-disturbed" not in {entry["kind"] for entry in result.record["ledger"]}


def test_several_things_at_once_find_their_own_answers(product: Any) -> None:
    controls = {"C-1": breaks("pause shop", "pause till", "resume nobody", "resume shop", at_once=True)}
    product.toy(controls, "backwards")
    result = product.certify("--profile", "product.yaml")
    said = result.evidence("sample", "disturbed.txt").split("\n")
    assert [line.partition(":")[0] for line in said] == ["pause done", "pause done", "resume refused", "resume done"]


def test_only_a_check_whose_rules_need_it_may_disturb(product: Any) -> None:
    product.toy({"C-1": breaks("kill shop") | {"prove": ["sample.web"]}})
    result = product.certify("--profile", "product.yaml")
    assert result.evidence("sample", "disturbed.txt") == "kill refused: nobody is there who could disturb this stack"
    assert done(result) == []


def test_nothing_is_broken_that_is_not_disposable(product: Any) -> None:
    product.toy({"C-1": breaks("kill shop")})
    path = product.folder / "product.yaml"
    path.write_text(path.read_text().replace('"disposable": true', '"disposable": false'))
    result = product.certify("--profile", "product.yaml")
    assert result.control("C-1")["reason"].startswith("capability-missing: driver and profile do not offer: cut, kill")


ASK = 'say(type="disturb", id=7, disruption={"do": "%s", "part": "shop", "of": "database"}); '


@pytest.mark.parametrize(
    ("rule", "body", "reason"),
    [
        ("breaks", ASK % "kill" + "good(sys.stdin.readline())", '{"type":"reply","id":7,"error":""}'),
        ("breaks", ASK % "cut" + 'good("")', "protocol: asks to cut 'shop', but none of its rules needs cut"),
        ("there", ASK % "kill" + 'good("")', "protocol: asks to kill 'shop', but none of its rules needs kill"),
        ("breaks", ASK % "eat" + 'good("")', "protocol: said something that is not in the protocol"),
        ("breaks", "for _ in range(999): " + ASK % "kill", "protocol: asks for more than 64 disruptions at once"),
        ("there", "good(repr(sys.stdin.read()))", "''"),
    ],
)
def test_an_executable_disturbs_by_the_same_rules(product: Any, rule: str, body: str, reason: str) -> None:
    command = product.executable("alien", DESCRIBE + body)
    control = {"title": "a control", "severity": "high", "prove": [f"alien.{rule}"]}
    product.toy({"C-1": control}, checks={"alien": {"command": [command]}})
    result = product.certify("--profile", "product.yaml")
    assert result.control("C-1")["reason"].startswith(reason)
