"""Coverage: every service's own suite passes, and runs enough of its lines and branches."""

from certify.api import Capability, Check, Rule
from certify_checks.coverage.figures import judge_figures, seed_figures
from certify_checks.coverage.model import CoverageConfig, CoverageObservation
from certify_checks.coverage.observe import observe
from certify_checks.coverage.passing import judge_passing, seed_passing

CHECK = Check(
    id="coverage",
    title="Every service's own suite passes and covers its code",
    config=CoverageConfig,
    observe=observe,
    observation=CoverageObservation,
    budget=600,
    rules=(
        Rule(
            "lines-branches",
            title="The suite of each service covers enough of its lines and branches",
            judge=judge_figures,
            seed=seed_figures,
            needs=frozenset({Capability.SOURCE}),
            limits={"lines": None, "branches": None},
        ),
        Rule(
            "suites-pass",
            title="The suite of each service has tests, and none fails",
            judge=judge_passing,
            seed=seed_passing,
            needs=frozenset({Capability.SOURCE}),
            limits={"failures": "== 0"},
        ),
    ),
)
