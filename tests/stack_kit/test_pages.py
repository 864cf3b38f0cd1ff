"""All 18 pages together: no name twice, no relation that leads nowhere, no start-up that imports too much."""

import subprocess
import sys
from collections import Counter

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType

from certify_stack.erp import SERVICES, __main__, catalog
from certify_stack.erp.samples import count_of, sample_row
from certify_stack.kit.alembic_runs import config_of
from certify_stack.kit.app import load_service, schema_of
from certify_stack.kit.model import Foreign
from certify_stack.kit.revisions import source_heads

FOREIGN = {target.name: target for target in vars(catalog).values() if isinstance(target, Foreign)}


def owned_types(name: str) -> set[str]:
    schema = schema_of(name)._schema
    return {
        kind.name
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType | GraphQLEnumType)
        and "__" not in kind.name
        and not kind.name.startswith("_")
        and kind.name not in {"Query", "Mutation"}
        and not (kind.name in FOREIGN and FOREIGN[kind.name].service != name)
    }


def test_no_two_services_own_a_type_of_the_same_name():
    assert len(SERVICES) == 18
    counts = Counter(kind for name in SERVICES for kind in owned_types(name))
    assert [kind for kind, count in counts.items() if count > 1] == []


def test_no_two_services_have_an_operation_of_the_same_name():
    counts = Counter(operation for name in SERVICES for operation in load_service(name).permissions())
    assert [operation for operation, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("target", FOREIGN.values(), ids=FOREIGN)
def test_what_services_refer_to_is_an_entity_of_its_owner(target: Foreign):
    kind = schema_of(target.service)._schema.type_map[target.name]
    assert isinstance(kind, GraphQLObjectType)
    assert set(kind.fields) > {"id"}
    assert kind.description == target.description


def test_every_service_refers_to_another():
    for name in SERVICES:
        stubs = {kind for kind in schema_of(name)._schema.type_map if kind in FOREIGN and FOREIGN[kind].service != name}
        assert stubs, name


@pytest.mark.parametrize("size", [1, 3])
def test_sample_references_lead_to_samples(size: int):
    made = {
        sample_row(entity, number, size)["id"]
        for name in SERVICES
        for entity in load_service(name).entities
        for number in range(count_of(entity.name, size))
    }
    for name in SERVICES:
        for entity in load_service(name).entities:
            for field in entity.fields:
                target = field.target.name if isinstance(field.target, Foreign) else field.target
                if target is None or target == "Invoice":  # invoices are made as events
                    continue
                ids = {sample_row(entity, number, size)[field.column] for number in range(count_of(entity.name, size))}
                assert ids - {None} <= made, (entity.name, field.name)


@pytest.mark.parametrize("name", SERVICES)
def test_the_heads_are_those_that_the_migration_tool_sees(name: str):
    from alembic.script import ScriptDirectory

    assert source_heads(name) == frozenset(ScriptDirectory.from_config(config_of(name)).get_heads()) != frozenset()


def test_a_serving_process_imports_no_migration_tool():
    code = "import sys, certify_stack.kit.server; print(sorted({'alembic', 'sqlalchemy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_command_line_knows_all_services(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ERP_DATABASE_DSN", raising=False)
    for arguments in ([name] for name in SERVICES):
        assert __main__.main(arguments) == 2
        assert "ERP_DATABASE_DSN is not set" in capsys.readouterr().err
    assert __main__.main(["migrate", "finance"]) == 2
    with pytest.raises(SystemExit) as unknown:
        __main__.main(["migrate", "payroll"])
    assert unknown.value.code == 2
    with pytest.raises(LookupError, match="payroll"):
        load_service("payroll")
