"""The check family `federation`."""

from certify.api import Capability, Check
from certify_checks.federation import implemented, keys, served
from certify_checks.federation.look import FederationConfig
from certify_checks.federation.model import FederationSeen
from certify_checks.federation.observe import observe
from certify_checks.federation.rules import of_schemas, rule

_SUBGRAPHS = frozenset({Capability.HTTP, Capability.GRAPHQL})
_ALL = _SUBGRAPHS | {Capability.GATEWAY}

CHECK = Check(
    id="federation",
    title="Subgraphs compose, and the gateway serves what they compose to",
    observe=observe,
    observation=FederationSeen,
    config=FederationConfig,
    budget=180.0,
    rules=(
        *of_schemas(_SUBGRAPHS),
        rule(
            keys,
            "directives are right, and every key of every entity resolves",
            {"errors": "== 0", "untried": "== 0"},
            _ALL,
        ),
        rule(
            implemented,
            "every query and mutation is implemented",
            {"unresolved": "== 0", "unexercised": "== 0"},
            _ALL,
        ),
        rule(
            served,
            "the gateway answers and serves exactly the composed public schema",
            {"differences": "== 0", "untried": "== 0"},
            _ALL,
        ),
    ),
)
