from erp_contract import EntityContract
from erp_harness import Harness

from certify_stack.erp.samples import sample_id

CREATE = "mutation($i: SettingCreateInput!) { createSetting(input: $i) { id company { id } changedBy { id } } }"


class TestConfiguration(EntityContract):
    def test_a_setting_may_hold_for_one_company(self, erp: Harness):
        company = str(sample_id("Company", 1))
        given = {"name": "invoice.due-days", "valueType": "NUMBER", "value": "30", "companyId": company}
        made = erp.ask(CREATE, {"i": given})["createSetting"]
        assert (made["company"], made["changedBy"]) == ({"id": company}, None)

    def test_a_setting_for_all_is_given_once(self, erp: Harness):
        given = {"i": {"name": "group.name", "valueType": "TEXT", "value": "x"}}
        erp.ask(CREATE, given)
        assert erp.refusal(CREATE, given) == "CONFLICT"

    def test_only_admins_switch_features(self, erp: Harness):
        change = {"id": str(sample_id("FeatureFlag", 0)), "i": {"enabled": True}}
        query = "mutation($id: ID!, $i: FeatureFlagUpdateInput!) { updateFeatureFlag(id: $id, input: $i) { enabled } }"
        for role in ("accountant", "clerk", "auditor", "service"):
            assert erp.refusal(query, change, role=role) == "FORBIDDEN"
        assert erp.ask(query, change) == {"updateFeatureFlag": {"enabled": True}}
