"""Check `debt`: unfinished work, debug output and commented-out code in the source of the services."""

from certify.api import Capability, Check, Rule
from certify_checks.debt.config import DebtConfig
from certify_checks.debt.judging import judge_rule, seed_rule
from certify_checks.debt.observing import observe
from certify_checks.debt.seen import COMMENTED, DEBUG, MARKERS, DebtSeen

_TITLES = {
    MARKERS: "No TODO or FIXME without an issue reference",
    DEBUG: "No debug output in production source",
    COMMENTED: "No commented-out code",
}

CHECK = Check(
    id="debt",
    title="Unfinished work, debug output, commented-out code",
    observe=observe,
    observation=DebtSeen,
    config=DebtConfig,
    rules=tuple(
        Rule(name, title, judge_rule(name), seed_rule(name), frozenset({Capability.SOURCE}), {name: "== 0"})
        for name, title in _TITLES.items()
    ),
)
