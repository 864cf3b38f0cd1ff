"""An environment that can run no target is exit code 4, and leaves nothing; a stack that boots badly is judged."""

from pathlib import Path
from typing import Any

CONTROL = {"title": "a control", "severity": "high", "prove": ["sample.web"]}
SERVICES = {"shop": {}}


def launcher(product: Any, body: str) -> None:
    source = "import json, pathlib, sys\nsay = lambda **event: print(json.dumps(event), flush=True)\n"
    source += 'if sys.argv[1] == "describe":\n    say(root=str(pathlib.Path(__file__).parent)); sys.exit()\n' + body
    Path(product.folder, "plugins", "toy_stack.py").write_text(source)


def certify(product: Any, reference: str) -> Any:
    product.profile({"C-1": CONTROL}, stack={"reference": reference, "services": SERVICES, "boot_budget": "3 s"})
    return product.certify("--profile", "product.yaml")


def test_a_stack_that_is_not_installed(product: Any) -> None:
    result = certify(product, "no_such_stack")
    assert result.code == 4
    assert "is it installed?" in result.stderr
    assert not result.out.exists()


def test_a_launcher_that_ends_before_the_stack_is_up_is_told_with_its_last_words(product: Any) -> None:
    launcher(product, 'sys.exit("no \\x1b[31mroom on the disk")\n')
    result = certify(product, "toy_stack")
    assert result.code == 4
    assert r"no \x1b[31mroom on the disk" in result.stderr
    assert [path.name for path in product.folder.iterdir() if path.name.startswith((".cert", "certify-"))] == []


def test_a_stack_without_its_packages_is_told_what_to_install(product: Any) -> None:
    launcher(product, "import a_package_that_nobody_installed\n")
    result = certify(product, "toy_stack")
    assert result.code == 4
    assert "cure: the reference stack comes with: pip install 'certify[stack]'" in result.stderr


def test_one_service_that_does_not_come_up_is_the_targets_fault(product: Any) -> None:
    told = 'say(event="failed", service="shop", message="port taken", log_tail=["bind: in use"], endpoints={})\n'
    launcher(product, told + "sys.stdin.read()\n")
    result = certify(product, "toy_stack")
    assert result.code == 3
    assert result.control("C-1")["outcome"] == "pass"  # the rule looked, and said what it saw
    service = result.record["services"][0]
    assert service["state"] == "failed"
    assert "bind: in use" in service["detail"]
    assert "boot-failed" in result.decision["reason"]


def test_a_stack_that_never_comes_up_is_given_up_after_its_budget(product: Any) -> None:
    launcher(product, "sys.stdin.read()\n")
    result = certify(product, "toy_stack")
    assert result.code == 3
    assert result.record["timings"]["boot"] < 10_000_000
    assert result.record["services"][0]["state"] == "not-started"
    assert "not up within its boot budget of 3 s" in [entry["text"] for entry in result.record["ledger"]][-1]
