"""Whatever a check does, its control is never green by it, the others are judged, and nothing is left running."""

from pathlib import Path
from typing import Any

import pytest

DESCRIBE = """
if "--describe" in sys.argv:
    print(json.dumps({"id": "alien", "title": "Alien", "rules": [{"id": "there", "title": "is there"}]})); sys.exit()
task = json.load(sys.stdin)
key = task["questions"][0]["key"]
def say(**line): print(json.dumps(line), flush=True)
good = {"outcome": "pass", "summary": "there", "examined": 1}
"""


def control(rule: str, **options: Any) -> dict[str, Any]:
    return {"title": "a control", "severity": "high", "prove": [rule], "with": options}


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        ("raise", r"check-failed: RuntimeError: no \x1b[31mluck"),
        ("killed", "crashed: was killed by signal 9"),
        ("nothing", "check-failed: ValidationError"),
        ("nan", "check-failed: NotImplementedError"),
        ("climb", "check-failed: ValueError: evidence file '../../x' leads out of the evidence folder"),
        ("outside", "evidence: it, or a check beside it, wrote outside its evidence folder: evidence/planted.txt"),
        ("above", "evidence: it, or a check beside it, wrote outside its evidence folder: report.html"),
        ("link", "evidence: left link in its evidence, which cannot be sealed"),
        ("hostile-name", "evidence: left evil name in its evidence, which cannot be sealed"),
    ],
)
def test_a_check_that_misbehaves_is_an_error(product: Any, behave: str, reason: str) -> None:
    product.profile({"C-1": control("sample.size", behave=behave), "C-2": control("sample.size", behave="well")})
    result = product.certify("--profile", "product.yaml", "--jobs", "1")
    assert result.code == 3, result.stderr
    assert result.control("C-1")["outcome"] == "error"
    assert result.control("C-1")["reason"].startswith(reason)
    assert result.control("C-2")["outcome"] == "pass"
    assert result.decision["verdict"] == "INCONCLUSIVE"
    assert product.certify("verify", "certification", "--integrity-only").code == 0


@pytest.mark.parametrize("behave", ["hang", "hang-with-child"])
def test_a_check_that_hangs_in_synchronous_code_is_ended_after_its_budget(product: Any, behave: str) -> None:
    product.profile({"C-1": control("sample.size", behave=behave)}, budgets={"sample": "2 s"})
    result = product.certify("--profile", "product.yaml")
    assert result.control("C-1")["reason"].startswith("budget: was ended after its budget of 2 s")
    pid_file = result.out / "evidence" / "sample" / "child.pid"
    if behave == "hang-with-child":
        assert not Path("/proc", pid_file.read_text()).exists() or _is_zombie(int(pid_file.read_text()))


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(
    ("rule", "outcome", "reason"),
    [
        ("sample.size", "pass", "size 3"),
        ("sample.unseeded", "inconclusive", "self-test-empty"),
        ("sample.blind", "inconclusive", "self-test-missed: the rule missed planted defects: not small at all"),
        ("sample.raises", "error", "judge-raised: ZeroDivisionError: judge"),
        ("sample.needy", "inconclusive", "capability-missing: driver and profile do not offer: kafka"),
        ("sample.unheard-of", "unimplemented", "no-such-rule"),
        ("unheard.of", "unimplemented", "no-such-rule"),
    ],
)
def test_a_green_ruling_is_believed_only_after_its_self_test(
    product: Any, rule: str, outcome: str, reason: str
) -> None:
    product.profile({"C-1": control(rule)})
    result = product.certify("--profile", "product.yaml")
    assert result.control("C-1")["outcome"] == outcome, result.stderr
    assert result.control("C-1")["reason"].startswith(reason)
    assert result.code == 3  # never certified: the source is in no repository, if nothing else


def test_nothing_examined_is_not_a_pass(product: Any) -> None:
    product.profile({"C-1": control("sample.size", behave="zero")})
    result = product.certify("--profile", "product.yaml")
    assert result.control("C-1")["reason"].startswith("nothing-examined")


def test_a_limit_that_the_rule_needs_must_be_given(product: Any) -> None:
    product.profile({"C-1": control("sample.limited")})
    result = product.certify("--profile", "product.yaml")
    assert result.code == 2
    assert "most" in result.stderr
    assert "product.yaml" in result.stderr


def test_signing_secrets_do_not_reach_checks(product: Any) -> None:
    product.profile({"C-1": control("sample.size", behave="environment")})
    product.environment["CERTIFY_KEY_PASSWORD"] = "open sesame"
    result = product.certify("--profile", "product.yaml")
    names = (result.out / "evidence" / "sample" / "environment.txt").read_text().split()
    assert "CERTIFY_JOB_ID" in names
    assert not {"CERTIFY_KEY", "CERTIFY_KEY_PASSWORD"} & set(names)


def test_what_a_check_weakens_is_in_the_ledger_and_makes_the_run_partial(product: Any) -> None:
    product.profile({"C-1": control("sample.size", behave="weak")})
    result = product.certify("--profile", "product.yaml")
    assert {"kind": "shortened", "text": "sample: 1 instead of 2", "control": ""} in result.record["ledger"]
    assert result.decision["verdict"] == "PARTIAL"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('say(type="ruling", key=key, rule="there", ruling=good, selftest={"seeded":1,"found":1}); say(type="done")', ""),
        ('say(type="ruling", key=key, rule="there", ruling=good); say(type="done")', "self-test-empty"),
        ('print("rubbish"); say(type="done")', "protocol: said something that is not in the protocol"),
        ('say(type="ruling", key=key, rule="there", ruling=good, selftest={"seeded":1,"found":1}); print("{")', "protocol"),
        ('say(type="ruling", key=key, rule="other", ruling=good); say(type="done")', "protocol: claims a rule that nobody asked"),
        ('say(type="ruling", key="C-9/x", rule="there", ruling=good)', "protocol: claims a rule that nobody asked"),
        ('[say(type="ruling", key=key, rule="there", ruling=good) for _ in range(2)]', "protocol: ruled twice"),
        ('say(type="ruling", key=key, rule="there", ruling={"outcome": "fine"})', "protocol"),
        ('say(type="done")', "no-ruling: ended without a ruling on 1 of 1"),
        ("sys.exit(3)", "crashed: ended with exit code 3 before it said `done`"),
        ('say(type="failed", message="cannot")', "check-failed: cannot"),
        ('say(type="done"); os.abort()', "no-ruling"),
    ],
)  # fmt: skip
def test_an_executable_of_any_kind_is_a_check(product: Any, body: str, reason: str) -> None:
    command = product.executable("alien", DESCRIBE + body)
    product.profile({"C-1": control("alien.there")}, checks={"alien": {"command": [command]}})
    result = product.certify("--profile", "product.yaml")
    found = result.control("C-1")
    assert found["outcome"] == ("inconclusive" if reason == "self-test-empty" else "error" if reason else "pass")
    assert found["reason"].startswith(reason)


def test_an_executable_that_does_not_describe_itself_is_a_usage_error(product: Any) -> None:
    command = product.executable("alien", "print('hello')")
    product.profile({"C-1": control("alien.there")}, checks={"alien": {"command": [command]}})
    result = product.certify("--profile", "product.yaml")
    assert result.code == 2
    assert "--describe` gave no description" in result.stderr


def test_a_slip_of_the_pen_in_only_does_not_narrow_the_run_to_nothing(product: Any) -> None:
    product.profile({"C-1": control("sample.size")})
    result = product.certify("--profile", "product.yaml", "--only", "C-11")
    assert result.code == 2
    assert "did you mean 'C-1'" in result.stderr


def test_results_never_replace_a_folder_of_somebody_else(product: Any) -> None:
    product.profile({"C-1": control("sample.size")})
    (product.folder / "certification").mkdir()
    (product.folder / "certification" / "thesis.tex").write_text("years of work")
    result = product.certify("--profile", "product.yaml")
    assert result.code == 2
    assert "--out DIR" in result.stderr
    assert [path.name for path in (product.folder / "certification").iterdir()] == ["thesis.tex"]
