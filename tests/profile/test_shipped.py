"""The profiles that certify ships: complete, clean, and what they say of the 18 services."""

import json
from pathlib import Path

import msgspec
import pytest

from certify.engine.registry import Registry, discover_checks
from certify.profile.conform import check_against
from certify.profile.find import bundled_profiles, bundled_profiles_dir
from certify.profile.load import inspect_profile, load_profile
from certify.profile.problem import Level
from certify.profile.schema import profile_schema

LADDER = ["boot", "contract", "secure", "resilient", "load"]

# Every requirement of the readiness specification, written out: a control that is lost must not go unnoticed.
_REQUIRED = """
FIN-HEALTH-01 FIN-HEALTH-02 FIN-HEALTH-03 FIN-HEALTH-04
FIN-GQL-01 FIN-GQL-02 FIN-GQL-03 FIN-GQL-04 FIN-GQL-05 FIN-GQL-06
FIN-BIZ-01 FIN-BIZ-02 FIN-BIZ-03 FIN-BIZ-04 FIN-BIZ-05
FIN-EVT-01 FIN-EVT-02 FIN-EVT-03 FIN-EVT-04 FIN-EVT-05 FIN-EVT-06
FIN-MSG-01
FIN-INT-01 FIN-INT-02 FIN-INT-03 FIN-INT-04 FIN-INT-05
FIN-DATA-01 FIN-DATA-02 FIN-DATA-03 FIN-DATA-04 FIN-DATA-05 FIN-DATA-06
FIN-LOAD-01 FIN-LOAD-02 FIN-LOAD-03 FIN-LOAD-04 FIN-LOAD-05 FIN-LOAD-06 FIN-LOAD-07
FIN-RES-01 FIN-RES-02
FIN-SEC-01 FIN-SEC-02 FIN-SEC-03 FIN-SEC-04 FIN-SEC-05 FIN-SEC-06 FIN-SEC-07 FIN-SEC-08 FIN-SEC-09 FIN-SEC-10
FIN-DEBT-01 FIN-DEBT-02 FIN-DEBT-03 FIN-DEBT-04
FIN-COV-01 FIN-COV-02 FIN-COV-03
FIN-DOC-01 FIN-OBS-01 FIN-OPS-01 FIN-OPS-02 FIN-BUILD-01
"""
REQUIRED = _REQUIRED.split()

SERVICES = {
    *("auth", "master-data", "notification", "configuration", "scheduler", "document-generator", "import-export"),
    *("file-storage", "audit", "workflow", "rules-engine", "organization", "finance", "crm", "hr"),
    *("project-management", "scm", "inventory"),
}

# As the source states them; whoever relaxes one has to change it here too.
LIMITS = {
    ("FIN-LOAD-01", "p95"): "< 300 ms",
    ("FIN-LOAD-02", "share"): "< 0.1 %",
    ("FIN-LOAD-03", "p95"): "< 300 ms",
    ("FIN-LOAD-04", "p95"): "< 300 ms",
    ("FIN-LOAD-04", "double"): "== 0",
    ("FIN-LOAD-06", "p95"): "< 300 ms",
    ("FIN-DATA-03", "p95"): "< 100 ms",
    ("FIN-EVT-05", "p95"): "< 50 ms",
    ("FIN-COV-01", "lines"): "> 80 %",
    ("FIN-COV-01", "branches"): "> 80 %",
    ("FIN-COV-02", "lines"): "> 70 %",
    ("FIN-COV-02", "branches"): "> 70 %",
    ("FIN-RES-02", "available"): ">= 99.9 %",
    ("FIN-GQL-06", "described"): "== 100 %",
    ("FIN-BIZ-05", "covered"): "== 100 %",
}


@pytest.fixture(scope="module")
def installed() -> Registry:
    """The checks of this distribution, whatever else the developer has installed."""
    return {name: check for name, check in discover_checks().items() if check.distribution == "certify"}


def test_the_ladder_and_finance_are_shipped():
    assert set(bundled_profiles()) >= {*LADDER, "finance"}


@pytest.mark.parametrize("path", sorted(bundled_profiles_dir().glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_profiles_are_clean(path: Path, installed: Registry):
    inspected = inspect_profile(str(path))
    problems = [*inspected.remarks, *check_against(inspected.profile, inspected.tree, installed)]
    assert [str(problem) for problem in problems if problem.level is not Level.NOTE] == []
    assert all(control.title and control.prove for control in inspected.profile.controls)


def test_finance_has_every_requirement_and_nothing_else():
    controls = load_profile("finance").controls
    assert sorted(control.id for control in controls) == sorted(REQUIRED)
    assert len(REQUIRED) == len(set(REQUIRED)) == 64
    assert all(control.source.startswith("finance-readiness.md: ") and control.owner for control in controls)


def test_finance_takes_over_every_control_of_the_ladder():
    profile = load_profile("finance")
    assert [Path(name).stem for name in profile.files] == [*LADDER, "finance"]
    assert not {control.id for rung in LADDER for control in load_profile(rung).controls} & set(REQUIRED)


def test_limits_are_those_of_the_source_and_stand_in_finance_itself():
    controls = {control.id: control for control in load_profile("finance").controls}
    assert {key: str(controls[key[0]].limits[key[1]]) for key in LIMITS} == LIMITS
    for control in controls.values():
        assert {Path(limit.origin.file).name for limit in control.limits.values()} <= {"finance.yaml"}
    assert controls["FIN-LOAD-01"].options == {"shape": "api-mix", "users": 100, "pace": "1 s", "hold": "5 m"}
    # One load answers all three.
    assert controls["FIN-LOAD-02"].options == controls["FIN-LOAD-01"].options == controls["FIN-LOAD-07"].options


def test_finance_certifies_the_18_services():
    stack = load_profile("finance").stack
    assert {service.name for service in stack.services} == SERVICES
    assert len(stack.services) == 18
    for service in stack.services:
        module = service.name.replace("-", "_")
        assert service.source == (f"certify_stack/erp/{module}",)
        assert service.migrations == f"certify_stack/erp/{module}/migrations/versions"
        suite = f"{{suites}}/{service.name}"
        assert service.tests == f"pytest --disable-plugin-autoload -p pytest_asyncio.plugin {suite}"
        assert (service.graphql, service.probes.ready, bool(service.owner)) == ("/graphql", "/health/ready", True)
        assert service.name not in service.calls
    assert stack.gateway is not None


def test_coverage_controls_share_the_services_between_them():
    controls = {control.id: control for control in load_profile("finance").controls}
    assert controls["FIN-COV-01"].services == ("finance",)
    assert set(controls["FIN-COV-02"].services) == SERVICES - {"finance"}


def test_the_ladder_fits_any_stack():
    for rung in LADDER:
        profile = load_profile(rung)
        assert profile.stack.services == ()
        assert not any(control.services for control in profile.controls)


def test_the_committed_schema_is_the_generated_one(installed: Registry):
    committed = json.loads((bundled_profiles_dir() / "profile.schema.json").read_text())
    generated = json.loads(msgspec.json.encode(profile_schema(installed)))
    assert committed == generated, "run: ./dev certify profile schema > profiles/profile.schema.json"


def test_the_schema_is_valid_and_takes_every_shipped_profile(installed: Registry):
    import jsonschema

    schema = profile_schema(installed)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for name in bundled_profiles():
        tree = inspect_profile(name).tree
        assert [error.message for error in validator.iter_errors(tree.plain())] == []
    wrong = {"profile": "p", "controls": {"A": {"title": "t", "prove": ["a.b"], "limts": {}}}}
    assert [error.message for error in validator.iter_errors(wrong)] == [
        "Additional properties are not allowed ('limts' was unexpected)"
    ]


def test_the_schema_names_rules_options_and_what_they_mean(installed: Registry):
    definitions = profile_schema(installed)["$defs"]
    offered = definitions["ControlEntry"]["properties"]
    assert "load.latency" in offered["prove"]["items"]["anyOf"][0]["enum"]
    assert "p95" in offered["limits"]["properties"]
    assert {"type": "integer"} in offered["with"]["properties"]["users"]["anyOf"]
    assert definitions["load"]["properties"]["hold"]["default"] == "5 m"
    assert definitions["debt"]["properties"]["shared"]["description"].startswith("source folders")
    assert definitions["Document"]["properties"]["checks"]["properties"]["load"] == {"$ref": "#/$defs/load"}
