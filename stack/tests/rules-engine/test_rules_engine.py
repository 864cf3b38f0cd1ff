from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id


class TestRulesEngine(EntityContract):
    def test_a_decision_names_its_rule_and_cannot_be_changed(self, erp: Harness):
        given = {"ruleId": str(sample_id("Rule", 3)), "subject": "invoice", "action": "REVIEW"}
        query = "mutation($i: RuleDecisionCreateInput!) { createRuleDecision(input: $i) { id rule { condition ruleSet { company { id } } } } }"
        made = erp.ask(query, {"i": given}, role="service")["createRuleDecision"]
        assert made["rule"] == {"condition": "amount > 3", "ruleSet": {"company": {"id": str(sample_id("Company", 3))}}}
        for name in ("updateRuleDecision", "deleteRuleDecision"):
            assert erp.refusal(f'mutation {{ {name}(id: "{made["id"]}") }}') == "GRAPHQL_VALIDATION_FAILED"

    def test_accountants_do_not_write_rules(self, erp: Harness):
        given = {"ruleSetId": str(sample_id("RuleSet", 1)), "position": 9, "condition": "true", "action": "DENY"}
        query = "mutation($i: RuleCreateInput!) { createRule(input: $i) { id } }"
        assert erp.refusal(query, {"i": given}, role="accountant") == "FORBIDDEN"
        assert erp.ask(query, {"i": given})["createRule"]["id"]
        assert erp.refusal(query, {"i": given}) == "CONFLICT"
