"""Health: services start cleanly, answer their probes truthfully, and stand on migrated databases."""

from certify.api import Capability, Check, Rule
from certify_checks.health.clean_start import judge_clean_start, seed_clean_start
from certify_checks.health.edges import judge_edges, seed_edges
from certify_checks.health.migrations import judge_migrations, seed_migrations
from certify_checks.health.model import HealthConfig, HealthObservation
from certify_checks.health.observe import observe
from certify_checks.health.ready import judge_ready, seed_ready
from certify_checks.health.truthful import judge_truthful, seed_truthful

CHECK = Check(
    id="health",
    title="Services start cleanly, answer truthfully, and stand on migrated databases",
    config=HealthConfig,
    observe=observe,
    observation=HealthObservation,
    budget=120,
    rules=(
        Rule(
            "ready",
            title="Every service and the gateway answer live and ready without a gap",
            judge=judge_ready,
            seed=seed_ready,
            needs=frozenset({Capability.HTTP}),
            limits={"not-ready": "== 0"},
        ),
        Rule(
            "truthful",
            title="Every service says that it is not ready without its database or the broker, and recovers by itself",
            judge=judge_truthful,
            seed=seed_truthful,
            needs=frozenset(
                {Capability.HTTP, Capability.KILL, Capability.CUT, Capability.EXCLUSIVE, Capability.DISPOSABLE}
            ),
            limits={"lying": "== 0"},
        ),
        Rule(
            "clean-start",
            title="The stack starts without errors, port conflicts or restarts, in time, and nothing dies afterwards",
            judge=judge_clean_start,
            seed=seed_clean_start,
            needs=frozenset({Capability.HTTP}),
            limits={"incidents": "== 0"},
            last=True,
        ),
        Rule(
            "migrations",
            title="Every database has exactly the migrations that the source has",
            judge=judge_migrations,
            seed=seed_migrations,
            needs=frozenset({Capability.SQL, Capability.SOURCE}),
            limits={"pending": "== 0"},
        ),
        Rule(
            "edges",
            title="Services call each other, and take each other's events, exactly as declared",
            judge=judge_edges,
            seed=seed_edges,
            needs=frozenset({Capability.HTTP, Capability.SPANS}),
            limits={"broken": "== 0"},
        ),
    ),
)
