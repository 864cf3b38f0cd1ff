from erp_contract import EntityContract


class TestCrm(EntityContract):
    pass
