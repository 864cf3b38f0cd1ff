"""Scenarios: what a business does from end to end, as pytest tests against the running stack."""

from certify.api import Capability, Check, Rule
from certify_checks.scenario.model import ScenarioConfig, ScenarioObservation
from certify_checks.scenario.observe import observe
from certify_checks.scenario.passes import LIMITS, judge_passes, of_scenario, seed_passes

_NEEDS = frozenset({Capability.HTTP})
# Scenarios that follow a trace through the services.
_TRACED = frozenset({"invoice-to-audit"})
# Scenarios of an ERP with a rule each, so that all controls share one run of all tests: the marker's name is the rule's.
NAMED = {
    "invoice-to-audit": "A customer is billed and pays; the ledger balances and the audit trail tells all of it",
    "bulk-import": "A file of invoices is stored, imported whole or not at all, reported to the poisha, and told of",
    "master-data": "Customers and products resolve through the gateway",
    "e-mail": "Customers get an e-mail of what concerns them",
    "sms": "Customers get a text message of what concerns them",
    "vat": "Value added tax and supplementary duty are what the law and the stated rounding make them",
    "mushak": "The tax invoice (Mushak-6.3) has every field in Bangla and English, and numbers without a gap",
    "tax-numbers": "TIN and BIN of the right form are taken, all others refused",
    "amounts": "Amounts in taka are exact on their whole way, rounded as stated, and printed by lakh and crore",
    "log-out": "No service takes a token after its log-out, and a refresh token is good once",
    "ledger": "Any sequence of commands keeps the books balanced, and nothing counts twice",
}


def _named(scenario: str, title: str) -> Rule:
    judge, seed = of_scenario(scenario)
    needs = _NEEDS | {Capability.SPANS} if scenario in _TRACED else _NEEDS
    return Rule(scenario, title=title, judge=judge, seed=seed, needs=needs, limits=LIMITS)


CHECK = Check(
    id="scenario",
    title="Business scenarios work on the running stack",
    config=ScenarioConfig,
    observe=observe,
    observation=ScenarioObservation,
    budget=240,
    rules=(
        Rule(
            "passes",
            title="Each scenario has a test, it was run, and it passed",
            judge=judge_passes,
            seed=seed_passes,
            needs=_NEEDS,
            limits=LIMITS,
        ),
        *(_named(scenario, title) for scenario, title in NAMED.items()),
    ),
)
