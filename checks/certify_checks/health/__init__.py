"""Health: every service answers its probes for a whole window, and every database is where its migrations say."""

from certify.api import Capability, Check, Rule
from certify_checks.health.migrations import judge_migrations, seed_migrations
from certify_checks.health.model import HealthConfig, HealthObservation
from certify_checks.health.observe import observe
from certify_checks.health.ready import judge_ready, seed_ready

CHECK = Check(
    id="health",
    title="Services are up, stay up, and stand on migrated databases",
    config=HealthConfig,
    observe=observe,
    observation=HealthObservation,
    budget=60,
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
            "migrations",
            title="Every database has exactly the migrations that the source has",
            judge=judge_migrations,
            seed=seed_migrations,
            needs=frozenset({Capability.SQL, Capability.SOURCE}),
            limits={"pending": "== 0"},
        ),
    ),
)
