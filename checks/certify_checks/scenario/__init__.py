"""Scenarios: what a business does from end to end, as pytest tests against the running stack."""

from certify.api import Capability, Check, Rule
from certify_checks.scenario.model import ScenarioConfig, ScenarioObservation
from certify_checks.scenario.observe import observe
from certify_checks.scenario.passes import judge_passes, seed_passes

CHECK = Check(
    id="scenario",
    title="Business scenarios work on the running stack",
    config=ScenarioConfig,
    observe=observe,
    observation=ScenarioObservation,
    budget=180,
    rules=(
        Rule(
            "passes",
            title="Each scenario has a test, it was run, and it passed",
            judge=judge_passes,
            seed=seed_passes,
            needs=frozenset({Capability.HTTP}),
            limits={"failures": "== 0"},
        ),
    ),
)
