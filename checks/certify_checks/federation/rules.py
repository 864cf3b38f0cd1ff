"""The rules that need only SDL: the check at the desk has them as they are, the check of a stack with what it needs for it."""

from types import ModuleType
from typing import Final

from certify.api import Capability, Rule
from certify_checks.federation import breaking, composes, documented


def rule(module: ModuleType, title: str, limits: dict[str, str | None], needs: frozenset[Capability]) -> Rule:
    """A rule that is named after the module that judges it."""
    name = module.__name__.rpartition(".")[2]
    return Rule(name, title, module.judge, module.seed, needs, limits)


def of_schemas(needs: frozenset[Capability] = frozenset()) -> tuple[Rule, ...]:
    """What can be told of schemas alone."""
    return tuple(rule(module, title, dict(limits), needs) for module, title, limits in _OF_SCHEMAS)


_OF_SCHEMAS: Final[tuple[tuple[ModuleType, str, dict[str, str]], ...]] = (
    (composes, "all subgraphs compose without an error", {"errors": "== 0"}),
    (documented, "types, fields, arguments, values and directives are described", {"described": "== 100 %"}),
    (breaking, "nobody breaks by what changed since the baseline", {"breaking": "== 0", "breaking-unused": "== 0"}),
)
