"""Who refers to whose entities, compared with what the finance profile declares."""

from pathlib import Path

import pytest

from certify.profile.load import load_profile
from certify_stack.erp import CONSUMES, SERVICES, catalog
from certify_stack.erp.finance.operations import create_invoice
from certify_stack.erp.import_export.operations import import_invoices
from certify_stack.kit.app import load_service
from certify_stack.kit.model import Foreign, by_name, lower_first
from certify_stack.kit.references import references_of
from certify_stack.kit.roles import Role

PROFILE = Path(__file__).parents[2] / "profiles" / "finance.yaml"
FOREIGN = [target for target in vars(catalog).values() if isinstance(target, Foreign)]


def referred(name: str) -> set[str]:
    """Owners that the service asks before it writes; LoginAttempt and the like are not written by clients."""
    page = load_service(name)
    owners = {
        field.target.service
        for entity in page.entities
        if entity.access.create is not None or entity.access.update is not None
        for field in entity.fields
        if isinstance(field.target, Foreign) and field.writable
    }
    by_hand = {operation.resolver for operation in page.mutations}
    owners |= {"crm", "master-data"} if create_invoice in by_hand else set()
    return owners | ({"file-storage", "finance", "hr"} if import_invoices in by_hand else set())


@pytest.mark.parametrize("name", SERVICES)
def test_the_profile_declares_exactly_the_calls_that_there_are(name: str):
    services = {service.name: service for service in load_profile(str(PROFILE)).stack.services}
    assert set(services[name].calls) == referred(name)


@pytest.mark.parametrize("target", FOREIGN, ids=lambda target: target.name)
def test_a_service_s_token_may_read_what_others_refer_to_and_needs_nothing_more(target: Foreign):
    roles = load_service(target.service).permissions()[f"Query.{lower_first(target.name)}"]
    assert Role.SERVICE in roles


def test_references_are_found_under_the_names_that_clients_use():
    product = by_name(load_service("master-data").entities)["Product"]
    (reference,) = references_of(product, {"name": "Rice", "unit_id": "u", "supplier_id": "s"})
    assert (reference.field, reference.target, reference.key) == ("supplierId", catalog.SUPPLIER, "s")
    assert references_of(product, {"supplier_id": None}) == []


@pytest.mark.parametrize("name", SERVICES)
def test_the_profile_declares_exactly_the_events_that_are_taken_from_others(name: str):
    services = {service.name: service for service in load_profile(str(PROFILE)).stack.services}
    assert set(services[name].consumes) == set(CONSUMES.get(name, ())) - {name}
