"""The SDL files of the reference stack are what its services are built from."""

import os
from pathlib import Path

import pytest

import certify_stack.erp
from certify_faults.federation import SCHEMAS
from certify_stack.kit.app import load_service
from certify_stack.kit.schema import build_schema

ERP = Path(certify_stack.erp.__file__).parent
FOLDER = ERP.parents[1] / SCHEMAS
NAMES = sorted(path.parent.name.replace("_", "-") for path in ERP.glob("*/service.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_service_has_the_schema_of_its_file(name: str):
    path, told = FOLDER / f"{name}.graphql", build_schema(load_service(name)).as_str() + "\n"
    if os.environ.get("UPDATE_DOCS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(told)
    assert path.read_text() == told, "run UPDATE_DOCS=1 pytest tests/checks/federation/test_schemas.py"


def test_no_file_is_left_of_a_service_that_is_gone():
    assert [path.stem for path in sorted(FOLDER.iterdir())] == NAMES
