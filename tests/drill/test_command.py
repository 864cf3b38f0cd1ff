"""`certify drill` as users run it: what is caught, missed, blamed wrongly; and what it refuses."""

import json
from typing import Any

import pytest

CONTRACT = {"fault", "expected", "outcome", "caught", "seconds"}


def test_faults_that_share_a_copy_are_each_caught(product: Any):
    drilled = product.drill("bad-shop", "bad-till")
    assert drilled.code == 0, drilled.stderr
    assert drilled.fates == {"bad-shop": "caught: fail", "bad-till": "caught: fail"}
    assert drilled.answer["clean"]["outcome"] == "clean"
    assert drilled.answer["clean"]["rules"] == {"words.clean": ["pass"]}
    first = drilled.answer["faults"][0]
    assert first.keys() >= CONTRACT
    assert first["expected"] == ["words.clean"]
    assert first["scene"] == drilled.answer["faults"][1]["scene"]
    assert first["seconds"] > first["observing"] > 0


def test_no_check_of_a_drill_gets_the_signing_key(product: Any):
    secret = {"CERTIFY_KEY": "key.pem", "CERTIFY_KEY_PASSWORD": "open sesame"}
    product.environment |= secret
    product.drill("bad-shop")
    told = [file.read_text().split() for file in product.out.rglob("environment")]
    assert told
    assert not [names for names in told if secret.keys() & set(names)]


def test_the_source_itself_is_left_alone(product: Any):
    product.drill("bad-shop")
    assert (product.folder / "shop" / "code.txt").read_text() == "fine\n"


@pytest.mark.parametrize(("fault", "fate"), [("harmless", "missed: pass"), ("nothing-there", "missed: not-run")])
def test_a_fault_that_no_rule_catches_is_1(product: Any, fault: str, fate: str):
    drilled = product.drill(fault)
    assert (drilled.code, drilled.fates) == (1, {fault: fate}), drilled.stderr
    assert drilled.answer["faults"][0]["caught"] is False
    assert "\x1b" not in drilled.stdout + drilled.stderr


@pytest.mark.parametrize(("fault", "fate"), [("in-another", "missed: elsewhere"), ("spreads", "caught: fail")])
def test_blame_on_the_wrong_service_is_1(product: Any, fault: str, fate: str):
    # The other fault brings till into the scene, and does not explain what this rule says of it.
    drilled = product.drill(fault, "other-till")
    assert (drilled.code, drilled.fates) == (1, {fault: fate, "other-till": "caught: fail"}), drilled.stderr
    assert drilled.answer["faults"][0]["blamed"] == ["words.clean blames till, which has no fault"]


def test_the_text_says_the_same(product: Any):
    drilled = product.drill("bad-shop", "harmless", more=())
    lines = drilled.stdout.splitlines()
    assert drilled.code == 1
    assert any(line.startswith("+  bad-shop ") and "caught" in line for line in lines)
    assert any(line.startswith("x  harmless ") and "missed (pass)" in line for line in lines)
    assert "1 of 2 faults caught, 1 missed" in lines[-1]
    assert "x missed       harmless: words.clean: " in drilled.stdout


def test_what_a_fault_says_while_it_is_planted_is_told_harmlessly(product: Any):
    drilled = product.drill("nothing-there", more=())
    assert "nothing-there could not be planted: LookupError: no such" in drilled.stdout
    assert "\x1b" not in drilled.stdout


def test_a_stack_that_is_not_clean_tells_nothing_of_faults(product: Any):
    (product.folder / "till" / "code.txt").write_text("ALWAYS\n")
    drilled = product.drill("bad-till")
    assert drilled.code == 1
    assert drilled.answer["clean"]["outcome"] == "not clean"
    assert drilled.answer["clean"]["trouble"][0]["rule"] == "words.clean"
    assert drilled.fates == {"bad-till": "cannot tell: cannot tell"}


def test_data_are_damaged_after_the_boot(product: Any):
    product.toy()
    drilled = product.drill("damaged")
    assert (drilled.code, drilled.fates) == (0, {"damaged": "caught: fail"}), drilled.stderr
    assert drilled.answer["clean"]["rules"]["words.running"] == ["pass"]


def test_what_the_profile_cannot_show_is_left_out_and_said(product: Any):
    drilled = product.drill(more=("--rule", "words.clean", "--sample", "1/100", "--format", "json"))
    left_out = drilled.answer["clean"]["leftOut"]
    assert left_out["of-another-product"] == "the stack has no service 'crm'"
    assert len(drilled.answer["faults"]) == 1


def test_evidence_and_answer_are_kept(product: Any):
    drilled = product.drill("bad-shop")
    assert json.loads((product.out / "drill.json").read_text()) == drilled.answer
    observed = [path.read_text() for path in product.out.glob("01/evidence/*/observation.json")]
    assert len(observed) == 1
    assert "BAD" in observed[0]


def test_the_folder_of_an_earlier_drill_is_replaced(product: Any):
    assert product.drill("bad-shop", "harmless").code == 1
    assert (product.out / "02").is_dir()
    assert product.drill("bad-till").code == 0
    assert not (product.out / "02").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--fault", "bad-shopp"), "no fault is called 'bad-shopp'; did you mean 'bad-shop'?"),
        (("--rule", "words.cleen"), "no rule is called 'words.cleen'"),
        (("--fault", "of-another-product"), "the stack has no service 'crm'"),
        (("--fault", "asks-what-no-one-asks"), "no control of the profile asks words.never"),
        (("--fault", "wrong-option"), "'wrong-option' sets 'carefull', which check 'words' has not"),
        (("--fault", "bad-shop", "--sample", "3/2"), "'3/2' is no share such as 1/10"),
        (("--fault", "bad-shop", "--driver", "embedded"), "--driver attach"),
        (("--fault", "bad-shop", "--out", "shop"), "holds files that are not of a drill"),
        (("--fault", "bad-shop", "--profile", "nowhere.yaml"), "nowhere.yaml"),
        (("--fault", "bad-shop", "--jobs", "0"), "must be 1 or more"),
    ],
)
def test_wrong_usage_is_2_and_told(product: Any, arguments: tuple[str, ...], told: str):
    drilled = product.finish(product.start(*arguments))
    assert drilled.code == 2, drilled.stderr
    assert told in drilled.stderr
    assert "Traceback" not in drilled.stderr
    assert (product.folder / "shop" / "code.txt").read_text() == "fine\n"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("raise OSError('no luck')", "broken 1.0: broken:FAULTS cannot be loaded: no luck"),
        ("FAULTS = []", "broken 1.0: broken:FAULTS is no tuple of certify.api.Fault"),
        ("from words_plugin import FAULTS", "is claimed by"),
        (
            "from certify.api import *\nFAULTS = (Fault('Bad Name', FaultKind.OVERLAY, 'b', ('a.b',), overlay='m:f'),)",
            "the fault 'Bad Name' has a name that is not in kebab case",
        ),
    ],
)
def test_faults_that_cannot_be_used_are_told_with_their_owner(product: Any, source: str, told: str):
    product.plugin("broken", source)
    drilled = product.drill("bad-shop")
    assert drilled.code == 2
    assert told in drilled.stderr
    assert "Traceback" not in drilled.stderr


def test_the_catalogue_is_listed_without_a_stack(product: Any):
    (product.folder / "product.yaml").unlink()
    listed = product.finish(product.start("--list", "--format", "json"))
    assert listed.code == 0
    faults = {one["fault"]: one for one in json.loads(listed.stdout)}
    assert faults["bad-till"] == {
        "fault": "bad-till",
        "kind": "patch",
        "target": "till",
        "breaks": "till says BAD",
        "caughtBy": ["words.clean"],
    }
    # Those of the reference stack are installed too.
    assert "never-ready" in faults
