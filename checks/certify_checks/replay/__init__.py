"""Replay: read models are nothing but what the events say, so they can be thrown away and built again."""

from certify.api import Capability, Check, Rule
from certify_checks.replay.model import ReplayConfig, ReplayObservation
from certify_checks.replay.observe import observe
from certify_checks.replay.rebuild import judge_rebuild, seed_rebuild

CHECK = Check(
    id="replay",
    title="Read models can be rebuilt from the events",
    config=ReplayConfig,
    observe=observe,
    observation=ReplayObservation,
    budget=120,
    rules=(
        Rule(
            "rebuild",
            title="Two rebuilds from the events give the same rows as each other and as the live read models",
            judge=judge_rebuild,
            seed=seed_rebuild,
            needs=frozenset({Capability.SQL, Capability.DISPOSABLE}),
            limits={"differing": "== 0"},
        ),
    ),
)
