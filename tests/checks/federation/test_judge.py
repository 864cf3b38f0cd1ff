import msgspec
import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome, Rule
from certify_checks.federation.check import CHECK
from certify_checks.federation.composition import NOT_RUN
from certify_checks.federation.model import Complaint, Composed, Composition, FederationSeen, Fetched, Served

COMPOSES, SERVED = (CHECK.rule(name) for name in ("composes", "served"))


def criteria(text: str = "== 0"):
    names = ("errors", "differences", "untried", "breaking", "breaking-unused")
    return Criteria({name: Limit.parse(text) for name in names} | {"described": Limit.parse("== 100 %")})


def every_seed_fails(rule: Rule, seen: FederationSeen, asked: Criteria):
    for seeded in rule.seed(seen, asked):
        ruling = rule.judge(seeded.observation, asked)
        assert ruling.outcome is Outcome.FAIL, seeded.name
        assert seeded.code in {finding.code for finding in ruling.findings}, seeded.name


# `keys` and `implemented` are judged in test_calls.py.
SCHEMAS = tuple(rule for rule in CHECK.rules if rule.id not in {"keys", "implemented"})


@pytest.mark.parametrize("rule", SCHEMAS, ids=lambda rule: rule.id)
def test_a_clean_observation_passes_and_says_how_much_was_examined(rule: Rule, clean: FederationSeen):
    ruling = rule.judge(clean, criteria())
    assert ruling.outcome is Outcome.PASS
    assert ruling.examined
    assert all(measured.limit.holds(measured.value) for measured in ruling.measurements if measured.limit)


@pytest.mark.parametrize("limit", ["== 0", "< 3"])
@pytest.mark.parametrize("rule", SCHEMAS, ids=lambda rule: rule.id)
def test_every_planted_defect_is_found(rule: Rule, clean: FederationSeen, limit: str):
    every_seed_fails(rule, clean, criteria(limit))


@pytest.mark.parametrize("rule", SCHEMAS, ids=lambda rule: rule.id)
def test_planted_defects_are_found_on_an_unusable_observation_too(rule: Rule):
    every_seed_fails(rule, FederationSeen((), Composition(Composed.NO_RUNTIME)), criteria())


def test_seven_defects_are_planted_in_composition_and_six_in_the_served_schema(clean: FederationSeen):
    assert len(list(COMPOSES.seed(clean, criteria()))) == 7
    assert len(list(SERVED.seed(clean, criteria()))) == 6


def test_an_observation_survives_its_journey_through_json(clean: FederationSeen):
    assert msgspec.json.decode(msgspec.json.encode(clean), type=FederationSeen) == clean


def test_a_finding_points_into_the_evidence(clean: FederationSeen, complaint: Complaint):
    seen = replace(clean, composition=Composition(Composed.REFUSED, (complaint,)))
    finding = COMPOSES.judge(seen, criteria()).findings[0]
    assert str(finding.location) == "a sdl/01-a.graphql:3 Query.a"
    assert finding.code == "FIELD_TYPE_MISMATCH"


@pytest.mark.parametrize("state", [Composed.NO_RUNTIME, Composed.NO_ENGINE])
def test_no_tool_is_inconclusive_with_a_cure(clean: FederationSeen, state: Composed):
    ruling = COMPOSES.judge(replace(clean, composition=Composition(state, detail="none")), criteria())
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, state.value)
    assert "certify[federation]" in ruling.cure


def test_no_subgraph_is_inconclusive(clean: FederationSeen):
    ruling = COMPOSES.judge(replace(clean, subgraphs=()), criteria())
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "no-subgraphs")


@pytest.mark.parametrize("decoys", ["none", "missed"])
def test_an_engine_that_does_not_notice_the_decoy_is_not_believed(clean: FederationSeen, decoys: str):
    blind = () if decoys == "none" else (replace(clean.decoys[0], codes=()),)
    ruling = COMPOSES.judge(replace(clean, decoys=blind), criteria())
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "sensor-blind")


def test_an_empty_public_schema_is_not_believed(clean: FederationSeen):
    ruling = COMPOSES.judge(replace(clean, composition=replace(clean.composition, public_size=0)), criteria())
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "sensor-blind")


def test_a_composition_that_did_not_run_never_passes(clean: FederationSeen):
    ruling = COMPOSES.judge(replace(clean, composition=NOT_RUN), criteria())
    assert ruling.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("state", [Composed.TIMEOUT, Composed.MEMORY, Composed.CRASHED])
def test_an_engine_without_an_answer_fails_whatever_the_limit_allows(clean: FederationSeen, state: Composed):
    ruling = COMPOSES.judge(replace(clean, composition=Composition(state, detail="gone")), criteria("< 100"))
    assert (ruling.outcome, ruling.findings[0].code) == (Outcome.FAIL, state.value)


def test_the_gateway_is_compared_by_coordinates_and_a_missing_type_is_told_once(clean: FederationSeen):
    served = {"Query": "object", "Query.a": "B", "Query.a(id:)": "ID!", "Query.z": "Int", "Query.z(x:)": "Int"}
    ruling = SERVED.judge(replace(clean, gateway=replace(clean.gateway, coordinates=served)), criteria())
    told = [(finding.code, finding.location.coordinate) for finding in ruling.findings]
    assert told == [("served-missing", "A"), ("served-changed", "Query.a"), ("served-extra", "Query.z")]


@pytest.mark.parametrize(
    ("gateway", "reason"),
    [(Served(), "no-gateway"), (Served(Fetched.REFUSED, answers=True, detail="off"), "introspection-refused")],
)
def test_a_gateway_that_cannot_be_read_is_inconclusive(clean: FederationSeen, gateway: Served, reason: str):
    ruling = SERVED.judge(replace(clean, gateway=gateway), criteria())
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)


def test_without_a_composed_schema_nothing_can_be_said_of_the_gateway(clean: FederationSeen):
    ruling = SERVED.judge(replace(clean, public={}), criteria())
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "no-composed-schema")


@pytest.mark.parametrize(
    ("gateway", "code"),
    [
        (Served(Fetched.UNREACHABLE, detail="refused"), "gateway-silent"),
        (Served(Fetched.OK, answers=False), "gateway-silent"),
        (Served(Fetched.INVALID, answers=True), "gateway-invalid"),
    ],
)
def test_a_gateway_that_does_not_answer_fails(clean: FederationSeen, gateway: Served, code: str):
    ruling = SERVED.judge(replace(clean, gateway=gateway), criteria())
    assert ruling.outcome is Outcome.FAIL
    assert code in {finding.code for finding in ruling.findings}
