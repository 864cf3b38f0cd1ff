"""The check family `load`."""

from certify.api import Capability, Check, Rule
from certify_checks.load.config import LoadConfig
from certify_checks.load.model import LoadSeen
from certify_checks.load.observing.observe import observe
from certify_checks.load.rules import effects, errors, latency

_NEEDS = frozenset({Capability.HTTP, Capability.GATEWAY, Capability.LOGIN, Capability.EXCLUSIVE})

CHECK = Check(
    id="load",
    title="Response times and errors under load",
    observe=observe,
    observation=LoadSeen,
    config=LoadConfig,
    budget=600.0,
    rules=(
        Rule(
            id="latency",
            title="the 95th percentile of response times is within the limit",
            judge=latency.judge,
            seed=latency.seed,
            needs=_NEEDS,
            limits={"p95": None},
        ),
        Rule(
            id="errors",
            title="the share of requests without a right answer is within the limit",
            judge=errors.judge,
            seed=errors.seed,
            needs=_NEEDS,
            limits={"share": "< 0.1 %"},
        ),
        Rule(
            id="effects",
            title="each request had its effect, exactly once",
            judge=effects.judge,
            seed=effects.seed,
            needs=_NEEDS | {Capability.DISPOSABLE},
            limits={"lost": "== 0", "double": "== 0"},
        ),
    ),
)
