"""Both colours on the reference stack."""

from asyncio import run
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import certify_stack
from certify.api import Context, Criteria, Limit, Outcome, Ruling, Stack
from certify_checks.federation.check import CHECK
from certify_checks.federation.observe import FederationConfig
from certify_faults.federation import SCHEMAS

pytestmark = pytest.mark.stack

SOURCE = Path(certify_stack.__file__).parents[1]
PLAIN = FederationConfig()
WITH_FILES = FederationConfig(subgraphs=SCHEMAS)
LIMITS = {"errors": "== 0", "differences": "== 0", "untried": "<= 1"}
ASKED = Criteria({name: Limit.parse(text) for name, text in LIMITS.items()})
Boot = Callable[..., AbstractContextManager[Stack]]


def judged(stack: Stack, folder: Path, config: FederationConfig = PLAIN) -> tuple[Ruling, Ruling]:
    for name in ("evidence", "scratch"):
        (folder / name).mkdir()
    ctx = Context("federation", folder / "evidence", folder / "scratch", source_root=SOURCE, stack=stack)
    seen = run(CHECK.observe(ctx, config))
    composes, served = (CHECK.rule(name).judge(seen, ASKED) for name in ("composes", "served"))
    return composes, served


def test_the_clean_stack_composes_and_its_gateway_serves_just_that(stack: Stack, tmp_path: Path):
    composes, served = judged(stack, tmp_path, WITH_FILES)
    assert composes.outcome is Outcome.PASS, composes
    assert composes.examined == 18
    assert served.outcome is Outcome.PASS, served
    assert served.examined > 1000


def test_a_conflicting_field_is_found_with_its_place(boot: Boot, tmp_path: Path):
    with boot("certify_faults.federation:conflicting_field") as stack:
        composes, served = judged(stack, tmp_path)
    assert composes.outcome is Outcome.FAIL
    (mismatch,) = (finding for finding in composes.findings if finding.code == "FIELD_TYPE_MISMATCH")
    assert mismatch.location.coordinate == "Invoice.number"
    assert mismatch.location.line
    assert (served.outcome, served.reason) == (Outcome.INCONCLUSIVE, "no-composed-schema")


def test_a_stale_gateway_is_found_by_the_coordinate_that_it_lacks(boot: Boot, tmp_path: Path):
    with boot("certify_faults.federation:stale_gateway") as stack:
        composes, served = judged(stack, tmp_path)
    assert composes.outcome is Outcome.PASS
    assert [(finding.code, finding.location.coordinate) for finding in served.findings] == [
        ("served-missing", "Customer.nickname")
    ]


def test_a_service_that_is_not_what_its_file_says_is_found(boot: Boot, tmp_path: Path):
    with boot("certify_faults.federation:drifted") as stack:
        composes, _ = judged(stack, tmp_path, WITH_FILES)
    assert composes.outcome is Outcome.FAIL
    assert [(finding.code, finding.location.service, finding.location.coordinate) for finding in composes.findings] == [
        ("sdl-drift", "crm", "Customer.points")
    ]


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("missing_key_field", "KEY_INVALID_FIELDS"),
        ("invalid_sdl", "invalid-sdl"),
        ("introspection_refused", "introspection-refused"),
    ],
)
def test_the_other_faults_are_found_in_the_service_that_has_them(boot: Boot, tmp_path: Path, fault: str, code: str):
    with boot(f"certify_faults.federation:{fault}") as stack:
        composes, _ = judged(stack, tmp_path)
    assert composes.outcome is Outcome.FAIL
    assert (code, "crm") in {(finding.code, finding.location.service) for finding in composes.findings}
