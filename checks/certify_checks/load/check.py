"""The check family `load`."""

from certify.api import Capability, Check, Rule
from certify_checks.load.config import LoadConfig
from certify_checks.load.holdings import KINDS
from certify_checks.load.model import LoadSeen
from certify_checks.load.observing.observe import observe
from certify_checks.load.rules import capacity, completed, effects, errors, finished, latency, leaks, ratio, recovered

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
            uses=frozenset({Capability.SPANS}),
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
        Rule(
            id="capacity",
            title="the stack holds the rate that is asked for",
            judge=capacity.judge,
            seed=capacity.seed,
            needs=_NEEDS,
            limits={"capacity": "> 0/s", "p95": "< 1 s"},
        ),
        Rule(
            id="finished",
            title="work that is accepted now is finished within the limit",
            judge=finished.judge,
            seed=finished.seed,
            needs=_NEEDS | {Capability.DISPOSABLE},
            limits={"finished-p95": None},
        ),
        Rule(
            id="completed",
            title="each piece of accepted work comes to its good end",
            judge=completed.judge,
            seed=completed.seed,
            needs=_NEEDS | {Capability.DISPOSABLE},
            limits={"unfinished": "== 0"},
        ),
        Rule(
            id="leaks",
            title="no service keeps ever more memory, file handles, connections or threads",
            judge=leaks.judge,
            seed=leaks.seed,
            needs=_NEEDS,
            limits=dict.fromkeys(KINDS, "< 25 %"),
        ),
        Rule(
            id="ratio",
            title="this version is not slower than another one under the same load",
            judge=ratio.judge,
            seed=ratio.seed,
            needs=_NEEDS | {Capability.PEERS},
            limits={"ratio": None},
        ),
        Rule(
            id="recovered",
            title="after the load all services are there and ready, queues are empty, read models are what a rebuild gives",
            judge=recovered.judge,
            seed=recovered.seed,
            needs=_NEEDS | {Capability.SQL, Capability.DISPOSABLE},
            limits={"waiting": "== 0", "differing": "== 0"},
        ),
    ),
)
