"""The entities that services know of each other: name, owner, description, and nothing else of them."""

from certify_stack.kit.model import Foreign

USER = Foreign("User", "auth", "A person who may log in.")
CURRENCY = Foreign("Currency", "master-data", "A currency in which amounts are stated.")
COUNTRY = Foreign("Country", "master-data", "A country or territory of ISO 3166.")
PRODUCT = Foreign("Product", "master-data", "A good or service that is bought, stocked or sold.")
STORED_FILE = Foreign("StoredFile", "file-storage", "A file that is kept, with its digest.")
COMPANY = Foreign("Company", "organization", "A legal entity of the group.")
BRANCH = Foreign("Branch", "organization", "A place of business of a company.")
DEPARTMENT = Foreign("Department", "organization", "A part of a company with a budget of its own.")
CUSTOMER = Foreign("Customer", "crm", "A party that buys from the company.")
EMPLOYEE = Foreign("Employee", "hr", "A person employed by a company of the group.")
INVOICE = Foreign("Invoice", "finance", "A demand for payment, from draft to paid.")
SUPPLIER = Foreign("Supplier", "scm", "A party from which the company buys.")
PROJECT = Foreign("Project", "project-management", "Work with an aim, a budget and an end.")
