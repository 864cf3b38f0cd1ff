from erp_contract import ServiceContract


class TestFinance(ServiceContract):
    pass
