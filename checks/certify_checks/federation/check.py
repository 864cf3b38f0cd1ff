"""The check family `federation`."""

from certify.api import Capability, Check, Rule
from certify_checks.federation import breaking, composes, documented, implemented, keys, served
from certify_checks.federation.look import FederationConfig
from certify_checks.federation.model import FederationSeen
from certify_checks.federation.observe import observe

CHECK = Check(
    id="federation",
    title="Subgraphs compose, and the gateway serves what they compose to",
    observe=observe,
    observation=FederationSeen,
    config=FederationConfig,
    budget=180.0,
    rules=(
        Rule(
            id="composes",
            title="all subgraphs compose without an error",
            judge=composes.judge,
            seed=composes.seed,
            needs=frozenset({Capability.HTTP, Capability.GRAPHQL}),
            limits={"errors": "== 0"},
        ),
        Rule(
            id="documented",
            title="types, fields, arguments, values and directives are described",
            judge=documented.judge,
            seed=documented.seed,
            needs=frozenset({Capability.HTTP, Capability.GRAPHQL}),
            limits={"described": "== 100 %"},
        ),
        Rule(
            id="breaking",
            title="nobody breaks by what changed since the baseline",
            judge=breaking.judge,
            seed=breaking.seed,
            needs=frozenset({Capability.HTTP, Capability.GRAPHQL}),
            limits={"breaking": "== 0", "breaking-unused": "== 0"},
        ),
        Rule(
            id="keys",
            title="directives are right, and every key of every entity resolves",
            judge=keys.judge,
            seed=keys.seed,
            needs=frozenset({Capability.HTTP, Capability.GRAPHQL, Capability.GATEWAY}),
            limits={"errors": "== 0", "untried": "== 0"},
        ),
        Rule(
            id="implemented",
            title="every query and mutation is implemented",
            judge=implemented.judge,
            seed=implemented.seed,
            needs=frozenset({Capability.HTTP, Capability.GRAPHQL, Capability.GATEWAY}),
            limits={"unresolved": "== 0", "unexercised": "== 0"},
        ),
        Rule(
            id="served",
            title="the gateway answers and serves exactly the composed public schema",
            judge=served.judge,
            seed=served.seed,
            needs=frozenset({Capability.HTTP, Capability.GRAPHQL, Capability.GATEWAY}),
            limits={"differences": "== 0", "untried": "== 0"},
        ),
    ),
)
